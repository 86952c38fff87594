"""Promotions and how far each is. One room of the store.

A row is written by the activities of its promotion and by people at the same time: what a person
said is never lost to a look that began before, and what has ended is never opened again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import page_size, readable_json
from trunkline.adapters.postgres.statuses import insert_events
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.errors import Conflict
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import EventRecord

SAID_BY_PEOPLE = ("abort_requested_by", "abort_reason", "rejected_by")
"""Fields that only ever come to be set, by somebody else than the promotion's own activities."""

_PLACE = "project = %(project)s AND environment = %(environment)s AND agent = %(agent)s"
_LOCK = """
SELECT pg_advisory_xact_lock(
    hashtextextended(%(project)s || '/' || %(environment)s || '/' || %(agent)s, 5)
)
"""
_OTHER_OPEN = f"""
SELECT id FROM promotions WHERE {_PLACE} AND open AND number <> %(number)s
"""  # noqa: S608 - a condition of ours
_NEXT_NUMBER = f"""
SELECT coalesce(max(number), 0) + 1 AS number FROM promotions WHERE {_PLACE}
"""  # noqa: S608 - a condition of ours
_ONE = f"""
SELECT record::text AS record, created_at, updated_at FROM promotions
WHERE {_PLACE} AND number = %(number)s
"""  # noqa: S608 - a condition of ours
_PUT = """
INSERT INTO promotions (project, environment, agent, number, id, open, record, created_at)
VALUES (%(project)s, %(environment)s, %(agent)s, %(number)s, %(id)s, %(open)s, %(record)s,
    coalesce(%(created_at)s, now()))
ON CONFLICT (project, environment, agent, number) DO UPDATE SET
    open = excluded.open, record = excluded.record, updated_at = now()
"""
_BY_ID = """
SELECT record::text AS record, created_at, updated_at FROM promotions WHERE project = %s AND id = %s
"""
_PAGE = """
SELECT record::text AS record, created_at, updated_at FROM promotions
WHERE project = %(project)s
    AND (%(environment)s::text IS NULL OR environment = %(environment)s)
    AND (%(agent)s::text IS NULL OR agent = %(agent)s)
    AND (open OR NOT %(open_only)s)
    AND (%(at)s::timestamptz IS NULL OR created_at < %(at)s
        OR (created_at = %(at)s AND id > %(id)s))
ORDER BY created_at DESC, id LIMIT %(limit)s
"""


