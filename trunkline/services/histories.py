"""What became of an agent: its releases, all of them, and the commits its events still remember.

Releases are read page by page as far back as Git goes. Commits come with the first page, because
events are kept for a while only.
"""

from datetime import UTC, datetime

from trunkline.model import limits
from trunkline.model.errors import InvalidInput, NotFound, PromotionRefused
from trunkline.model.releases import ReleaseRecord
from trunkline.services.descriptions import DescriptionService, HistoryEntry
from trunkline.services.pages import Page, before_cursor, parse_before
from trunkline.services.projects import ProjectService
from trunkline.services.releases import ReleaseService
from trunkline.services.status import StatusService

LONG_AGO = datetime.min.replace(tzinfo=UTC)


class HistoryService:
    """Histories of agents of one store."""

    def __init__(
        self,
        descriptions: DescriptionService,
        releases: ReleaseService,
        *,
        status: StatusService,
        projects: ProjectService,
    ) -> None:
        self._descriptions = descriptions
        self._releases = releases
        self._status = status
        self._projects = projects

    async def page(
        self,
        project: str,
        agent: str,
        *,
        environment: str | None,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[HistoryEntry]:
        """Releases and commits, newest first; without an environment, of the one that follows the
        branch and the one that is promoted to.

        Raises NotFound, InvalidInput.
        """
        before = parse_before(cursor)
        released_to = await self._released(project, environment)
        entries: list[HistoryEntry] = []
        following = None
        if released_to is not None:
            rows = await self._releases.newest(
                project, released_to, agent, before=before, limit=limit
            )
            current = await self._releases.version(project, released_to, agent)
            entries += [_entry(row, current) for row in rows]
            following = before_cursor(rows[-1].version) if len(rows) == limit else None
        if before is None:
            entries += await self._commits(project, agent, environment, released_to, entries)
        entries.sort(key=lambda entry: entry.at or LONG_AGO, reverse=True)
        return Page(tuple(entries), following)

    async def _released(self, project: str, environment: str | None) -> str | None:
        """The environment whose releases are meant, or None."""
        try:
            return (await self._releases.place(project, environment)).environment
        except PromotionRefused:
            return None
        except InvalidInput:
            if environment is not None:
                raise
            return None

    async def _commits(
        self,
        project: str,
        agent: str,
        environment: str | None,
        released_to: str | None,
        releases: list[HistoryEntry],
    ) -> tuple[HistoryEntry, ...]:
        """What events say of revisions where the branch is followed, or of what was not found
        among the releases.
        """
        if environment is not None and environment == released_to and releases:
            return ()
        where = environment
        if where is None and released_to is not None:
            found = await self._status.environments_of(project, agent)
            others = [each for each in found if each != released_to]
            where = others[0] if len(others) == 1 else None
            if not others and releases:
                return ()
        try:
            return await self._descriptions.history(project, "agent", agent, environment=where)
        except NotFound:
            if releases:
                return ()
            raise


def _entry(record: ReleaseRecord, current: int) -> HistoryEntry:
    return HistoryEntry(
        revision=record.revision,
        at=record.released_at,
        reason="RolledBack" if record.restores else "Released",
        message=record.changes,
        warnings=0,
        state="current" if record.version == current else "past",
        version_id=None,
        environment=record.environment,
        release=record,
    )
