"""What became of each event for each recipient. One room of the store.

Several workers decide at once. The cursor is moved only by whoever saw it where it was, in the
transaction that writes the rows, so that an event is decided about once.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from psycopg import sql

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import page_size, readable, readable_json
from trunkline.adapters.postgres.statuses import insert_events
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS
from trunkline.model.notifications.bounds import FIRST_LOOK_S
from trunkline.model.notifications.news import single
from trunkline.model.notifications.quiet import ChapterState, chapter_of
from trunkline.model.notifications.records import (
    Conclusion,
    HeldEvent,
    NotificationRecord,
    OpenBatch,
    TopicPast,
    Unreached,
)
from trunkline.model.records import EventRecord

_EVENT = """
    events.id, events.environment, events.kind, events.name, events.type, events.reason,
    events.message, events.revision, events.details, events.at
"""
_BEGIN = """
INSERT INTO notification_cursors (project, event_id)
SELECT %(project)s, coalesce(max(id), 0) FROM events
WHERE project = %(project)s AND at < now() - make_interval(secs => %(first)s)
ON CONFLICT (project) DO NOTHING
"""
_SKIP = """
UPDATE notification_cursors SET updated_at = now(),
    event_id = greatest(event_id, (SELECT max(id) FROM events WHERE project = %(project)s))
WHERE project = %(project)s AND event_id = %(after)s
"""
_PAST = f"""
SELECT wanted.recipient, wanted.topic, past.state, past.has_news,
    {_EVENT.replace("events.", "past.")}
FROM unnest(%(recipients)s::text[], %(topics)s::text[]) AS wanted (recipient, topic)
CROSS JOIN LATERAL (
    SELECT notifications.state, notifications.news IS NOT NULL AS has_news, events.*
    FROM notifications JOIN events ON events.id = notifications.event_id
    WHERE notifications.project = %(project)s AND notifications.recipient = wanted.recipient
        AND notifications.topic = wanted.topic
    ORDER BY notifications.event_id DESC LIMIT %(limit)s
) AS past
ORDER BY past.id
"""  # noqa: S608 - columns of ours
_TOLD = """
SELECT recipient, count(*) AS count FROM notifications
WHERE project = %(project)s AND created_at >= %(since)s
    AND NOT (recipient = ANY(%(not_of_calls)s) AND topic LIKE '%%/calls')
    AND (state = 'overflow' OR news IS NOT NULL)
GROUP BY recipient
"""
_ADVANCE = """
UPDATE notification_cursors SET event_id = %(upto)s, updated_at = now()
WHERE project = %(project)s AND event_id = %(after)s
"""
_ADD = """
INSERT INTO notifications
    (project, event_id, recipient, topic, state, message, batch, told_with, news)
VALUES (%(project)s, %(event_id)s, %(recipient)s, %(topic)s, %(state)s, %(message)s, %(batch)s,
    %(told_with)s, %(news)s)
ON CONFLICT (project, event_id, recipient) DO NOTHING
"""
_HELD = f"""
SELECT notifications.recipient, notifications.topic, notifications.state,
    notifications.created_at AS held_at, {_EVENT}
FROM notifications JOIN events ON events.id = notifications.event_id
WHERE notifications.project = %(project)s AND notifications.state IN ('held', 'overflow')
ORDER BY notifications.event_id LIMIT %(limit)s
"""  # noqa: S608 - columns of ours
_WAITING = """
SELECT event_id FROM notifications
WHERE project = %(project)s AND recipient = %(recipient)s AND event_id = ANY(%(event_ids)s)
    AND state IN ('held', 'overflow')
ORDER BY event_id FOR UPDATE
"""
_COVER = """
UPDATE notifications SET state = 'covered', told_with = %(event_id)s, updated_at = now()
WHERE project = %(project)s AND recipient = %(recipient)s AND event_id = ANY(%(event_ids)s)
    AND state IN ('held', 'overflow')
"""
_TELL = """
UPDATE notifications SET state = 'sending', news = %(news)s, batch = %(batch)s, told_with = NULL,
    created_at = now(), updated_at = now()
WHERE project = %(project)s AND recipient = %(recipient)s AND event_id = %(event_id)s
"""
_OPEN = """
WITH idle AS (
    SELECT recipient, batch FROM notifications
    WHERE project = %(project)s AND state = 'sending'
    GROUP BY recipient, batch
    HAVING max(updated_at) <= now() - make_interval(secs => %(idle)s)
), taken AS (
    UPDATE notifications AS stored SET updated_at = now() FROM idle
    WHERE stored.project = %(project)s AND stored.state = 'sending'
        AND stored.recipient = idle.recipient AND stored.batch = idle.batch
    RETURNING stored.recipient, stored.batch, stored.event_id
)
SELECT recipient, batch, array_agg(event_id ORDER BY event_id) AS event_ids FROM taken
GROUP BY recipient, batch ORDER BY batch
"""
_ROW = sql.SQL(
    "SELECT project, event_id, recipient, topic, state, message, batch, told_with, news,"
    " created_at, updated_at FROM notifications WHERE {}"
)
_CONCLUDE = """
UPDATE notifications SET state = %(state)s, message = %(message)s, updated_at = now()
WHERE project = %(project)s AND event_id = %(event_id)s AND recipient = %(recipient)s
    AND state = 'sending'
