"""How tests and whole runs of them end: what they came to, and what they leave behind: nothing.

Whether a test needs more conversations is decided here, because it may change with the code while
a workflow is running. Branches and tools are put away one by one, each by whoever let go last.
"""

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import translated, try_again_in
from activities.heartbeats import beating
from activities.names import CONCLUDE_TEST, CONCLUDE_TEST_RUN, LOOK_TO_TIDY, PUT_AWAY
from activities.run_results import lost_run
from activities.testing.carriers import put_carrier_away
from activities.testing.ports import TestPorts
from activities.testing.results import (
    conversation_key,
    excused,
    put_part,
    read_part,
    read_parts,
)
from activities.testing_types import (
    HoldingReference,
    PreparedTest,
    PutAwayRequest,
    RunEndRequest,
    TestRunSummary,
    TestVerdict,
    TestVerdictRequest,
    TidyLook,
    TidyRequest,
)
from activities.types import StepResult, Timing
from trunkline.model.creation import LOOKS_PER_BOUND, settles_at
from trunkline.model.errors import (
    ClaimPending,
    Conflict,
    NotFound,
    RemoteMissing,
    TrunklineError,
)
from trunkline.model.ids import ExternalId, content_mark
from trunkline.model.ledger import Claim, SharedKind
from trunkline.model.testing.limits import ABANDONED_PER_RUN, TEST_HOLD_S, TEST_PUT_AWAY_S
from trunkline.model.testing.repeats import decided, stops_early, summarise, summarise_test
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport
from trunkline.model.testing.runs import TestHolding, TestPartKind
from trunkline.model.testing.scripts import Script
from trunkline.ports import VoicePlatform

NOTHING_CHOSEN = "no test fits what was asked for"
DETAILS_TESTS_MAX = 20
"""Tests named before the rest is only in the report."""


