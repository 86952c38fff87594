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


class Timing(Frozen):
    """Every wait and bound of the reconciler, in seconds, so that tests can be short.

    ``list_lag_bound_s`` is how long the platform's lists may lag behind a create; no second create
    is sent before the first one's deadline plus this bound. ``document_timeout_s`` is the request's
    of a document that is uploaded, or fetched by the platform; it is below ``apply_timeout_s``.
    """

    poll_interval_s: float = 60.0
    request_timeout_s: float = 10.0
    document_timeout_s: float = 45.0
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


WakeReason = Literal[
    "git", "sync", "drift", "dependency", "retry", "resync", "apply", "control", "prune"
]
"""``apply``: a person applied a plan; ``control``: a decision of a person came or went."""


class RefreshRequest(Frozen):
    """Look at Git now. ``hard`` reconciles everything, changed or not; ``reason`` is what those it
    names are told.
    """

    operation_id: str | None = None
    hard: bool = False
    environment: str | None = None
    names: tuple[str, ...] = ()
    request_id: str = ""
    traceparent: str = ""
    reason: WakeReason = "sync"


class ProjectInput(Frozen):
    """State a project's workflow carries over continue-as-new."""

    project: str
    timing: Timing = Timing()
    known_revision: Revision | None = None
    pending: tuple[RefreshRequest, ...] = ()
    next_look_at_s: float | None = None
    swept_revision: Revision | None = None
    tended_revision: Revision | None = None


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
    request_id: str = ""
    traceparent: str = ""
    links: tuple[str, ...] = ()


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
    request_id: str = ""
    timing: Timing = Timing()


class WakeRequest(Frozen):
    """Tell whom a decision of a person concerns, without a look at Git, which may be broken.

    Without ``name`` it is everything that is not as Git wants it; an empty ``environment`` means
    all of them. ``numbers`` adds the numbers of the agent that is named.
    """

    project: str
    environment: str = ""
    kind: Literal["", "agent", "number"] = ""
    name: str = ""
    numbers: bool = False
    timing: Timing = Timing()


class ImportInput(Frozen):
    """An import somebody asked for; ``agent_ids`` empty means every agent of the account."""

    operation_id: str
    project: str
    environment: str
    agent_ids: tuple[str, ...] = ()
    timing: Timing = Timing()


class ImportCount(Frozen):
    """How much an import brought; the manifests are in PostgreSQL."""

    agents: int = 0
    tools: int = 0
    documents: int = 0
    numbers: int = 0
    message: str = ""


class SourceRequest(Frozen):
    """Look at a project's Git; ``force`` reads the tree again even if it did not move."""

    project: str
    force: bool = False
    request_id: str = ""
    timing: Timing = Timing()


class PruneWake(Frozen):
    """Look at what Git no longer names; ``released`` agents are protected no more."""

    released: tuple[str, ...] = ()


class PruneInput(Frozen):
    """State of an environment's deletions. ``tries`` counts looks since it was last woken."""

    project: str
    environment: str
    timing: Timing = Timing()
    woken: bool = False
    released: tuple[str, ...] = ()
    tries: int = 0


class PruneRequest(Frozen):
    """Decide what of an environment may be deleted, and tell whom it concerns."""

    project: str
    environment: str
    tries: int = 0
    timing: Timing = Timing()


class ObjectReference(Frozen):
    """A tool, document, secret or test by its claim."""

    kind: Literal["tool", "document", "secret", "test"]
    name: str
    digest: str


class PruneReport(Frozen):
    """What a look decided: ``objects`` to delete, protected agents without their tag, how many
    were told to go. ``next_look_s`` None: only when something wakes it.
    """

    objects: tuple[ObjectReference, ...] = ()
    unguarded: tuple[str, ...] = ()
    told: int = 0
    next_look_s: float | None = None
    details: str = ""


class ObjectRequest(Frozen):
    """Delete one shared object nothing refers to."""

    project: str
    environment: str
    object: ObjectReference
    timing: Timing = Timing()


class GuardRequest(Frozen):
    """Make an agent's protecting tag what its protection says; gone only if ``released``."""

    project: str
    environment: str
    name: str
    released: bool = False
    timing: Timing = Timing()


