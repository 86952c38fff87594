"""One promotion as it stands: what is promoted, how far it is, and what it waits for.

The row is what people and activities look at; who decides what comes next is ``moves``. Everything
a lost store would need again is either in here, carried by the workflow, or in Git.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.ids import Digest, Revision, promotion_id

PromotionKind = Literal["promote", "rollback"]
PromotionPhase = Literal[
    "Starting",
    "Gate",
    "Soak",
    "Approval",
    "Window",
    "Releasing",
    "Rollout",
    "Settling",
    "Verifying",
    "RollingBack",
    "Ended",
]
"""In the order they come; ``RollingBack`` only after a failed rollout or verification."""
PromotionState = Literal[
    "Open",
    "Done",
    "Failed",
    "Inconclusive",
    "Rejected",
    "Aborted",
    "Superseded",
    "RolledBack",
]
"""``Failed``: a definite bad answer before anything was released. ``Inconclusive``: it could not be
found out. ``RolledBack``: released, and taken back.
"""
Outcome = Literal["passed", "failed", "inconclusive"]

PHASES: Final[tuple[PromotionPhase, ...]] = (
    "Starting",
    "Gate",
    "Soak",
    "Approval",
    "Window",
    "Releasing",
    "Rollout",
    "Settling",
    "Verifying",
    "RollingBack",
    "Ended",
)
BEFORE_RELEASE: Final[frozenset[PromotionPhase]] = frozenset(
    {"Starting", "Gate", "Soak", "Approval", "Window"}
)
"""Phases in which nothing has been written to Git or the target yet."""


class CommitAuthor(Frozen):
    """Somebody who touched the closure: an address as in the commit, the person it is mapped to by
    the ``people`` in force ("" for nobody), and the newest commit of theirs with its time.
    """

    email: str
    name: str = ""
    person: str = ""
    revision: str = ""
    at: datetime | None = None


class TestsRun(Frozen):
    """A run of tests that decides something. ``lines`` are failing ones, for people: ``file:line``,
    what was wanted and what was found.
    """

    __test__ = False

    run_id: str
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()
    attempts: int = 1
    began_at: datetime | None = None
    ended_at: datetime | None = None


class GivenApproval(Frozen):
    """One approval that counts, as its audit row says; ``audit_id`` is that row's."""

    person: str
    role: str
    at: datetime
    audit_id: int
    comment: str = ""


class PhaseEntry(Frozen):
    """When a phase began and ended, and what it came to; the story of a promotion."""

    phase: PromotionPhase
    began_at: datetime
    ended_at: datetime | None = None
    message: str = ""


class PromotionRecord(Frozen):
    """One promotion. ``number`` counts per project, environment and agent, from 1.

    ``environment`` is the target, ``origin`` where it comes from. ``revision`` is the commit whose
    closure is promoted, ``digest`` the closure's, ``rendered_digest`` the target's rendering,
    ``suite_digest`` that of the required tests. ``reason`` and ``message`` say what it waits for
    while it is open, and why it ended; ``stalled``: waiting alone will not help. ``version`` is 0
    until a release allocated one. ``restores`` is the version a rollback goes back to.
    ``waits_until`` is when the wait of the phase ends by itself. ``approvals_needed`` is of the
    policy in force. ``evidence`` is what the release will carry. ``settled_version`` is the
    version that was in place before. ``pull_request`` is the number of the one that proposes the
    release, 0 without.
    """

    project: str
    environment: str
    agent: str
    number: int
    kind: PromotionKind = "promote"
    phase: PromotionPhase = "Starting"
    state: PromotionState = "Open"
    reason: str = ""
    message: str = ""
    stalled: bool = False
    origin: str = ""
    revision: Revision | None = None
    digest: Digest | None = None
    rendered_digest: Digest | None = None
    suite_digest: str = ""
    changes: str = ""
    requested_by: str = ""
    request_id: str = ""
    automatic: bool = False
    authors: tuple[CommitAuthor, ...] = ()
    gate: TestsRun | None = None
    gate_passed_at: datetime | None = None
    evidence_expires_at: datetime | None = None
    approvals: tuple[GivenApproval, ...] = ()
    approvals_needed: int = 0
    waits_until: datetime | None = None
    version: int = 0
    settled_version: int = 0
    restores: int | None = None
    pull_request: int = 0
    pull_request_url: str = ""
    release_commit: Revision | None = None
    evidence: JsonObject = Field(default_factory=dict)
    rollout_step: int = -1
    rollout_percent: float = 0.0
    checks: tuple[TestsRun, ...] = ()
    verification: TestsRun | None = None
    rolled_back_to: int | None = None
    abort_requested_by: str = ""
    abort_reason: str = ""
    rejected_by: str = ""
    timeline: tuple[PhaseEntry, ...] = ()
    details: dict[str, Json] = Field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def id(self) -> str:
        """Its name in addresses and in the trailer of its release commit."""
        return promotion_id(self.environment, self.agent, self.number)

    @property
    def is_open(self) -> bool:
        """True until it has ended."""
        return self.state == "Open"