class PromotionTables(Tables):
    """The Promotions port."""

    async def open_promotion(self, record: PromotionRecord) -> PromotionRecord:
        """Insert with the next free number (``number`` 0), or put a known one again.

        Raises Conflict, naming it, if another promotion of the agent and environment is open.
        """
        async with self._pool.transaction() as connection:
            place = _place(record)
            await connection.execute(_LOCK, place)
            cursor = await connection.execute(_OTHER_OPEN, place)
            other = await cursor.fetchone()
            if other is not None and record.is_open:
                raise Conflict(
                    f"Promotion {other['id']} of {record.agent} to {record.environment} is open",
                    hint=f"Wait for it, or end it: trunkline abort {other['id']}",
                )
            if record.number == 0:
                cursor = await connection.execute(_NEXT_NUMBER, place)
                found = await cursor.fetchone()
                number = int(found["number"]) if found is not None else 1
                record = record.model_copy(update={"number": number})
            await _put(connection, record)
            return await _read(connection, record) or record

    async def put_promotion(
        self, record: PromotionRecord, events: Sequence[EventRecord] = ()
    ) -> PromotionRecord:
        """Insert or replace, and only if its meaning changed the events; one that has ended is not
        opened again, and what people said of it stays. The promotion as it is then.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, _place(record))
            if await _put(connection, record):
                await insert_events(connection, events)
            return await _read(connection, record) or record

    async def say_of_promotion(
        self,
        project: str,
        promotion_id: str,
        *,
        abort_requested_by: str = "",
        abort_reason: str = "",
        rejected_by: str = "",
    ) -> PromotionRecord | None:
        """Write down what a person said of an open promotion, and nothing else; what was said
        first stays. The promotion as it is then, or None.
        """
        said = {
            "abort_requested_by": abort_requested_by,
            "abort_reason": abort_reason,
            "rejected_by": rejected_by,
        }
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_BY_ID, (project, promotion_id))
            found = _record(await cursor.fetchone())
            if found is None:
                return None
            await connection.execute(_LOCK, _place(found))
            known = await _read(connection, found) or found
            new = {name: word for name, word in said.items() if word and not getattr(known, name)}
            if known.is_open and new:
                await _put(connection, known.model_copy(update=new))
            return await _read(connection, found)

    async def promotion(self, project: str, promotion_id: str) -> PromotionRecord | None:
        """One promotion, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_BY_ID, (project, promotion_id))
            return _record(await cursor.fetchone())

    async def open_promotion_of(
        self, project: str, environment: str, agent: str
    ) -> PromotionRecord | None:
        """The one that is open, or None."""
        return await self._newest(project, environment, agent, "AND open")

    async def last_promotion_of(
        self, project: str, environment: str, agent: str
    ) -> PromotionRecord | None:
        """The newest, open or not."""
        return await self._newest(project, environment, agent, "")

    async def promotions(
        self,
        project: str,
        *,
        environment: str | None = None,
        agent: str | None = None,
        open_only: bool = False,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> tuple[PromotionRecord, ...]:
        """Newest first; ``before`` is time of creation and id of the last one seen."""
        at, identifier = before or (None, "")
        values = {
            "project": project,
            "environment": environment,
            "agent": agent,
            "open_only": open_only,
            "at": at,
            "id": identifier,
            "limit": page_size(limit),
        }
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_PAGE, values)
            found = [_record(row) for row in await cursor.fetchall()]
        return tuple(one for one in found if one is not None)

    async def _newest(
        self, project: str, environment: str, agent: str, which: str
    ) -> PromotionRecord | None:
        values = {"project": project, "environment": environment, "agent": agent}
        query = f"""
            SELECT record::text AS record, created_at, updated_at FROM promotions
            WHERE {_PLACE} {which} ORDER BY number DESC LIMIT 1
        """  # noqa: S608 - the condition is one of two above
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, values)
            return _record(await cursor.fetchone())


async def _put(connection: Connection, record: PromotionRecord) -> bool:
    """True if anything changed; the caller holds the lock of the agent and environment."""
    known = await _read(connection, record)
    if known is not None:
        if record.is_open and not known.is_open:
            return False
        said = {name: getattr(known, name) for name in SAID_BY_PEOPLE if not getattr(record, name)}
        record = record.model_copy(update=said)
        times = {"created_at": known.created_at, "updated_at": known.updated_at}
        if record.model_copy(update=times) == known:
            return False
    kept = record.model_copy(update={"created_at": None, "updated_at": None})
    values = {
        **_place(record),
        "id": record.id,
        "open": record.is_open,
        "record": readable_json(kept),
        "created_at": record.created_at,
    }
    await connection.execute(_PUT, values)
    return True


async def _read(connection: Connection, record: PromotionRecord) -> PromotionRecord | None:
    cursor = await connection.execute(_ONE, _place(record))
    return _record(await cursor.fetchone())


def _place(record: PromotionRecord) -> dict[str, Any]:
    return {
        "project": record.project,
        "environment": record.environment,
        "agent": record.agent,
        "number": record.number,
    }


def _record(row: dict[str, Any] | None) -> PromotionRecord | None:
    if row is None:
        return None
    times = {"created_at": row["created_at"], "updated_at": row["updated_at"]}
    return PromotionRecord.model_validate_json(row["record"]).model_copy(update=times)
