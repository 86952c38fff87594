"""Calls, what happened in them, and which process carries them. One room of the store.

A record is changed under its row's lock only, and the same lock gives events their places, so that
two processes that know of one call lose nothing of what either says. Knows no carrier and no rule
about which change is allowed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from trunkline import metrics
from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import page_size, readable_json
from trunkline.adapters.postgres.statuses import insert_events
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.calls.events import CallEvent, EventName, NewEvent
from trunkline.model.calls.limits import (
    CALL_HOLDER_SILENT_MAX_S,
    SEEN_REQUESTS_KEPT_S,
    SEEN_REQUESTS_TIDIED_MAX,
)
from trunkline.model.calls.news import call_news
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.errors import NotFound

_COLUMNS = """
    environment = %(environment)s, agent = %(agent)s, version = %(version)s,
    direction = %(direction)s, state = %(state)s, carrier_account = %(carrier_account)s,
    carrier_call_id = %(carrier_call_id)s, conversation_id = %(conversation_id)s,
    started_at = %(started_at)s,
    ended_at = CASE WHEN %(over)s THEN coalesce(%(ended_at)s, ended_at, now()) END,
    settled = %(settled)s, record = %(record)s
"""
_OPEN = """
INSERT INTO calls (project, id, environment, agent, version, direction, state, carrier_account,
    carrier_call_id, conversation_id, started_at, ended_at, settled, record)
VALUES (%(project)s, %(id)s, %(environment)s, %(agent)s, %(version)s, %(direction)s, %(state)s,
    %(carrier_account)s, %(carrier_call_id)s, %(conversation_id)s, %(started_at)s,
    CASE WHEN %(over)s THEN coalesce(%(ended_at)s, now()) END, %(settled)s, %(record)s)
ON CONFLICT DO NOTHING
RETURNING record
"""
_ONE = "SELECT record FROM calls WHERE project = %(project)s AND id = %(call)s"
_CHANGE = f"""
UPDATE calls SET {_COLUMNS}, updated_at = now() WHERE project = %(project)s AND id = %(id)s
"""  # noqa: S608 - columns of ours
_OF_CARRIER = "SELECT record FROM calls WHERE carrier_account = %s AND carrier_call_id = %s"
_OF_CONVERSATION = """
SELECT record FROM calls WHERE conversation_id = %s AND conversation_id <> ''
ORDER BY started_at LIMIT 1
"""
_PAGE = sql.SQL(
    "SELECT record FROM calls WHERE project = %(project)s AND {}"
    " ORDER BY started_at DESC, id LIMIT %(limit)s"
)
_TERMS = {
    "environment": "environment = %(environment)s",
    "agent": "agent = %(agent)s",
    "version": "version = %(version)s",
    "direction": "direction = %(direction)s",
    "state": "state = %(state)s",
    "since": "started_at >= %(since)s",
    "until": "started_at < %(until)s",
}
_BEHIND = "(started_at < %(before_at)s OR (started_at = %(before_at)s AND id > %(before_id)s))"
_HOLD = """
UPDATE calls SET holder = %(holder)s, heard_of_at = now()
WHERE project = %(project)s AND id = %(call)s
"""
_RELEASE = """
UPDATE calls SET holder = NULL, heard_of_at = now()
WHERE project = %(project)s AND id = %(call)s AND holder = %(holder)s
"""
_HOLDER = """
SELECT holder FROM calls WHERE project = %(project)s AND id = %(call)s
    AND heard_of_at > now() - make_interval(secs => %(silent)s)
"""
_ABANDONED = """
SELECT record FROM calls
WHERE ended_at IS NULL AND (%(project)s::text IS NULL OR project = %(project)s)
    AND greatest(heard_of_at, updated_at) < now() - make_interval(secs => %(idle)s)
ORDER BY greatest(heard_of_at, updated_at), id LIMIT %(limit)s
"""
_UNSETTLED = """
SELECT record FROM calls
WHERE project = %(project)s AND NOT settled AND ended_at IS NOT NULL
    AND (%(behind)s::timestamptz IS NULL OR ended_at > %(behind)s)
ORDER BY ended_at LIMIT %(limit)s
"""
_COUNT_EVENTS = """
SELECT count(*) AS count FROM call_events
WHERE project = %(project)s AND call_id = %(call)s AND name = %(name)s
"""
_PLACES = """
UPDATE calls SET event_seq = event_seq + %(count)s, transcript_kept = true
WHERE project = %(project)s AND id = %(call)s RETURNING event_seq
"""
_ADD_EVENT = """
INSERT INTO call_events (project, call_id, seq, name, at, data)
VALUES (%(project)s, %(call)s, %(seq)s, %(name)s, %(at)s, %(data)s)
"""
_EVENTS = """
SELECT seq, name, at, data FROM call_events
WHERE project = %(project)s AND call_id = %(call)s AND seq > %(after)s
ORDER BY seq LIMIT %(limit)s
"""
_SEE = """
INSERT INTO seen_requests AS seen (digest) VALUES (%(digest)s)
ON CONFLICT (digest) DO UPDATE SET seen_at = now()
    WHERE seen.seen_at < now() - make_interval(secs => %(keep)s)
