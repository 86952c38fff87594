"""What the last releases of an environment refer to, read from the commits they pin.

Asked before a tool or document is deleted where releases say what runs: going back to one of them
must find everything there. A release never changes, so what it refers to is read once; an answer
counts as long as no release changed. Whatever cannot be read is said in words, and then nothing is
to be deleted.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from activities.policies import project_of
from trunkline.model.closures import Shared
from trunkline.model.errors import InvalidInput, SourceError
from trunkline.model.ids import Revision
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.limits import (
    PROJECTS_REMEMBERED,
    RELEASE_TREES_PER_LOOK,
    RELEASED_CLOSURES_REMEMBERED,
    RELEASES_KEPT,
)
from trunkline.model.manifests import Manifests
from trunkline.model.object_pruning import ReleasedReferences
from trunkline.model.released import SHORT_REVISION
from trunkline.model.released_closures import (
    Pin,
    history_doubt,
    missing_words,
    pins_of,
    tags_by_agent,
)
from trunkline.model.resolution import released_agent
from trunkline.model.shared_objects import needed_references
from trunkline.ports import Projects, Sources, Wishes
from trunkline.ports.releasing import ReleaseRecords, ReleaseRepositories

_References: TypeAlias = frozenset[str]
_Key: TypeAlias = tuple[str, str, Pin]
"""Project, environment, and the agent at a commit."""


@dataclass(frozen=True, slots=True)
class HistoryPorts:
    """Where releases of the past are read."""

    sources: Sources
    repositories: ReleaseRepositories
    releases: ReleaseRecords
    projects: Projects
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class _Place:
    project: Project
    environment: Environment
    applied: Revision
    leaving: frozenset[str]


class ReleasedObjects:
    """Answers what the last releases of an environment refer to."""

    def __init__(self, ports: HistoryPorts) -> None:
        self._ports = ports
        self._closures: OrderedDict[_Key, _References] = OrderedDict()
        self._answers: dict[tuple[str, str], tuple[object, ReleasedReferences]] = {}

    async def of(
        self, project: str, environment: str, leaving: Iterable[str] = ()
    ) -> ReleasedReferences:
        """Every reference of what runs there and of what may be gone back to.

        ``leaving`` are agents whose release was removed and that are still there: they may come
        back. Raises what the store raises; what Git does not give is a doubt.
        """
        place = await self._place(project, environment, frozenset(leaving))
        if place is None:
            return ReleasedReferences(doubt="nothing of Git is applied yet")
        mark = (await self._ports.releases.standings_mark(project), place.applied, place.leaving)
        kept = self._answers.get((project, environment))
        if kept is not None and kept[0] == mark:
            return kept[1]
        try:
            found = await self._read(place)
        except (SourceError, InvalidInput) as error:
            return ReleasedReferences(doubt=error.message)
        if not found.doubt:
            self._answers.pop((project, environment), None)
            self._answers[project, environment] = (mark, found)
            while len(self._answers) > PROJECTS_REMEMBERED:
                del self._answers[next(iter(self._answers))]
        return found

    async def _place(
        self, project: str, environment: str, leaving: frozenset[str]
    ) -> _Place | None:
        source = await self._ports.projects.source(project)
        manifest = await self._ports.wishes.project_manifest(project)
        if source is None or source.applied_revision is None or manifest is None:
            return None
        described = project_of(manifest)
        found = described.environment(environment)
        if found is None:
            return None
        return _Place(described, found, source.applied_revision, leaving)

    async def _read(self, place: _Place) -> ReleasedReferences:
        project, environment = place.project.name, place.environment.name
        repository = await self._ports.repositories.repository(project)
        await repository.fetch_tip()
        releases = await repository.releases(place.applied)
        standings = await self._ports.releases.standings(project, environment)
        doubt = history_doubt(releases, environment, standings)
        if doubt:
            return ReleasedReferences(doubt=doubt)
        tags = tags_by_agent(await repository.release_tags(environment))
        pins: set[Pin] = set()
        for standing in standings:
            if standing.removed and standing.agent not in place.leaving:
                continue
            indexed = await self._ports.releases.releases_of(
                project, environment, standing.agent, limit=RELEASES_KEPT
            )
            own = pins_of(standing, tags.get(standing.agent, ()), indexed)
            doubt = missing_words(standing, own)
            if doubt:
                return ReleasedReferences(doubt=doubt)
            pins |= own
        return await self._referred(place, pins)

    async def _referred(self, place: _Place, pins: Collection[Pin]) -> ReleasedReferences:
        """Read what is not known yet, tree by tree, and no more of them than one look may."""
        project, environment = place.project.name, place.environment.name
        found: dict[Pin, _References] = {}
        unread: defaultdict[Revision, list[Pin]] = defaultdict(list)
        for pin in sorted(pins):
            key = (project, environment, pin)
            if key in self._closures:
                self._closures.move_to_end(key)
                found[pin] = self._closures[key]
            else:
                unread[pin.revision].append(pin)
        source = await self._ports.sources.source(project)
        for revision in list(unread)[:RELEASE_TREES_PER_LOOK]:
            manifests = await source.manifests(revision)
            group = unread.pop(revision)
            read = await asyncio.to_thread(_closures, place, manifests, group)
            found.update(read)
            self._remember(project, environment, read, at_least=len(pins))
            lost = next((pin for pin in group if pin not in read), None)
            if lost is not None:
                return ReleasedReferences(doubt=_lost_words(lost))
        if unread:
            words = f"{len(unread)} commits that releases pin are still to be read"
            return ReleasedReferences(doubt=words, partial=True)
        return ReleasedReferences(references=frozenset().union(*found.values()))

    def _remember(
        self, project: str, environment: str, read: Mapping[Pin, _References], *, at_least: int
    ) -> None:
        """Of one environment everything is kept, or its history would never be read to its end."""
        for pin, references in read.items():
            self._closures[project, environment, pin] = references
        while len(self._closures) > max(RELEASED_CLOSURES_REMEMBERED, at_least):
            self._closures.popitem(last=False)


def _closures(place: _Place, manifests: Manifests, pins: Iterable[Pin]) -> dict[Pin, _References]:
    """What the agents of one commit refer to; without those that are not what was released."""
    shared = Shared(manifests)
    found: dict[Pin, _References] = {}
    for pin in pins:
        wish = released_agent(shared, place.project, place.environment, pin.agent)
        if wish is not None and pin.digest in ("", wish.digest):
            found[pin] = frozenset(needed_references(wish))
    return found


def _lost_words(pin: Pin) -> str:
    return (
        f"{pin.agent} v{pin.version} cannot be told from commit {pin.revision[:SHORT_REVISION]}, "
        "which it pins"
    )
