"""What is to be deleted and what was. One room of the store.

The budget is kept here by one lock and one count: whoever wants to delete writes it down first,
and only as many are written down within the window as the budget allows, however many workers ask
at the same moment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import sql

from trunkline.adapters.postgres.rows import page_size, tombstone_of, without_attempt
from trunkline.adapters.postgres.statuses import insert_events
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.ids import reference
from trunkline.model.limits import PRUNE_WINDOW_S
from trunkline.model.pruning import Census, Deletion, Gone
from trunkline.model.records import EventRecord, WishRecord
from trunkline.model.shared_objects import object_key

_THERE = sql.SQL(
    "(ledger.external_id IS NOT NULL OR ledger.kind = 'number' AND ledger.applied::text <> '{}')"
)
"""What has a row and something to take away: a number may be at its carrier alone."""

_GONE = sql.SQL(
    """
WITH standing AS MATERIALIZED (
    SELECT name, body->>'renamedFrom' AS former FROM wishes
    WHERE project = %(project)s AND environment = %(environment)s AND kind = 'agent'
        AND NOT removed AND body->>'renamedFrom' IS NOT NULL
), numbers AS MATERIALIZED (
    SELECT name, body->>'number' AS number FROM wishes WHERE kind = 'number' AND NOT removed
)
SELECT ledger.kind, ledger.name, ledger.account, ledger.nonce,
    coalesce(ledger.external_id, wishes.body->>'number') AS external_id,
    wishes.body->>'number' AS number,
    ledger.tombstoned_at, ledger.tombstone_revision, wishes.revision AS removed_at,
    wishes.wish_digest,
    CASE ledger.kind
        WHEN 'agent' THEN (SELECT min(standing.name) FROM standing WHERE former = ledger.name)
        ELSE (SELECT min(numbers.name) FROM numbers WHERE number = wishes.body->>'number')
    END AS moved_to
FROM ledger JOIN wishes USING (project, environment, kind, name)
WHERE project = %(project)s AND environment = %(environment)s
    AND wishes.removed AND {there}
ORDER BY ledger.kind, ledger.name
"""
).format(there=_THERE)

_REVIVE = """
UPDATE ledger SET tombstoned_at = NULL, tombstone_revision = ''
WHERE project = %(project)s AND environment = %(environment)s AND tombstoned_at IS NOT NULL
    AND EXISTS (
        SELECT FROM wishes WHERE wishes.project = ledger.project AND NOT wishes.removed
            AND wishes.environment = ledger.environment AND wishes.kind = ledger.kind
            AND wishes.name = ledger.name
    )
"""

_MARK = sql.SQL(
    """
UPDATE ledger SET tombstoned_at = %(at)s, tombstone_revision = wishes.revision
FROM wishes
WHERE ledger.project = %(project)s AND ledger.environment = %(environment)s
    AND {there}
    AND wishes.project = ledger.project AND wishes.environment = ledger.environment
    AND wishes.kind = ledger.kind AND wishes.name = ledger.name AND wishes.removed
    AND (tombstoned_at IS NULL OR tombstone_revision <> wishes.revision)
"""
).format(there=_THERE)

_CENSUS = sql.SQL(
    """
SELECT kind, sum(managed)::integer AS managed, sum(wished)::integer AS wished FROM (
    SELECT kind, 1 AS managed, 0 AS wished FROM ledger
    WHERE project = %(project)s AND environment = %(environment)s AND {there}
    UNION ALL
    SELECT kind, 0, 1 FROM wishes
    WHERE project = %(project)s AND environment = %(environment)s AND NOT removed
) AS counted GROUP BY kind
"""
).format(there=_THERE)

_REFERENCES = """
WITH standing AS MATERIALIZED (
    SELECT body FROM wishes
    WHERE project = %(project)s AND environment = %(environment)s AND kind = 'agent'
        AND NOT removed
    UNION ALL
    SELECT part.body->'rendering'->'desired' FROM test_parts AS part
    JOIN test_runs ON test_runs.id = part.run_id
    WHERE project = %(project)s AND part.kind = 'rendering' AND finished_at IS NULL
        AND created_at > now() - interval '1 day'
        AND part.body->'rendering'->'desired'->>'environment' = %(environment)s
), tools AS MATERIALIZED (
    SELECT json_array_elements(body->'tools') AS item FROM standing
)
SELECT DISTINCT 'tool' AS kind, item->>'name' AS name, item->>'digest' AS digest FROM tools
UNION
SELECT 'secret', header.value->>'secret', ''
FROM tools, json_each(tools.item->'headers') AS header
WHERE json_typeof(header.value) = 'object'
UNION
SELECT 'document', document->>'name', document->>'digest'
FROM standing, json_array_elements(body->'documents') AS document
"""

"""What is wished for, and what tests that are running right now speak to."""

_COLUMNS = sql.SQL(
    """project, environment, kind, name, external_id, account, revision, permitted,
    intended_at, deleted_at"""
)

_DELETIONS = sql.SQL(
    """