RETURNING digest
"""
_TIDY_SEEN = """
DELETE FROM seen_requests WHERE digest IN (
    SELECT digest FROM seen_requests WHERE seen_at < now() - make_interval(secs => %(kept)s)
    ORDER BY seen_at LIMIT %(tidied_max)s FOR UPDATE SKIP LOCKED
)
"""


class CallTables(Tables):
    """Records, events and holders of the Calls port, and requests that came before."""

    async def open_call(self, record: CallRecord) -> CallRecord:
        """Insert; of a call that is known already, by the carrier's id or ours, the record that is
        there.
        """
        async with self._pool.transaction() as connection:
            row = await (await connection.execute(_OPEN, _columns(record))).fetchone()
            if row is not None:
                await insert_events(connection, call_news(None, record, datetime.now(UTC)))
                opened = CallRecord.model_validate(row["record"])
            else:
                opened = await _known(connection, record)
        if row is not None and opened.is_over:
            metrics.call_ended(opened)
        return opened

    async def call(self, project: str, call_id: str) -> CallRecord | None:
        """One call."""
        return await self._one(_ONE, {"project": project, "call": call_id})

    async def call_of_carrier(self, account: str, sid: str) -> CallRecord | None:
        """The call a carrier knows by that id, of whatever project."""
        return await self._one(_OF_CARRIER, (account, sid)) if sid else None

    async def call_of_conversation(self, conversation_id: str) -> CallRecord | None:
        """The call a voice platform knows by that conversation."""
        return await self._one(_OF_CONVERSATION, (conversation_id,))

    async def change_call(
        self, project: str, call_id: str, change: Callable[[CallRecord], CallRecord]
    ) -> CallRecord:
        """Apply a pure change to the record as it is now; the answer is what was written."""
        async with self._pool.transaction() as connection:
            known = await locked_call(connection, project, call_id)
            changed = change(known)
            if changed != known:
                values = {**_columns(changed), "project": project, "id": call_id}
                await connection.execute(_CHANGE, values)
                await insert_events(connection, call_news(known, changed, datetime.now(UTC)))
        if changed.is_over and not known.is_over:
            metrics.call_ended(changed)
        return changed

    async def calls(
        self,
        project: str,
        where: CallFilter,
        *,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> tuple[CallRecord, ...]:
        """Calls, newest first, those behind a start and id."""
        asked = where.model_dump(exclude_none=True, by_alias=False)
        terms = [_TERMS[name] for name in asked if name in _TERMS]
        if where.active is not None:
            terms.append("ended_at IS NULL" if where.active else "ended_at IS NOT NULL")
        if before is not None:
            terms.append(_BEHIND)
        at, identifier = before or (None, "")
        values = {
            **asked,
            "project": project,
            "before_at": at,
            "before_id": identifier,
            "limit": page_size(limit),
        }
        query = _PAGE.format(sql.SQL(" AND ").join(sql.SQL(term) for term in terms or ["true"]))
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(query, values)).fetchall()
        return tuple(CallRecord.model_validate(row["record"]) for row in rows)

    async def hold_call(self, project: str, call_id: str, holder: str) -> None:
        """Say that a process carries the call now and is alive."""
        await self._say(_HOLD, {"project": project, "call": call_id, "holder": holder})

    async def release_call(self, project: str, call_id: str, holder: str) -> None:
        """The process carries the call no more."""
        await self._say(_RELEASE, {"project": project, "call": call_id, "holder": holder})

    async def holder_of(self, project: str, call_id: str) -> str | None:
        """The process that carries the call, if it was heard of lately."""
        values = {"project": project, "call": call_id, "silent": CALL_HOLDER_SILENT_MAX_S}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_HOLDER, values)).fetchone()
        return row["holder"] if row is not None else None

    async def abandoned_calls(
        self, *, idle_s: float, limit: int, project: str | None = None
    ) -> tuple[CallRecord, ...]:
        """Calls that are not over and whose process was not heard of for so long."""
        values = {"idle": idle_s, "project": project, "limit": page_size(limit)}
        return await self._many(_ABANDONED, values)

    async def unsettled_calls(
        self, project: str, *, behind: datetime | None = None, limit: int
    ) -> tuple[CallRecord, ...]:
        """Calls that are over and about which something may still be found out, the one that
        ended first before the others, those that ended after ``behind``.
        """
        values = {"project": project, "behind": behind, "limit": page_size(limit)}
        return await self._many(_UNSETTLED, values)

    async def count_call_events(self, project: str, call_id: str, name: EventName) -> int:
        """How many events of a name a call has."""
        values = {"project": project, "call": call_id, "name": name}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_COUNT_EVENTS, values)).fetchone()
        return int(row["count"]) if row is not None else 0

    async def add_call_events(
        self, project: str, call_id: str, events: Sequence[NewEvent]
    ) -> tuple[CallEvent, ...]:
        """Append in order and tell every listener. Raises NotFound."""
        if not events:
            return ()
        place = {"project": project, "call": call_id}
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_PLACES, {**place, "count": len(events)})
            row = await cursor.fetchone()
            if row is None:
                raise _unknown(project, call_id)
            first = int(row["event_seq"]) - len(events) + 1
            added = tuple(
                CallEvent(seq=seq, name=event.name, at=event.at, data=event.data)
                for seq, event in enumerate(events, first)
            )
            await connection.cursor().executemany(
                _ADD_EVENT, [{**place, **_event_columns(event)} for event in added]
            )
        return added

    async def events_of(
        self, project: str, call_id: str, *, after: int = 0, limit: int
    ) -> tuple[CallEvent, ...]:
        """What happened in a call behind a place, in order."""
        values = {"project": project, "call": call_id, "after": after, "limit": page_size(limit)}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_EVENTS, values)).fetchall()
        return tuple(CallEvent.model_validate(row) for row in rows)

    async def was_seen(self, digest: str, *, keep_s: float) -> bool:
        """True if a signed request with this digest came before within that time; it counts as
        seen from now on.
        """
        values = {
            "digest": digest,
            "keep": keep_s,
            "kept": max(keep_s, SEEN_REQUESTS_KEPT_S),
            "tidied_max": SEEN_REQUESTS_TIDIED_MAX,
        }
        async with self._pool.connection() as connection:
            is_new = await (await connection.execute(_SEE, values)).fetchone()
            await connection.execute(_TIDY_SEEN, values)
        return is_new is None

    async def _one(
        self, query: str, values: dict[str, object] | tuple[str, ...]
    ) -> CallRecord | None:
        return _record(await self._found(query.encode(), values))

    async def _many(self, query: str, values: Mapping[str, object]) -> tuple[CallRecord, ...]:
        rows = await self._listed(query.encode(), values)
        return tuple(CallRecord.model_validate(row["record"]) for row in rows)

    async def _say(self, statement: str, values: Mapping[str, object]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement.encode(), values)


async def _known(connection: Connection, record: CallRecord) -> CallRecord:
    """The record that is in the way of a new one. Raises NotFound if it went meanwhile."""
    place = (record.carrier_account, record.carrier_call_id)
    found = None
    if record.carrier_call_id:
        found = _record(await (await connection.execute(_OF_CARRIER, place)).fetchone())
    if found is None:
        values = {"project": record.project, "call": record.id}
        found = _record(await (await connection.execute(_ONE, values)).fetchone())
    if found is None:
        raise NotFound(f"the call {record.id} was removed while it was opened")
    return found


async def locked_call(connection: Connection, project: str, call_id: str) -> CallRecord:
    """The record as it is now, nobody else's until the transaction ends. Raises NotFound."""
    cursor = await connection.execute(
        f"{_ONE} FOR UPDATE".encode(), {"project": project, "call": call_id}
    )
    found = _record(await cursor.fetchone())
    if found is None:
        raise _unknown(project, call_id)
    return found


def _unknown(project: str, call_id: str) -> NotFound:
    return NotFound(f"{project} has no call {call_id}")


def _record(row: dict[str, Any] | None) -> CallRecord | None:
    return CallRecord.model_validate(row["record"]) if row is not None else None


def _columns(record: CallRecord) -> dict[str, object]:
    return {
        "project": record.project,
        "id": record.id,
        "environment": record.environment,
        "agent": record.agent,
        "version": record.version,
        "direction": record.direction,
        "state": record.state,
        "carrier_account": record.carrier_account,
        "carrier_call_id": record.carrier_call_id,
        "conversation_id": record.conversation_id,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "over": record.is_over,
        "settled": record.settled,
        "record": readable_json(record),
    }


def _event_columns(event: CallEvent) -> dict[str, object]:
    return {
        "seq": event.seq,
        "name": event.name,
        "at": event.at,
        "data": readable_json(event.data),
    }
