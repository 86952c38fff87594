"""What outlives a process and people read: wishes, statuses, operations, decisions, tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.base import JsonObject
from trunkline.model.findings import StoreFacts
from trunkline.model.imports import (
    ImportedManifest,
    ImportReport,
)
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.ledger import (
    LedgerKind,
    NumberOwner,
)
from trunkline.model.records import (
    AuditRecord,
    EventRecord,
    OperationItem,
    OperationRecord,
    OperationState,
    PlanRecord,
    ProjectRecord,
    RecordKind,
    SourceState,
    StatusKind,
    StatusRecord,
    StatusRow,
    TokenRecord,
    WishRecord,
)
from trunkline.model.selectors import Selector
from trunkline.model.shown_statuses import StoredStatuses


class Wishes(Protocol):
    """What Git wanted when it was last valid; bodies live here, not in workflow histories."""

    async def store_tree(
        self,
        state: SourceState,
        wishes: Sequence[WishRecord],
        contents: Mapping[str, bytes],
        manifests: JsonObject,
        *,
        redeclare: Sequence[str] = (),
        released: Sequence[str] = (),
    ) -> int:
        """One valid commit in one transaction; answers how many wishes changed.

        Wishes for agents of the ``released`` environments are left as they are. Changed, new and
        gone wishes become undeclared, and every wish of the environments in ``redeclare``, whose
        policy changed; gone ones are marked removed. ``contents`` maps a content digest to what
        is stored; ``manifests`` is the Project manifest as JSON.
        """

    async def project_manifest(self, project: str) -> JsonObject | None:
        """The Project manifest of the last applied revision."""

    async def undeclared(self, project: str, limit: int) -> tuple[WishRecord, ...]:
        """Wishes whose workflow has not been told yet, in a stable order."""

    async def wishes(
        self, project: str, environment: str | None = None, *, after: str = "", limit: int
    ) -> tuple[WishRecord, ...]:
        """Wishes ordered by ``environment/kind/name``, starting after that key."""

    async def unsettled(
        self, project: str, environment: str | None = None, *, after: str = "", limit: int
    ) -> tuple[WishRecord, ...]:
        """Those of ``wishes`` whose newest wish is not known to be in place and healthy."""

    async def count_agents(self, project: str, environment: str) -> int:
        """How many agents Git wants in an environment."""

    async def mark_declared(self, wishes: Sequence[WishRecord]) -> None:
        """The workflow knows exactly these wishes (a newer wish stays undeclared)."""

    async def wish(
        self, project: str, environment: str, kind: LedgerKind, name: str
    ) -> WishRecord | None:
        """One wish; None if Git never named it."""

    async def numbers_of(
        self, project: str, environment: str, agent: str
    ) -> tuple[WishRecord, ...]:
        """Wishes for the numbers that point at an agent, by name; removed ones left out."""

    async def wishes_for_number(self, number: str) -> tuple[WishRecord, ...]:
        """Standing wishes for a number in E.164, of every project, by project and environment."""

    async def wishes_for_numbers(self, numbers: Sequence[str]) -> tuple[WishRecord, ...]:
        """The same for many numbers at once, by number, project and environment."""

    async def own_number(self, wanted: NumberOwner) -> NumberOwner:
        """Take the number unless somebody has it whose wish for it stands; answers who has it."""

    async def number_owner(self, account: str, number: str) -> NumberOwner | None:
        """Whose standing wish has the number, or None."""

    async def number_owners(self, account: str) -> tuple[NumberOwner, ...]:
        """Whose standing wish has which number of a telephony account, by number."""

    async def numbers_owned(
        self, project: str, environment: str, name: str
    ) -> tuple[NumberOwner, ...]:
        """Every number one wish has, those it no longer names included."""

    async def disown_number(self, owner: NumberOwner) -> None:
        """Let the number go, unless somebody else has it by now."""

    async def content(self, digest: str) -> bytes:
        """What is stored under a content digest: a text in UTF-8, or a file. Raises NotFound."""


class Projects(Protocol):
    """Registered projects and how their Git is."""

    async def register(self, project: ProjectRecord) -> None:
        """Insert or update."""

    async def project(self, name: str) -> ProjectRecord | None:
        """One project, or None."""

    async def projects(self) -> tuple[ProjectRecord, ...]:
        """All projects by name."""

    async def owned(self, project: str) -> int:
        """How many objects on the platforms the ledger says are the project's."""

    async def remove(self, project: str) -> None:
        """Forget the project and every row about it, but what people did: the audit log stays."""

    async def source(self, project: str) -> SourceState | None:
        """How the project's Git is; None before the first look."""

    async def put_source(self, state: SourceState) -> bool:
        """Record a look that brought no new valid tree; True if its meaning changed."""


