"""A release as a pull request says it: what changes, what it rests on, what merging it does.

People who never saw this product read it, and some of its words were typed by others: they are
shown as text, bounded, and address nobody.
"""

from typing import Final

from trunkline.model.errors import InvalidInput
from trunkline.model.evidence import Evidence, parse_evidence
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import REQUEST_TEXT_MAX_CHARACTERS
from trunkline.model.promotions.records import PromotionRecord

SHORT_REVISION: Final = 10
WITHDRAWN_MARKER: Final = "<!-- trunkline:withdrawn -->"
_AS_TEXT: Final = str.maketrans({each: f"&#{ord(each)};" for each in "&<>@#`![]|"})
_LISTED: Final = 30
"""Tests, approvals and authors that are listed; the release file has them all."""


def release_request(
    record: PromotionRecord, spec: ReleaseSpec, current: ReleaseSpec | None
) -> tuple[str, str]:
    """Title and body, in Markdown."""
    verb = "Release" if spec.restores is None else "Roll back"
    title = f"{verb} {record.agent} in {record.environment}: v{spec.version}"
    if spec.restores is not None:
        title = f"{title}, back to v{spec.restores}"
    parts = (
        plain(spec.changes),
        _what_runs(spec, current),
        _evidence(spec),
        _what_happens(record, spec),
    )
    return title, "\n\n".join(filter(None, parts)) + "\n"


def withdrawal_note(record: PromotionRecord, why: str) -> str:
    """What is said on a pull request that we close ourselves."""
    words = f"Closed by Trunkline: {plain(why)}" if why else "Closed by Trunkline."
    return f"{WITHDRAWN_MARKER}\n{words}\n\nPromotion `{record.id}`.\n"


def plain(text: str) -> str:
    """Somebody's words as Markdown shows them: no markup of HTML, and nobody is called."""
    kept = "".join(each for each in text if each == "\n" or each.isprintable())
    return kept[:REQUEST_TEXT_MAX_CHARACTERS].strip().translate(_AS_TEXT)


def _what_runs(spec: ReleaseSpec, current: ReleaseSpec | None) -> str:
    rows = ["| | version | commit | configuration |", "| --- | --- | --- | --- |"]
    if current is None:
        rows.append("| runs now | none | | |")
    else:
        rows.append(_row("runs now", current))
    rows.append(_row("will run", spec))
    if spec.rollout is not None and spec.restores is None and spec.rollout.steps:
        steps = ", ".join(f"{step} %" for step in spec.rollout.steps)
        rows.append(f"\nIts share of the calls grows by steps: {steps}, then all.")
    return "\n".join(rows)


def _row(word: str, spec: ReleaseSpec) -> str:
    short = spec.digest.removeprefix("sha256:")[:12]
    return f"| {word} | v{spec.version} | `{spec.revision[:SHORT_REVISION]}` | `{short}` |"


def _evidence(spec: ReleaseSpec) -> str:
    try:
        evidence = parse_evidence(spec.evidence)
    except InvalidInput:
        return ""
    if spec.restores is not None:
        return f"It rests on the evidence of v{spec.restores}, which was released before."
    return "\n".join([*_tests(evidence), *_people(evidence)])


def _tests(evidence: Evidence) -> list[str]:
    required = [each for each in evidence.tests if each.required]
    if not required:
        return ["- tests: none was required"]
    names = ", ".join(f"{each.name} ({each.passed}/{each.runs})" for each in required[:_LISTED])
    more = f" and {len(required) - _LISTED} more" if len(required) > _LISTED else ""
    return [
        f"- tests passed ({evidence.test_run}): {plain(names)}{more}",
        f"- evidence counts until {evidence.expires_at:%Y-%m-%d %H:%M:%S %Z}",
    ]


def _people(evidence: Evidence) -> list[str]:
    approved = ", ".join(f"{each.person} ({each.role})" for each in evidence.approvals[:_LISTED])
    wrote = ", ".join(each.person or each.email for each in evidence.authors[:_LISTED])
    lines = [f"- approved by: {plain(approved) or 'nobody had to'}"]
    if wrote:
        lines.append(f"- written by: {plain(wrote)}")
    return lines


def _what_happens(record: PromotionRecord, spec: ReleaseSpec) -> str:
    if spec.restores is not None:
        return (
            f"The branch takes no push of the server, so this waits for somebody: merge it, and"
            f" v{spec.restores} runs again. Promotion `{record.id}`."
        )
    return (
        "Merging it, in any way, releases it: the server then tags the commit it was tested at,"
        " and nothing changes before that tag. Closing it rejects the promotion. It is closed by"
        f" itself once its evidence expires or a newer commit takes its place."
        f" Promotion `{record.id}`."
    )
