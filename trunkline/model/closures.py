"""What an agent is made of, and its digest: the thing that is tested, approved and released.

A closure holds meaning only: no ids, no secret values, no positions, no product version, nothing
of an environment. Values equal to a kind's defaults are left out, so that writing a default down
changes nothing, and neither does a key that a later version adds.
"""

from collections.abc import Mapping

from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest, digest_of_bytes
from trunkline.model.desired import DesiredDocument, DesiredTool, SecretReference
from trunkline.model.ids import Digest
from trunkline.model.kinds import Agent, AgentContent, KnowledgeDocument, Tool
from trunkline.model.kinds.agent import Prompt
from trunkline.model.kinds.base import SecretValue
from trunkline.model.manifests import Content, Manifests, Placed


class Shared:
    """Tools, documents and personas of one commit, each worked out once however many use it."""

    def __init__(self, manifests: Manifests) -> None:
        self.manifests = manifests
        self._contents: dict[Digest, str] = {}
        self.tools = {name: desired_tool(each) for name, each in manifests.tools.items()}
        self.documents = {name: self._document(each) for name, each in manifests.documents.items()}
        self.personas: dict[str, Json] = {
            name: each.manifest.spec.model_dump(mode="json", exclude_defaults=True)
            for name, each in manifests.personas.items()
        }

    def contents(self) -> Mapping[Digest, str]:
        """Every document's text by its digest."""
        return dict(self._contents)

    def _document(self, placed: Placed[KnowledgeDocument]) -> DesiredDocument:
        """The document as a wish; its text goes into the content store."""
        spec = placed.manifest.spec
        source = spec.source
        content: Content | None = None
        if source.text is not None:
            content = Content(source.text, digest_of_bytes(source.text.encode()))
        elif source.file is not None:
            content = self.manifests.contents[placed.path_of(source.file)]
        if content is not None:
            self._contents[content.digest] = content.text
        body: JsonObject = {
            "title": spec.title,
            "content": content.digest if content else None,
            "url": source.url,
            "website": source.website,
        }
        return DesiredDocument(
            name=placed.manifest.name,
            digest=digest(body),
            title=spec.title,
            source="url" if source.url else "website" if source.website else "text",
            content_digest=content.digest if content else None,
            url=source.url or source.website,
            usage=spec.usage,
            position=str(placed.positions.value("metadata.name")),
        )


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
        position=str(placed.positions.value("metadata.name")),
    )


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
