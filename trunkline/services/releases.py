"""Releases for people: what runs where since when, who changed what, and the whole history.

Reads the index of releases that a look at Git writes; nothing here asks Git or a platform.
"""

from dataclasses import dataclass
from datetime import datetime

from trunkline.model import limits
from trunkline.model.errors import InvalidInput, NotFound, PromotionRefused
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.records import Stage, StatusRow
from trunkline.model.releases import ReleaseRecord, ReleaseStanding
from trunkline.ports.releasing import ReleaseRecords
from trunkline.services.pages import Page, before_cursor, parse_before
from trunkline.services.projects import ProjectService
from trunkline.services.status import StatusService

LOOKS = 20
"""Releases looked through for one to go back to before a person is asked to name it."""
CHANGES_SHOWN = 10
"""Entries of the changelog that come with an agent; the rest is a list of its own."""


@dataclass(frozen=True, slots=True)
class Changelog:
    """One page of an agent's releases, newest first; ``current_version`` 0 before the first."""

    environment: str
    current_version: int
    page: Page[ReleaseRecord]


@dataclass(frozen=True, slots=True)
class Deployment:
    """How far an agent has come: its stage, what is released of it, and the newest changes."""

    stage: Stage
    version: int
    last_deployed_at: datetime | None
    deployed_by: str
    changes: tuple[ReleaseRecord, ...]


@dataclass(frozen=True, slots=True)
class ReleasedPlace:
    """An environment that runs releases; ``rules`` None before any were in force."""

    environment: str
    rules: PromotionRules | None


class ReleaseService:
    """Releases of one store. Every method takes a project that was found for the caller."""

    def __init__(
        self, releases: ReleaseRecords, *, status: StatusService, projects: ProjectService
    ) -> None:
        self._releases = releases
        self._status = status
        self._projects = projects

    async def place(self, project: str, environment: str | None) -> ReleasedPlace:
        """The environment people mean: the one they name, or the only one that runs releases.

        Raises InvalidInput for one that is not there or for several, PromotionRefused for one that
        follows the branch.
        """
        where = await self._where(project, environment)
        return ReleasedPlace(where, await self._releases.rules_in_force(project, where))

    async def _where(self, project: str, environment: str | None) -> str:
        if environment is not None:
            await self._projects.require_environment(project, environment)
        released = await self._released(project)
        if environment is not None:
            if environment not in released:
                raise PromotionRefused(
                    f"Cannot deploy to {environment}: it follows the branch, so a push deploys"
                    " to it and nothing is promoted",
                    hint=f"Environments that are promoted to: {', '.join(released) or 'none'}",
                )
            released = [environment]
        if not released:
            raise PromotionRefused(
                f"Project {project} has no environment that is promoted to",
                hint="Give one `source: releases` and a `promotion` in trunkline.yaml",
            )
        if len(released) > 1:
            raise InvalidInput(
                f"Several environments are promoted to: {', '.join(released)}",
                hint="Say which: environment",
            )
        return released[0]

    async def _released(self, project: str) -> list[str]:
        """Names of the environments that run releases."""
        known = await self._projects.environments(project)
        return [each.name for each in known if each.source == "releases"]

    async def standing(self, project: str, environment: str, agent: str) -> ReleaseStanding | None:
        """What the last look at Git made of an agent's release, or None."""
        return await self._releases.standing_of(project, environment, agent)

    async def release(
        self, project: str, environment: str, agent: str, version: int
    ) -> ReleaseRecord | None:
        """One release, or None."""
        return await self._releases.release(project, environment, agent, version)

    async def newest(
        self, project: str, environment: str, agent: str, *, before: int | None = None, limit: int
    ) -> tuple[ReleaseRecord, ...]:
        """Releases of an agent, newest first."""
        return await self._releases.releases_of(
            project, environment, agent, before=before, limit=limit
        )

    async def changelog(
        self,
        project: str,
        agent: str,
        *,
        environment: str | None = None,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Changelog:
        """What changed with each release, newest first, as far back as Git goes.

        Raises NotFound for an agent nobody knows, and what ``place`` raises.
        """
        where = await self._where(project, environment)
        before = parse_before(cursor)
        standing, rows = await self._releases.standing_and_releases(
            project, where, agent, before=before, limit=limit
        )
        if not rows and cursor is None:
            await self._status.require(project, "agent", agent, environment=None)
        following = before_cursor(rows[-1].version) if len(rows) == limit else None
        return Changelog(where, _version(standing), Page(rows, following))

    async def deployment(self, row: StatusRow) -> Deployment:
        """How far the agent of a status row has come, in whichever environment the row is."""
        released = await self._released(row.project)
        is_one = len(released) == 1 and row.environment not in released
        where = released[0] if is_one else row.environment
        standing, rows = await self._releases.standing_and_releases(
            row.project, where, row.name, limit=CHANGES_SHOWN
        )
        version = _version(standing)
        current = next((each for each in rows if each.version == version), None)
        if current is None and version:
            current = await self.release(row.project, where, row.name, version)
        return Deployment(
            stage="production" if version else row.stage,
            version=version,
            last_deployed_at=current.released_at if current else None,
            deployed_by=current.promoted_by if current else "",
            changes=rows,
        )

    async def restorable(
        self, project: str, environment: str, agent: str, *, to: int | None
    ) -> ReleaseRecord:
        """The release to go back to: the one named, else the newest before what runs that was
        something else. Raises PromotionRefused, NotFound.
        """
        newest = await self.newest(project, environment, agent, limit=LOOKS)
        if not newest:
            raise PromotionRefused(
                f"{agent} was never released to {environment}, so there is nothing to go back to",
                hint=f"To take its calls away: trunkline disable {agent} -e {environment}",
            )
        applied = await self.version(project, environment, agent)
        current = next((each for each in newest if each.version == applied), newest[0])
        if to is not None:
            found = await self.release(project, environment, agent, to)
            if found is None:
                raise NotFound(
                    f"There is no v{to} of {agent} in {environment}",
                    hint=f"The newest is v{newest[0].version}; `trunkline history {agent}"
                    f" -e {environment}` lists them",
                )
            if found.digest == current.digest:
                raise PromotionRefused(f"{environment} runs what v{to} of {agent} is already")
            return found
        base = current.restores or current.version
        for each in newest:
            if each.version < base and each.digest != current.digest:
                return each
        raise PromotionRefused(
            f"Before v{base} of {agent} nothing else was released to {environment}",
            hint="Name another version with `to`, or take its calls away:"
            f" trunkline disable {agent} -e {environment}",
        )

    async def version(self, project: str, environment: str, agent: str) -> int:
        """What was verified last and is what the environment is brought to; 0 before the first."""
        return _version(await self.standing(project, environment, agent))


def _version(standing: ReleaseStanding | None) -> int:
    return 0 if standing is None or standing.removed else standing.applied_version
