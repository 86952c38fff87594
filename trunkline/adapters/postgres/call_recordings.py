"""Recordings of calls, what is forgotten in time, and how far native calls were read. One room of
the store.

A recording is read in pieces, whatever its length. What is forgotten is gone from the tables at
once; the record of the call says nothing of what was said any more.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from trunkline.adapters.postgres.calls import locked_call
from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import page_size
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.calls.limits import RECORDING_PARTS_AT_ONCE

_ADD_PART = """
INSERT INTO call_recordings (project, call_id, part, caller, agent)
VALUES (%(project)s, %(call)s, %(part)s, %(caller)s, %(agent)s)
ON CONFLICT (project, call_id, part) DO NOTHING
"""
_HAS_RECORDING = """
UPDATE calls SET recording_kept = true
WHERE project = %(project)s AND id = %(call)s AND NOT recording_kept
"""
_PARTS = """
SELECT part, caller, agent FROM call_recordings
WHERE project = %(project)s AND call_id = %(call)s AND part > %(after)s
ORDER BY part LIMIT %(limit)s
"""
_UPTO = """
SELECT part, upto FROM (
    SELECT part, sum(greatest(octet_length(caller), octet_length(agent))) OVER (ORDER BY part)
        AS upto
    FROM call_recordings WHERE project = %(project)s AND call_id = %(call)s
) AS lengths WHERE upto <= %(first)s ORDER BY part DESC LIMIT 1
"""
"""The last part that ends before a sample, and where."""
_SAMPLES = """
SELECT coalesce(sum(greatest(octet_length(caller), octet_length(agent))), 0) AS samples
FROM call_recordings
WHERE project = %(project)s AND call_id = %(call)s
"""
_OLD_TRANSCRIPTS = """
SELECT id FROM calls
WHERE project = %(project)s AND transcript_kept AND ended_at < %(before)s
ORDER BY ended_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_FORGET_WORDS = (
    "DELETE FROM call_events WHERE project = %(project)s AND call_id = ANY(%(calls)s)",
    "DELETE FROM call_slots WHERE project = %(project)s AND call_id = ANY(%(calls)s)",
    "DELETE FROM call_commands WHERE project = %(project)s AND call_id = ANY(%(calls)s)",
    """
    DELETE FROM events
    WHERE project = %(project)s AND name = ANY(%(calls)s) AND kind = 'call'
    """,
    """
    UPDATE calls SET transcript_kept = false,
        record = (record::jsonb || '{"summary": "", "context": {}}'::jsonb)::json
    WHERE project = %(project)s AND id = ANY(%(calls)s)
    """,
)
_OLD_RECORDINGS = """
SELECT id FROM calls
WHERE project = %(project)s AND recording_kept AND ended_at < %(before)s
ORDER BY ended_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_FORGET_SOUND = (
    "DELETE FROM call_recordings WHERE project = %(project)s AND call_id = ANY(%(calls)s)",
    """
    UPDATE calls SET recording_kept = false,
        record = (record::jsonb || '{"recorded": false}'::jsonb)::json
    WHERE project = %(project)s AND id = ANY(%(calls)s)
    """,
)
_READ_UNTIL = """
SELECT read_until FROM native_call_cursors
WHERE project = %(project)s AND environment = %(environment)s
"""
_PUT_READ_UNTIL = """
INSERT INTO native_call_cursors (project, environment, read_until)
VALUES (%(project)s, %(environment)s, %(until)s)
ON CONFLICT (project, environment) DO UPDATE SET read_until = excluded.read_until
WHERE native_call_cursors.read_until < excluded.read_until
"""


class CallRecordingTables(Tables):
    """Recordings, forgetting and the cursors of native calls, of the Calls port."""

    async def add_recording(
        self, project: str, call_id: str, part: int, caller: bytes, agent: bytes
    ) -> None:
        """One part of a recording; a part that is there stays. Raises NotFound."""
        values = {
            "project": project,
            "call": call_id,
            "part": part,
            "caller": caller,
            "agent": agent,
        }
        async with self._pool.transaction() as connection:
            await locked_call(connection, project, call_id)
            await connection.execute(_ADD_PART, values)
            await connection.execute(_HAS_RECORDING, values)

    async def recording(
        self, project: str, call_id: str, *, first: int = 0
    ) -> AsyncIterator[tuple[bytes, bytes]]:
        """Parts of a recording in order, caller and agent, from a sample on."""
        after, skip = await self._before(project, call_id, first) if first else (-1, 0)
        more = True
        while more:
            values = {
                "project": project,
                "call": call_id,
                "after": after,
                "limit": RECORDING_PARTS_AT_ONCE,
            }
            async with self._pool.connection() as connection:
                rows = await (await connection.execute(_PARTS, values)).fetchall()
            for row in rows:
                yield row["caller"][skip:], row["agent"][skip:]
                after, skip = row["part"], 0
            more = len(rows) == RECORDING_PARTS_AT_ONCE

    async def _before(self, project: str, call_id: str, first: int) -> tuple[int, int]:
        """The part behind which a sample is, and how far it is into the next."""
        values = {"project": project, "call": call_id, "first": first}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_UPTO, values)).fetchone()
        return (int(row["part"]), first - int(row["upto"])) if row is not None else (-1, first)

    async def recorded_samples(self, project: str, call_id: str) -> int:
        """How long the recording is so far, in samples of one track (8,000 a second)."""
        row = await self._found(_SAMPLES, {"project": project, "call": call_id})
        return int(row["samples"]) if row is not None else 0

    async def forget_calls(
        self, project: str, *, transcripts_before: datetime, recordings_before: datetime, limit: int
    ) -> tuple[int, int]:
        """Delete what is older, of calls that are over; how many calls lost transcript and
        recording. The records stay.
        """
        values = {"project": project, "limit": page_size(limit)}
        async with self._pool.transaction(bulk=True) as connection:
            words = {**values, "before": transcripts_before}
            transcripts = await _forget(connection, _OLD_TRANSCRIPTS, _FORGET_WORDS, words)
        async with self._pool.transaction(bulk=True) as connection:
            sound = {**values, "before": recordings_before}
            recordings = await _forget(connection, _OLD_RECORDINGS, _FORGET_SOUND, sound)
        return transcripts, recordings

    async def native_calls_read_until(self, project: str, environment: str) -> datetime | None:
        """Up to which start the platform's own calls were read; None before the first time."""
        values = {"project": project, "environment": environment}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_READ_UNTIL, values)).fetchone()
        return row["read_until"] if row is not None else None

    async def put_native_calls_read_until(
        self, project: str, environment: str, until: datetime
    ) -> None:
        """Go on behind that start; never back."""
        values = {"project": project, "environment": environment, "until": until}
        async with self._pool.connection() as connection:
            await connection.execute(_PUT_READ_UNTIL, values)


async def _forget(
    connection: Connection, which: str, statements: tuple[str, ...], values: dict[str, Any]
) -> int:
    rows = await (await connection.execute(which.encode(), values)).fetchall()
    calls = [row["id"] for row in rows]
    for statement in statements if calls else ():
        await connection.execute(statement.encode(), {**values, "calls": calls})
    return len(calls)
