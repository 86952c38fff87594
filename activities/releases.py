"""Look at ``releases/`` and store what it wants: what environments run that follow releases.

Releases are read by themselves at every look, whatever the rest of the tree is like, and each is
verified before it becomes a wish: signature, tag, and the closure at its pinned commit. Cost
follows change: a release that is as it was left is not read again, and a pinned tree is loaded
once for all releases that pin it. What a look found out is stored tree by tree, so that one that
is cut short is gone on with by the next.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from activities.release_index import AGENTS_READ_ALONE, History, ReleaseIndex
from trunkline.model.closures import Shared
from trunkline.model.conditions import Condition
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import CommitUnreadable, InvalidManifests, SourceError, TreeEmpty
from trunkline.model.evidence import EVIDENCE_INVALID, release_problem
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import PROJECTS_REMEMBERED
from trunkline.model.manifests import Manifests
from trunkline.model.planner import plan_digest
from trunkline.model.plans import Obstacle, Plan
from trunkline.model.records import EventRecord, StatusRecord, WishRecord
from trunkline.model.released import (
    CLOSURE_INVALID,
    RELEASE_INVALID,
    REVISION_MISSING,
    SHORT_REVISION,
    VERSION_NOT_ALLOCATED,
    Key,
    Sighting,
    as_before,
    claim_problem,
    counted,
    gone,
    is_held_only,
    is_settled,
    refused,
    rests_on,
    sightings,
)
from trunkline.model.releases import ReleaseStanding
from trunkline.model.resolution import agent_record, released_agent
from trunkline.model.status import transitions
from trunkline.ports import ManifestSource, Statuses
from trunkline.ports.releasing import (
    EvidenceKeys,
    ReleaseRecords,
    ReleaseRepositories,
    ReleaseRepository,
)

EARLIER_TRIED = 5
"""Releases of the past that are tried where the newest does not count and nothing is known."""


@dataclass(slots=True)
class _Found:
    """What a part of a look came to, ready to be stored."""

    standings: list[ReleaseStanding] = field(default_factory=list)
    wishes: list[WishRecord] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look: what the branch is, what was known before, what the verdicts rest on."""

    project: Project
    tip: Revision
    source: ManifestSource
    repository: ReleaseRepository
    environments: Mapping[str, Environment]
    keys: Mapping[str, tuple[str, ...]]
    resting: Mapping[str, str]
    known: Mapping[Key, ReleaseStanding]
    tags: Mapping[Key, Mapping[int, Revision]] = field(default_factory=dict)

    def refusal(self, seen: Sighting, reason: str, words: str) -> ReleaseStanding:
        """The standing of a release that does not count."""
        return refused(
            self.known.get(seen.key),
            seen,
            reason,
            words,
            project=self.project.name,
            tip=self.tip,
            resting=self.resting[seen.environment],
        )

    def verified(self, seen: Sighting) -> ReleaseStanding:
        """The standing of a release that counts."""
        return counted(
            self.known.get(seen.key),
            seen,
            project=self.project.name,
            tip=self.tip,
            resting=self.resting[seen.environment],
        )


