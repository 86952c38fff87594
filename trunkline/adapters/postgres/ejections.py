"""Leaving an environment: its rows, one by one and then all of them. One room of the store.

What Git wishes, what people said and what happened stays; what goes is everything that would let
anybody here believe that an object on a platform is still ours.
"""

from psycopg import sql

from trunkline.adapters.postgres.rows import page_size
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.ejection import Belonging, Belongings

_ALL = """
SELECT kind, name, external_id, '' AS digest, account FROM ledger
WHERE project = %(project)s AND environment = %(environment)s AND external_id IS NOT NULL
UNION ALL
SELECT kind, name, external_id, digest, account FROM claims
WHERE project = %(project)s AND environment = %(environment)s AND external_id IS NOT NULL
"""

_BELONGINGS = f"{_ALL} ORDER BY kind, name, digest"

_MARKED = f"""
SELECT * FROM ({_ALL}) AS everything
WHERE account = %(account)s AND kind IN ('agent', 'tool', 'document', 'test')
ORDER BY kind, name, digest LIMIT %(limit)s
"""  # noqa: S608 - both parts are ours

_LET_GO = """
DELETE FROM ledger
WHERE project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s AND external_id = %(external_id)s
"""

_LET_CLAIM_GO = """
DELETE FROM claims
WHERE project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s AND digest = %(digest)s AND external_id = %(external_id)s
"""

_FORGET = sql.SQL("DELETE FROM {table} WHERE project = %s AND environment = %s")

ENVIRONMENT_TABLES = ("ledger", "claims", "number_owners", "object_owners", "looks", "statuses")
"""Tables in which nothing of an ejected environment may be left."""


class EjectionTables(Tables):
    """The Ejections port."""

    async def belongings(self, project: str, environment: str) -> Belongings:
        """Everything with an id on a platform, by kind and name."""
        values = {"project": project, "environment": environment}
        rows = await self._listed(_BELONGINGS, values)
        items = tuple(Belonging.model_validate(row) for row in rows)
        return Belongings(environment=environment, items=items)

    async def marked(
        self, project: str, environment: str, account: str, *, limit: int
    ) -> tuple[Belonging, ...]:
        """The first of those in an account that carry a mark."""
        values = {
            "project": project,
            "environment": environment,
            "account": account,
            "limit": page_size(limit),
        }
        rows = await self._listed(_MARKED, values)
        return tuple(Belonging.model_validate(row) for row in rows)

    async def let_go(self, project: str, environment: str, item: Belonging) -> None:
        """Forget the row of one object, unless it has another id by now."""
        values = {
            **item.model_dump(by_alias=False),
            "project": project,
            "environment": environment,
        }
        async with self._pool.connection() as connection:
            in_ledger = item.kind in ("agent", "number")
            await connection.execute(_LET_GO if in_ledger else _LET_CLAIM_GO, values)

    async def forget_environment(self, project: str, environment: str) -> None:
        """Forget ledger, claims, owners and statuses in one transaction."""
        async with self._pool.transaction(bulk=True) as connection:
            for table in ENVIRONMENT_TABLES:
                query = _FORGET.format(table=sql.Identifier(table))
                await connection.execute(query, (project, environment))
