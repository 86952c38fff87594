"""What runs of a platform's own tests came to, in the words of every other result.

One conversation test may be several tests there. The first runs of all of them together are its
first run, the second ones its second, and so on. The platform's verdict is taken as it is, apart
from two cases in which it says less than it seems to: it could not decide, or a tool was called
that no answer was prepared for.
"""

import re
from collections.abc import Mapping, Sequence

from trunkline.model.testing.platform_tests import (
    CompiledTest,
    Invocation,
    LeftOut,
    PlatformRun,
    PlatformTest,
)
from trunkline.model.testing.results import CheckOutcome, CheckResult, Outcome, RunResult

NO_MOCK_MATCHED = "NoMockMatched"
PLATFORM_UNDECIDED = "PlatformUndecided"
PLATFORM_TIMEOUT = "PlatformTimeout"
RUN_MISSING = "RunMissing"
NOT_EXPRESSIBLE = "NotExpressible"
NOTHING_CHECKED = "NothingChecked"
FAILED = "PlatformTestFailed"

_TURN = re.compile(r"^spec\.turns\[(\d+)\]")


def platform_runs(
    compiled: CompiledTest,
    ids: Mapping[str, str],
    invocation: Invocation,
    *,
    runs: int,
    positions: Mapping[str, str] | None = None,
) -> tuple[RunResult, ...]:
    """``runs`` results of one conversation test.

    ``ids`` maps a platform test's digest to its id there, ``positions`` a path to its place.
    """
    by_test = {
        test.digest: [run for run in invocation.runs if run.test_id == ids.get(test.digest)]
        for test in compiled.tests
    }
    places = positions or {}
    return tuple(
        _run(compiled, number, by_test, invocation.id, places) for number in range(1, runs + 1)
    )


def left_out_words(compiled: CompiledTest) -> tuple[str, ...]:
    """What of a test the platform cannot say, one line each."""
    return tuple(f"{compiled.name}: {one.path}: {one.why}" for one in compiled.left_out)


def _run(
    compiled: CompiledTest,
    number: int,
    by_test: Mapping[str, Sequence[PlatformRun]],
    invocation_id: str,
    places: Mapping[str, str],
) -> RunResult:
    found = [
        (test, runs[number - 1] if len(runs := by_test[test.digest]) >= number else None)
        for test in compiled.tests
    ]
    checks = [
        *(_check(test, run, places) for test, run in found),
        *(_not_applicable(one, places) for one in compiled.left_out),
    ]
    outcome = _outcome(checks)
    deciding = next((check for check in checks if check.outcome == outcome != "passed"), None)
    told = next((run.transcript for _, run in found if run is not None and run.transcript), ())
    return RunResult(
        number=number,
        outcome=outcome,
        reason=deciding.reason if deciding else "" if outcome == "passed" else NOTHING_CHECKED,
        message=deciding.found if deciding else "",
        checks=tuple(checks),
        transcript=told,
        turns=max((line.turn + 1 for line in told), default=0),
        conversation_id=invocation_id,
        judge="the platform's own",
    )


def _check(test: PlatformTest, run: PlatformRun | None, places: Mapping[str, str]) -> CheckResult:
    outcome, reason = _verdict(run)
    return CheckResult(
        path=test.source,
        position=_place(test.source, places),
        check=test.check,
        outcome=outcome,
        wanted=test.wanted,
        found="; ".join(run.reasons) if run is not None else "the platform has no such run",
        reason=reason,
        turn=_turn(test.source),
    )


def _verdict(run: PlatformRun | None) -> tuple[CheckOutcome, str]:
    if run is None:
        return "inconclusive", RUN_MISSING
    if run.state == "pending":
        return "inconclusive", PLATFORM_TIMEOUT
    if run.state == "failed":
        return "failed", FAILED
    if run.state != "passed":
        return "inconclusive", PLATFORM_UNDECIDED
    if run.unmocked:
        return "inconclusive", NO_MOCK_MATCHED
    return "passed", ""


def _not_applicable(left_out: LeftOut, places: Mapping[str, str]) -> CheckResult:
    return CheckResult(
        path=left_out.path,
        position=_place(left_out.path, places),
        check=left_out.path.rpartition(".")[2],
        outcome="notApplicable",
        wanted=left_out.why,
        reason=NOT_EXPRESSIBLE,
        turn=_turn(left_out.path),
    )


def _outcome(checks: Sequence[CheckResult]) -> Outcome:
    """A failure stands whatever else is open; nothing that was checked is no success."""
    carried_out = {check.outcome for check in checks} - {"notApplicable"}
    if "failed" in carried_out:
        return "failed"
    return "passed" if carried_out == {"passed"} else "inconclusive"


def _place(path: str, places: Mapping[str, str]) -> str:
    """Where a path stands, or the nearest part around it that has a place."""
    while path and path not in places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return places.get(path, "")


def _turn(path: str) -> int | None:
    found = _TURN.match(path)
    return int(found[1]) if found else None
