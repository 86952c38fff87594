"""Inputs and outputs of workflows and activities: references and verdicts, never bodies.

One input model per workflow and activity, so that a field can be added without breaking a running
workflow. Bodies stay in PostgreSQL; what goes through history is a few hundred bytes. These types
and the names below are all that workflows, services and activities share.
"""

from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.conditions import Conditions
from trunkline.model.ids import Digest, Revision

RecordKind = Literal["agent", "number"]

WORKFLOW_QUEUE = "trunkline"
"""Workflows, and the activities that need nothing but PostgreSQL and Temporal."""
SOURCE_QUEUE = "trunkline-source"
"""Git: few and long."""
PLATFORM_QUEUE = "trunkline-platforms"
"""ElevenLabs and Twilio: many and short, and never in the way of the other two."""

PROJECT_WORKFLOW = "ProjectWorkflow"
AGENT_WORKFLOW = "AgentWorkflow"
NUMBER_WORKFLOW = "NumberWorkflow"
SWEEP_WORKFLOW = "SweepWorkflow"
PLAN_WORKFLOW = "PlanWorkflow"

REFRESH_SIGNAL = "refresh"
DECLARE_SIGNAL = "declare"
STATUS_QUERY = "status"

READ_SOURCE = "read_source"
ENSURE_SWEEPS = "ensure_sweeps"
DECLARE = "declare"
CLOSE_OPERATIONS = "close_operations"
PLAN_AGENT = "plan_agent"
EXECUTE_STEP = "execute_step"
CONCLUDE_AGENT = "conclude_agent"
PLAN_NUMBER = "plan_number"
EXECUTE_NUMBER_STEP = "execute_number_step"
CONCLUDE_NUMBER = "conclude_number"
SWEEP_ENVIRONMENT = "sweep_environment"
PLAN_ENVIRONMENT = "plan_environment"

PROJECT_ATTRIBUTE = "TrunklineProject"
ENVIRONMENT_ATTRIBUTE = "TrunklineEnvironment"
AGENT_ATTRIBUTE = "TrunklineAgent"
PHASE_ATTRIBUTE = "TrunklinePhase"
REVISION_ATTRIBUTE = "TrunklineRevision"
REASON_ATTRIBUTE = "TrunklineReason"
SEARCH_ATTRIBUTES = (
    PROJECT_ATTRIBUTE,
    ENVIRONMENT_ATTRIBUTE,
    AGENT_ATTRIBUTE,
    PHASE_ATTRIBUTE,
    REVISION_ATTRIBUTE,
    REASON_ATTRIBUTE,
)
"""All are of type Keyword and must be registered before a workflow sets one."""

SUPERSEDED = "Superseded"
"""Failure type of a step whose wish is no longer the newest: plan again, nothing is wrong."""


class Timing(Frozen):
    """Every wait and bound of the reconciler, in seconds, so that tests can be short.

    ``list_lag_bound_s`` is how long the platform's lists may lag behind a create; no second create
    is sent before the first one's deadline plus this bound.
    """

    poll_interval_s: float = 60.0
    request_timeout_s: float = 10.0
    observe_timeout_s: float = 45.0
    apply_timeout_s: float = 60.0
    store_timeout_s: float = 20.0
    git_timeout_s: float = 180.0
    fanout_timeout_s: float = 600.0
    heartbeat_timeout_s: float = 15.0
    list_lag_bound_s: float = 30.0
    retry_initial_s: float = 1.0
    retry_max_s: float = 300.0
    resync_interval_s: float = 3600.0
    activity_attempts: int = 5
    history_events_max: int = 4000


class RefreshRequest(Frozen):
    """Look at Git now. ``hard`` reconciles everything, changed or not."""

    operation_id: str | None = None
    hard: bool = False
    environment: str | None = None
    names: tuple[str, ...] = ()


class ProjectInput(Frozen):
    """State a project's workflow carries over continue-as-new."""

    project: str
    timing: Timing = Timing()
    known_revision: Revision | None = None
    pending: tuple[RefreshRequest, ...] = ()
    next_look_at_s: float | None = None
    swept_revision: Revision | None = None


WakeReason = Literal["git", "sync", "drift", "dependency", "retry", "resync"]


class Subject(Frozen):
    """One agent or number as activities are asked about it.

    ``account`` and ``number`` are set for a number: the telephony account's id and E.164.
    """

    kind: RecordKind
    project: str
    environment: str
    name: str
    account: str = ""
    number: str = ""


class Wish(Frozen):
    """The newest wish for an agent or number; ``reason`` says who wakes it and is shown.

    ``subject`` is set for a number, whose workflow may come to serve another wish for it.
    """

    subject: Subject | None = None
    wish_digest: Digest | None = None
    revision: Revision | None = None
    operation_ids: tuple[str, ...] = ()
    reason: WakeReason = "git"


class AgentInput(Frozen):
    """State an agent's workflow carries over continue-as-new."""

    project: str
    environment: str
    name: str
    timing: Timing = Timing()
    wish: Wish | None = None
    failures: int = 0
    external_id: str | None = None
    conditions: Conditions = ()
    operation_ids: tuple[str, ...] = ()
    next_look_at_s: float | None = None


