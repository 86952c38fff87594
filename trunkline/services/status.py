"""How agents and numbers are, and what happened to them, in pages."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from activities.clocks import SystemClock
from trunkline.model import limits
from trunkline.model.decided_status import decided_status
from trunkline.model.errors import InvalidInput
from trunkline.model.promotions.gates import PromotionGate, gated_status
from trunkline.model.records import EventRecord, RecordKind, StatusRow
from trunkline.model.selectors import Selector
from trunkline.ports import Clock, Interventions, Statuses
from trunkline.ports.releasing import Promotions
from trunkline.services.absent_names import absent
from trunkline.services.pages import Page, before_cursor, key_cursor, parse_before, parse_key


class StatusService:
    """Statuses, with what people decided and how promotions stand laid over them, and events of
    one store.
    """

    def __init__(
        self,
        statuses: Statuses,
        interventions: Interventions,
        promotions: Promotions,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._statuses = statuses
        self._interventions = interventions
        self._promotions = promotions
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
        after = parse_key(cursor)
        decided, rows = await asyncio.gather(
            self._interventions.interventions(project, environment),
            self._statuses.statuses(
                project,
                environment=environment,
                kind=kind,
                selector=selector,
                after=after,
                limit=limit,
            ),
        )
        following = key_cursor(status_key(rows[-1])) if len(rows) == limit else None
        shown = await self._gated(project, [decided_status(row, decided) for row in rows])
        return Page(shown, following)

    async def one(
        self, project: str, kind: RecordKind, name: str, *, environment: str | None
    ) -> StatusRow:
        """One row; the environment may be left out if only one has it.

        Raises NotFound, or InvalidInput naming the environments to choose from.
        """
        if environment is not None:
            row = await self._statuses.status(project, environment, kind, name)
            rows = [] if row is None else [row]
        else:
            rows = await self._everywhere(project, kind, name)
        if not rows:
            raise await absent(self._statuses, project, name, environment, what=kind)
        if len(rows) > 1:
            names = ", ".join(row.environment for row in rows)
            raise InvalidInput(
                f"{name!r} is in several environments: {names}", hint="Say which: ?environment="
            )
        decided = await self._interventions.interventions(project, rows[0].environment)
        (row,) = await self._gated(project, [decided_status(rows[0], decided)])
        return row

    async def require(
        self, project: str, kind: RecordKind, name: str, *, environment: str | None
    ) -> None:
        """Raises NotFound if nothing is known of that name."""
        place = (project, environment) if environment is not None else None
        if place is not None and await self._statuses.status(*place, kind, name) is not None:
            return
        if place is not None or not await self._everywhere(project, kind, name):
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

    async def _gated(self, project: str, rows: Sequence[StatusRow]) -> tuple[StatusRow, ...]:
        """The rows with how promotions stand right now."""
        names = sorted({row.name for row in rows if row.kind == "agent"})
        if not names:
            return tuple(rows)
        gates = defaultdict[str, list[PromotionGate]](list)
        for gate in await self._promotions.promotion_gates(project, names):
            gates[gate.agent].append(gate)
        now = self._clock.now()
        return tuple(
            gated_status(row, gates[row.name], now) if row.name in gates else row for row in rows
        )

    async def _everywhere(self, project: str, kind: RecordKind, name: str) -> list[StatusRow]:
        rows = await self._statuses.statuses(
            project, kind=kind, after=f"{kind}/{name}/", limit=limits.API_PAGE_MAX
        )
        return [row for row in rows if row.name == name]


def status_key(row: StatusRow) -> str:
    """The key statuses are ordered by."""
    return f"{row.kind}/{row.name}/{row.environment}"
