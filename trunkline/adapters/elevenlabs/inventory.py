"""Everything an ElevenLabs account holds, whoever made it, and our marks on what is taken over.

Reconciling looks for marks and never reads what others made; import and adoption do, and only they
come here. A mark is written with the object's own content beside it, as it was just read, because
the vendor replaces a tool whole.
"""

from collections.abc import Mapping

from pydantic import TypeAdapter

from trunkline.adapters.elevenlabs.answers import Answered
from trunkline.adapters.elevenlabs.client import ElevenLabsClient, object_path
from trunkline.adapters.elevenlabs.importing import derive_agent, derive_document
from trunkline.adapters.elevenlabs.tool_reading import (
    derive_tool,
    marked_config,
    secret_uses,
    tool_differences,
    unmarked_config,
)
from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import DesiredTool
from trunkline.model.ids import (
    TOOL_OWNER_VARIABLE,
    ExternalId,
    document_mark,
    document_title,
)
from trunkline.model.imports import DerivedAgent, DerivedDocument, DerivedTool
from trunkline.model.observed import (
    ObservedAgent,
    ObservedDocument,
    ObservedSecret,
    ObservedTool,
)
from trunkline.model.paths import find
from trunkline.model.plans import Change

TOOLS = "/v1/convai/tools"
DOCUMENTS = "/v1/convai/knowledge-base"
SECRETS = "/v1/convai/secrets"
OLDEST_FIRST = (("sort_by", "created_at"), ("sort_direction", "asc"))
OWNER = ("dynamic_variables", "dynamic_variable_placeholders", TOOL_OWNER_VARIABLE)


class ToolEntry(Answered):
    """A tool with its whole configuration."""

    id: ExternalId
    tool_config: JsonObject
    response_mocks: Json = None

    def observed(self) -> ObservedTool:
        """The tool in our words."""
        mark = find(self.tool_config, OWNER)
        return ObservedTool(
            external_id=self.id,
            function=str(self.tool_config.get("name", "")),
            config=self.tool_config,
            mocks=self.response_mocks,
            mark=mark if isinstance(mark, str) and mark else None,
        )


class DocumentEntry(Answered):
    """A document; ``url`` is where the vendor fetched it from."""

    id: ExternalId
    name: str
    type: str = "text"
    url: str | None = None

    def observed(self) -> ObservedDocument:
        """The document in our words."""
        mark = document_mark(self.name)
        suffix = document_title("", mark) if mark else ""
        return ObservedDocument(
            external_id=self.id,
            title=self.name.removesuffix(suffix),
            kind=self.type,
            url=self.url,
            mark=mark,
        )


class SecretEntry(Answered):
    """A secret by its name."""

    secret_id: ExternalId
    name: str


TOOL_ENTRIES = TypeAdapter(tuple[ToolEntry, ...]).validate_python
DOCUMENT_ENTRIES = TypeAdapter(tuple[DocumentEntry, ...]).validate_python
SECRET_ENTRIES = TypeAdapter(tuple[SecretEntry, ...]).validate_python


