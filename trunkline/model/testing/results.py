"""What came of a test: of each check, of each run, of the test, of all tests asked for.

passed, failed, inconclusive: a definite good answer, a definite bad one, could not find out. A run
without a single required check that was carried out is inconclusive. Only failed blames.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json
from trunkline.model.kinds.conversation import Mode
from trunkline.model.testing.transcripts import Line

Outcome = Literal["passed", "failed", "inconclusive"]
CheckOutcome = Literal["passed", "failed", "inconclusive", "notApplicable"]
SCHEMA_VERSION: Literal["trunkline/test-result/v1"] = "trunkline/test-result/v1"


class Vote(Frozen):
    """What a judge said once, and why."""

    agrees: bool | None
    reason: str = ""


class CheckResult(Frozen):
    """One expectation of the script and what came of it.

    ``path`` leads to it in the document (``spec.turns[1].expect[0]``), ``position`` says where it
    stands (``file:line:column``). ``wanted`` and ``found`` are one line each. ``reason`` is a
    PascalCase word for a check that did not pass. ``turn`` is None for checks of the whole.
    """

    path: str
    position: str
    check: str
    outcome: CheckOutcome
    wanted: str
    found: str = ""
    reason: str = ""
    turn: int | None = None
    votes: tuple[Vote, ...] = ()


class RunResult(Frozen):
    """One conversation. ``reply_ms`` has one number for each reply: input sent to first words.

    ``restarts`` counts how often it was begun again because the worker that held it died.
    ``cost_usd`` is an estimate at the project's rates. ``judge`` names who judged, "" for nobody.
    ``call_sid`` is the carrier's id of the call in mode ``phone``.
    """

    number: int
    outcome: Outcome
    reason: str = ""
    message: str = ""
    mode: Mode = "text"
    checks: tuple[CheckResult, ...] = ()
    transcript: tuple[Line, ...] = ()
    reply_ms: tuple[int, ...] = ()
    turns: int = 0
    duration_s: float = 0.0
    cost_usd: float = 0.0
    restarts: int = 0
    conversation_id: str = ""
    call_sid: str = ""
    judge: str = ""


class Interval(Frozen):
    """Where the true pass rate lies with 95 % confidence (Wilson score interval)."""

    low: float
    high: float


class TestResult(Frozen):
    """One test after all its runs. ``flaky`` passed with runs that failed; inconclusive runs are
    left out of the pass rate and still block. ``digest`` is the test's, ``agent_digest`` and
    ``rendered_digest`` are of what was spoken to, ``judge`` of who judged.
    """

    __test__ = False

    name: str
    agent: str
    environment: str
    tags: tuple[str, ...] = ()
    why: str = ""
    position: str = ""
    required: bool = True
    mode: Mode = "text"
    outcome: Outcome
    reason: str = ""
    message: str = ""
    runs: tuple[RunResult, ...] = ()
    runs_planned: int = 1
    runs_needed: int = 1
    flaky: bool = False
    pass_rate: float | None = None
    interval: Interval | None = None
    reply_p50_ms: int | None = None
    reply_p95_ms: int | None = None
    cost_usd: float = 0.0
    digest: str = ""
    agent_digest: str = ""
    rendered_digest: str = ""
    judge: str = ""
    baseline: "TestResult | None" = None


class TestRunReport(Frozen):
    """Everything one request for tests came to, and what it was about.

    ``outcome`` is failed if a required test failed, else inconclusive if a required one is or none
    was carried out, else passed. ``advisories`` counts advisory tests that did not pass. A run that
    may not even begin is Blocked: ``reason`` is a PascalCase word for it. ``agents`` are the
    agents it was asked for.
    """

    __test__ = False

    schema_version: Literal["trunkline/test-result/v1"] = SCHEMA_VERSION
    id: str
    project: str
    environment: str
    revision: str = ""
    requested_by: str = ""
    runner: Literal["conversations", "platform"] = "conversations"
    state: Literal["Running", "Finished", "Cancelled", "Blocked"] = "Running"
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    agents: tuple[str, ...] = ()
    tests: tuple[TestResult, ...] = ()
    expected: int = 0
    advisories: int = 0
    estimated_usd: float = 0.0
    cost_usd: float = 0.0
    not_expressible: tuple[str, ...] = ()
    suite_digest: str = ""
    details: dict[str, Json] = Field(default_factory=dict)
    created_at: datetime | None = None
    finished_at: datetime | None = None