"""
_BEFORE = """
SELECT state FROM notifications
WHERE project = %(project)s AND recipient = %(recipient)s AND event_id <> %(event_id)s
    AND news IS NOT NULL AND state <> 'sending'
ORDER BY updated_at DESC, event_id DESC LIMIT 1
"""
_UNREACHED = """
WITH failed AS MATERIALIZED (
    SELECT recipient, event_id, state, message, created_at FROM notifications
    WHERE project = %(project)s AND news IS NOT NULL
        AND state IN ('refused', 'unanswered', 'sending')
        AND (state <> 'sending' OR (
            message <> '' AND created_at < now() - make_interval(secs => %(after)s)
        ))
), taken AS (
    SELECT recipient, (
        SELECT event_id FROM notifications AS told
        WHERE told.project = %(project)s AND told.recipient = names.recipient
            AND told.news IS NOT NULL AND told.state = 'delivered'
        ORDER BY event_id DESC LIMIT 1
    ) AS upto FROM (SELECT DISTINCT recipient FROM failed) AS names
)
SELECT DISTINCT ON (failed.recipient) failed.recipient, failed.state, failed.message,
    min(failed.created_at) OVER (PARTITION BY failed.recipient) AS since
FROM failed JOIN taken ON taken.recipient = failed.recipient
WHERE failed.event_id > coalesce(taken.upto, 0)
ORDER BY failed.recipient, failed.event_id DESC
"""


class NotificationTables(Tables):
    """The Notifications port."""

    async def notification_cursor(self, project: str) -> int:
        """The last event that was decided about; set to a recent one at the first look."""
        async with self._pool.connection() as connection:
            for _ in range(2):
                cursor = await connection.execute(
                    "SELECT event_id FROM notification_cursors WHERE project = %s", (project,)
                )
                row = await cursor.fetchone()
                if row is not None:
                    break
                values = {"project": project, "first": FIRST_LOOK_S}
                await connection.execute(_BEGIN, values)
        return int(row["event_id"]) if row is not None else 0

    async def skip_news(self, project: str, after: int) -> None:
        """Nobody is to be told: go on behind the newest event, if still at ``after``."""
        async with self._pool.connection() as connection:
            await connection.execute(_SKIP, {"project": project, "after": after})

    async def topics_past(
        self, project: str, topics: Collection[tuple[str, str]], *, limit: int
    ) -> tuple[TopicPast, ...]:
        """What was made of topics, each named by recipient and topic."""
        wanted = sorted(topics)
        values = {
            "project": project,
            "recipients": [recipient for recipient, _ in wanted],
            "topics": [topic for _, topic in wanted],
            "limit": page_size(limit),
        }
        rows = await self._listed(_PAST.encode(), values)
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault((row["recipient"], row["topic"]), []).append(row)
        return tuple(_past(project, key, past) for key, past in found.items())

    async def told_since(
        self, project: str, since: datetime, *, not_of_calls: Sequence[str] = ()
    ) -> dict[str, int]:
        """How many messages each recipient was sent since, and how many wait in an overflow; of
        some without those about calls.
        """
        values = {"project": project, "since": since, "not_of_calls": list(not_of_calls)}
        rows = await self._listed(_TOLD, values)
        return {row["recipient"]: row["count"] for row in rows}

    async def record_notifications(
        self, project: str, *, after: int, upto: int, rows: Sequence[NotificationRecord]
    ) -> bool:
        """Write down what was decided about the events behind ``after``; False if others did."""
        async with self._pool.transaction() as connection:
            moved = await connection.execute(
                _ADVANCE, {"project": project, "after": after, "upto": upto}
            )
            if not moved.rowcount:
                return False
            await _add(connection, rows)
        return True

    async def held_events(self, project: str, *, limit: int) -> tuple[HeldEvent, ...]:
        """Events that wait to be told with others, oldest first."""
        values = {"project": project, "limit": page_size(limit)}
        rows = await self._listed(_HELD.encode(), values)
        return tuple(
            HeldEvent(
                recipient=row["recipient"],
                topic=row["topic"],
                state=row["state"],
                held_at=row["held_at"],
                event=_event(project, row),
            )
            for row in rows
        )

    async def tell_held(self, message: NotificationRecord, event_ids: Sequence[int]) -> bool:
        """Turn events that wait into one message, that of the newest; False if others did."""
        values = {**_values(message), "event_ids": [*event_ids]}
        async with self._pool.transaction() as connection:
            waiting = await connection.execute(_WAITING, values)
            if waiting.rowcount != len(event_ids):
                return False
            await connection.execute(_COVER, values)
            await connection.execute(_TELL, values)
        return True

    async def open_batches(self, project: str, *, idle_s: float) -> tuple[OpenBatch, ...]:
        """Deliveries that nothing was heard of for so long; they count as heard of now."""
        rows = await self._listed(_OPEN, {"project": project, "idle": idle_s})
        return tuple(OpenBatch.model_validate({"project": project, **row}) for row in rows)

    async def notification(
        self, project: str, event_id: int, recipient: str
    ) -> NotificationRecord | None:
        """One row, or None."""
        where = sql.SQL("project = %s AND event_id = %s AND recipient = %s")
        row = await self._found(_ROW.format(where), (project, event_id, recipient))
        return NotificationRecord.model_validate(row) if row else None

    async def conclude_notification(
        self, project: str, event_id: int, recipient: str, state: ChapterState, message: str
    ) -> Conclusion:
        """End a message that is being sent; one that ended stays as it is."""
        values = {
            "project": project,
            "event_id": event_id,
            "recipient": recipient,
            "state": state,
            "message": _cut(message),
        }
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_BEFORE, values)
            before = await cursor.fetchone()
            ended = await connection.execute(_CONCLUDE, values)
        return Conclusion(
            is_first=bool(ended.rowcount), before=before["state"] if before is not None else None
        )

    async def note_attempt(self, project: str, event_id: int, recipient: str, message: str) -> None:
        """Say why a message that is being sent has not arrived yet."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                UPDATE notifications SET message = %s, updated_at = now()
                WHERE project = %s AND event_id = %s AND recipient = %s AND state = 'sending'
                """,
                (_cut(message), project, event_id, recipient),
            )

    async def notifications(
        self,
        project: str,
        *,
        event_id: int | None = None,
        before: tuple[int, str] | None = None,
        limit: int,
    ) -> tuple[NotificationRecord, ...]:
        """Messages, newest first, below an event and recipient."""
        where = sql.SQL(
            "project = %(project)s AND news IS NOT NULL"
            " AND (%(event)s::bigint IS NULL OR event_id = %(event)s)"
            " AND (%(below)s::bigint IS NULL OR (event_id, recipient) < (%(below)s, %(than)s))"
            " ORDER BY event_id DESC, recipient DESC LIMIT %(limit)s"
        )
        below, than = before or (None, "")
        values = {
            "project": project,
            "event": event_id,
            "below": below,
            "than": than,
            "limit": page_size(limit),
        }
        rows = await self._listed(_ROW.format(where), values)
        return tuple(NotificationRecord.model_validate(row) for row in rows)

    async def unreached(self, project: str, *, after_s: float) -> tuple[Unreached, ...]:
        """Recipients whose newest message was refused, given up, or is tried for so long."""
        async with self._pool.connection() as connection:
            values = {"project": project, "after": after_s}
            rows = await (await connection.execute(_UNREACHED, values)).fetchall()
        return tuple(Unreached.model_validate(row) for row in rows)

    async def put_test(
        self, event: EventRecord, rows: Sequence[NotificationRecord]
    ) -> tuple[NotificationRecord, ...]:
        """Store an event and a message about it for every row; answers them with its id."""
        async with self._pool.transaction() as connection:
            await insert_events(connection, [event])
            cursor = await connection.execute(
                """
                SELECT id, at FROM events
                WHERE id = currval(pg_get_serial_sequence('events', 'id')::regclass)
                """
            )
            given = await cursor.fetchone()
            if given is None:
                return ()
            news = single(event.model_copy(update={"id": given["id"], "at": given["at"]}))
            update = {"event_id": news.event_id, "batch": news.event_id, "news": news}
            told = tuple(row.model_copy(update=update) for row in rows)
            await _add(connection, told)
        return told


async def _add(connection: Connection, rows: Sequence[NotificationRecord]) -> None:
    if rows:
        await connection.cursor().executemany(_ADD, [_values(row) for row in rows])


def _values(row: NotificationRecord) -> dict[str, Any]:
    return {
        **row.model_dump(by_alias=False, exclude={"news", "created_at", "updated_at"}),
        "topic": readable(row.topic),
        "message": _cut(row.message),
        "news": readable_json(row.news) if row.news is not None else None,
    }


def _cut(message: str) -> str:
    return readable(message)[:EVENT_MESSAGE_MAX_CHARACTERS]


def _event(project: str, row: dict[str, Any]) -> EventRecord:
    names = ("id", "environment", "kind", "name", "type", "reason", "message", "revision")
    kept = {name: row[name] for name in (*names, "details", "at")}
    return EventRecord.model_validate({"project": project, **kept})


def _past(project: str, key: tuple[str, str], rows: Sequence[dict[str, Any]]) -> TopicPast:
    recipient, topic = key
    told = [row["at"] for row in rows if row["has_news"]]
    return TopicPast(
        recipient=recipient,
        topic=topic,
        chapters=tuple(chapter_of(_event(project, row), row["state"]) for row in rows),
        told_at=told[-1] if told else None,
    )
