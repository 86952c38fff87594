"""Inputs and outputs of the workflow that runs conversation tests, and of its activities.

Apart from the reconciler's because neither knows the other. Scripts, renderings and transcripts
stay in PostgreSQL; what goes through history says which test, which run and how it ended.
"""

from typing import Literal

from activities.types import Failure, ObjectReference, Timing
from trunkline.model.base import Frozen
from trunkline.model.proposals import Proposal
from trunkline.model.testing.limits import TALK_PLACE_S, TALK_PLACE_WAIT_S, TALK_PLACES_RESERVED
from trunkline.model.testing.runs import HoldingKind

Ending = Literal["passed", "failed", "inconclusive"]


class TestBounds(Frozen):
    """How long a conversation waits for a place, how long it keeps one that its worker does not
    ask for again, and how many places of an account are left to callers.
    """

    __test__ = False

    place_wait_s: float = TALK_PLACE_WAIT_S
    place_s: float = TALK_PLACE_S
    reserve: int = TALK_PLACES_RESERVED


class TestRunInput(Frozen):
    """Tests somebody asked for.

    ``environment`` is whose configuration is tested, ``within`` whose agents it is put beside; both
    empty mean the environment that follows the branch. No ``agents``, ``tags`` or ``tests`` means
    all of them. ``branch`` is of the repository; ``revision`` is a commit of it that is read in the
    place of the tip. ``repeat`` and ``mode`` stand in for what the tests say; ``compare`` is an
    environment every result is compared with. ``proposal``: the tests are those merging it would
    leave, and so is what is tested, unless ``current`` says that it is what runs now. ``owner`` is
    for whom: what is made bears that name, no real service is reached, and nothing of it stays.
    """

    __test__ = False

    run_id: str
    project: str
    environment: str = ""
    within: str = ""
    branch: str = ""
    revision: str = ""
    agents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    repeat: int | None = None
    mode: Literal["", "text", "audio", "phone"] = ""
    runner: Literal["conversations", "platform"] = "conversations"
    compare: str = ""
    proposal: Proposal | None = None
    current: bool = False
    owner: str = ""
    requested_by: str = ""
    request_id: str = ""
    bounds: TestBounds = TestBounds()
    timing: Timing = Timing()


class PreparedRendering(Frozen):
    """A configuration that will be spoken to: ``objects`` must be made before its branch."""

    key: str
    agent: str
    objects: tuple[ObjectReference, ...] = ()


class PreparedTest(Frozen):
    """A test that can be carried out: with which rendering, and how many conversations it begins
    with. ``key`` is of its script, ``seconds`` bounds one conversation. ``baseline`` is the
    rendering of what it is compared with.
    """

    name: str
    key: str
    rendering: str
    conversations: int = 1
    seconds: float = 0.0
    baseline: str = ""


class PreparedRun(Frozen):
    """What there is to do. ``blocked`` is a reason why nothing is; ``revision`` was read."""

    tests: tuple[PreparedTest, ...] = ()
    renderings: tuple[PreparedRendering, ...] = ()
    environment: str = ""
    within: str = ""
    revision: str = ""
    blocked: str = ""
    message: str = ""


class TestObjectRequest(Frozen):
    """Make one tool, document or secret a configuration under test needs."""

    __test__ = False

    run_id: str
    project: str
    within: str
    rendering: str
    object: ObjectReference
    timing: Timing = Timing()


class TestBranchRequest(Frozen):
    """Put a configuration on a branch beside the live agent."""

    __test__ = False

    run_id: str
    project: str
    within: str
    rendering: str
    timing: Timing = Timing()


class TestBranch(Frozen):
    """The branch a configuration is on."""

    __test__ = False

    branch_id: str
    name: str = ""


class ConverseRequest(Frozen):
    """Have one conversation of a test."""

    run_id: str
    project: str
    within: str
    test: PreparedTest
    number: int
    baseline: bool = False
    bounds: TestBounds = TestBounds()
    timing: Timing = Timing()


class ConversationEnd(Frozen):
    """How one conversation ended; everything that was said is in PostgreSQL."""

    number: int
    outcome: Ending
    reason: str = ""
    restarts: int = 0


