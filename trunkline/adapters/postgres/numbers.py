"""Who owns a phone number of a telephony account. One room of the store.

Two projects may wish for one number, and a number can ring in one place only. The first row wins;
it passes on only when its owner's wish no longer stands, and one statement decides that.
"""

from psycopg import sql

from trunkline.adapters.postgres.tables import Tables
from trunkline.model.ledger import NumberOwner

_STANDS = sql.SQL("""
SELECT FROM wishes WHERE wishes.project = known.project
    AND wishes.environment = known.environment AND wishes.kind = 'number'
    AND wishes.name = known.name AND NOT wishes.removed
    AND wishes.body->>'number' = known.number
""")

_OWN = sql.SQL("""
INSERT INTO number_owners AS known (account, number, project, environment, name)
VALUES (%(account)s, %(number)s, %(project)s, %(environment)s, %(name)s)
ON CONFLICT (account, number) DO UPDATE SET
    project = excluded.project, environment = excluded.environment, name = excluded.name
WHERE NOT EXISTS ({stands})
""").format(stands=_STANDS)

_OWNER = sql.SQL("""
SELECT account, number, project, environment, name FROM number_owners AS known
WHERE account = %(account)s AND number = %(number)s
""")

_STANDING_OWNER = sql.SQL("{owner} AND EXISTS ({stands})").format(owner=_OWNER, stands=_STANDS)

_STANDING_OWNERS = sql.SQL(
    """
SELECT account, number, project, environment, name FROM number_owners AS known
WHERE account = %(account)s AND EXISTS ({stands}) ORDER BY number
"""
).format(stands=_STANDS)


class NumberTables(Tables):
    """The part of the Wishes port that knows owners of numbers."""

    async def own_number(self, wanted: NumberOwner) -> NumberOwner:
        """Take the number unless somebody has it whose wish for it stands; answers who has it."""
        values = wanted.model_dump(by_alias=False)
        async with self._pool.transaction() as connection:
            await connection.execute(_OWN, values)
            cursor = await connection.execute(_OWNER, values)
            row = await cursor.fetchone()
        return NumberOwner.model_validate(row) if row else wanted

    async def number_owner(self, account: str, number: str) -> NumberOwner | None:
        """Whose standing wish has the number, or None."""
        row = await self._found(_STANDING_OWNER, {"account": account, "number": number})
        return NumberOwner.model_validate(row) if row else None

    async def number_owners(self, account: str) -> tuple[NumberOwner, ...]:
        """Whose standing wish has which number of a telephony account, by number."""
        rows = await self._listed(_STANDING_OWNERS, {"account": account})
        return tuple(NumberOwner.model_validate(row) for row in rows)

    async def numbers_owned(
        self, project: str, environment: str, name: str
    ) -> tuple[NumberOwner, ...]:
        """Every number one wish has, those it no longer names included."""
        rows = await self._listed(
            """
            SELECT account, number, project, environment, name FROM number_owners
            WHERE project = %s AND environment = %s AND name = %s ORDER BY account, number
            """,
            (project, environment, name),
        )
        return tuple(NumberOwner.model_validate(row) for row in rows)

    async def disown_number(self, owner: NumberOwner) -> None:
        """Let the number go, unless somebody else has it by now."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                DELETE FROM number_owners
                WHERE account = %(account)s AND number = %(number)s AND project = %(project)s
                    AND environment = %(environment)s AND name = %(name)s
                """,
                owner.model_dump(by_alias=False),
            )
