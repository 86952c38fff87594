"""How agents and numbers are, and what happened to them, in pages."""

from activities.clocks import SystemClock
from trunkline.model import limits
from trunkline.model.errors import InvalidInput
from trunkline.model.records import EventRecord, RecordKind, StatusRow
from trunkline.model.selectors import Selector
from trunkline.model.shown_statuses import shown_statuses
from trunkline.ports import Clock, Statuses
from trunkline.services.absent_names import absent
from trunkline.services.pages import Page, before_cursor, key_cursor, parse_before, parse_key


class StatusService:
    """Statuses, with what people decided and how promotions stand laid over them, and events of
    one store.
    """

    def __init__(self, statuses: Statuses, *, clock: Clock | None = None) -> None:
        self._statuses = statuses
        self._clock = clock or SystemClock()

    async def page(
        self,
        project: str,
        kind: RecordKind,
        *,
        environment: str | None = None,
        selector: Selector | None = None,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[StatusRow]:
        """Rows by name and environment."""
        found = await self._statuses.stored_statuses(
            project,
            kind,
            environment=environment,
            selector=selector,
            after=parse_key(cursor),
            limit=limit,
        )
        rows = shown_statuses(found, self._clock.now())
        return Page(rows, key_cursor(status_key(rows[-1])) if len(rows) == limit else None)

    async def one(
        self, project: str, kind: RecordKind, name: str, *, environment: str | None
    ) -> StatusRow:
        """One row; the environment may be left out if only one has it.

        Raises NotFound, or InvalidInput naming the environments to choose from.
        """
        rows = await self._everywhere(project, kind, name, environment=environment)
        if not rows:
            raise await absent(self._statuses, project, name, environment, what=kind)
        if len(rows) > 1:
            names = ", ".join(row.environment for row in rows)
            raise InvalidInput(
                f"{name!r} is in several environments: {names}", hint="Say which: ?environment="
            )
        return rows[0]

    async def require(
        self, project: str, kind: RecordKind, name: str, *, environment: str | None
    ) -> None:
        """Raises NotFound if nothing is known of that name."""
        if not await self._everywhere(project, kind, name, environment=environment):
            raise await absent(self._statuses, project, name, environment, what=kind)

    async def events(
        self,
        project: str,
        *,
        environment: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[EventRecord]:
        """Events, newest first."""
        rows = await self._statuses.events(
            project,
            environment=environment,
            kind=kind,
            name=name,
            before=parse_before(cursor),
            limit=limit,
        )
        return Page(rows, before_cursor(rows[-1].id) if len(rows) == limit else None)

    async def events_after(
        self,
        project: str,
        *,
        after: int,
        environment: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[EventRecord]:
        """Events above an id, oldest first, for whoever follows."""
        rows = await self._statuses.events(
            project, environment=environment, kind=kind, name=name, after=after, limit=limit
        )
        return Page(rows, None)

    async def environments_of(self, project: str, name: str) -> tuple[str, ...]:
        """Where an agent has a status."""
        return tuple(row.environment for row in await self._everywhere(project, "agent", name))

    async def _everywhere(
        self, project: str, kind: RecordKind, name: str, *, environment: str | None = None
    ) -> tuple[StatusRow, ...]:
        found = await self._statuses.stored_statuses(
            project, kind, environment=environment, name=name, limit=limits.API_PAGE_MAX
        )
        return shown_statuses(found, self._clock.now())


def status_key(row: StatusRow) -> str:
    """The key statuses are ordered by."""
    return f"{row.kind}/{row.name}/{row.environment}"
