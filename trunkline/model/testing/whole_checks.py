"""The form of a check of the whole conversation, and of what a judge is still asked about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.model.testing.asking import Asked
from trunkline.model.testing.results import CheckResult


@dataclass(frozen=True, slots=True)
class Whole:
    """A check with its questions; while there are any, it is inconclusive NotJudged."""

    check: CheckResult
    asked: tuple[Asked, ...] = ()


def blank(path: str, name: str, wanted: str) -> CheckResult:
    """A check nothing is known about yet."""
    return CheckResult(
        path=path,
        position="",
        check=name,
        outcome="inconclusive",
        wanted=wanted,
        reason="NotReached",
    )


def decided(
    check: CheckResult,
    *,
    holds: bool,
    found: str,
    reason: str = "",
    asked: Sequence[Asked] = (),
) -> Whole:
    """The check with its outcome; ``reason`` counts if it does not hold."""
    if not holds:
        return Whole(_with(check, "failed", found, reason))
    if asked:
        return Whole(_with(check, "inconclusive", found, "NotJudged"), tuple(asked))
    return Whole(_with(check, "passed", found, ""))


def unknown(check: CheckResult, found: str, reason: str) -> Whole:
    """The check, with why nobody can tell."""
    return Whole(_with(check, "inconclusive", found, reason))


def not_applicable(check: CheckResult) -> Whole:
    """The check in a mode that cannot evaluate it."""
    return Whole(_with(check, "notApplicable", "", "NotInThisMode"))


def _with(check: CheckResult, outcome: str, found: str, reason: str) -> CheckResult:
    return check.model_copy(update={"outcome": outcome, "found": found, "reason": reason})