SELECT {columns} FROM deletions
WHERE project = %(project)s AND environment = %(environment)s AND intended_at > %(since)s
ORDER BY intended_at, kind, name
"""
).format(columns=_COLUMNS)

_INTEND = sql.SQL(
    """
INSERT INTO deletions AS known ({columns}) VALUES (%(project)s, %(environment)s, %(kind)s,
    %(name)s, %(external_id)s, %(account)s, %(revision)s, %(permitted)s, %(intended_at)s,
    %(deleted_at)s)
ON CONFLICT (project, environment, kind, name, external_id) DO UPDATE SET
    intended_at = excluded.intended_at,
    permitted = known.permitted OR excluded.permitted
"""
).format(columns=_COLUMNS)

_USED = """
SELECT count(*) AS used FROM deletions
WHERE project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND NOT permitted AND external_id <> %(external_id)s
    AND intended_at > %(intended_at)s - make_interval(secs => %(window_s)s)
"""

_KEY = """project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s"""

_PAST_PLANS = """
DELETE FROM plans WHERE id IN (
    SELECT id FROM plans AS old
    WHERE created_at < %(before)s
        AND NOT EXISTS (
            SELECT FROM interventions WHERE interventions.project = old.project
                AND interventions.details->>'planId' = old.id
        )
        AND EXISTS (
            SELECT FROM plans AS newer WHERE newer.project = old.project
                AND newer.environment = old.environment AND newer.created_at > old.created_at
        )
    ORDER BY created_at LIMIT %(limit)s
)
"""

_PAST_CONTENTS = """
WITH named AS MATERIALIZED (
    SELECT DISTINCT document->>'contentDigest' AS digest
    FROM wishes, json_array_elements(body->'documents') AS document
    WHERE kind = 'agent'
)
DELETE FROM contents WHERE digest IN (
    SELECT digest FROM contents AS old
    WHERE stored_at < %(before)s AND NOT EXISTS (
        SELECT FROM named WHERE named.digest = old.digest
    )
    ORDER BY stored_at LIMIT %(limit)s
)
"""

_PAST_NOTIFICATIONS = """
DELETE FROM notifications AS stored USING (
    SELECT project, event_id, recipient FROM notifications AS old
    WHERE created_at < %(before)s AND state NOT IN ('held', 'overflow', 'sending')
        AND (topic LIKE '%%/calls' OR EXISTS (
            SELECT FROM notifications AS newer WHERE newer.project = old.project
                AND newer.recipient = old.recipient AND newer.topic = old.topic
                AND newer.event_id > old.event_id AND newer.state <> 'repeated'
        ))
        AND (news IS NULL OR EXISTS (
            SELECT FROM notifications AS newer WHERE newer.project = old.project
                AND newer.recipient = old.recipient AND newer.event_id > old.event_id
                AND newer.news IS NOT NULL
        ))
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AS past
WHERE stored.project = past.project AND stored.event_id = past.event_id
    AND stored.recipient = past.recipient
"""
"""What was last said of a subject decides whether its recovery is news, whenever it comes; and the
last message to a recipient says whether it is reached.
"""


class DeletionTables(Tables):
    """The Deletions port."""

    async def gone(self, project: str, environment: str) -> tuple[Gone, ...]:
        """Ledger rows with an object whose wish was removed, by kind and name.

        A number moved if any standing wish, of whichever project, names it.
        """
        rows = await self._rows(_GONE, project, environment)
        return tuple(
            Gone.model_validate({**without_attempt(row), "tombstone": tombstone_of(row)})
            for row in rows
        )

    async def revive(self, project: str, environment: str) -> None:
        """Take the tombstones of everything whose wish stands again."""
        async with self._pool.connection() as connection:
            await connection.execute(_REVIVE, {"project": project, "environment": environment})

    async def mark(self, project: str, environment: str, at: datetime) -> None:
        """Set a tombstone on everything gone that has none of this removal."""
        place = {"project": project, "environment": environment, "at": at}
        async with self._pool.connection() as connection:
            await connection.execute(_MARK, place)

    async def census(self, project: str, environment: str) -> dict[str, Census]:
        """Rows and standing wishes by kind."""
        rows = await self._rows(_CENSUS, project, environment)
        return {row["kind"]: Census(managed=row["managed"], wished=row["wished"]) for row in rows}

    async def references(self, project: str, environment: str) -> frozenset[str]:
        """References to every tool, document and secret a standing wish points at."""
        rows = await self._rows(_REFERENCES, project, environment)
        return frozenset(
            reference(
                row["kind"],
                object_key(row["name"], row["digest"]) if row["digest"] else row["name"],
            )
            for row in rows
        )

    async def deletions(
        self, project: str, environment: str, *, since: datetime
    ) -> tuple[Deletion, ...]:
        """Deletions that were intended since then, oldest first."""
        rows = await self._rows(_DELETIONS, project, environment, since=since)
        return tuple(Deletion.model_validate(row) for row in rows)

    async def intend(self, deletion: Deletion, *, at_most: int | None) -> bool:
        """Write the deletion down unless the budget of its kind is used up; see the port."""
        values = {**deletion.model_dump(by_alias=False), "window_s": PRUNE_WINDOW_S}
        async with self._pool.transaction() as connection:
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('prune/' || %s || '/' || %s, 0))",
                (deletion.project, deletion.environment),
            )
            if at_most is not None and not deletion.permitted:
                cursor = await connection.execute(_USED, values)
                row = await cursor.fetchone()
                if row is None or row["used"] + 1 > at_most:
                    return False
            await connection.execute(_INTEND, values)
        return True

    async def deleted(self, deletion: Deletion) -> None:
        """Its object is gone from the platform; the first time it was seen gone counts."""
        async with self._pool.connection() as connection:
            await connection.execute(
                sql.SQL(
                    """
                    UPDATE deletions SET deleted_at = coalesce(deleted_at, %(deleted_at)s)
                    WHERE {key} AND external_id = %(external_id)s
                    """
                ).format(key=sql.SQL(_KEY)),
                deletion.model_dump(by_alias=False),
            )

    async def bury(self, record: WishRecord, events: Sequence[EventRecord]) -> bool:
        """Forget a removed wish with its status and add the events, all or nothing."""
        values = record.model_dump(by_alias=False, include={"project", "environment", "kind"})
        values |= {"name": record.name, "revision": record.revision}
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(
                sql.SQL(
                    "DELETE FROM wishes WHERE {key} AND removed AND revision = %(revision)s"
                ).format(key=sql.SQL(_KEY)),
                values,
            )
            if cursor.rowcount == 0:
                return False
            await connection.execute(
                sql.SQL("DELETE FROM statuses WHERE {key}").format(key=sql.SQL(_KEY)), values
            )
            await insert_events(connection, events)
        return True

    async def forget_past(self, before: datetime, *, limit: int) -> int:
        """Remove what nobody reads any more, in one small transaction.

        Contents wait for every tree that is being stored: it may be about to name one of them.
        """
        values = {"before": before, "limit": page_size(limit)}
        async with self._pool.transaction() as connection:
            plans = await connection.execute(_PAST_PLANS, values)
            told = await connection.execute(_PAST_NOTIFICATIONS, values)
            await connection.execute(
                """
                SELECT pg_advisory_xact_lock(hashtextextended('tree/' || name, 0))
                FROM (SELECT name FROM projects ORDER BY name) AS ordered
                """
            )
            contents = await connection.execute(_PAST_CONTENTS, values)
        return plans.rowcount + told.rowcount + contents.rowcount

    async def _rows(
        self, query: str | sql.Composed, project: str, environment: str, **values: object
    ) -> list[dict[str, Any]]:
        place = {"project": project, "environment": environment, **values}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, place)
            return await cursor.fetchall()