class Statuses(Protocol):
    """How every agent and number is, and what happened to it."""

    async def status(
        self, project: str, environment: str, kind: StatusKind, name: str
    ) -> StatusRow | None:
        """One status, or None."""

    async def statuses(
        self,
        project: str,
        *,
        environment: str | None = None,
        kind: StatusKind | None = None,
        selector: Selector | None = None,
        after: str = "",
        limit: int,
    ) -> tuple[StatusRow, ...]:
        """Statuses ordered by ``kind/name/environment``, starting after that key; those whose
        labels fit, if that is asked for.
        """

    async def stored_statuses(
        self,
        project: str,
        kind: RecordKind,
        *,
        environment: str | None = None,
        name: str | None = None,
        selector: Selector | None = None,
        after: str = "",
        limit: int,
    ) -> StoredStatuses:
        """The same rows, or those of one name, of one moment with everything that is laid over
        them when people see them.
        """

    async def put_status(self, status: StatusRecord, events: Sequence[EventRecord]) -> bool:
        """Store a status and, only if its meaning changed, the events; True if it changed."""

    async def add_events(self, events: Sequence[EventRecord]) -> None:
        """Store events that are no transition of a status (a foreign edit, a bad commit)."""

    async def events(
        self,
        project: str,
        *,
        environment: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int,
    ) -> tuple[EventRecord, ...]:
        """Newest first below ``before``, or oldest first above ``after`` for followers."""


class Operations(Protocol):
    """What people asked for and how far it is; plans they can read."""

    async def open_operation(self, operation: OperationRecord) -> None:
        """Insert."""

    async def add_items(self, operation_id: str, items: Sequence[OperationItem]) -> None:
        """Add what the operation waits for; an item already there is left as it is."""

    async def seal_operation(self, operation_id: str, message: str) -> None:
        """No more items will come; an operation with none left to wait for ends here."""

    async def finish_item(self, operation_id: str, item: OperationItem) -> None:
        """End one item; the last one of a sealed operation ends the operation."""

    async def finish_operation(
        self, operation_id: str, state: OperationState, message: str, plan_id: str | None = None
    ) -> None:
        """End the operation as a whole."""

    async def operation(self, operation_id: str) -> OperationRecord | None:
        """One operation with its items, or None."""

    async def put_plan(self, record: PlanRecord) -> None:
        """Store a plan under its id."""

    async def plan(self, plan_id: str) -> PlanRecord | None:
        """One plan, or None."""

    async def last_plan(
        self, project: str, environment: str, kind: RecordKind, name: str
    ) -> PlanRecord | None:
        """The newest plan of an environment with a step about the subject, or None."""

    async def put_import(
        self,
        operation_id: str,
        project: str,
        environment: str,
        manifests: Sequence[ImportedManifest],
        report: ImportReport,
    ) -> None:
        """Store what an import brought, in the place of the environment's last one."""

    async def import_report(self, operation_id: str) -> ImportReport | None:
        """The report of an import, or None if it is not there (any more)."""

    async def imported_manifests(
        self, operation_id: str, *, after: int, limit: int
    ) -> tuple[ImportedManifest, ...]:
        """Manifests of an import in the order of their paths, beginning behind so many."""


class Interventions(Protocol):
    """What people decided about carrying wishes out."""

    async def put_intervention(self, intervention: Intervention) -> None:
        """Insert, or replace the one with the same place and verb."""

    async def lift_intervention(
        self, project: str, environment: str, kind: str, name: str, verb: InterventionVerb
    ) -> Intervention | None:
        """Take it away; answers what was in force, or None."""

    async def interventions(
        self, project: str, environment: str | None = None
    ) -> tuple[Intervention, ...]:
        """All in force for the project, or for one environment (project-wide ones included)."""


class Access(Protocol):
    """Tokens and the audit log."""

    async def add_token(self, token: TokenRecord) -> None:
        """Insert."""

    async def token_and_project(
        self, token_hash: str, project: str
    ) -> tuple[TokenRecord | None, ProjectRecord | None]:
        """The unexpired token with that hash and the project of that name, each None if there is
        none: every request asks for both.
        """

    async def token_by_id(self, token_id: str) -> TokenRecord | None:
        """The token with that id, expired or not, or None."""

    async def tokens(
        self, *, projects: Sequence[str] | None = None, after: str = "", limit: int
    ) -> tuple[TokenRecord, ...]:
        """Tokens ordered by id, starting after that one, sessions too; of those that reach these
        projects and no other, None means all of them.
        """

    async def note_use(self, token_id: str) -> None:
        """Remember that a token was used now, unless that was noted within a minute."""

    async def end_token(self, token_id: str, *, at: datetime) -> None:
        """Let a token end at that time, or when it says itself if that is earlier."""

    async def forget_ended_sessions(self) -> None:
        """Remove sessions that are over, a bounded number at once."""

    async def revoke_token(self, token_id: str) -> bool:
        """Forget a token; False if it is the last one of an admin of every project. A session
        may always be forgotten.
        """

    async def add_audit(self, record: AuditRecord) -> None:
        """Append."""

    async def audit(
        self,
        *,
        project: str | None = None,
        projects: Sequence[str] | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        request_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int,
    ) -> tuple[AuditRecord, ...]:
        """Rows that fit all that is given, newest first, below the id ``before``; ``until`` is not
        included.
        """


class Examinable(Protocol):
    """A store that says how it is."""

    async def facts(self) -> StoreFacts:
        """Look now, and leave nothing behind. Raises StoreUnavailable."""
