"""How every agent and number is, and what happened to it. One room of the store.

A status is written only when its meaning changed, and its events with it in one transaction.
Followers read events by growing ids, and PostgreSQL hands ids out before it commits: whoever
writes events holds a shared lock until the commit, and a follower waits for those that are open,
so that no event appears behind a follower's back.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import (
    batches,
    comparable_json,
    key_parts,
    matching,
    page_size,
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

_STATUS_PAGE = sql.SQL(
    """
    SELECT status, created_at, changed_at FROM statuses
    WHERE {} {} AND (kind, name, environment) > (%(k)s, %(n)s, %(e)s)
    ORDER BY kind, name, environment LIMIT %(limit)s
    """
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
    SELECT id, project, environment, kind, name, type, reason, message, revision, details, at
    FROM events WHERE {} AND id > %(after)s AND id < %(before)s
    ORDER BY id {} LIMIT %(limit)s
    """
)
_LAST_ID = 2**63 - 1


class StatusTables(Tables):
    """The Statuses port."""

    async def status(
        self, project: str, environment: str, kind: StatusKind, name: str
    ) -> StatusRow | None:
        """One status, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT status, created_at, changed_at FROM statuses
                WHERE project = %s AND environment = %s AND kind = %s AND name = %s
                """,
                (project, environment, kind, name),
            )
            row = await cursor.fetchone()
        return _status_of(row) if row else None

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
        labelled, labels = _labelled(selector)
        filters = {"project": project, "environment": environment, "kind": kind}
        start = dict(zip(("k", "n", "e"), key_parts(after, 3), strict=True))
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                _STATUS_PAGE.format(matching(filters), labelled),
                {**filters, **labels, **start, "limit": page_size(limit)},
            )
            rows = await cursor.fetchall()
        return tuple(_status_of(row) for row in rows)

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
        direction = sql.SQL("DESC" if after is None else "ASC")
        values = {
            **filters,
            "after": 0 if after is None else after,
            "before": _LAST_ID if before is None else before,
            "limit": page_size(limit),
        }
        async with self._pool.transaction() as connection:
            if after is not None:
                await connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended('events/' || %s, 0))",
                    (project,),
                )
            cursor = await connection.execute(
                _EVENT_PAGE.format(matching(filters), direction), values
            )
            rows = await cursor.fetchall()
        return tuple(EventRecord.model_validate(row) for row in rows)


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


def _labelled(selector: Selector | None) -> tuple[sql.Composed, dict[str, object]]:
    """The condition that labels fulfil a selector, and its values."""
    terms: list[sql.Composable] = []
    values: dict[str, object] = {}
    for number, wanted in enumerate(selector.requirements if selector is not None else ()):
        name = f"label_{number}"
        has_value = wanted.test in ("equal", "different")
        values[name] = comparable_json({wanted.key: wanted.value}) if has_value else wanted.key
        terms.append(_LABELLED[wanted.test].format(sql.Placeholder(name)))
    return sql.SQL(" ").join(terms), values


def _status_of(row: dict[str, Any]) -> StatusRow:
    return StatusRow.model_validate(
        {
            **row["status"],
            "createdAt": row["created_at"],
            "changedAt": row["changed_at"],
        }
    )
