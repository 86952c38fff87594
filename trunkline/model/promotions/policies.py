"""The rules of promotion of an environment, as they are in force.

They are those of the last applied revision, and a commit that weakens them does not make them
weaker: the former ones stay in force, whole, until an admin agrees. Whole, because a mixture of two
sets of rules is nobody's and cannot be read in any commit.

Weaker is what could let something through that was stopped before. Who people are counts as well:
whoever maps an author's address to somebody else could approve their own work. A window is weaker
unless every moment that was closed stays closed, which is certain within one time zone only. What
has no rule here yet is weaker as soon as it changes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from trunkline.model.base import Frozen
from trunkline.model.durations import format_duration
from trunkline.model.kinds.project import (
    Approvals,
    Evidence,
    Person,
    Project,
    Promotion,
    RequiredTests,
    Retest,
    Rollout,
    Verification,
    Window,
)
from trunkline.model.kinds.windows import parse_hours
from trunkline.model.public_keys import NotAPublicKey, parse_evidence_key

SHORT_REVISION: Final = 10
DAY_MINUTES: Final = 24 * 60
WEEK_MINUTES: Final = 7 * DAY_MINUTES
NOTHING_PROMOTED: Final = "nothing is promoted there any more"


class PromotionRules(Frozen):
    """What a promotion into an environment has to satisfy, who people are, and whose signatures
    count. ``revision`` is the commit they are from; ``pending`` says which weaker rules of a newer
    commit wait for an admin, in words, and ``pending_digest`` is exactly those rules' mark.
    """

    promotion: Promotion
    people: tuple[Person, ...] = ()
    public_keys: tuple[str, ...] = ()
    revision: str = ""
    pending: str = ""
    pending_digest: str = ""


def rules_of(project: Project, environment: str, revision: str) -> PromotionRules | None:
    """The rules a manifest says for an environment; None if nothing is promoted into it."""
    found = project.environment(environment)
    if found is None or found.promotion is None:
        return None
    signing = project.spec.signing
    return PromotionRules(
        promotion=found.promotion,
        people=project.spec.people,
        public_keys=signing.public_keys if signing is not None else (),
        revision=revision,
    )


def weakened(former: PromotionRules | None, new: PromotionRules | None) -> tuple[str, ...]:
    """What of the former rules is weaker in the new ones, a few words each; empty if nothing is.

    Without former rules nothing can be weaker. New rules that are None let go of all of them.
    """
    if former is None:
        return ()
    if new is None:
        return (NOTHING_PROMOTED,)
    found: list[str] = []
    for name, field in Promotion.model_fields.items():
        was, now = getattr(former.promotion, name), getattr(new.promotion, name)
        if was != now:
            found += CHECKS.get(name, _any_change(field.alias or name))(was, now)
    found += _people(former.people, new.people)
    found += _public_keys(former.public_keys, new.public_keys)
    return tuple(found)


def in_force(
    former: PromotionRules | None, new: PromotionRules | None, *, revision: str = ""
) -> PromotionRules | None:
    """The rules that count once a commit says ``new``: the former ones whole, with ``pending``
    words, if anything is weaker; else the new ones. ``revision`` is that commit's.
    """
    words = weakened(former, new)
    if former is None or not words:
        return new
    commit = (new.revision if new is not None else "") or revision
    by = f"{commit[:SHORT_REVISION]} weakens the rules" if commit else "weaker rules wait"
    return former.model_copy(update={"pending": f"{by}: {'; '.join(words)}"})


Check: TypeAlias = Callable[..., Iterator[str]]


def _any_change(name: str) -> Check:
    def changed(_was: object, _now: object) -> Iterator[str]:
        yield f"{name} changed"

    return changed


def _from(was: str, now: str) -> Iterator[str]:
    yield f"from {now} instead of {was}"


def _via(was: str, now: str) -> Iterator[str]:
    if (was, now) == ("pull-request", "commit"):
        yield "via commit instead of pull-request"


def _automatic(_was: object, now: object) -> Iterator[str]:
    if now:
        yield "automatic"


def _tests(was: RequiredTests, now: RequiredTests) -> Iterator[str]:
    if was.required and not now.required:
        yield "tests are not required"
    if now.manual < was.manual:
        yield f"{now.manual} manual results instead of {was.manual}"


def _approvals(was: Approvals, now: Approvals) -> Iterator[str]:
    if now.count < was.count:
        yield f"{now.count} approvals instead of {was.count}"
    more = sorted(set(now.roles) - set(was.roles))
    if more:
        yield f"approvals by {', '.join(more)}"
    if was.not_author and not now.not_author:
        yield "approvals by authors"


def _soak(was: timedelta, now: timedelta) -> Iterator[str]:
    if now < was:
        yield f"soak {format_duration(now)} instead of {format_duration(was)}"


def _windows(was: tuple[Window, ...], now: tuple[Window, ...]) -> Iterator[str]:
    allowed, allows = _minutes(was, "allow"), _minutes(now, "allow")
    denied, denies = _minutes(was, "deny"), _minutes(now, "deny")
    if allowed and (not allows or not _within(allows, allowed)):
        yield "windows open at other times"
    if not _within(denied, denies):
        yield "windows are closed at fewer times"


def _minutes(windows: Iterable[Window], sense: str) -> dict[str, set[int]]:
    """Minutes of the week inside windows of one sense, by time zone."""
    found: dict[str, set[int]] = {}
    for window in windows:
        text = window.allow if sense == "allow" else window.deny
        if text is None:
            continue
        hours = parse_hours(text)
        start = hours.start.hour * 60 + hours.start.minute
        end = hours.end.hour * 60 + hours.end.minute
        length = (end - start) % DAY_MINUTES or DAY_MINUTES
        minutes = found.setdefault(window.timezone, set())
        for day in hours.days:
            first = day * DAY_MINUTES + start
            minutes.update(minute % WEEK_MINUTES for minute in range(first, first + length))
    return found


def _within(inner: Mapping[str, set[int]], outer: Mapping[str, set[int]]) -> bool:
    """True if every moment of ``inner`` certainly is one of ``outer``."""
    return all(minutes <= outer.get(zone, set()) for zone, minutes in inner.items())


def _rollout(was: Rollout | None, now: Rollout | None) -> Iterator[str]:
    if was is None or not was.steps:
        return
    if now is None or not now.steps:
        yield "no rollout by steps"
        return
    if len(now.steps) < len(was.steps):
        yield f"{len(now.steps)} steps of rollout instead of {len(was.steps)}"
    if any(later > former for former, later in zip(was.steps, now.steps, strict=False)):
        yield "larger steps of rollout"
    if now.every < was.every:
        yield f"steps of {format_duration(now.every)} instead of {format_duration(was.every)}"


def _verify(was: Verification | None, now: Verification | None) -> Iterator[str]:
    if was is None:
        return
    if now is None:
        yield "no verification"
        return
    if set(now.tags) != set(was.tags):
        yield f"verification by tests {', '.join(now.tags)} instead of {', '.join(was.tags)}"
    if was.rollback and not now.rollback:
        yield "no rollback after a failed verification"


def _retest(was: Retest | None, now: Retest | None) -> Iterator[str]:
    if was is None:
        return
    if now is None:
        yield "no retests"
        return
    if set(now.tags) != set(was.tags):
        yield f"retests by tests {', '.join(now.tags)} instead of {', '.join(was.tags)}"
    if now.every > was.every:
        yield f"retests every {format_duration(now.every)} instead of {format_duration(was.every)}"
    if now.runs < was.runs:
        yield f"{now.runs} runs of each retest instead of {was.runs}"


def _evidence(was: Evidence, now: Evidence) -> Iterator[str]:
    if now.expires > was.expires:
        lasts, lasted = format_duration(now.expires), format_duration(was.expires)
        yield f"evidence lasts {lasts} instead of {lasted}"


CHECKS: Final[Mapping[str, Check]] = {
    "from_environment": _from,
    "via": _via,
    "automatic": _automatic,
    "tests": _tests,
    "approvals": _approvals,
    "soak": _soak,
    "windows": _windows,
    "rollout": _rollout,
    "verify": _verify,
    "retest": _retest,
    "evidence": _evidence,
}
"""What is weaker in each rule that changed, by its field."""


def _people(was: tuple[Person, ...], now: tuple[Person, ...]) -> Iterator[str]:
    before, after = _listed(was), _listed(now)
    changed = sorted(email for email, _ in before ^ after)
    if changed:
        yield f"people: {', '.join(dict.fromkeys(changed))}"


def _listed(people: Iterable[Person]) -> set[tuple[str, str]]:
    return {(email.lower(), person.name) for person in people for email in person.emails}


def _public_keys(was: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    added = {spelt(key) for key in now} - {spelt(key) for key in was}
    if added:
        yield f"{len(added)} new public {'key' if len(added) == 1 else 'keys'}"


def spelt(public_key: str) -> str:
    """A public key in its one spelling; the text itself if it is none."""
    try:
        return parse_evidence_key(public_key)
    except NotAPublicKey:
        return public_key.strip()
