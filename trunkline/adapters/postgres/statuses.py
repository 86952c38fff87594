"""How every agent and number is, and what happened to it. One room of the store.

A status is written only when its meaning changed, and its events with it in one transaction.
Followers read events by growing ids, and PostgreSQL hands ids out before it commits: whoever
writes events holds a shared lock until the commit, and a follower waits for those that are open,
so that no event appears behind a follower's back.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from psycopg import sql
from pydantic import TypeAdapter

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import (
    batches,
    comparable_json,
    key_parts,
    matching,
    names_of,
    page_size,
    parsed,
    readable,
)
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS, STORE_BATCH_SIZE
from trunkline.model.records import EventRecord, StatusKind, StatusRecord, StatusRow
from trunkline.model.selectors import Selector

_PUT_STATUS = """
INSERT INTO statuses AS stored (project, environment, kind, name, status)
VALUES (%(project)s, %(environment)s, %(kind)s, %(name)s, %(status)s)
ON CONFLICT (project, kind, name, environment) DO UPDATE SET
    status = excluded.status, changed_at = now()
WHERE stored.status IS DISTINCT FROM excluded.status
RETURNING name
"""

STATUS_ROW = """
(status || jsonb_build_object('createdAt', created_at, 'changedAt', changed_at))::text
"""
"""A status and its times as the JSON of a StatusRow."""

_STATUS = f"""
SELECT {STATUS_ROW} AS row FROM statuses
WHERE project = %s AND environment = %s AND kind = %s AND name = %s
"""  # noqa: S608 - columns of ours
_STATUS_PAGE = sql.SQL(
    f"""
    SELECT {STATUS_ROW} AS row FROM statuses
    WHERE {{}} {{}} AND (kind, name, environment) > (%(k)s, %(n)s, %(e)s)
    ORDER BY kind, name, environment LIMIT %(limit)s
    """  # noqa: S608 - columns of ours
)

_LABELLED = {
    "equal": sql.SQL("AND status->'labels' @> {}"),
    "different": sql.SQL("AND (status->'labels' @> {}) IS NOT TRUE"),
    "present": sql.SQL("AND status->'labels' ? {}"),
    "absent": sql.SQL("AND (status->'labels' ? {}) IS NOT TRUE"),
}
"""What a requirement asks of a row, by its test; an index answers the first."""

_ADD_EVENT = """
INSERT INTO events (project, environment, kind, name, type, reason, message, revision, details)
VALUES (%(project)s, %(environment)s, %(kind)s, %(name)s, %(type)s, %(reason)s, %(message)s,
    %(revision)s, %(details)s)
