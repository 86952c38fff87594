"""What ``describe`` says of releases: what runs, what the branch says, its promotion, the rules."""

from collections.abc import Iterator

from trunkline.cli import printing
from trunkline.cli.promoting.showing import print_failing, print_phases, tell_next
from trunkline.cli.server import object_at, text
from trunkline.model.base import Json, JsonObject

INDENT = 2
ON_ITS_WAY = frozenset({"Shifting", "Finishing", "Aborting", "Aborted"})
"""Phases of a rollout in which the share of the calls is news."""


def print_released(found: JsonObject, environment: str) -> None:
    """The sections about releases and promotions; nothing where nothing is released."""
    if not found:
        return
    printing.print_text("Release:")
    printing.print_fields(_release(found), indent=INDENT)
    if rules := object_at(found, "rules"):
        printing.print_text("Rules of promotion:")
        printing.print_fields(list(_rules(rules, environment)), indent=INDENT)
    if promotion := object_at(found, "promotion"):
        printing.print_text("Promotion:")
        printing.print_fields(
            [
                ("Id", text(promotion, "id")),
                ("State", text(promotion, "state")),
                ("Gate", text(promotion, "standing")),
                ("Says", text(promotion, "headline")),
            ],
            indent=INDENT,
        )
        print_phases(promotion)
        print_failing(promotion)
        tell_next(promotion)


def _release(found: JsonObject) -> list[tuple[str, str]]:
    applied, seen = text(found, "appliedVersion"), text(found, "seenVersion")
    fields = [
        ("Version", f"v{applied}" if applied != "0" else "never released"),
        ("On the branch", f"v{seen}" if seen not in ("0", applied) else ""),
        ("Revision", text(found, "revision")),
        ("Changes", text(found, "changes")),
        ("By", text(found, "promotedBy")),
        ("Not applied", ": ".join(filter(None, (text(found, "reason"), text(found, "message"))))),
        ("Held", _held(found)),
        ("Rollout", _rollout(object_at(found, "rollout"))),
    ]
    return [(name, value) for name, value in fields if value]


def _held(found: JsonObject) -> str:
    hold = text(found, "hold")
    return f"{hold} (by {text(found, 'heldBy')})" if hold else ""


def _rollout(found: JsonObject) -> str:
    if text(found, "phase") not in ON_ITS_WAY:
        return ""
    words = f"v{text(found, 'version')} at {text(found, 'percent').removesuffix('.0')} %"
    return f"{words}: {text(found, 'message')}" if found.get("message") else words


def _rules(rules: JsonObject, environment: str) -> Iterator[tuple[str, str]]:
    promotion = object_at(rules, "promotion")
    approvals, tests = object_at(promotion, "approvals"), object_at(promotion, "tests")
    yield "From", text(promotion, "from")
    yield "Approvals", _approvals(approvals)
    yield "Tests", _tests(tests)
    yield "Soak", text(promotion, "soak")
    windows = "\n".join(_window(each) for each in _listed(promotion.get("windows")))
    yield "Windows", windows or "always open"
    rollout = object_at(promotion, "rollout")
    steps = ", ".join(f"{step} %" for step in _listed(rollout.get("steps")))
    yield "Rollout", f"{steps}, every {text(rollout, 'every')}" if steps else "at once"
    verify = object_at(promotion, "verify")
    yield "Verified by", ", ".join(str(tag) for tag in _listed(verify.get("tags"))) or "nothing"
    yield "Evidence lasts", text(object_at(promotion, "evidence"), "expires")
    yield "Of commit", text(rules, "revision")
    if pending := text(rules, "pending"):
        agree = f"trunkline resume -e {environment} --rules"
        yield "Pending", f"{pending}; an admin agrees with: {agree}"


def _approvals(approvals: JsonObject) -> str:
    roles = " or ".join(str(role) for role in _listed(approvals.get("roles")))
    others = ", not by an author" if approvals.get("notAuthor") else ""
    return f"{text(approvals, 'count')} by {roles}{others}"


def _tests(tests: JsonObject) -> str:
    manual = text(tests, "manual")
    words = "all required ones pass" if tests.get("required") else "not required"
    return words if manual in ("", "0") else f"{words}; {manual} manual results"


def _window(window: Json) -> str:
    if not isinstance(window, dict):
        return ""
    sense = "allow" if window.get("allow") else "deny"
    return f"{sense} {text(window, sense)} {text(window, 'timezone')}"


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
