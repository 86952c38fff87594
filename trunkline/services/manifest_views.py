"""Manifests as they are written, at the revision that was applied last: what people look at before
they change something, and whose revision they then give as the base of their change.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.round_trips import find_document, values_of
from trunkline.manifests.suggestions import nearest
from trunkline.model.base import JsonObject
from trunkline.model.changes import MANIFEST_KINDS
from trunkline.model.errors import NotConfigured, NotFound
from trunkline.model.ids import Revision
from trunkline.model.manifests import Manifests
from trunkline.ports import ManifestSource, Projects, Sources
from trunkline.services.change_drafts import by_kind
from trunkline.services.pages import Page, key_cursor, parse_key


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One manifest; ``used_by`` are names of agents and numbers that name it, sorted."""

    kind: str
    name: str
    file: str
    line: int
    used_by: tuple[str, ...]
    revision: Revision


@dataclass(frozen=True, slots=True)
class ManifestText:
    """One manifest as it is written; ``prompt`` is the file an agent's prompt is in."""

    row: ManifestRow
    manifest: JsonObject
    text: str
    prompt: str | None


class ManifestViewService:
    """Reading manifests for people; without ``sources`` nothing can be read."""

    def __init__(self, projects: Projects, *, sources: Sources | None = None) -> None:
        self._projects = projects
        self._sources = sources

    async def page(
        self, project: str, *, kind: str | None, cursor: str | None, limit: int
    ) -> Page[ManifestRow]:
        """Manifests by kind and name. Raises NotFound, NotConfigured, a SourceError."""
        manifests, revision = await self._applied(project)
        after = parse_key(cursor)
        kinds = [kind] if kind else sorted(MANIFEST_KINDS)
        keys = [
            (each, name)
            for each in kinds
            for name in sorted(by_kind(manifests, each))
            if f"{each}/{name}" > after
        ]
        users = _users(manifests)
        rows = tuple(_row(manifests, users, each, name, revision) for each, name in keys[:limit])
        more = len(keys) > limit
        return Page(rows, key_cursor(f"{rows[-1].kind}/{rows[-1].name}") if more else None)

    async def one(self, project: str, kind: str, name: str) -> ManifestText:
        """One manifest. Raises NotFound, NotConfigured, a SourceError."""
        manifests, revision = await self._applied(project)
        placed = by_kind(manifests, kind).get(name)
        if placed is None:
            meant = nearest(name, by_kind(manifests, kind))
            raise NotFound(
                f"There is no {kind} {name!r} in project {project!r}",
                hint=f"Did you mean {meant}?" if meant else "",
            )
        source = await self._source(project)
        file = placed.positions.file
        paths = [file]
        prompt = getattr(placed.manifest.spec, "prompt", None)
        if prompt is not None and prompt.file:
            paths.append(placed.path_of(prompt.file))
        texts = await source.texts(revision, paths)
        text = texts.get(file, "")
        try:
            value = values_of(text)[find_document(text, kind, name)]
        except Uneditable as error:
            raise NotFound(f"{file} cannot be shown by parts: {error}") from error
        row = _row(manifests, _users(manifests), kind, name, revision)
        shown = value if isinstance(value, dict) else {}
        return ManifestText(row, shown, text, texts.get(paths[1]) if len(paths) > 1 else None)

    async def _applied(self, project: str) -> tuple[Manifests, Revision]:
        state = await self._projects.source(project)
        if state is None or state.applied_revision is None:
            raise NotFound(
                f"No valid commit of project {project!r} was read yet",
                hint="`trunkline describe project` says why",
            )
        source = await self._source(project)
        return await source.manifests(state.applied_revision), state.applied_revision

    async def _source(self, project: str) -> ManifestSource:
        if self._sources is None:
            raise NotConfigured("This server reads no repositories")
        return await self._sources.source(project)


def _row(
    manifests: Manifests,
    users: dict[tuple[str, str], set[str]],
    kind: str,
    name: str,
    revision: Revision,
) -> ManifestRow:
    place = by_kind(manifests, kind)[name].positions.value("")
    used = tuple(sorted(users.get((kind, name), ())))
    return ManifestRow(kind, name, place.file, place.line, used, revision)


def _users(manifests: Manifests) -> dict[tuple[str, str], set[str]]:
    """Who names what."""
    users: dict[tuple[str, str], set[str]] = {}

    def use(kind: str, names: Iterable[object], by: str) -> None:
        for name in names:
            if isinstance(name, str):
                users.setdefault((kind, name), set()).add(by)

    for agent, placed in manifests.agents.items():
        spec = placed.manifest.spec
        for content in (spec, *spec.overrides.values()):
            use("Tool", content.tools or (), agent)
            use("KnowledgeDocument", content.knowledge or (), agent)
            use("Persona", [content.persona], agent)
        if spec.outbound is not None:
            use("PhoneNumber", spec.outbound.from_numbers, agent)
    for number, each in manifests.numbers.items():
        use("Agent", each.manifest.spec.agents, number)
    return users
