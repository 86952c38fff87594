"""Rows that outlive a process: what Git wanted, how things are, what happened, who did what.

They are meaning, not storage: times a row was touched belong to the store and are only carried
where people read them.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.conditions import Condition, Conditions, HealthWord, SyncWord
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.plans import Plan
from trunkline.model.problems import Problem

RecordKind = Literal["agent", "number"]
StatusKind = Literal["agent", "number", "environment", "account"]
"""``environment`` and ``account`` rows say what holds up more than one subject."""
Role = Literal["viewer", "operator", "approver", "admin"]
OperationKind = Literal["sync", "plan", "apply", "import", "adopt", "eject"]
OperationState = Literal["Running", "Succeeded", "Failed", "Error"]
Stage = Literal["draft", "testing", "production"]


class ProjectRecord(Frozen):
    """One registered manifests repository. The credential for it is a setting, never a row."""

    name: str
    repository: str
    branch: str = "main"
    poll_interval_s: float = 60.0


class SourceState(Frozen):
    """How a project's Git is: ``applied`` is the last valid revision, ``seen`` the newest.

    ``signature`` is of the seen one: ``ssh:<email>`` or ``gpg:<fingerprint>`` of a signer,
    ``unsigned``, ``invalid``, ``unknown`` (another key's), or empty where no signer is listed.
    """

    project: str
    seen_revision: Revision | None = None
    applied_revision: Revision | None = None
    author: str = ""
    subject: str = ""
    signature: str = ""
    conditions: Conditions = ()
    problems: tuple[Problem, ...] = ()


class WishRecord(Frozen):
    """What Git wants of one agent or number. ``body`` is the Desired… value as JSON; it stays
    when ``removed`` so that what is kept can still be named. ``wish_digest`` hashes the body
    without its positions: equal means nothing to do.
    """

    project: str
    environment: str
    kind: RecordKind
    name: str
    wish_digest: Digest
    revision: Revision
    body: JsonObject
    removed: bool = False


class StatusRecord(Frozen):
    """One line of ``trunkline status``: a pure function of meaning."""

    project: str
    environment: str
    kind: StatusKind
    name: str
    stage: Stage = "testing"
    sync: SyncWord = "Unknown"
    health: HealthWord = "Unknown"
    gate: str = ""
    version: int = 0
    revision: Revision | None = None
    digest: Digest | None = None
    numbers: tuple[str, ...] = ()
    external_id: ExternalId | None = None
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class StatusRow(StatusRecord):
    """A status with the times people read; ``created_at`` feeds the AGE column."""

    created_at: datetime
    changed_at: datetime


class EventRecord(Frozen):
    """Something that changed. ``id`` and ``at`` are given by the store."""

    project: str
    environment: str = ""
    kind: Literal["project", "agent", "number", "environment", "account", "call"] = "agent"
    name: str = ""
    type: Literal["Normal", "Warning"] = "Normal"
    reason: str
    message: str
    revision: Revision | None = None
    details: dict[str, Json] = Field(default_factory=dict)
    id: int | None = None
    at: datetime | None = None


class StatusCount(Frozen):
    """How many statuses of an environment are in one state, or have one ``condition`` other than
    being ready; the words that do not apply are empty.
    """

    project: str
    environment: str
    kind: StatusKind
    sync: str
    health: str
    condition: str
    reason: str
    count: int


class PlanRecord(Frozen):
    """A stored plan and the operation that asked for it."""

    id: str
    project: str
    environment: str
    revision: Revision | None
    plan: Plan
    created_at: datetime | None = None


class OperationItem(Frozen):
    """One agent or number an operation waits for; ``reason`` says why it was held, if it was."""

    environment: str
    kind: RecordKind
    name: str
    state: OperationState = "Running"
    reason: str = ""
    message: str = ""


class OperationRecord(Frozen):
    """What a sync or plan request answers with; ``done`` of ``total`` items have ended."""

    id: str
    project: str
    kind: OperationKind
    state: OperationState = "Running"
    requested_by: str
    total: int = 0
    done: int = 0
    message: str = ""
    plan_id: str | None = None
    items: tuple[OperationItem, ...] = ()
    created_at: datetime | None = None
    finished_at: datetime | None = None


class Grant(Frozen):
    """A role in one project, or (None) in every one."""

    role: Role
    project: str | None = None


class TokenRecord(Frozen):
    """An API token. Only its hash is stored; ``prefix`` tells people which one it is.

    ``project`` None means every project. ``kind`` ``session`` is a browser that signed in; its
    ``grants`` are the roles of the person, project by project, in the place of the one role.
    """

    id: str
    prefix: str
    hash: str
    person: str
    role: Role
    project: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    kind: Literal["token", "session"] = "token"
    grants: tuple[Grant, ...] = ()


class AuditRecord(Frozen):
    """One write through the API: who, what, why; ``before`` and ``after`` are what it changed, as
    far as that can be said in a few keys.
    """

    actor: str
    role: Role
    action: str
    project: str
    subject: str
    request_id: str
    reason: str = ""
    details: dict[str, Json] = Field(default_factory=dict)
    before: JsonObject | None = None
    after: JsonObject | None = None
    id: int | None = None
    at: datetime | None = None