class TestRunActivities:
    """The activities after conversations."""

    __test__ = False

    def __init__(self, ports: TestPorts) -> None:
        self._ports = ports

    @activity.defn(name=CONCLUDE_TEST)
    async def conclude_test(self, request: TestVerdictRequest) -> TestVerdict:
        """What the test came to, or how many more conversations it takes at least."""
        with translated(request.timing, patient=True):
            test, parts = request.test, self._ports.parts
            longer = self._ports.clock.now() + timedelta(seconds=TEST_HOLD_S)
            await self._ports.holdings.keep_holdings(request.project, request.run_id, longer)
            script = await read_part(parts, request.run_id, "script", test.key, Script)
            failure = request.failure
            if failure is not None:
                hint = f". {failure.hint}" if failure.hint else ""
                result = excused(script, failure.reason, f"{failure.message}{hint}")
                return await self._decided(request, result)
            for lost in request.lost:
                run = lost_run(
                    script, lost.failure.reason, lost.failure.message, number=lost.number
                )
                kind: TestPartKind = "baseline" if lost.baseline else "conversation"
                key = conversation_key(test.name, lost.number)
                await put_part(parts, request.run_id, kind, key, run)
            runs = await self._runs(request.run_id, "conversation", test)
            more = _more(script, runs)
            if more:
                return TestVerdict(more=more)
            baseline = await self._baseline(request, script)
            return await self._decided(request, summarise_test(script, runs, baseline=baseline))

    @activity.defn(name=CONCLUDE_TEST_RUN)
    async def conclude_test_run(self, request: RunEndRequest) -> TestRunSummary:
        """Put everything together, write it down, and say it in a few words."""
        with translated(request.timing, patient=True):
            report = await self._ports.reports.run_report(request.run_id)
            if report is None:
                raise NotFound(f"there is no test run {request.run_id}")
            if report.finished_at is None:
                report = _ended(report, request)
                await self._ports.reports.finish_run(report)
            return TestRunSummary(
                state=report.state,
                outcome=report.outcome,
                message=report.message,
                details=_details(report),
            )

    @activity.defn(name=LOOK_TO_TIDY)
    async def look_to_tidy(self, request: TidyRequest) -> TidyLook:
        """Let go of what the run holds; answers what nobody else holds, branches first."""
        with translated(request.timing, patient=True):
            ports = self._ports
            until = ports.clock.now() + timedelta(seconds=TEST_PUT_AWAY_S)
            held = await ports.holdings.holdings(request.project, request.run_id)
            left = await ports.holdings.abandoned(request.project, limit=ABANDONED_PER_RUN)
            free = [
                one
                for one in (*held, *left)
                if await ports.holdings.stop_holding(one, request.run_id, until)
            ]
            free.sort(key=lambda one: (one.kind, one.key))
            return TidyLook(holdings=tuple(_reference(one) for one in free))

    @activity.defn(name=PUT_AWAY)
    async def put_away(self, request: PutAwayRequest) -> StepResult:
        """Archive the branch or delete the tool, unless it is somebody else's after all."""
        with translated(request.timing):
            async with beating():
                holding, holdings = _holding(request), self._ports.holdings
                until = self._ports.clock.now() + timedelta(seconds=TEST_PUT_AWAY_S)
                if not await holdings.closes(holding, until):
                    return StepResult(note="in use again")
                voice = await self._ports.accounts.voice(holding.project, holding.environment)
                try:
                    if holding.kind == "branch":
                        await _archive(voice, holding, request.timing.request_timeout_s)
                    elif holding.kind == "agent":
                        await put_carrier_away(voice, holding, request.timing)
                    else:
                        await self._delete(voice, holding, holding.kind, request.timing)
                except (TrunklineError, ApplicationError):
                    await holdings.stays(holding)
                    raise
                await holdings.was_put_away(holding)
                return StepResult(note="put away")

    async def _decided(self, request: TestVerdictRequest, result: TestResult) -> TestVerdict:
        await self._ports.reports.put_result(request.run_id, result)
        return TestVerdict(outcome=result.outcome, message=result.message)

    async def _runs(
        self, run_id: str, kind: TestPartKind, test: PreparedTest
    ) -> tuple[RunResult, ...]:
        return await read_parts(self._ports.parts, run_id, kind, f"{test.name}/", RunResult)

    async def _baseline(self, request: TestVerdictRequest, script: Script) -> TestResult | None:
        """The same test with what it is compared with; None if there was nothing to speak to."""
        comparison = script.spec.compare
        if comparison is None or not request.test.baseline:
            return None
        runs = await self._runs(request.run_id, "baseline", request.test)
        spec = script.spec.model_copy(update={"compare": None})
        test = script.test.model_copy(update={"spec": spec})
        alone = script.model_copy(update={"test": test, "environment": comparison.to})
        return summarise_test(alone, runs)

    async def _delete(
        self, voice: VoicePlatform, holding: TestHolding, kind: SharedKind, timing: Timing
    ) -> None:
        """Delete an object and forget its claim. Raises Conflict while something uses it.

        A create whose answer nobody knows may still appear; it is waited for like any other.
        """
        claims = await self._ports.ledger.claims(
            voice.account, holding.project, holding.environment, names=(holding.name,)
        )
        claim = next(
            (one for one in claims if (one.kind, one.digest) == (kind, holding.digest)), None
        )
        if claim is None:
            return
        mark = content_mark(holding.project, holding.environment, claim.name, claim.digest)
        known: tuple[ExternalId, ...] = ()
        if claim.external_id is not None:
            known = (claim.external_id,)
        else:
            now = self._ports.clock.now()
            known = tuple(one.external_id for one in await voice.find_objects(kind, mark))
            attempt = claim.attempt
            if not known and attempt and now < settles_at(attempt, timing.list_lag_bound_s):
                words = f"{kind} {holding.name} may still appear"
                raise try_again_in(ClaimPending(words), timing.list_lag_bound_s / LOOKS_PER_BOUND)
        for external_id in known:
            if await _is_ours(voice, mark, claim, external_id):
                await voice.delete_object(kind, external_id, timeout_s=timing.request_timeout_s)
        await self._ports.ledger.forget_claim(claim)