class EjectInput(Frozen):
    """An environment that is left to itself; ``begun`` once nothing of ours runs there any more,
    ``taken`` marks so far.
    """

    operation_id: str
    project: str
    environment: str
    timing: Timing = Timing()
    begun: bool = False
    taken: int = 0


class EjectRequest(Frozen):
    """The beginning, a look at, or the end of an ejection. ``unreachable`` are ids of objects
    whose marks could not be taken away.
    """

    operation_id: str
    project: str
    environment: str
    unreachable: tuple[str, ...] = ()
    taken: int = 0
    timing: Timing = Timing()


class MarkReference(Frozen):
    """One object that carries our mark. ``digest`` is empty for an agent; ``known``: the ledger
    says it is ours, so that it may be taken over again.
    """

    kind: Literal["agent", "tool", "document", "test"]
    name: str
    external_id: str
    digest: str = ""
    known: bool = False


class EjectLook(Frozen):
    """Objects that carry our marks; empty means none is left."""

    marks: tuple[MarkReference, ...] = ()


class MarkRequest(Frozen):
    """Take our mark from one object and change nothing else about it."""

    operation_id: str
    project: str
    environment: str
    mark: MarkReference
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
    request_id: str = ""
    timing: Timing = Timing()


class StepReference(Frozen):
    """A step by its place in a stored plan, with words for the Temporal UI."""

    index: int
    summary: str


class PlanReference(Frozen):
    """A stored plan as a workflow sees it; ``plan_id`` is empty when there was nothing to store.

    ``held_reason`` says why its steps are not to be executed although they could be, and
    ``held_for_s`` when that may change by itself, in seconds from the plan.
    ``disabled`` says who took the agent's calls away.
    ``drift`` names who changed which fields on the platform, and when. ``digest`` is that of what
    was planned. ``released``: the number follows another wish, or the wish names another number.
    ``kept_reason`` says why something that is ``removed`` from Git stays, or, with ``forgotten``,
    why nothing was left to delete.
    """

    plan_id: str
    kept_reason: str = ""
    forgotten: bool = False
    steps: tuple[StepReference, ...] = ()
    stalled_reason: str = ""
    waiting_reason: str = ""
    held_reason: str = ""
    held_for_s: float | None = None
    message: str = ""
    wish_digest: Digest | None = None
    revision: Revision | None = None
    removed: bool = False
    released: bool = False
    disabled: str = ""
    digest: Digest | None = None
    drift: str = ""
    drift_version_id: str | None = None


class StepRequest(Frozen):
    """Execute one step of a stored plan, unless a newer wish has come since it was made."""

    subject: Subject
    plan_id: str
    index: int
    wish_digest: Digest | None = None
    reason: WakeReason = "git"
    request_id: str = ""
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
    """Write down how a round ended. ``failures`` counts the rounds before it that failed,
    ``began_at_s`` is when it was woken, by the workflow's clock in seconds since 1970.
    """

    subject: Subject
    plan: PlanReference | None = None
    failure: Failure | None = None
    reason: WakeReason = "git"
    operation_ids: tuple[str, ...] = ()
    failures: int = 0
    external_id: str | None = None
    request_id: str = ""
    began_at_s: float | None = None
    timing: Timing = Timing()


class Conclusion(Frozen):
    """How a subject stands after a round: what the workflow shows and when it looks again.

    ``retry_after_s`` None means: only when something wakes it; ``next_look_at_s`` is the same as a
    moment, where the workflow was asked. ``gone`` means that Git no longer
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
    next_look_at_s: float | None = None
    external_id: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)


class SweepReport(Frozen):
    """What a sweep saw: subjects looked at, how many of them were told to look again, and how many
    agents carry the mark of another one. ``skipped`` were looked at in the list only, ``unread``
    could not be read, ``orphans`` carry a mark that neither Git nor the ledger knows.
    """

    observed: int = 0
    drifted: int = 0
    doubles: int = 0
    skipped: int = 0
    unread: int = 0
    orphans: int = 0
    details: str = ""
