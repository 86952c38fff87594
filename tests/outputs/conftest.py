"""Reports of conversation tests as a run leaves them, to be written in every form."""

from datetime import UTC, datetime

import pytest

from trunkline.model.testing.results import (
    CheckResult,
    Interval,
    Outcome,
    RunResult,
    TestResult,
    TestRunReport,
    Vote,
)
from trunkline.model.testing.transcripts import Line

AT = datetime(2026, 6, 12, 9, 0, tzinfo=UTC)
HOSTILE = 'Well\x00 <b>"AT&T"</b> ]]>\x1b[31m ::error::no \ud800 50%,\r\nyes: `x` | $(id)'
"""What an agent, or a stranger who talks to it, may say."""

HELLO = Line(at_ms=420, turn=0, kind="agentSaid", text="Hello, this is Bluff Creek.")
BOOK = (
    Line(at_ms=1_000, turn=1, kind="callerSaid", text="I need Tuesday at two."),
    Line(
        at_ms=1_700,
        turn=1,
        kind="toolCalled",
        tool="book_slot",
        call_id="1",
        arguments={"slot": "2026-06-17T14:00"},
    ),
    Line(
        at_ms=1_900,
        turn=1,
        kind="toolAnswered",
        tool="book_slot",
        call_id="1",
        answer={"confirmation": "APT-12345"},
    ),
    Line(at_ms=2_400, turn=1, kind="agentSaid", text=HOSTILE),
)
BYE = Line(at_ms=3_000, turn=2, kind="callerSaid", text="Thank you.")
MET = CheckResult(
    path="spec.turns[0].expect[0]",
    position="agents/front-desk/tests/book.yaml:12:9",
    check="says",
    outcome="passed",
    wanted='"Hello"',
    turn=0,
)
MISSED = CheckResult(
    path="spec.turns[1].expect[1]",
    position="agents/front-desk/tests/book.yaml:18:9",
    check="says",
    outcome="failed",
    wanted='contains "APT-12345"',
    found=f'"{HOSTILE}"',
    reason="NotSaid",
    turn=1,
)
UNJUDGED = CheckResult(
    path="spec.finally[0]",
    position="agents/front-desk/tests/book.yaml:24:5",
    check="goal",
    outcome="inconclusive",
    wanted="exactly one appointment is booked",
    reason="JudgeUnavailable",
    votes=(Vote(agrees=None, reason="the endpoint does not answer"),),
)
NEVER = CheckResult(
    path="spec.turns[2].expect[0]",
    position="agents/front-desk/tests/book.yaml:21:9",
    check="says",
    outcome="inconclusive",
    wanted='"Goodbye"',
    reason="NotReached",
    turn=2,
)


def a_run(number: int, outcome: Outcome) -> RunResult:
    """A run that came to an outcome the way real ones do."""
    checks = {
        "passed": (MET,),
        "failed": (MET, MISSED, NEVER),
        "inconclusive": (MET, UNJUDGED),
    }
    reasons = {"passed": "", "failed": "NotSaid", "inconclusive": "JudgeUnavailable"}
    return RunResult(
        number=number,
        outcome=outcome,
        reason=reasons[outcome],
        checks=checks[outcome],
        transcript=(HELLO, *BOOK, BYE),
        reply_ms=(420, 700),
        turns=3,
        duration_s=61.5,
        cost_usd=0.012,
        conversation_id=f"conv_{number}",
        judge="trunkline-plain/1",
    )


def a_test(
    name: str,
    outcome: Outcome,
    runs: tuple[Outcome, ...] = (),
    *,
    required: bool = True,
    agent: str = "front-desk",
    reason: str = "",
    message: str = "",
) -> TestResult:
    """A test after these runs."""
    made = tuple(a_run(number + 1, came_to) for number, came_to in enumerate(runs))
    return TestResult(
        name=name,
        agent=agent,
        environment="testing",
        tags=("smoke",),
        why="Ticket OPS-412",
        position="agents/front-desk/tests/book.yaml:4:9",
        required=required,
        outcome=outcome,
        reason=reason,
        message=message,
        runs=made,
        runs_planned=max(len(runs), 1),
        runs_needed=max(runs.count("passed"), 1),
        flaky=outcome == "passed" and "failed" in runs,
        pass_rate=runs.count("passed") / len(runs) if runs else None,
        interval=Interval(low=0.2, high=0.9) if runs else None,
        reply_p50_ms=420 if runs else None,
        reply_p95_ms=700 if runs else None,
        cost_usd=0.012 * len(runs),
        digest="sha256:" + "7e" * 32,
        agent_digest="sha256:" + "5e" * 32,
        rendered_digest="sha256:" + "3e" * 32,
        judge="trunkline-plain/1",
    )


@pytest.fixture
def report() -> TestRunReport:
    """A run in which everything happened that can."""
    return TestRunReport(
        id="test-0001",
        project="acme",
        environment="testing",
        revision="3f0c" * 10,
        requested_by="author@example.com",
        state="Finished",
        outcome="failed",
        tests=(
            a_test("greets", "passed", ("passed",)),
            a_test("books", "failed", ("passed", "failed", "inconclusive", "failed")),
            a_test("books-mostly", "passed", ("failed", "passed", "passed")),
            a_test("judged", "inconclusive", ("passed", "inconclusive", "failed")),
            a_test("improvised", "failed", ("failed",), required=False),
            a_test("vague", "inconclusive", ("inconclusive",), required=False),
            a_test(
                "answers-at-night",
                "inconclusive",
                agent="after-hours",
                reason="AgentNotDeployed",
                message="after-hours is not on the platform; sync it first",
            ),
        ),
        expected=7,
        advisories=2,
        estimated_usd=0.2,
        cost_usd=0.144,
        suite_digest="sha256:" + "1e" * 32,
        created_at=AT,
        finished_at=AT,
    )
