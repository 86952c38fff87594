"""One ElevenLabs account as ``ports.VoicePlatform``: which endpoint says what we ask.

Every method is one question or one write, and none of them decides: what to create, keep or wait
for is the core's business. Objects are recognised by exact marks here, because the vendor's own
filters match prefixes or any of several tags.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from trunkline.adapters.elevenlabs import deleting
from trunkline.adapters.elevenlabs.answers import (
    AgentLine,
    CreatedAgent,
    CreatedNumber,
    CreatedObject,
    CreatedSecret,
    DocumentLine,
    NumberAnswer,
    SecretLine,
    ToolLine,
    UserAnswer,
    VersionAnswer,
    observed_agent,
)
from trunkline.adapters.elevenlabs.branches import ElevenLabsBranches
from trunkline.adapters.elevenlabs.client import ElevenLabsClient, object_path
from trunkline.adapters.elevenlabs.inventory import ElevenLabsInventory
from trunkline.adapters.elevenlabs.native_calls import ElevenLabsNativeCalls
from trunkline.adapters.elevenlabs.platform_tests import ElevenLabsTests
from trunkline.adapters.elevenlabs.rendering import (
    RULES,
    render_agent,
    render_document,
    render_page,
    render_upload,
)
from trunkline.adapters.elevenlabs.testing.compiling import compile_test
from trunkline.adapters.elevenlabs.testing.rendering import render_for_tests, stray_tools
from trunkline.adapters.elevenlabs.tool_schemas import render_tool
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent, DesiredDocument, DesiredTool
from trunkline.model.errors import CredentialsRejected, Rejected
from trunkline.model.findings import AccountFacts
from trunkline.model.ids import OWNER_PREFIX, ExternalId
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.ledger import SharedKind
from trunkline.model.observed import (
    AgentSummary,
    AgentVersion,
    ObjectUsage,
    ObservedAgent,
    ObservedObject,
    PlatformNumber,
)
from trunkline.model.rendering import ComparisonRules, Rendering
from trunkline.model.testing.platform_tests import CompiledTest, Examples
from trunkline.model.testing.rendering import TestRendering
from trunkline.ports.talking import Talks

if TYPE_CHECKING:
    from trunkline.adapters.elevenlabs.lines import ElevenLabsLines


AGENTS = "/v1/convai/agents"
TOOLS = "/v1/convai/tools"
DOCUMENTS = "/v1/convai/knowledge-base"
SECRETS = "/v1/convai/secrets"
NUMBERS = "/v1/convai/phone-numbers"

READS = {
    "agents": AGENTS,
    "tools": TOOLS,
    "documents": DOCUMENTS,
    "secrets": SECRETS,
    "phone numbers": NUMBERS,
}
"""What a key must be allowed to do; that it may also write shows at the first write."""

OLDEST_FIRST = (("sort_by", "created_at"), ("sort_direction", "asc"))
IN_USE = ("archived", "false")
ARCHIVED = ("archived", "true")

NATIVE_VOICE_URL = re.compile(
    r"https://api(\.[a-z]+)?(\.residency)?\.elevenlabs\.io/twilio/inbound_call/?"
)

AGENT_LINES = TypeAdapter(tuple[AgentLine, ...]).validate_python
TOOL_LINES = TypeAdapter(tuple[ToolLine, ...]).validate_python
DOCUMENT_LINES = TypeAdapter(tuple[DocumentLine, ...]).validate_python
SECRET_LINES = TypeAdapter(tuple[SecretLine, ...]).validate_python
NUMBER_LINES = TypeAdapter(tuple[NumberAnswer, ...]).validate_python


async def account_of(client: ElevenLabsClient) -> str:
    """A name for the workspace a key belongs to: the same for all its keys, and no secret.

    Raises CredentialsRejected if the key is wrong or may not read its own user.
    """
    user = await client.read(UserAnswer.model_validate, "/v1/user")
    return f"elevenlabs-{hashlib.sha256(user.owner.encode()).hexdigest()[:16]}"


class ElevenLabsPlatform:
    """One account. Holds no connection of its own, so nothing needs closing."""

    def __init__(self, client: ElevenLabsClient, *, account: str, listing_timeout_s: float) -> None:
        self._client = client
        self._talks: Talks | None = None
        self._lines: ElevenLabsLines | None = None
        self._account = account
        self._listing_timeout_s = listing_timeout_s

    def __repr__(self) -> str:
        return f"ElevenLabsPlatform({self._account})"

    @property
    def account(self) -> str:
        """A digest of the key's workspace: it survives the rotation of the key."""
        return self._account

    @property
    def rules(self) -> ComparisonRules:
        """How agents of ElevenLabs are compared."""
        return RULES

    @property
    def inventory(self) -> ElevenLabsInventory:
        """Everything the account holds, whoever made it."""
        return ElevenLabsInventory(self._client, listing_timeout_s=self._listing_timeout_s)

    @property
    def talks(self) -> Talks:
        """Conversations with its agents."""
        if self._talks is None:
            from trunkline.adapters.elevenlabs.talks import (  # noqa: PLC0415 - sound takes memory
                ElevenLabsTalks,
            )

            self._talks = ElevenLabsTalks(self._client)
        return self._talks

    @property
    def lines(self) -> "ElevenLabsLines":
        """Its agents, to be connected with callers."""
        if self._lines is None:
            from trunkline.adapters.elevenlabs.lines import (  # noqa: PLC0415 - calls only
                ElevenLabsLines,
            )

            self._lines = ElevenLabsLines(self._client)
        return self._lines

    @property
    def native_calls(self) -> ElevenLabsNativeCalls:
        """Phone calls it carries by itself."""
        return ElevenLabsNativeCalls(self._client)

    @property
    def branches(self) -> ElevenLabsBranches:
        """Configurations of its agents beside the live one."""
        return ElevenLabsBranches(self._client)

    @property
    def tests(self) -> ElevenLabsTests:
        """The vendor's own tests of its agents."""
        return ElevenLabsTests(self._client, listing_timeout_s=self._listing_timeout_s)

    def compile_test(
        self, test: ConversationTest, desired: DesiredAgent, examples: Examples | None = None
    ) -> CompiledTest:
        """A conversation test in the vendor's own tests, and what they cannot say. Pure."""
        return compile_test(test, desired, examples)

    def render(self, desired: DesiredAgent) -> Rendering:
        """The wish in ElevenLabs' shape. Pure."""
        return render_agent(desired)

    def render_for_tests(
        self, desired: DesiredAgent, *, public_url: str | None, stubbed: frozenset[str] | None
    ) -> TestRendering:
        """The wish as it is tested, on a branch. Pure."""
        return render_for_tests(desired, public_url=public_url, stubbed=stubbed)

    def stray_tools(self, body: JsonObject) -> tuple[str, ...]:
        """Paths by which a conversation would reach services we cannot stand in for. Pure."""
        return stray_tools(body)

    async def check(self) -> AccountFacts:
        """What the key may read, each asked once and harmlessly. Raises CredentialsRejected."""
        now = await self._client.answered_at("/v1/user")
        refused = []
        for what, path in READS.items():
            try:
                await self._client.answered_at(path, (("page_size", "1"),))
            except CredentialsRejected:
                refused.append(what)
        return AccountFacts(account=self._account, refused=tuple(refused), now=now)

    async def find_agents(self, tag: str) -> tuple[AgentSummary, ...]:
        """Agents with exactly this tag, oldest first; archived ones only if no other has it."""
        for state in (IN_USE, ARCHIVED):
            lines = await self._client.listed(
                AGENT_LINES,
                AGENTS,
                "agents",
                [("tags", tag), state, *OLDEST_FIRST],
                timeout_s=self._listing_timeout_s,
            )
            found = [line.summary() for line in lines if tag in line.tags]
            if found:
                return tuple(sorted(found, key=_age))
        return ()

    async def agents(self) -> AsyncIterator[tuple[AgentSummary, ...]]:
        """All agents page by page, archived ones last; each page has the read's deadline."""
        for state in (IN_USE, ARCHIVED):
            params = [state, *OLDEST_FIRST]
            async for lines in self._client.pages(AGENT_LINES, AGENTS, "agents", params):
                yield tuple(line.summary() for line in lines)

    async def agent(
        self, external_id: ExternalId, *, version_id: str | None = None
    ) -> ObservedAgent:
        """One agent at the tip of its main branch, or at a version. Raises RemoteMissing."""
        params = [("version_id", version_id)] if version_id else []
        return await self._client.read(observed_agent, object_path(AGENTS, external_id), params)

    async def create_agent(self, body: JsonObject, *, timeout_s: float) -> ExternalId:
        """Create an agent. Raises OutcomeUnknown if the answer was lost."""
        created = await self._client.write(
            CreatedAgent.model_validate, "POST", f"{AGENTS}/create", body, timeout_s=timeout_s
        )
        return created.agent_id

    async def update_agent(
        self, external_id: ExternalId, patch: JsonObject, *, description: str, timeout_s: float
    ) -> ObservedAgent:
        """Merge a patch into the main branch; answers the agent as it is then."""
        return await self._client.write(
            observed_agent,
            "PATCH",
            object_path(AGENTS, external_id),
            {**patch, "version_description": description},
            timeout_s=timeout_s,
        )

    async def set_tags(
        self, external_id: ExternalId, tags: Sequence[str], *, description: str, timeout_s: float
    ) -> ObservedAgent:
        """Replace all tags of an agent and nothing else; answers the agent as it is then."""
        return await self.update_agent(
            external_id, {"tags": [*tags]}, description=description, timeout_s=timeout_s
        )

    async def agent_uses(self, external_id: ExternalId, now: datetime) -> tuple[str, ...]:
        """Numbers that ring the agent and its calls, in words. Raises RemoteMissing."""
        return await deleting.agent_uses(self._client, external_id, now)

    async def delete_agent(self, external_id: ExternalId, *, timeout_s: float) -> None:
        """Delete an agent; one that is gone already is no error."""
        await deleting.delete_agent(self._client, external_id, timeout_s=timeout_s)

    async def object_usage(self, kind: SharedKind, external_id: ExternalId) -> ObjectUsage:
        """The mark an object carries and who uses it. Raises RemoteMissing."""
        if kind == "test":
            return ObjectUsage(mark=await self.tests.test_mark(external_id), users=())
        return await deleting.object_usage(self._client, kind, external_id)

    async def delete_object(
        self, kind: SharedKind, external_id: ExternalId, *, timeout_s: float
    ) -> None:
        """Delete an object nobody uses, never by force. Raises Conflict."""
        if kind == "test":
            await self.tests.delete_test(external_id, timeout_s=timeout_s)
            return
        await deleting.delete_object(self._client, kind, external_id, timeout_s=timeout_s)

    async def version(self, external_id: ExternalId, version_id: str) -> AgentVersion:
        """Who committed a version and on top of which. Raises RemoteMissing."""
        answer = await self._client.read(
            VersionAnswer.model_validate,
            object_path(f"{object_path(AGENTS, external_id)}/versions", version_id),
        )
        return answer.version()

    async def find_objects(self, kind: SharedKind, mark: str) -> tuple[ObservedObject, ...]:
        """Objects with exactly this mark, oldest first.

        A secret's mark is its title; the owner part of the title alone is understood too. The
        vendor does not say when tools and secrets were made: their ``created_at_s`` is 0 and
        tools keep the order of the list, which is asked for by age.
        """
        found = await self._marked(kind, mark)
        return tuple(sorted(found, key=lambda each: each.created_at_s))

    async def create_tool(
        self, tool: DesiredTool, *, mark: str, secret_ids: Mapping[str, str], timeout_s: float
    ) -> ExternalId:
        """Create a tool that carries the mark."""
        created = await self._client.write(
            CreatedObject.model_validate,
            "POST",
            TOOLS,
            render_tool(tool, mark=mark, secret_ids=secret_ids),
            timeout_s=timeout_s,
        )
        return created.id

    async def create_document(
        self, document: DesiredDocument, *, mark: str, content: bytes, timeout_s: float
    ) -> ExternalId:
        """Create a document from text, a file or a page. Raises Rejected for a whole website."""
        if document.source == "website":
            raise Rejected(
                f"document {document.name}: websites are not crawled yet",
                hint="name its pages one by one, each as a document with source.url",
            )
        read = CreatedObject.model_validate
        if document.source == "file":
            form, file = render_upload(document, mark, content)
            created = await self._client.upload(
                read, f"{DOCUMENTS}/file", form, file, timeout_s=timeout_s
            )
        elif document.source == "url":
            body = render_page(document, mark)
            created = await self._client.write(
                read, "POST", f"{DOCUMENTS}/url", body, timeout_s=timeout_s
            )
        else:
            body = render_document(document, mark, content.decode())
            created = await self._client.write(
                read, "POST", f"{DOCUMENTS}/text", body, timeout_s=timeout_s
            )
        return created.id

    async def create_secret(self, title: str, value: str, *, timeout_s: float) -> ExternalId:
        """Store a secret under its title."""
        return await self._put_secret("POST", SECRETS, "new", title, value, timeout_s)

    async def update_secret(
        self, external_id: ExternalId, title: str, value: str, *, timeout_s: float
    ) -> None:
        """Replace the value of a secret. Raises RemoteMissing."""
        path = object_path(SECRETS, external_id)
        await self._put_secret("PATCH", path, "update", title, value, timeout_s)

    async def numbers(self) -> tuple[PlatformNumber, ...]:
        """All phone numbers, of every provider; the vendor lists them in one piece."""
        lines = await self._client.read(NUMBER_LINES, NUMBERS)
        return tuple(line.number() for line in lines)

    async def number(self, external_id: ExternalId) -> PlatformNumber:
        """One phone number by its id. Raises RemoteMissing."""
        answer = await self._client.read(
            NumberAnswer.model_validate, object_path(NUMBERS, external_id)
        )
        return answer.number()

    async def import_number(
        self, number: str, *, label: str, sid: str, token: str, timeout_s: float
    ) -> ExternalId:
        """Import a Twilio number for calls only: its messaging address stays as it is."""
        created = await self._client.write(
            CreatedNumber.model_validate,
            "POST",
            NUMBERS,
            {
                "provider": "twilio",
                "phone_number": number,
                "label": label,
                "sid": sid,
                "token": token,
                "enable_sms": False,
            },
            timeout_s=timeout_s,
            hidden=[token],
        )
        return created.phone_number_id

    async def assign_number(
        self, external_id: ExternalId, agent_id: ExternalId | None, *, timeout_s: float
    ) -> PlatformNumber:
        """Point a number at an agent's live branches or at nobody; the vendor sets its voice URL
        again.
        """
        answer = await self._client.write(
            NumberAnswer.model_validate,
            "PATCH",
            object_path(NUMBERS, external_id),
            {"agent_id": agent_id, "branch_id": None},
            timeout_s=timeout_s,
        )
        return answer.number()

    def is_native_voice_url(self, url: str | None) -> bool:
        """True if the vendor answers calls at this address, in whichever region."""
        return url is not None and NATIVE_VOICE_URL.fullmatch(url) is not None

    async def _put_secret(
        self, method: str, path: str, action: str, title: str, value: str, timeout_s: float
    ) -> ExternalId:
        stored = await self._client.write(
            CreatedSecret.model_validate,
            method,
            path,
            {"type": action, "name": title, "value": value},
            timeout_s=timeout_s,
            hidden=[value],
        )
        return stored.secret_id

    async def _marked(self, kind: SharedKind, mark: str) -> list[ObservedObject]:
        if kind == "test":
            return [*await self.tests.find_tests(mark)]
        if kind == "tool":
            params = [("types", "webhook"), ("types", "client"), *OLDEST_FIRST]
            tools = await self._client.listed(
                TOOL_LINES, TOOLS, "tools", params, timeout_s=self._listing_timeout_s
            )
            return _carrying(mark, (line.observed() for line in tools))
        if kind == "document":
            documents = await self._client.listed(
                DOCUMENT_LINES,
                DOCUMENTS,
                "documents",
                OLDEST_FIRST,
                timeout_s=self._listing_timeout_s,
            )
            return _carrying(mark, (line.observed() for line in documents))
        title = mark if mark.startswith(OWNER_PREFIX) else OWNER_PREFIX + mark
        params = [("search", title), ("dependency_limit", "1")]
        secrets = await self._client.listed(
            SECRET_LINES, SECRETS, "secrets", params, timeout_s=self._listing_timeout_s
        )
        return _carrying(title, (line.observed() for line in secrets))


def _age(agent: AgentSummary) -> tuple[int, str]:
    return agent.created_at_s, agent.external_id


def _carrying(mark: str, objects: Iterable[ObservedObject | None]) -> list[ObservedObject]:
    return [each for each in objects if each is not None and each.mark == mark]