class ReleaseLooks:
    """Looks at the releases of projects."""

    def __init__(
        self,
        repositories: ReleaseRepositories,
        records: ReleaseRecords,
        statuses: Statuses,
        keys: EvidenceKeys,
    ) -> None:
        self._repositories = repositories
        self._records = records
        self._statuses = statuses
        self._keys = keys
        self._index = ReleaseIndex(records, keys)
        self._standings: dict[str, tuple[tuple[str, ...], dict[Key, ReleaseStanding]]] = {}

    async def look(
        self,
        source: ManifestSource,
        project: Project,
        tip: Revision,
        *,
        whole: bool = False,
        trusted: bool = True,
    ) -> int:
        """Verify what is new below ``releases/`` at the tip and store what it wants; answers how
        many standings changed. ``project`` is the last valid one; ``whole`` takes nothing known
        for granted. A tip that is not ``trusted`` can remove nothing.

        Raises a SourceError for what could not be read, once everything else is stored.
        """
        followed = {each.name: each for each in project.spec.environments if _is_released(each)}
        if not followed:
            return 0
        repository = await self._repositories.repository(project.name)
        releases = await repository.releases(tip)
        known = await self._known(project.name, followed)
        keys = {name: await self._public_keys(project, name) for name in followed}
        look = _Look(
            project=project,
            tip=tip,
            source=source,
            repository=repository,
            environments=followed,
            keys=keys,
            resting={name: rests_on(project, each, keys[name]) for name, each in followed.items()},
            known=known,
        )
        seen = await asyncio.to_thread(sightings, releases, followed, known.values())
        fresh = [
            one
            for one in seen
            if (trusted or one.says_something)
            and (whole or not is_settled(known.get(one.key), one, look.resting[one.environment]))
        ]
        return await self._judge(look, fresh, whole=whole) if fresh else 0

    async def _known(
        self, project: str, environments: Collection[str]
    ) -> dict[Key, ReleaseStanding]:
        """Every standing; those read before if the store says that none changed."""
        mark = (await self._records.standings_mark(project), *sorted(environments))
        kept = self._standings.get(project)
        if kept is not None and kept[0] == mark:
            return kept[1]
        found = {
            (one.environment, one.agent): one
            for environment in environments
            for one in await self._records.standings(project, environment)
        }
        self._standings.pop(project, None)
        self._standings[project] = (mark, found)
        while len(self._standings) > PROJECTS_REMEMBERED:
            del self._standings[next(iter(self._standings))]
        return found

    async def _public_keys(self, project: Project, environment: str) -> tuple[str, ...]:
        """Whose signatures count: the rules' in force, else the manifest's."""
        rules = await self._records.rules_in_force(project.name, environment)
        if rules is not None:
            return rules.public_keys
        signing = project.spec.signing
        return signing.public_keys if signing is not None else ()

    async def _judge(self, look: _Look, fresh: Sequence[Sighting], *, whole: bool) -> int:
        """Without Git what can be, then by tags and signatures, then by pinned trees."""
        found = _Found()
        candidates: list[tuple[Sighting, ReleaseSpec]] = []
        for one in fresh:
            resting = look.resting[one.environment]
            if one.problem:
                found.standings.append(look.refusal(one, RELEASE_INVALID, one.problem))
            elif one.release is None:
                found.standings.append(gone(look.known[one.key], look.tip))
            elif not whole and is_held_only(look.known.get(one.key), one, resting):
                found.standings.append(_rehung(look.known[one.key], one))
            else:
                candidates.append((one, one.release))
        if candidates:
            look = replace(look, tags=await _tags(look.repository))
        pinned: defaultdict[Revision, list[tuple[Sighting, ReleaseSpec]]] = defaultdict(list)
        for one, release in candidates:
            refusal = self._refusal(look, one, release)
            if refusal is not None:
                found.standings.append(refusal)
            else:
                pinned[Revision(release.revision)].append((one, release))
        changed = await self._store(look, found)
        return changed + await self._judge_pinned(look, pinned)

    def _refusal(self, look: _Look, seen: Sighting, release: ReleaseSpec) -> ReleaseStanding | None:
        """Why it does not count, as far as can be told without its pinned tree."""
        words = release_problem(
            look.project.name,
            seen.environment,
            seen.agent,
            release,
            public_keys=look.keys[seen.environment],
            keys=self._keys,
        )
        if words:
            return look.refusal(seen, EVIDENCE_INVALID, words)
        words = claim_problem(release, look.known.get(seen.key), look.tags.get(seen.key, {}))
        return look.refusal(seen, VERSION_NOT_ALLOCATED, words) if words else None

    async def _judge_pinned(
        self, look: _Look, pinned: Mapping[Revision, Sequence[tuple[Sighting, ReleaseSpec]]]
    ) -> int:
        """Tree by tree; a release is in the index before anything rests on it."""
        changed = 0
        unread: SourceError | None = None
        history = History(look.repository, many=sum(map(len, pinned.values())) > AGENTS_READ_ALONE)
        for revision, group in pinned.items():
            try:
                found = await self._at(look, revision, group)
                for one in found.standings:
                    if not one.reason:
                        allocated = look.tags.get(_key(one), {})
                        await self._index.remember(
                            one, history, look.keys[one.environment], allocated
                        )
            except SourceError as error:
                unread = unread or error
                continue
            changed += await self._store(look, found)
        if unread is not None:
            raise unread
        return changed

    async def _at(
        self, look: _Look, revision: Revision, group: Sequence[tuple[Sighting, ReleaseSpec]]
    ) -> _Found:
        """What the releases that pin one commit come to."""
        try:
            manifests = await look.source.manifests(revision)
        except (InvalidManifests, TreeEmpty, CommitUnreadable) as error:
            reason = REVISION_MISSING if isinstance(error, CommitUnreadable) else CLOSURE_INVALID
            words = f"commit {revision[:SHORT_REVISION]} that it pins: {error.message}"
            return _Found([look.refusal(one, reason, words) for one, _ in group])
        return await asyncio.to_thread(_resolved, look, manifests, revision, group)

    async def _store(self, look: _Look, found: _Found) -> int:
        if not found.standings:
            return 0
        await self._add_earlier(look, found)
        project = look.project.name
        changed = await self._records.store_released(
            project, found.standings, found.wishes, found.contents, revision=look.tip
        )
        news = [one for one in found.standings if _is_news(look.known.get(_key(one)), one)]
        await self._statuses.add_events([_event(one, look.tip) for one in news])
        for one in found.standings:
            if one.reason and one.applied is None:
                await self._say(one)
        return changed

    async def _add_earlier(self, look: _Look, found: _Found) -> None:
        """Where a release does not count and nothing is known of before, as after a store was
        lost, the newest one of the history that counts is what stays.
        """
        for index, one in enumerate(found.standings):
            if not one.reason or one.applied is not None or _key(one) in look.known:
                continue
            earlier = await self._earlier(look, one)
            if earlier is None:
                continue
            before = earlier.standings[0]
            found.standings[index] = as_before(one, before)
            found.wishes.extend(earlier.wishes)
            found.contents.update(earlier.contents)

    async def _earlier(self, look: _Look, standing: ReleaseStanding) -> _Found | None:
        tags = look.tags or await _tags(look.repository)
        allocated = tags.get(_key(standing), {})
        history = History(look.repository, many=False)
        keys = look.keys[standing.environment]
        records = await history.of(standing.environment, standing.agent, above=0)
        for record in records[:EARLIER_TRIED]:
            release = self._index.counted(look.project.name, record, keys, allocated)
            if release is None:
                continue
            seen = Sighting(standing.environment, standing.agent, release=release)
            found = await self._at(look, Revision(release.revision), [(seen, release)])
            if not found.standings[0].reason:
                return found
        return None

    async def _say(self, standing: ReleaseStanding) -> None:
        """The status of an agent that no workflow serves: nothing of it was ever verified."""
        place = (standing.project, standing.environment)
        previous = await self._statuses.status(*place, "agent", standing.agent)
        said = _stalled(standing)
        await self._statuses.put_status(said, transitions(previous, said))


