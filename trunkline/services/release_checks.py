"""Checking every release of a repository from what Git holds alone.

The same for a clone on somebody's disk and for the repository a server watches: neither a table nor
a platform is asked, so that a server can be checked by whoever does not trust it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from trunkline.model.closures import Shared, closure_digest
from trunkline.model.errors import CommitUnreadable, InvalidManifests, NotConfigured, TreeEmpty
from trunkline.model.evidence import Verifies
from trunkline.model.evidence_checks import (
    CheckedRelease,
    Closure,
    ReleaseFacts,
    checked_releases,
)
from trunkline.model.ids import Revision
from trunkline.model.limits import RELEASE_HISTORY_PAGE_MAX
from trunkline.model.manifests import Manifests
from trunkline.model.releases import ReleaseRecord
from trunkline.ports.releasing import ReleaseRepository
from trunkline.services.doctor import Outside
from trunkline.services.releases import ReleaseService


class Trees(Protocol):
    """Trees of manifests by commit."""

    async def manifests(self, revision: Revision) -> Manifests:
        """Everything a commit declares. Raises InvalidManifests or a SourceError."""


async def check_releases(
    repository: ReleaseRepository,
    trees: Trees,
    project: str,
    *,
    tip: Revision,
    public_keys: Sequence[str],
    keys: Verifies,
    environment: str = "",
    agent: str = "",
) -> tuple[CheckedRelease, ...]:
    """Every release in the history of the fetched branch, or those of an environment or agent.

    Raises SourceErrors if the history itself cannot be read.
    """
    records = await _history(repository, environment, agent)
    tags = await repository.release_tags(environment, agent)
    problems = (await repository.releases(tip)).problems
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        wanted[record.revision].add(record.agent)
    closures: dict[tuple[str, str], Closure] = {}
    for revision, names in wanted.items():
        found = await _closures(trees, Revision(revision), sorted(names))
        closures.update({(revision, name): closure for name, closure in found.items()})
    facts = ReleaseFacts(
        project=project, records=records, tags=tags, closures=closures, problems=problems
    )
    checked = checked_releases(facts, public_keys=public_keys, keys=keys)
    return tuple(
        row for row in checked if environment in ("", row.environment) and agent in ("", row.agent)
    )


async def _history(
    repository: ReleaseRepository, environment: str, agent: str
) -> list[ReleaseRecord]:
    found: list[ReleaseRecord] = []
    before: Revision | None = None
    while True:
        page = await repository.release_history(
            environment=environment, agent=agent, limit=RELEASE_HISTORY_PAGE_MAX, before=before
        )
        found.extend(page)
        if not page or page[-1].commit is None:
            return found
        before = page[-1].commit


async def _closures(trees: Trees, revision: Revision, names: Sequence[str]) -> dict[str, Closure]:
    """What the agents are at a commit."""
    try:
        manifests = await trees.manifests(revision)
    except CommitUnreadable:
        return dict.fromkeys(names, Closure(is_known=False))
    except (InvalidManifests, TreeEmpty) as error:
        return dict.fromkeys(names, Closure(problem=f"nothing can be read: {error.message}"))
    shared = Shared(manifests)
    return {
        name: Closure(digest=closure_digest(shared, manifests.agents[name]))
        if name in manifests.agents
        else Closure(problem=f"there is no agent {name}")
        for name in names
    }


class ReleaseCheckService:
    """The same by a server, of the repository it watches, by the rules in force there."""

    def __init__(self, releases: ReleaseService, outside: Outside | None) -> None:
        self._releases = releases
        self._outside = outside
        self._alone = asyncio.Lock()

    async def check(
        self, project: str, agent: str, *, environment: str | None
    ) -> tuple[CheckedRelease, ...]:
        """Every release of an agent, one request at a time: each reads a whole history.

        Raises NotConfigured where nothing but the store is reached, InvalidInput, PromotionRefused
        for an environment that runs no releases, SourceErrors.
        """
        outside = self._outside
        if outside is None or outside.repositories is None or outside.keys is None:
            raise NotConfigured("this server reaches no repository")
        place = await self._releases.place(project, environment)
        async with self._alone:
            repository = await outside.repositories.repository(project)
            return await check_releases(
                repository,
                await outside.sources.source(project),
                project,
                tip=await repository.fetch_tip(),
                public_keys=place.rules.public_keys if place.rules is not None else (),
                keys=outside.keys,
                environment=place.environment,
                agent=agent,
            )
