"""Who may talk to an agent of an account right now, and who holds what was made for tests.

Both are rows with an end: a worker that dies frees its place and its holds by the clock, without
anybody's help. One lock and one count decide, however many workers ask at the same moment. One
room of the store.
"""

from collections.abc import Sequence
from datetime import datetime

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import ordered_json, page_size
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.testing.runs import TestHolding

_CLOSING = "trunkline"
"""The holder of what is being put away: ids of runs are longer."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"

_TAKE = """
INSERT INTO talk_places (account, holder, expires_at)
SELECT %(account)s, %(holder)s, %(expires_at)s
WHERE (SELECT count(*) FROM talk_places
    WHERE account = %(account)s AND holder <> %(holder)s) < %(limit)s
ON CONFLICT (account, holder) DO UPDATE SET expires_at = excluded.expires_at
RETURNING holder
"""

_HOLD = """
INSERT INTO test_holds (project, key, holder, held, expires_at)
VALUES (%(project)s, %(key)s, %(holder)s, %(held)s, %(expires_at)s)
ON CONFLICT (key, holder) DO UPDATE SET expires_at = excluded.expires_at
"""

_OTHERS = """
SELECT count(*) AS others FROM test_holds
WHERE key = %(key)s AND holder <> %(holder)s AND expires_at > now()
"""

_ABANDONED = """
SELECT held FROM (
    SELECT DISTINCT ON (key) key, held FROM test_holds AS old
    WHERE project = %(project)s AND NOT EXISTS (
        SELECT FROM test_holds WHERE key = old.key AND expires_at > now())
    ORDER BY key
) AS left_behind ORDER BY key LIMIT %(limit)s
"""


class PlaceTables(Tables):
    """The Places and Holdings ports."""

    async def take_place(self, account: str, holder: str, limit: int, expires_at: datetime) -> bool:
        """Take one of ``limit`` places of an account, or keep the one that is held already.

        Holders whose time is over have lost theirs.
        """
        values = {"account": account, "holder": holder, "limit": limit, "expires_at": expires_at}
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, (f"talk/{account}",))
            await connection.execute(
                "DELETE FROM talk_places WHERE account = %s AND expires_at <= now()", (account,)
            )
            cursor = await connection.execute(_TAKE, values)
            return await cursor.fetchone() is not None

    async def leave_place(self, account: str, holder: str) -> None:
        """Give a place back; one that is not held is no error."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM talk_places WHERE account = %s AND holder = %s", (account, holder)
            )

    async def places_taken(self, account: str) -> int:
        """How many places of an account are held."""
        row = await self._found(
            """
            SELECT count(*) AS taken FROM talk_places
            WHERE account = %s AND expires_at > now()
            """,
            (account,),
        )
        return int(row["taken"]) if row else 0

    async def hold(self, holding: TestHolding, holder: str, expires_at: datetime) -> bool:
        """Hold it for a run; False while somebody is putting it away: ask again."""
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, (holding.key,))
            if await _is_closing(connection, holding):
                return False
            values = _values(holding, holder, expires_at)
            await connection.execute(_HOLD, values)
            return True

    async def keep_holdings(self, project: str, holder: str, expires_at: datetime) -> None:
        """Everything a run holds is held longer: it is still at work."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                UPDATE test_holds SET expires_at = greatest(expires_at, %s)
                WHERE project = %s AND holder = %s
                """,
                (expires_at, project, holder),
            )

    async def stop_holding(self, holding: TestHolding, holder: str, until: datetime) -> bool:
        """Let go of it; True if nobody else holds it, and the caller has until then to put it
        away.
        """
        values = _values(holding, holder, until)
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, (holding.key,))
            cursor = await connection.execute(_OTHERS, values)
            row = await cursor.fetchone()
            await connection.execute(
                "DELETE FROM test_holds WHERE key = %(key)s AND holder = %(holder)s", values
            )
            if row is not None and row["others"]:
                return False
            await connection.execute(_HOLD, {**values, "holder": _CLOSING})
            return True

    async def closes(self, holding: TestHolding, until: datetime) -> bool:
        """Go on putting it away until then; False if a run holds it by now."""
        values = _values(holding, _CLOSING, until)
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, (holding.key,))
            cursor = await connection.execute(_OTHERS, values)
            row = await cursor.fetchone()
            if row is not None and row["others"]:
                return False
            await connection.execute(_HOLD, values)
            return True

    async def stays(self, holding: TestHolding) -> None:
        """It could not be put away: runs may hold it again, and the next one tries once more."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE test_holds SET expires_at = now() WHERE key = %s AND holder = %s",
                (holding.key, _CLOSING),
            )

    async def was_put_away(self, holding: TestHolding) -> None:
        """It is gone from the platform: nothing is known of it any more."""
        async with self._pool.connection() as connection:
            await connection.execute("DELETE FROM test_holds WHERE key = %s", (holding.key,))

    async def holdings(self, project: str, holder: str) -> tuple[TestHolding, ...]:
        """What a run holds, branches before tools: a branch refers to its tools."""
        rows = await self._listed(
            "SELECT held FROM test_holds WHERE project = %s AND holder = %s ORDER BY key",
            (project, holder),
        )
        return tuple(TestHolding.model_validate(row["held"]) for row in rows)

    async def abandoned(self, project: str, *, limit: int) -> Sequence[TestHolding]:
        """What runs of a project held that never let go, or was never put away to the end."""
        rows = await self._listed(_ABANDONED, {"project": project, "limit": page_size(limit)})
        return tuple(TestHolding.model_validate(row["held"]) for row in rows)


async def _is_closing(connection: Connection, holding: TestHolding) -> bool:
    cursor = await connection.execute(
        "SELECT FROM test_holds WHERE key = %s AND holder = %s AND expires_at > now()",
        (holding.key, _CLOSING),
    )
    return await cursor.fetchone() is not None


def _values(holding: TestHolding, holder: str, expires_at: datetime) -> dict[str, object]:
    return {
        "project": holding.project,
        "key": holding.key,
        "holder": holder,
        "held": ordered_json(holding),
        "expires_at": expires_at,
    }