def obstacle_plan(project: str, environment: str, standing: ReleaseStanding | None) -> Plan | None:
    """The plan of an agent whose newest release does not count: nothing, and why."""
    if standing is None or not standing.reason:
        return None
    obstacle = Obstacle(reason=standing.reason, message=standing.message)
    return Plan(
        project=project,
        environment=environment,
        digest=plan_digest((), None),
        obstacles=(obstacle,),
    )


def _is_released(environment: Environment) -> bool:
    return environment.source == "releases"


def _key(standing: ReleaseStanding) -> Key:
    return standing.environment, standing.agent


async def _tags(repository: ReleaseRepository) -> dict[Key, dict[int, Revision]]:
    """What every release tag stands on, as the server says now."""
    await repository.fetch_tip()
    found: defaultdict[Key, dict[int, Revision]] = defaultdict(dict)
    for tag in await repository.release_tags():
        found[tag.environment, tag.agent][tag.version] = tag.revision
    return found


def _rehung(former: ReleaseStanding, seen: Sighting) -> ReleaseStanding:
    """The same release, held or no longer held."""
    hold = seen.release.hold if seen.release is not None else None
    applied = former.applied
    if applied is not None and not former.reason:
        applied = applied.model_copy(update={"hold": hold})
    return former.model_copy(update={"seen": seen.release, "applied": applied})


def _resolved(
    look: _Look,
    manifests: Manifests,
    revision: Revision,
    group: Sequence[tuple[Sighting, ReleaseSpec]],
) -> _Found:
    """Wishes of the releases whose closure at the commit is what was signed."""
    shared = Shared(manifests)
    held = shared.contents()
    found = _Found()
    short = revision[:SHORT_REVISION]
    for seen, release in group:
        environment = look.environments[seen.environment]
        wish = released_agent(shared, look.project, environment, seen.agent)
        if wish is None:
            words = f"commit {short} that it pins has no agent {seen.agent} but a draft at most"
            found.standings.append(look.refusal(seen, CLOSURE_INVALID, words))
        elif wish.digest != release.digest:
            words = (
                f"the agent at commit {short} has the digest {wish.digest}, and the release says "
                f"{release.digest}: what was tested is not what it pins"
            )
            found.standings.append(look.refusal(seen, EVIDENCE_INVALID, words))
        else:
            found.standings.append(look.verified(seen))
            found.wishes.append(agent_record(wish, revision))
            found.contents.update({str(each): held[each] for each in _documents(wish)})
    return found


def _documents(wish: DesiredAgent) -> Iterable[Digest]:
    return [each.content_digest for each in wish.documents if each.content_digest is not None]


def _is_news(former: ReleaseStanding | None, now: ReleaseStanding) -> bool:
    before = (former.applied_version, former.removed) if former is not None else (0, False)
    return not now.reason and before != (now.applied_version, now.removed)


def _event(standing: ReleaseStanding, tip: Revision) -> EventRecord:
    release = standing.applied
    if release is None:
        reason, words = "ReleaseRemoved", "its release was removed from Git"
    else:
        reason = "ReleaseVerified"
        words = f"version {release.version} by {release.promoted_by}: {release.changes}"
    return EventRecord(
        project=standing.project,
        environment=standing.environment,
        kind="agent",
        name=standing.agent,
        reason=reason,
        message=words,
        revision=Revision(release.revision) if release is not None else tip,
    )


def _stalled(standing: ReleaseStanding) -> StatusRecord:
    words = {"reason": standing.reason, "message": standing.message}
    return StatusRecord(
        project=standing.project,
        environment=standing.environment,
        kind="agent",
        name=standing.agent,
        sync="OutOfSync",
        health="Missing",
        message=standing.message,
        conditions=(
            Condition(type="Ready", status="False", **words),
            Condition(type="Stalled", status="True", **words),
        ),
    )
