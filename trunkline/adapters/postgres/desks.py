"""Desks of conversations under test: what tools are answered there, and who asked. One room of the
store.

Choosing an answer and writing the call down is one transaction with the desk locked, so that calls
that come at once are answered one after the other, as their stubs say.
"""

from collections.abc import Sequence
from datetime import datetime

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.base import JsonObject
from trunkline.model.testing.desks import Desk, DeskCall
from trunkline.model.testing.limits import DESK_CALLS_MAX
from trunkline.model.testing.stubs import desk_call

_OPEN = """
INSERT INTO desks (id, project, token_digest, desk, calls, expires_at)
VALUES (%(id)s, %(project)s, %(token_digest)s, %(desk)s, 0, %(expires_at)s)
ON CONFLICT (id) DO UPDATE SET
    token_digest = excluded.token_digest, desk = excluded.desk, calls = 0,
    expires_at = excluded.expires_at
"""

_KNOWS = """
SELECT 1 FROM desks WHERE token_digest = %(token_digest)s AND expires_at > %(at)s
"""

_FIND = """
SELECT id, desk, calls FROM desks
WHERE token_digest = %(token_digest)s AND expires_at > %(at)s AND calls < %(most)s
FOR UPDATE
"""


class DeskTables(Tables):
    """The Desks port."""

    async def open_desk(self, desk: Desk) -> None:
        """Prepare; a desk opened again under its id begins anew, its calls forgotten.

        Desks whose time was over long ago are swept away.
        """
        values = {
            "id": desk.id,
            "project": desk.project,
            "token_digest": desk.token_digest,
            "desk": readable_json(desk),
            "expires_at": desk.expires_at,
        }
        async with self._pool.transaction() as connection:
            await connection.execute(
                "DELETE FROM desks WHERE expires_at < now() - interval '1 day'"
            )
            await connection.execute("DELETE FROM desk_calls WHERE desk_id = %s", (desk.id,))
            await connection.execute(_OPEN, values)

    async def close_desk(self, desk_id: str) -> None:
        """Nothing is answered any more; the calls stay readable."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE desks SET expires_at = least(expires_at, now()) WHERE id = %s", (desk_id,)
            )

    async def knows(self, token_digest: str, at: datetime) -> bool:
        """True if a desk is open for that token."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_KNOWS, {"token_digest": token_digest, "at": at})
            return await cursor.fetchone() is not None

    async def take_call(
        self,
        token_digest: str,
        tool: str,
        arguments: JsonObject,
        at: datetime,
        *,
        from_query: bool = False,
    ) -> DeskCall | None:
        """Choose the answer and write the call down, in one transaction; None: no such desk.

        ``from_query``: the arguments are texts because they came in an address.
        """
        wanted = {"token_digest": token_digest, "at": at, "most": DESK_CALLS_MAX}
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_FIND, wanted)
            row = await cursor.fetchone()
            if row is None:
                return None
            desk = Desk.model_validate(row["desk"])
            given = desk.typed(tool, arguments) if from_query else arguments
            before = await _calls(connection, row["id"], after=0)
            call = desk_call(desk, before, tool, given, at)
            await connection.execute(
                "INSERT INTO desk_calls (desk_id, ordinal, call) VALUES (%s, %s, %s)",
                (row["id"], call.ordinal, readable_json(call)),
            )
            await connection.execute("UPDATE desks SET calls = calls + 1 WHERE id = %s", (desk.id,))
            return call

    async def desk_calls(self, desk_id: str, *, after: int = 0) -> Sequence[DeskCall]:
        """Calls in order of arrival, those after an ordinal."""
        async with self._pool.connection() as connection:
            return await _calls(connection, desk_id, after=after)


async def _calls(connection: Connection, desk_id: str, *, after: int) -> tuple[DeskCall, ...]:
    cursor = await connection.execute(
        "SELECT call FROM desk_calls WHERE desk_id = %s AND ordinal > %s ORDER BY ordinal",
        (desk_id, after),
    )
    return tuple(DeskCall.model_validate(row["call"]) for row in await cursor.fetchall())
