"""What the product asks of the outside, as small Protocols.

Activities and services see these and never an adapter. A port speaks model types; every error it
raises is a leaf of ``model.errors``. Every call has a deadline of its own, shorter than that of
the activity around it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent, DesiredDocument, DesiredTool
from trunkline.model.ids import ExternalId, Revision
from trunkline.model.ledger import (
    Attempt,
    Claim,
    LedgerEntry,
    LedgerKind,
    NumberOwner,
    SharedKind,
)
from trunkline.model.manifests import Manifests
from trunkline.model.observed import (
    AgentSummary,
    AgentVersion,
    CarrierNumber,
    ObservedAgent,
    ObservedObject,
    PlatformNumber,
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
    StatusRecord,
    StatusRow,
    TokenRecord,
    WishRecord,
)
from trunkline.model.rendering import ComparisonRules, Rendering


class Clock(Protocol):
    """Time as data, so that deadlines can be tested."""

    def now(self) -> datetime:
        """Now, in UTC."""


class VoicePlatform(Protocol):
    """One account of a voice platform."""

    @property
    def account(self) -> str:
        """A stable, non-secret name of the account (a digest of the key's owner)."""

    @property
    def rules(self) -> ComparisonRules:
        """How this platform's trees are compared."""

    def render(self, desired: DesiredAgent) -> Rendering:
        """The wish in the platform's shape. Pure."""

    async def find_agents(self, tag: str) -> tuple[AgentSummary, ...]:
        """Agents that carry the tag, oldest first, over all pages. Lists may lag."""

    def agents(self) -> AsyncIterator[tuple[AgentSummary, ...]]:
        """All agents of the account, page by page."""

    async def agent(
        self, external_id: ExternalId, *, version_id: str | None = None
    ) -> ObservedAgent:
        """One agent, at its live version or a named one. Raises RemoteMissing."""

    async def create_agent(self, body: JsonObject, *, timeout_s: float) -> ExternalId:
        """Create from a body without references left. Raises OutcomeUnknown if in doubt."""

    async def update_agent(
        self, external_id: ExternalId, patch: JsonObject, *, description: str, timeout_s: float
    ) -> ObservedAgent:
        """Merge a partial body into the main branch; the answer is the new state."""

    async def version(self, external_id: ExternalId, version_id: str) -> AgentVersion:
        """Metadata of one version."""

    async def find_objects(self, kind: SharedKind, mark: str) -> tuple[ObservedObject, ...]:
        """Tools, documents or secrets that carry the mark, oldest first."""

    async def create_tool(
        self, tool: DesiredTool, *, mark: str, secret_ids: Mapping[str, str], timeout_s: float
    ) -> ExternalId:
        """Create a tool; ``secret_ids`` maps a secret's name to its id on the platform."""

    async def create_document(
        self, document: DesiredDocument, *, mark: str, content: str, timeout_s: float
    ) -> ExternalId:
        """Create a text document."""

    async def create_secret(self, title: str, value: str, *, timeout_s: float) -> ExternalId:
        """Store a secret; the value is never readable again."""

    async def update_secret(
        self, external_id: ExternalId, title: str, value: str, *, timeout_s: float
    ) -> None:
        """Replace a secret's value."""

    async def numbers(self) -> tuple[PlatformNumber, ...]:
        """All phone numbers the platform holds."""

    async def import_number(
        self, number: str, *, label: str, sid: str, token: str, timeout_s: float
    ) -> ExternalId:
        """Import a telephony number; the platform rewrites its voice URL."""

    async def assign_number(
        self, external_id: ExternalId, agent_id: ExternalId | None, *, timeout_s: float
    ) -> PlatformNumber:
        """Point a number at an agent (None: at nobody); also re-links the voice URL."""

    def is_native_voice_url(self, url: str | None) -> bool:
        """True if a telephony voice URL is the one this platform answers on."""


class Telephony(Protocol):
    """One telephony account."""

    @property
    def account(self) -> str:
        """The account id (not a secret)."""

    @property
    def token(self) -> str:
        """The credential the voice platform needs to import a number; never logged or stored."""

    async def check(self) -> None:
        """Raises CredentialsRejected or Unavailable."""

    async def numbers(self) -> tuple[CarrierNumber, ...]:
        """Every number of the account, over all pages."""

    async def number(self, number: str) -> CarrierNumber | None:
        """The number in E.164, or None if the account does not hold it."""


class Accounts(Protocol):
    """Platforms by project and environment; credentials are read at use."""

    async def voice(self, project: str, environment: str) -> VoicePlatform:
        """The voice platform of an environment. Raises CredentialsRejected if unset."""

    async def telephony(self, project: str, environment: str) -> Telephony:
        """The telephony account of an environment. Raises CredentialsRejected if unset."""

    def secret(self, project: str, name: str) -> str:
        """A secret's value from the server's allow-list. Raises InvalidSettings if absent."""


class SourceHead(Protocol):
    """Where the branch is now."""

    @property
    def revision(self) -> Revision:
        """The commit at the tip."""

    @property
    def author(self) -> str:
        """Who wrote it, by name."""

    @property
    def subject(self) -> str:
        """The first line of its message."""

    @property
    def rewritten(self) -> bool:
        """True if the revision known before is no ancestor: history was force-pushed."""


class ManifestSource(Protocol):
    """One manifests repository. Every method may block for seconds; adapters use threads."""

    async def head(self, *, known: Revision | None) -> SourceHead:
        """Fetch the branch and say where it is. Raises a SourceError."""

    async def manifests(self, revision: Revision) -> Manifests:
        """Everything a commit declares. Raises InvalidManifests or a SourceError."""


class Sources(Protocol):
    """Manifests repositories by project."""

    async def source(self, project: str) -> ManifestSource:
        """The repository of a project. Raises NotFound if it is not registered."""


class Ledger(Protocol):
    """What we did last, durably."""

    async def entry(
        self, project: str, environment: str, kind: LedgerKind, name: str
    ) -> LedgerEntry | None:
        """One row, or None."""

    async def entries(
        self, project: str, environment: str, kind: LedgerKind
    ) -> tuple[LedgerEntry, ...]:
        """All rows of an environment."""

    async def put(self, entry: LedgerEntry) -> None:
        """Insert or replace a row; the nonce of an existing row is never changed."""

    async def reserve_nonce(self, entry: LedgerEntry) -> LedgerEntry:
        """Insert the row with its nonce unless one is there; answers the row that counts."""

    async def renew(self, entry: LedgerEntry, *, gone: ExternalId) -> LedgerEntry:
        """Begin a new incarnation of an object that is ``gone`` from the platform.

        The row takes the nonce of ``entry`` and loses id, version and attempt, unless it no longer
        points at the gone object; answers the row that counts.
        """

    async def open_attempt(self, entry: LedgerEntry, attempt: Attempt) -> bool:
        """Record a create about to be sent; False if another attempt was opened meanwhile."""

    async def claim(self, claim: Claim) -> Claim:
        """Insert the claim unless one is there; answers the row that counts."""

    async def take_over(self, claim: Claim, *, previous: Claim) -> bool:
        """Replace a dead claimant's attempt by ours; False if somebody was quicker."""

    async def settle(
        self, claim: Claim, external_id: ExternalId, *, fingerprint: str | None
    ) -> None:
        """Record the id of a shared object."""

    async def claims(
        self, account: str, project: str, environment: str, *, names: Sequence[str] | None = None
    ) -> tuple[Claim, ...]:
        """All claims of an environment in an account, or those of the named objects."""

    async def rename(self, entry: LedgerEntry, name: str) -> LedgerEntry | None:
        """Give a row another name in one step; None if there is no such row any more.

        A row that has the new name already is left as it is, and answered.
        """


class Wishes(Protocol):
    """What Git wanted when it was last valid; bodies live here, not in workflow histories."""

    async def store_tree(
        self,
        state: SourceState,
        wishes: Sequence[WishRecord],
        contents: Mapping[str, str],
        manifests: JsonObject,
    ) -> int:
        """One valid commit in one transaction; answers how many wishes changed.

        Changed, new and gone wishes become undeclared; gone ones are marked removed. ``contents``
        maps a content digest to text; ``manifests`` is the Project manifest as JSON.
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

    async def own_number(self, wanted: NumberOwner) -> NumberOwner:
        """Take the number unless somebody has it whose wish for it stands; answers who has it."""

    async def number_owner(self, account: str, number: str) -> NumberOwner | None:
        """Whose standing wish has the number, or None."""

    async def numbers_owned(
        self, project: str, environment: str, name: str
    ) -> tuple[NumberOwner, ...]:
        """Every number one wish has, those it no longer names included."""

    async def disown_number(self, owner: NumberOwner) -> None:
        """Let the number go, unless somebody else has it by now."""

    async def content(self, digest: str) -> str:
        """The text stored under a content digest. Raises NotFound."""


class Projects(Protocol):
    """Registered projects and how their Git is."""

    async def register(self, project: ProjectRecord) -> None:
        """Insert or update."""

    async def project(self, name: str) -> ProjectRecord | None:
        """One project, or None."""

    async def projects(self) -> tuple[ProjectRecord, ...]:
        """All projects by name."""

    async def source(self, project: str) -> SourceState | None:
        """How the project's Git is; None before the first look."""

    async def put_source(self, state: SourceState) -> bool:
        """Record a look that brought no new valid tree; True if its meaning changed."""


class Statuses(Protocol):
    """How every agent and number is, and what happened to it."""

    async def status(
        self, project: str, environment: str, kind: RecordKind, name: str
    ) -> StatusRow | None:
        """One status, or None."""

    async def statuses(
        self,
        project: str,
        *,
        environment: str | None = None,
        kind: RecordKind | None = None,
        after: str = "",
        limit: int,
    ) -> tuple[StatusRow, ...]:
        """Statuses ordered by ``kind/name/environment``, starting after that key."""

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


class Access(Protocol):
    """Tokens and the audit log."""

    async def add_token(self, token: TokenRecord) -> None:
        """Insert."""

    async def token(self, token_hash: str) -> TokenRecord | None:
        """The unexpired token with that hash, or None."""

    async def add_audit(self, record: AuditRecord) -> None:
        """Append."""

    async def audit(self, *, before: int | None = None, limit: int) -> tuple[AuditRecord, ...]:
        """Newest first."""
