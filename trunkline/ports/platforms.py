"""What the product asks of the vendors, of time and of the machine it runs on.

A platform speaks trees and external ids; credentials, rates and retries are its adapter's.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.base import JsonObject
from trunkline.model.budgets import AccountReport, Allowance, SharedAccount
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.desired import DesiredAgent, DesiredDocument, DesiredTool
from trunkline.model.findings import AccountFacts, MachineFacts
from trunkline.model.ids import ExternalId
from trunkline.model.imports import (
    DerivedAgent,
    DerivedDocument,
    DerivedTool,
)
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.ledger import (
    SharedKind,
)
from trunkline.model.observed import (
    AgentSummary,
    AgentVersion,
    CarrierNumber,
    ObjectUsage,
    ObservedAgent,
    ObservedDocument,
    ObservedObject,
    ObservedSecret,
    ObservedTool,
    PlatformNumber,
)
from trunkline.model.plans import Change
from trunkline.model.rendering import ComparisonRules, Rendering
from trunkline.model.testing.platform_tests import CompiledTest, Examples
from trunkline.model.testing.rendering import TestRendering
from trunkline.ports.talking import AgentBranches, PlatformTests, Talks


class Clock(Protocol):
    """Time as data, so that deadlines can be tested."""

    def now(self) -> datetime:
        """Now, in UTC."""


class VoiceInventory(Protocol):
    """Everything an account of a voice platform holds, whoever made it: for import and adoption."""

    async def tools(self) -> tuple[ObservedTool, ...]:
        """All tools, oldest first."""

    async def documents(self) -> tuple[ObservedDocument, ...]:
        """All knowledge documents, oldest first."""

    async def secrets(self) -> tuple[ObservedSecret, ...]:
        """All secrets by name, in an order that never changes."""

    async def tool(self, external_id: ExternalId) -> ObservedTool:
        """One tool. Raises RemoteMissing."""

    async def document(self, external_id: ExternalId) -> ObservedDocument:
        """One document. Raises RemoteMissing."""

    async def document_text(self, external_id: ExternalId) -> str:
        """The text of a document as the platform keeps it. Raises RemoteMissing."""

    async def mark_tool(self, tool: ObservedTool, mark: str, *, timeout_s: float) -> None:
        """Write our mark on a tool as it was just read; everything else about it stays."""

    async def mark_document(
        self, document: ObservedDocument, title: str, mark: str, *, timeout_s: float
    ) -> None:
        """Write title and mark on a document; its content stays."""

    async def unmark_tool(self, tool: ObservedTool, *, timeout_s: float) -> None:
        """Take our mark from a tool as it was just read; everything else about it stays."""

    async def unmark_document(self, document: ObservedDocument, *, timeout_s: float) -> None:
        """Take our mark from a document; title and content stay."""

    def derive_agent(self, observed: ObservedAgent) -> DerivedAgent:
        """An agent in a manifest's words. Pure."""

    def derive_tool(self, observed: ObservedTool) -> DerivedTool:
        """A tool in a manifest's words. Pure."""

    def derive_document(self, observed: ObservedDocument, text: str | None) -> DerivedDocument:
        """A document in a manifest's words. Pure."""

    def tool_differences(
        self, desired: DesiredTool, observed: ObservedTool, secret_ids: Mapping[str, str]
    ) -> tuple[Change, ...]:
        """What of a tool on the platform is not as wished. Pure."""

    def secret_uses(self, desired: DesiredTool, observed: ObservedTool) -> dict[str, str]:
        """Secrets the wish names for headers, to the ids the tool uses in their places. Pure."""


