"""What an agent is made of, and its digest: the thing that is tested, approved and released.

A closure holds meaning only: no ids, no secret values, no positions, no product version, nothing
of an environment. Values equal to a kind's defaults are left out, so that writing a default down
changes nothing, and neither does a key that a later version adds.
"""

from collections.abc import Mapping
from typing import Literal

from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest, digest_of_bytes
from trunkline.model.desired import DesiredDocument, DesiredTool, SecretReference
from trunkline.model.ids import Digest
from trunkline.model.kinds import Agent, AgentContent, KnowledgeDocument, Tool
from trunkline.model.kinds.agent import Prompt
from trunkline.model.kinds.base import SecretValue
from trunkline.model.kinds.capabilities import Source
from trunkline.model.manifests import Manifests, Placed


class Shared:
    """Tools, documents and personas of one commit, each worked out once however many use it."""

    def __init__(self, manifests: Manifests) -> None:
        self.manifests = manifests
        self._contents: dict[Digest, bytes] = {}
        self.tools = {name: desired_tool(each) for name, each in manifests.tools.items()}
        self.documents = {name: self._document(each) for name, each in manifests.documents.items()}
        self.personas: dict[str, Json] = {
            name: each.manifest.spec.model_dump(mode="json", exclude_defaults=True)
            for name, each in manifests.personas.items()
        }

    def contents(self) -> Mapping[Digest, bytes]:
        """What every document holds, by its digest: a text in UTF-8, a file as it is."""
        return dict(self._contents)

    def _document(self, placed: Placed[KnowledgeDocument]) -> DesiredDocument:
        """The document as a wish; what it holds goes into the content store."""
        spec = placed.manifest.spec
        source = spec.source
        content_digest, file_type = self._content(placed)
        body: JsonObject = {
            "title": spec.title,
            "content": content_digest,
            "url": source.url,
            "website": source.website,
        }
        if file_type is not None:
            body["upload"] = file_type
        return DesiredDocument(
            name=placed.manifest.name,
            digest=digest(body),
            title=spec.title,
            source=_source_kind(source),
            content_digest=content_digest,
            file_type=file_type,
            url=source.url or source.website,
            usage=spec.usage,
            position=str(placed.positions.value("metadata.name")),
        )

    def _content(self, placed: Placed[KnowledgeDocument]) -> tuple[Digest | None, str | None]:
        """Store what the document holds; its digest, and the kind of file it is uploaded as."""
        source = placed.manifest.spec.source
        if source.text is not None:
            held = source.text.encode()
            content_digest = digest_of_bytes(held)
            self._contents[content_digest] = held
            return content_digest, None
        if source.file is None:
            return None, None
        path = placed.path_of(source.file)
        if source.upload:
            upload = self.manifests.uploads[path]
            self._contents[upload.digest] = upload.content
            return upload.digest, upload.file_type
        content = self.manifests.contents[path]
        self._contents[content.digest] = content.text.encode()
        return content.digest, None


def tool_digest(placed: Placed[Tool]) -> Digest:
    """The digest of what a tool does; its document's name and labels do not matter."""
    return digest(placed.manifest.spec.model_dump(mode="json", exclude_defaults=True))


def desired_tool(placed: Placed[Tool]) -> DesiredTool:
    """The tool as a wish."""
    spec = placed.manifest.spec
    method = spec.method or "POST" if spec.type == "webhook" else None
    return DesiredTool(
        name=placed.manifest.name,
        digest=tool_digest(placed),
        type=spec.type,
        function=spec.function,
        description=spec.description,
        method=method,
        url=spec.url,
        headers={
            name: SecretReference(secret=value.secret) if isinstance(value, SecretValue) else value
            for name, value in spec.headers.items()
        },
        timeout_s=spec.timeout.total_seconds() if spec.timeout is not None else None,
        parameters=spec.parameters,
        elevenlabs=spec.elevenlabs,
        position=str(placed.positions.value("metadata.name")),
    )


def _source_kind(source: Source) -> Literal["text", "file", "url", "website"]:
    if source.upload:
        return "file"
    return "url" if source.url else "website" if source.website else "text"


def prompt_text(shared: Shared, placed: Placed[Agent], prompt: Prompt) -> str:
    """The prompt's text without the blank lines editors leave around it."""
    text = prompt.text
    if prompt.file is not None:
        text = shared.manifests.contents[placed.path_of(prompt.file)].text
    return (text or "").strip()


def closure_digest(shared: Shared, placed: Placed[Agent]) -> Digest:
    """The digest of the agent with all its overrides, the same in every environment."""
    agent = placed.manifest
    spec = agent.spec
    contents = (spec, *spec.overrides.values())
    documents = {name for each in contents for name in each.knowledge}
    own = spec.model_dump(mode="json", exclude_defaults=True, exclude={"overrides"})
    overrides = {
        name: _with_text(shared, placed, each, each.model_dump(mode="json", exclude_unset=True))
        for name, each in spec.overrides.items()
    }
    return digest(
        {
            "name": agent.name,
            "spec": _with_text(shared, placed, spec, own),
            "overrides": dict(overrides),
            "personas": {
                each.persona: shared.personas[each.persona] for each in contents if each.persona
            },
            "tools": {
                name: shared.tools[name].digest for each in contents for name in each.tool_names
            },
            "documents": {
                name: [shared.documents[name].digest, shared.documents[name].usage]
                for name in documents
            },
        }
    )


def _with_text(
    shared: Shared, placed: Placed[Agent], content: AgentContent, body: JsonObject
) -> JsonObject:
    """The body with the prompt's text in the place of its file's name."""
    if content.prompt is None:
        return body
    return {**body, "prompt": prompt_text(shared, placed, content.prompt)}