class NumberInput(Frozen):
    """State a number's workflow carries over; ``account`` is the telephony account's id."""

    project: str
    environment: str
    name: str
    account: str
    number: str
    timing: Timing = Timing()
    wish: Wish | None = None
    failures: int = 0
    external_id: str | None = None
    conditions: Conditions = ()
    operation_ids: tuple[str, ...] = ()
    next_look_at_s: float | None = None


class SweepInput(Frozen):
    """One look over an environment for drift."""

    project: str
    environment: str
    timing: Timing = Timing()


class PlanInput(Frozen):
    """A plan somebody asked for; ``names`` empty means every agent and number."""

    operation_id: str
    project: str
    environment: str
    names: tuple[str, ...] = ()
    hard_refresh: bool = False
    timing: Timing = Timing()


class SourceRequest(Frozen):
    """Look at a project's Git; ``force`` reads the tree again even if it did not move."""

    project: str
    force: bool = False
    timing: Timing = Timing()


class SourceLook(Frozen):
    """What a look at Git brought. ``problem`` is empty when the tip is what is applied;
    ``definite`` tells a bad tree from one that could not be read. ``undeclared`` says that
    somebody has yet to be told of a wish, now or since an earlier look.
    """

    revision: Revision | None = None
    changed: int = 0
    undeclared: bool = False
    problem: str = ""
    reason: str = ""
    definite: bool = False
    details: str = ""


class SweepsRequest(Frozen):
    """Make the schedules of a project's environments what its manifest says."""

    project: str
    timing: Timing = Timing()


class FanoutRequest(Frozen):
    """Tell every changed agent and number, and those the requests name."""

    project: str
    requests: tuple[RefreshRequest, ...] = ()
    timing: Timing = Timing()


class FanoutReport(Frozen):
    """How many workflows were told."""

    told: int = 0


class ClosingRequest(Frozen):
    """End operations that nothing will bring to an end any more.

    ``definite`` tells a bad answer (Failed) from one that could not be had (Error).
    """

    operation_ids: tuple[str, ...]
    message: str
    definite: bool = False


class PlanRequest(Frozen):
    """Plan one agent or number at its newest wish."""

    subject: Subject
    reason: WakeReason = "git"
    timing: Timing = Timing()


class StepReference(Frozen):
    """A step by its place in a stored plan, with words for the Temporal UI."""

    index: int
    summary: str


class PlanReference(Frozen):
    """A stored plan as a workflow sees it; ``plan_id`` is empty when there was nothing to store.

    ``held_reason`` says why its steps are not to be executed although they could be.
    ``drift`` names who changed which fields on the platform, and when. ``digest`` is that of what
    was planned. ``released``: the number follows another wish, or the wish names another number.
    """

    plan_id: str
    steps: tuple[StepReference, ...] = ()
    stalled_reason: str = ""
    waiting_reason: str = ""
    held_reason: str = ""
    message: str = ""
    wish_digest: Digest | None = None
    revision: Revision | None = None
    removed: bool = False
    released: bool = False
    digest: Digest | None = None
    drift: str = ""
    drift_version_id: str | None = None


class StepRequest(Frozen):
    """Execute one step of a stored plan, unless a newer wish has come since it was made."""

    subject: Subject
    plan_id: str
    index: int
    wish_digest: Digest | None = None
    timing: Timing = Timing()


class StepResult(Frozen):
    """What a step did, for the history."""

    external_id: str | None = None
    note: str = ""


class Failure(Frozen):
    """Why a round ended early: the leaf of the error tree by its reason, and its words.

    ``path`` is the refused leaf in the vendor's body. What is no error of ours may be tried again.
    """

    reason: str
    message: str
    hint: str = ""
    path: str = ""
    retryable: bool = True
    retry_after_s: float | None = None


class ConclusionRequest(Frozen):
    """Write down how a round ended. ``failures`` counts the rounds before it that failed."""

    subject: Subject
    plan: PlanReference | None = None
    failure: Failure | None = None
    reason: WakeReason = "git"
    operation_ids: tuple[str, ...] = ()
    failures: int = 0
    external_id: str | None = None
    timing: Timing = Timing()


class Conclusion(Frozen):
    """How a subject stands after a round: what the workflow shows and when it looks again.

    ``retry_after_s`` None means: only when something wakes it. ``gone`` means that Git no longer
    names the subject and nothing is left to do, so its workflow may end. ``open_operation_ids``
    are operations that go on waiting for a later round.
    """

    conditions: Conditions = ()
    details: str = ""
    phase: str = "Unknown"
    failed: bool = False
    gone: bool = False
    open_operation_ids: tuple[str, ...] = ()
    retry_after_s: float | None = None
    external_id: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)


class SweepReport(Frozen):
    """What a sweep saw: subjects looked at, how many of them were told to look again, and how many
    agents carry the mark of another one.
    """

    observed: int = 0
    drifted: int = 0
    doubles: int = 0
    details: str = ""