class PlatformTestsRequest(Frozen):
    """Have the platform run tests of one configuration that nobody has stored."""

    run_id: str
    project: str
    within: str
    rendering: str
    tests: tuple[PreparedTest, ...]
    timing: Timing = Timing()


class PlatformTestsReport(Frozen):
    """How many runs there were; ``left_out`` is what the platform cannot say, in words."""

    runs: int = 0
    left_out: tuple[str, ...] = ()


class LostConversation(Frozen):
    """A conversation nothing is known of, and why."""

    number: int
    failure: Failure
    baseline: bool = False


class TestVerdictRequest(Frozen):
    """Say what a test came to so far. ``failure`` is why it cannot be carried out at all."""

    __test__ = False

    run_id: str
    project: str
    test: PreparedTest
    lost: tuple[LostConversation, ...] = ()
    failure: Failure | None = None
    timing: Timing = Timing()


class TestVerdict(Frozen):
    """Decided, or how many more conversations it takes at least."""

    __test__ = False

    outcome: Ending | None = None
    more: int = 0
    message: str = ""


class RunEndRequest(Frozen):
    """End a run: with what its tests came to, or with why it never did."""

    run_id: str
    project: str
    cancelled: bool = False
    blocked: str = ""
    message: str = ""
    failure: Failure | None = None
    not_expressible: tuple[str, ...] = ()
    timing: Timing = Timing()


class TestRunSummary(Frozen):
    """How a run ended, for people who look at Temporal."""

    __test__ = False

    state: str
    outcome: Ending | None = None
    message: str = ""
    details: str = ""


class HoldingReference(Frozen):
    """Something that was made for tests and nobody uses any more."""

    kind: HoldingKind
    environment: str
    account: str
    name: str
    agent_id: str = ""
    digest: str = ""


class TidyRequest(Frozen):
    """Let go of everything a run holds."""

    run_id: str
    project: str
    timing: Timing = Timing()


class TidyLook(Frozen):
    """What is to be put away: branches first, because they refer to tools."""

    holdings: tuple[HoldingReference, ...] = ()


class PutAwayRequest(Frozen):
    """Archive a branch or delete a tool that nobody uses any more."""

    run_id: str
    project: str
    holding: HoldingReference
    timing: Timing = Timing()


RetestWord = Literal["worse", "unchanged", "better", "inconclusive", "discarded"]
"""``discarded``: something else was released meanwhile, and nothing is concluded."""


class RetestTally(Frozen):
    """How many agents came to what."""

    worse: int = 0
    unchanged: int = 0
    better: int = 0
    inconclusive: int = 0
    discarded: int = 0
    skipped: int = 0


class RetestInput(Frozen):
    """Test what an environment runs again. ``agents`` somebody asked for; none means all whose last
    retest is long enough ago. ``after`` and ``tally`` are carried over to the next history.
    """

    project: str
    environment: str
    agents: tuple[str, ...] = ()
    requested_by: str = "trunkline"
    request_id: str = ""
    after: str = ""
    tally: RetestTally = RetestTally()
    bounds: TestBounds = TestBounds()
    timing: Timing = Timing()


class RetestTarget(Frozen):
    """One agent to be tested again: what it runs, by which tests, in which runs of tests. The
    second run is only had if the first one finds it worse.
    """

    agent: str
    version: int
    revision: str
    digest: str
    tags: tuple[str, ...]
    runs: int
    run_ids: tuple[str, str]


class RetestBatch(Frozen):
    """Whom to test now; ``after`` is where the next ones begin, "" if these are the last."""

    targets: tuple[RetestTarget, ...] = ()
    skipped: int = 0
    after: str = ""
    details: str = ""


class RetestJudgementRequest(Frozen):
    """Say what retests of one agent came to; with one run the first word, with two the last."""

    project: str
    environment: str
    target: RetestTarget
    run_ids: tuple[str, ...]
    timing: Timing = Timing()


class RetestJudgement(Frozen):
    """``again``: it looks worse, and a second run has to say so too."""

    outcome: RetestWord
    again: bool = False
    message: str = ""


class RetestReport(Frozen):
    """What retests of an environment came to, for people who look at Temporal."""

    tally: RetestTally = RetestTally()
    details: str = ""
