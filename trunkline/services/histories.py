"""What became of an agent: its releases, all of them, and the commits its events still remember.

They are two lists that people read as one. Releases go back as far as Git does, commits as far as
events are kept; a cursor remembers where both are, so that neither is lost nor comes twice.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from trunkline.model import limits
from trunkline.model.errors import InvalidInput, NotFound, PromotionRefused
from trunkline.model.releases import ReleaseRecord
from trunkline.services.descriptions import DescriptionService, HistoryEntry
from trunkline.services.pages import Page, before_cursor, pair_cursor, parse_pair
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
        version, event = parse_pair(cursor)
        released_to = await self._released(project, environment)
        releases: Page[HistoryEntry] = Page((), None)
        if released_to is not None:
            releases = await self._releases_of(project, released_to, agent, version, limit)
        is_released = version is not None or bool(releases.items)
        commits: Page[HistoryEntry] = Page((), None)
        where = await self._followed(
            project, agent, environment, released_to, is_released=is_released
        )
        if where is not None:
            commits = await self._commits(
                project, agent, where or None, before=event, limit=limit, may_miss=is_released
            )
        shown = _newest((*releases.items, *commits.items), limit)
        known = len(releases.items) + len(commits.items)
        if len(shown) == known and releases.cursor is None and commits.cursor is None:
            return Page(shown, None)
        for each in shown:
            if each.release is not None:
                version = each.release.version
            else:
                event = each.oldest_event
        return Page(shown, pair_cursor(version, event))

    async def _releases_of(
        self, project: str, environment: str, agent: str, before: int | None, limit: int
    ) -> Page[HistoryEntry]:
        rows = await self._releases.newest(project, environment, agent, before=before, limit=limit)
        current = await self._releases.version(project, environment, agent)
        entries = tuple(_entry(row, current) for row in rows)
        return Page(entries, before_cursor(rows[-1].version) if len(rows) == limit else None)

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

    async def _followed(
        self,
        project: str,
        agent: str,
        environment: str | None,
        released_to: str | None,
        *,
        is_released: bool,
    ) -> str | None:
        """The environment whose commits belong here: one that follows the branch, or one whose
        agent was never released. "" is whichever it is in, None is none.
        """
        if environment is not None:
            return None if environment == released_to and is_released else environment
        if released_to is None:
            return ""
        found = await self._status.environments_of(project, agent)
        others = [each for each in found if each != released_to]
        if not others and is_released:
            return None
        return others[0] if len(others) == 1 else ""

    async def _commits(
        self,
        project: str,
        agent: str,
        environment: str | None,
        *,
        before: int | None,
        limit: int,
        may_miss: bool,
    ) -> Page[HistoryEntry]:
        """What events say of revisions. Raises NotFound unless it may be missing."""
        try:
            return await self._descriptions.history(
                project, "agent", agent, environment=environment, before=before, limit=limit
            )
        except NotFound:
            if may_miss:
                return Page((), None)
            raise


def _newest(entries: Iterable[HistoryEntry], limit: int) -> tuple[HistoryEntry, ...]:
    """The newest of both lists, each in its own order whatever its times say."""
    lists: tuple[deque[HistoryEntry], deque[HistoryEntry]] = (deque(), deque())
    for entry in entries:
        lists[entry.release is None].append(entry)
    found: list[HistoryEntry] = []
    while len(found) < limit and any(lists):
        first = max((each for each in lists if each), key=lambda each: each[0].at or LONG_AGO)
        found.append(first.popleft())
    return tuple(found)


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
