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

PROJECT_WORKFLOW = "ProjectWorkflow"
AGENT_WORKFLOW = "AgentWorkflow"
NUMBER_WORKFLOW = "NumberWorkflow"
SWEEP_WORKFLOW = "SweepWorkflow"
PLAN_WORKFLOW = "PlanWorkflow"

REFRESH_SIGNAL = "refresh"
DECLARE_SIGNAL = "declare"


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
    heartbeat_timeout_s: float = 30.0
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


class Wish(Frozen):
    """The newest wish for an agent or number; ``reason`` says who wakes it and is shown."""

    wish_digest: Digest | None = None
    revision: Revision | None = None
    operation_ids: tuple[str, ...] = ()
    reason: Literal["git", "sync", "drift", "dependency", "retry", "resync"] = "git"


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
    conditions: Conditions = ()


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


class StepReference(Frozen):
    """A step by its place in a stored plan, with words for the Temporal UI."""

    index: int
    summary: str


class PlanReference(Frozen):
    """A stored plan as a workflow sees it."""

    plan_id: str
    steps: tuple[StepReference, ...] = ()
    stalled_reason: str = ""
    waiting_reason: str = ""
    message: str = ""


class Conclusion(Frozen):
    """How a subject stands after a round: what the workflow shows and when it looks again."""

    conditions: Conditions = ()
    details: str = ""
    phase: str = "Unknown"
    retry_after_s: float | None = None
    external_id: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