class ElevenLabsInventory:
    """``ports.VoiceInventory`` of one account."""

    def __init__(self, client: ElevenLabsClient, *, listing_timeout_s: float) -> None:
        self._client = client
        self._listing_timeout_s = listing_timeout_s

    async def tools(self) -> tuple[ObservedTool, ...]:
        """All tools, oldest first."""
        entries = await self._client.listed(
            TOOL_ENTRIES, TOOLS, "tools", OLDEST_FIRST, timeout_s=self._listing_timeout_s
        )
        return tuple(entry.observed() for entry in entries)

    async def documents(self) -> tuple[ObservedDocument, ...]:
        """All knowledge documents, oldest first."""
        entries = await self._client.listed(
            DOCUMENT_ENTRIES,
            DOCUMENTS,
            "documents",
            OLDEST_FIRST,
            timeout_s=self._listing_timeout_s,
        )
        return tuple(entry.observed() for entry in entries)

    async def secrets(self) -> tuple[ObservedSecret, ...]:
        """All secrets by name, in the order of their ids, which never changes."""
        params = (("dependency_limit", "1"),)
        entries = await self._client.listed(
            SECRET_ENTRIES, SECRETS, "secrets", params, timeout_s=self._listing_timeout_s
        )
        found = [ObservedSecret(external_id=e.secret_id, name=e.name) for e in entries]
        return tuple(sorted(found, key=lambda secret: secret.external_id))

    async def tool(self, external_id: ExternalId) -> ObservedTool:
        """One tool. Raises RemoteMissing."""
        entry = await self._client.read(ToolEntry.model_validate, object_path(TOOLS, external_id))
        return entry.observed()

    async def document(self, external_id: ExternalId) -> ObservedDocument:
        """One document. Raises RemoteMissing."""
        path = object_path(DOCUMENTS, external_id)
        entry = await self._client.read(DocumentEntry.model_validate, path)
        return entry.observed()

    async def document_text(self, external_id: ExternalId) -> str:
        """The text of a document as the vendor keeps it. Raises RemoteMissing."""
        return await self._client.text(f"{object_path(DOCUMENTS, external_id)}/content")

    async def mark_tool(self, tool: ObservedTool, mark: str, *, timeout_s: float) -> None:
        """Write our mark on a tool as it was just read."""
        marked = marked_config(_without_nulls(tool.config), mark)
        await self._replace_tool(tool, marked, timeout_s=timeout_s)

    async def unmark_tool(self, tool: ObservedTool, *, timeout_s: float) -> None:
        """Take our mark from a tool as it was just read."""
        unmarked = unmarked_config(_without_nulls(tool.config))
        await self._replace_tool(tool, unmarked, timeout_s=timeout_s)

    async def mark_document(
        self, document: ObservedDocument, title: str, mark: str, *, timeout_s: float
    ) -> None:
        """Write our mark behind a document's title; its content stays."""
        await self._name_document(document, document_title(title, mark), timeout_s=timeout_s)

    async def unmark_document(self, document: ObservedDocument, *, timeout_s: float) -> None:
        """Take our mark from a document; the title people read stays."""
        await self._name_document(document, document.title, timeout_s=timeout_s)

    def derive_agent(self, observed: ObservedAgent) -> DerivedAgent:
        """An agent in a manifest's words. Pure."""
        return derive_agent(observed)

    def derive_tool(self, observed: ObservedTool) -> DerivedTool:
        """A tool in a manifest's words. Pure."""
        return derive_tool(observed)

    def derive_document(self, observed: ObservedDocument, text: str | None) -> DerivedDocument:
        """A document in a manifest's words. Pure."""
        return derive_document(observed, text)

    def tool_differences(
        self, desired: DesiredTool, observed: ObservedTool, secret_ids: Mapping[str, str]
    ) -> tuple[Change, ...]:
        """What of a tool is not as wished. Pure."""
        return tool_differences(desired, observed, secret_ids)

    def secret_uses(self, desired: DesiredTool, observed: ObservedTool) -> dict[str, str]:
        """Secrets the wish names, to the ids the tool uses in their places. Pure."""
        return secret_uses(desired, observed)

    async def _replace_tool(
        self, tool: ObservedTool, config: JsonObject, *, timeout_s: float
    ) -> None:
        body: JsonObject = {"tool_config": config}
        if tool.mocks is not None:
            body["response_mocks"] = tool.mocks
        path = object_path(TOOLS, tool.external_id)
        await self._client.write(ToolEntry.model_validate, "PATCH", path, body, timeout_s=timeout_s)

    async def _name_document(
        self, document: ObservedDocument, name: str, *, timeout_s: float
    ) -> None:
        await self._client.write(
            DocumentEntry.model_validate,
            "PATCH",
            object_path(DOCUMENTS, document.external_id),
            {"name": name},
            timeout_s=timeout_s,
        )


def _without_nulls(tree: JsonObject) -> JsonObject:
    return {key: _plain(value) for key, value in tree.items() if value is not None}


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_nulls(value)
    return [_plain(each) for each in value] if isinstance(value, list) else value
