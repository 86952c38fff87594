"""Events of a project and of its calls, read as one story in the order of their numbers.

PostgreSQL hands numbers out before it commits: whoever reads to the end waits for those who are
writing (they hold a shared lock), so that nothing appears behind a follower's back.
"""

from collections.abc import Sequence
from typing import Any

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import page_size
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.calls.events import CallEvent
from trunkline.model.calls.happenings import CallHappening, Happening, number_of
from trunkline.model.records import EventRecord

_WAIT_FOR_WRITERS = "SELECT pg_advisory_xact_lock(hashtextextended('events/' || %(project)s, 0))"
_EVENTS = """
SELECT id, project, environment, kind, name, type, reason, message, revision, details, at
FROM events WHERE project = %(project)s AND id > %(after)s AND id <= %(upto)s
ORDER BY id LIMIT %(limit)s
"""
_CALL_EVENTS = """
SELECT told.id, told.call_id, told.seq, told.name, told.at, told.data,
    calls.environment, calls.agent
FROM call_events told JOIN calls ON calls.project = told.project AND calls.id = told.call_id
WHERE told.project = %(project)s AND told.id > %(after)s AND told.id <= %(upto)s
    AND (%(call)s::text IS NULL OR told.call_id = %(call)s)
ORDER BY told.id LIMIT %(limit)s
"""
_NEWEST = """
SELECT greatest(
    (SELECT max(id) FROM events WHERE project = %(project)s),
    (SELECT max(id) FROM call_events WHERE project = %(project)s),
    0
) AS newest
"""
_LAST = 2**63 - 1


class HappeningTables(Tables):
    """The Happenings port."""

    async def happenings(
        self,
        project: str,
        *,
        after: int,
        upto: int | None = None,
        call: str | None = None,
        limit: int,
    ) -> tuple[Happening, ...]:
        """What happened behind a number, oldest first; of one call alone if that is asked for.

        Without ``upto`` a follower that goes on behind the last number it saw misses nothing.
        """
        values = {
            "project": project,
            "after": after,
            "upto": _LAST if upto is None else upto,
            "call": call,
            "limit": page_size(limit),
        }
        async with self._pool.transaction() as connection:
            if upto is None:
                await connection.execute(_WAIT_FOR_WRITERS, values)
            called = await _rows(connection, _CALL_EVENTS, values)
            told = [] if call is not None else await _rows(connection, _EVENTS, values)
        in_calls: list[Happening] = [_call_happening(project, row) for row in called]
        in_project: list[Happening] = [EventRecord.model_validate(row) for row in told]
        return _merged(in_calls, in_project, limit)

    async def newest_happening(self, project: str) -> int:
        """The number of what happened last, 0 if nothing ever did."""
        values: dict[str, object] = {"project": project}
        async with self._pool.transaction() as connection:
            await connection.execute(_WAIT_FOR_WRITERS, values)
            return int((await _rows(connection, _NEWEST, values))[0]["newest"])

    async def tell(self, channel: str, payloads: Sequence[str]) -> None:
        """Say something to every process that listens, in order."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "SELECT pg_notify(%s, told) FROM unnest(%s::text[]) AS told",
                (channel, list(payloads)),
            )


def _merged(one: list[Happening], other: list[Happening], limit: int) -> tuple[Happening, ...]:
    """Both in the order of their numbers; nothing behind the end of a page that was cut off."""
    ends = [number_of(page[-1]) for page in (one, other) if len(page) == limit]
    end = min(ends, default=_LAST)
    kept = [each for each in (*one, *other) if number_of(each) <= end]
    return tuple(sorted(kept, key=number_of))


def _call_happening(project: str, row: dict[str, Any]) -> CallHappening:
    return CallHappening(
        id=row["id"],
        project=project,
        call=row["call_id"],
        environment=row["environment"],
        agent=row["agent"],
        event=CallEvent(seq=row["seq"], name=row["name"], at=row["at"], data=row["data"]),
    )


async def _rows(
    connection: Connection, query: str, values: dict[str, object]
) -> list[dict[str, Any]]:
    return await (await connection.execute(query.encode(), values)).fetchall()
