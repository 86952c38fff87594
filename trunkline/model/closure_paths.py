"""Where in a repository an agent's closure stands: the files whose authors are its authors."""

from collections.abc import Iterator

from trunkline.model.kinds import Agent, KnowledgeDocument, Manifest
from trunkline.model.manifests import Manifests, Placed


def closure_paths(manifests: Manifests, name: str) -> tuple[str, ...]:
    """Paths of everything the agent is made of: its manifest with all overrides, persona, prompt,
    tools, documents and what these hold, sorted; none if the commit does not name it.
    """
    placed = manifests.agents.get(name)
    return tuple(sorted(set(_paths(manifests, placed)))) if placed is not None else ()


def _paths(manifests: Manifests, placed: Placed[Agent]) -> Iterator[str]:
    yield from _files(placed)
    spec = placed.manifest.spec
    for content in (spec, *spec.overrides.values()):
        if content.persona is not None:
            yield from _files(manifests.personas[content.persona])
        if content.prompt is not None and content.prompt.file is not None:
            yield placed.path_of(content.prompt.file)
        for tool in content.tool_names:
            yield from _files(manifests.tools[tool])
        for document in content.knowledge:
            yield from _document(manifests.documents[document])


def _document(placed: Placed[KnowledgeDocument]) -> Iterator[str]:
    yield from _files(placed)
    source = placed.manifest.spec.source
    if source.file is not None:
        yield placed.path_of(source.file)


def _files(placed: Placed[Manifest]) -> Iterator[str]:
    """The file a document stands in, and those it includes."""
    yield placed.positions.file
    yield from placed.positions.included.values()