"""

_EVENT_PAGE = sql.SQL(
    """
    SELECT row_to_json(found)::text AS row FROM (
        SELECT id, project, environment, kind, name, type, reason, message, revision, details, at
        FROM events WHERE {} AND id > %(after)s AND id < %(before)s
        ORDER BY id {} LIMIT %(limit)s
    ) AS found
    """
)
_LAST_ID = 2**63 - 1
STATEMENTS_KEPT = 128
"""Texts of statements that a process remembers: people filter in a few ways, but may in many."""
_STATUSES = TypeAdapter(tuple[StatusRow, ...])
_EVENTS = TypeAdapter(tuple[EventRecord, ...])


class StatusTables(Tables):
    """The Statuses port."""

    async def status(
        self, project: str, environment: str, kind: StatusKind, name: str
    ) -> StatusRow | None:
        """One status, or None."""
        row = await self._found(_STATUS, (project, environment, kind, name))
        return StatusRow.model_validate_json(row["row"]) if row else None

    async def statuses(
        self,
        project: str,
        *,
        environment: str | None = None,
        kind: StatusKind | None = None,
        selector: Selector | None = None,
        after: str = "",
        limit: int,
    ) -> tuple[StatusRow, ...]:
        """Statuses ordered by ``kind/name/environment``, starting after that key; those whose
        labels fit, if that is asked for.
        """
        filters = {"project": project, "environment": environment, "kind": kind}
        query = _status_page(names_of(filters), tests_of(selector))
        start = {**place_after(after), "limit": page_size(limit)}
        values = {**filters, **values_of(selector), **start}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, values, prepare=prepared(selector))
            rows = await cursor.fetchall()
        return parsed(_STATUSES, rows)

    async def put_status(self, status: StatusRecord, events: Sequence[EventRecord]) -> bool:
        """Store a status and, only if its meaning changed, the events; True if it changed."""
        meaning = StatusRecord.model_validate(
            status.model_dump(by_alias=False, include=set(StatusRecord.model_fields))
        )
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(
                _PUT_STATUS,
                {
                    "project": status.project,
                    "environment": status.environment,
                    "kind": status.kind,
                    "name": status.name,
                    "status": comparable_json(meaning),
                },
            )
            changed = await cursor.fetchone() is not None
            if changed:
                await insert_events(connection, events)
        return changed

    async def add_events(self, events: Sequence[EventRecord]) -> None:
        """Store events that are no transition of a status (a foreign edit, a bad commit)."""
        async with self._pool.transaction() as connection:
            await insert_events(connection, events)

    async def events(
        self,
        project: str,
        *,
        environment: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int,
    ) -> tuple[EventRecord, ...]:
        """Newest first below ``before``, or oldest first above ``after`` for followers.

        A follower that passes the last id it saw as ``after`` misses nothing.
        """
        filters = {"project": project, "environment": environment, "kind": kind, "name": name}
        values = {
            **filters,
            "after": 0 if after is None else after,
            "before": _LAST_ID if before is None else before,
            "limit": page_size(limit),
        }
        query = _event_page(names_of(filters), newest_first=after is None)
        if after is None:
            return parsed(_EVENTS, await self._listed(query, values))
        async with self._pool.transaction() as connection:
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('events/' || %s, 0))", (project,)
            )
            cursor = await connection.execute(query, values)
            rows = await cursor.fetchall()
        return parsed(_EVENTS, rows)


async def insert_events(connection: Connection, events: Sequence[EventRecord]) -> None:
    """Add events in the transaction of what they tell about."""
    for project in sorted({event.project for event in events}):
        await connection.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended('events/' || %s, 0))",
            (project,),
        )
    for batch in batches(events, STORE_BATCH_SIZE):
        await connection.cursor().executemany(_ADD_EVENT, [_event_values(one) for one in batch])


def _event_values(event: EventRecord) -> dict[str, Any]:
    return {
        **event.model_dump(by_alias=False, exclude={"id", "at", "details", "message"}),
        "message": readable(event.message)[:EVENT_MESSAGE_MAX_CHARACTERS],
        "details": comparable_json(event.details),
    }


def place_after(key: str) -> dict[str, str]:
    """The values a page starts after. Raises InvalidInput for what is no key."""
    return dict(zip(("k", "n", "e"), key_parts(key, 3), strict=True))


def labelled(tests: Sequence[str]) -> sql.Composed:
    """The condition that labels fulfil requirements; their values are those of ``values_of``."""
    terms = [
        _LABELLED[test].format(sql.Placeholder(f"label_{number}"))
        for number, test in enumerate(tests)
    ]
    return sql.SQL(" ").join(terms)


def tests_of(selector: Selector | None) -> tuple[str, ...]:
    """What a selector tests, requirement by requirement: so much of it is text of a statement."""
    return tuple(wanted.test for wanted in selector.requirements) if selector else ()


def prepared(selector: Selector | None) -> bool | None:
    """False where labels are asked for: how many rows have one differs so much that a plan made
    for any label takes three times as long as one made for this label. None leaves it open.
    """
    return None if selector is None else False


def values_of(selector: Selector | None) -> dict[str, object]:
    """What a selector's requirements are tested against."""
    return {
        f"label_{number}": comparable_json({wanted.key: wanted.value})
        if wanted.test in ("equal", "different")
        else wanted.key
        for number, wanted in enumerate(selector.requirements if selector else ())
    }


@lru_cache(maxsize=STATEMENTS_KEPT)
def _status_page(names: tuple[str, ...], tests: tuple[str, ...]) -> bytes:
    return _STATUS_PAGE.format(matching(names), labelled(tests)).as_bytes()


@cache
def _event_page(names: tuple[str, ...], *, newest_first: bool) -> bytes:
    direction = sql.SQL("DESC" if newest_first else "ASC")
    return _EVENT_PAGE.format(matching(names), direction).as_bytes()