class VoicePlatform(Protocol):
    """One account of a voice platform."""

    @property
    def account(self) -> str:
        """A stable, non-secret name of the account (a digest of the key's owner)."""

    @property
    def rules(self) -> ComparisonRules:
        """How this platform's trees are compared."""

    @property
    def inventory(self) -> VoiceInventory:
        """Everything the account holds, whoever made it."""

    @property
    def talks(self) -> Talks:
        """Conversations with agents."""

    @property
    def branches(self) -> AgentBranches:
        """Configurations of agents beside the live one."""

    @property
    def tests(self) -> PlatformTests:
        """The platform's own tests of agents."""

    def compile_test(
        self, test: ConversationTest, desired: DesiredAgent, examples: Examples | None = None
    ) -> CompiledTest:
        """A conversation test in the platform's own tests, and what they cannot say. Pure."""

    def render(self, desired: DesiredAgent) -> Rendering:
        """The wish in the platform's shape. Pure."""

    def render_for_tests(
        self, desired: DesiredAgent, *, public_url: str | None, stubbed: frozenset[str] | None
    ) -> TestRendering:
        """The wish as it is tested: calls of ``stubbed`` functions come to us (None: of all), the
        others reach their services. Pure. Raises PublicUrlMissing.
        """

    def stray_tools(self, body: JsonObject) -> tuple[str, ...]:
        """Paths in a body by which a conversation would reach services we cannot stand in for.
        Pure.
        """

    async def check(self) -> AccountFacts:
        """What the credential may read. Raises CredentialsRejected if it is none."""

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

    async def agent_uses(self, external_id: ExternalId, now: datetime) -> tuple[str, ...]:
        """In words, who needs an agent: numbers that ring it, calls now or minutes ago.

        Raises RemoteMissing.
        """

    async def object_usage(self, kind: SharedKind, external_id: ExternalId) -> ObjectUsage:
        """The mark an object carries, read by its id, and who uses it. Raises RemoteMissing."""

    async def delete_agent(self, external_id: ExternalId, *, timeout_s: float) -> None:
        """Delete an agent; one that is gone already is no error."""

    async def delete_object(
        self, kind: SharedKind, external_id: ExternalId, *, timeout_s: float
    ) -> None:
        """Delete a tool, document or secret nothing refers to; one that is gone is no error.

        Raises Conflict if something on the platform still refers to it.
        """

    async def set_tags(
        self, external_id: ExternalId, tags: Sequence[str], *, description: str, timeout_s: float
    ) -> ObservedAgent:
        """Replace all tags of an agent and nothing else; the answer is the new state."""

    async def find_objects(self, kind: SharedKind, mark: str) -> tuple[ObservedObject, ...]:
        """Tools, documents or secrets that carry the mark, oldest first."""

    async def create_tool(
        self, tool: DesiredTool, *, mark: str, secret_ids: Mapping[str, str], timeout_s: float
    ) -> ExternalId:
        """Create a tool; ``secret_ids`` maps a secret's name to its id on the platform."""

    async def create_document(
        self, document: DesiredDocument, *, mark: str, content: bytes, timeout_s: float
    ) -> ExternalId:
        """Create a document; ``content`` is its text in UTF-8 or its file, empty for a page."""

    async def create_secret(self, title: str, value: str, *, timeout_s: float) -> ExternalId:
        """Store a secret; the value is never readable again."""

    async def update_secret(
        self, external_id: ExternalId, title: str, value: str, *, timeout_s: float
    ) -> None:
        """Replace a secret's value."""

    async def numbers(self) -> tuple[PlatformNumber, ...]:
        """All phone numbers the platform holds. Lists may lag."""

    async def number(self, external_id: ExternalId) -> PlatformNumber:
        """One phone number by its id. Raises RemoteMissing."""

    async def import_number(
        self, number: str, *, label: str, sid: str, token: str, timeout_s: float
    ) -> ExternalId:
        """Import a telephony number; the platform rewrites its voice URL."""

    async def assign_number(
        self, external_id: ExternalId, agent_id: ExternalId | None, *, timeout_s: float
    ) -> PlatformNumber:
        """Point a number at an agent's live branches (None: at nobody); also re-links the voice
        URL.
        """

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

    async def check(self) -> AccountFacts:
        """Whose account it is. Raises CredentialsRejected or Unavailable."""

    async def numbers(self) -> tuple[CarrierNumber, ...]:
        """Every number of the account, over all pages."""

    async def number(self, number: str) -> CarrierNumber | None:
        """The number in E.164, or None if the account does not hold it."""

    async def update_number(
        self,
        sid: str,
        *,
        voice_url: str | None = None,
        voice_fallback_url: str | None = None,
        status_callback: str | None = None,
        timeout_s: float,
    ) -> CarrierNumber:
        """Set where calls are asked for; None leaves an address as it is, empty clears it."""

    def is_signed(self, request: SignedRequest, url: str) -> bool:
        """True if the account itself sent this request to ``url``. Raises InvalidInput."""

    def forward_answer(self, number: str) -> str:
        """What to answer the carrier with so that it sends a call on to a number."""

    def hosted_fallback(self, forward_to: str, sentence: str) -> str:
        """An address at the carrier itself that dials a number, or says a sentence: it works while
        nothing of ours does.
        """


class Accounts(Protocol):
    """Platforms by project and environment; credentials are read at use."""

    @property
    def live(self) -> bool:
        """True if real accounts are reached and not simulators: a setting of the server."""

    async def voice(self, project: str, environment: str) -> VoicePlatform:
        """The voice platform of an environment. Raises CredentialsRejected if unset."""

    async def telephony(self, project: str, environment: str) -> Telephony:
        """The telephony account of an environment. Raises CredentialsRejected if unset."""

    def secret(self, project: str, name: str) -> str:
        """A secret's value from the server's allow-list. Raises InvalidSettings if absent."""

    async def allowance(self, project: str) -> Allowance:
        """What the project's voice accounts allow: its ``rates``, else the server's settings."""


class Budgets(Protocol):
    """What the processes of an installation share about accounts."""

    async def exchange_accounts(
        self, process: str, reports: Sequence[AccountReport]
    ) -> tuple[SharedAccount, ...]:
        """Say that the process uses these accounts and what it found out; hear how they are."""

    async def leave_accounts(self, process: str) -> None:
        """The process uses no account any more."""


class Machine(Protocol):
    """The machine a process runs on."""

    async def facts(self) -> MachineFacts:
        """Look now."""