async def _is_ours(voice: VoicePlatform, mark: str, claim: Claim, external_id: ExternalId) -> bool:
    """False if it is gone. Raises Conflict if it is used, or carries another mark."""
    try:
        usage = await voice.object_usage(claim.kind, external_id)
    except RemoteMissing:
        return False
    if usage.mark != mark:
        raise Conflict(f"{claim.kind} {claim.name} ({external_id}) does not carry our mark")
    if usage.users:
        raise Conflict(f"{claim.kind} {claim.name} ({external_id}) is used by {usage.users[0]}")
    return True


async def _archive(voice: VoicePlatform, holding: TestHolding, timeout_s: float) -> None:
    if holding.agent_id is None:
        return
    try:
        listed = await voice.branches.branches(holding.agent_id)
    except RemoteMissing:
        return
    for branch in listed:
        if branch.name == holding.name and not branch.main:
            await voice.branches.archive_branch(holding.agent_id, branch.id, timeout_s=timeout_s)


def _more(script: Script, runs: tuple[RunResult, ...]) -> int:
    """How many conversations have to follow: never more than could still be needed to pass."""
    repeat = script.spec.repeat
    left = repeat.runs - len(runs)
    outcomes = [run.outcome for run in runs]
    if left <= 0:
        return 0
    if not stops_early(script):
        return left
    if decided(outcomes, repeat.runs, repeat.must_pass) is not None:
        return 0
    return min(left, max(repeat.must_pass - outcomes.count("passed"), 1))


def _ended(report: TestRunReport, request: RunEndRequest) -> TestRunReport:
    """The report of a run that is over, whatever ended it."""
    whole = summarise(report, report.tests)
    failure = request.failure
    if request.cancelled:
        words = f"cancelled after {len(report.tests)} of {report.expected} tests"
        said = {"state": "Cancelled", "reason": "Cancelled", "message": words, "outcome": None}
    elif request.blocked:
        said = {
            "state": "Blocked",
            "reason": request.blocked,
            "message": request.message,
            "outcome": None,
        }
    elif failure is not None:
        hint = f". {failure.hint}" if failure.hint else ""
        said = {
            "state": "Finished",
            "outcome": "inconclusive",
            "reason": failure.reason,
            "message": f"{failure.message}{hint}",
        }
    else:
        reasons = [test.reason for test in whole.tests if test.outcome == whole.outcome]
        said = {"state": "Finished", "reason": reasons[0] if reasons else ""}
        if not report.expected:
            said = {"state": "Finished", "reason": "NothingChecked", "message": NOTHING_CHOSEN}
    return whole.model_copy(update={**said, "not_expressible": request.not_expressible})


def _details(report: TestRunReport) -> str:
    """What Temporal shows: the outcome and a line for each test that did not pass."""
    word = report.outcome or report.state
    lines = [f"**{word}** {report.message}".rstrip()]
    lines += [
        f"- {test.name}: {test.outcome} {test.reason} {test.message}".rstrip()
        for test in report.tests
        if test.outcome != "passed"
    ][:DETAILS_TESTS_MAX]
    return "\n".join(lines)


def _reference(holding: TestHolding) -> HoldingReference:
    return HoldingReference(
        kind=holding.kind,
        environment=holding.environment,
        account=holding.account,
        name=holding.name,
        agent_id=holding.agent_id or "",
        digest=holding.digest,
    )


def _holding(request: PutAwayRequest) -> TestHolding:
    one = request.holding
    return TestHolding(
        kind=one.kind,
        project=request.project,
        environment=one.environment,
        account=one.account,
        name=one.name,
        agent_id=ExternalId(one.agent_id) if one.agent_id else None,
        digest=one.digest,
    )
