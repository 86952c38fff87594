"""What people asked for and how far it is, and the plans they can read. One room of the store.

Items end in any order and at the same moment; each ending locks the operation's row first, so
that exactly one of them is the last and ends the operation. An operation that is not there (the
database was emptied) is nobody's failure: what reports to it goes on.
"""

import json
from collections.abc import Sequence
from typing import Any

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import batches, ordered_json, readable
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.errors import InvalidInput
from trunkline.model.limits import STORE_BATCH_SIZE
from trunkline.model.records import (
    OperationItem,
    OperationRecord,
    OperationState,
    PlanRecord,
    RecordKind,
)

_ADD_ITEMS = """
INSERT INTO operation_items (operation_id, environment, kind, name, state, message)
SELECT %(operation_id)s, environment, kind, name, 'Running', message
FROM unnest(%(environments)s::text[], %(kinds)s::text[], %(names)s::text[], %(messages)s::text[])
    AS given (environment, kind, name, message)
ON CONFLICT DO NOTHING
"""

_FINISH_ITEM = """
UPDATE operation_items SET state = %(state)s, message = %(message)s, reason = %(reason)s
WHERE operation_id = %(operation_id)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s AND state = 'Running'
RETURNING name
"""

_FINISH_UNKNOWN_ITEM = """
INSERT INTO operation_items (operation_id, environment, kind, name, state, message, reason)
VALUES (%(operation_id)s, %(environment)s, %(kind)s, %(name)s, %(state)s, %(message)s, %(reason)s)
ON CONFLICT DO NOTHING RETURNING name
"""

_COUNT_ITEM = """
UPDATE operations SET
    total = total + %(added)s,
    done = done + 1,
    failed = failed + (%(state)s = 'Failed')::integer,
    unknown = unknown + (%(state)s = 'Error')::integer
WHERE id = %(operation_id)s
"""

_END_IF_COMPLETE = """
UPDATE operations SET
    state = CASE WHEN failed > 0 THEN 'Failed' WHEN unknown > 0 THEN 'Error' ELSE 'Succeeded' END,
    message = CASE
        WHEN failed + unknown > 0 THEN format('%%s of %%s did not succeed', failed + unknown, total)
        ELSE message END,
    finished_at = clock_timestamp()
WHERE id = %s AND sealed AND done >= total AND state = 'Running'
"""

_OPERATION = """
SELECT id, project, kind, state, requested_by, total, done, message, plan_id, created_at,
    finished_at
FROM operations WHERE id = %s
"""


PLANS_LOOKED_AT = 500
"""Plans searched for one subject, newest first: a busy day's; reading them takes milliseconds."""

_LAST_PLAN = """
SELECT id, project, environment, revision, plan, created_at FROM (
    SELECT * FROM plans WHERE project = %(project)s AND environment = %(environment)s
    ORDER BY created_at DESC LIMIT %(looked_at)s
) AS recent
WHERE (plan -> 'steps')::jsonb @> %(steps)s::jsonb
ORDER BY created_at DESC LIMIT 1
"""


class OperationTables(Tables):
    """The Operations port."""

    async def open_operation(self, operation: OperationRecord) -> None:
        """Insert; opening the same id again leaves what is there."""
        values = operation.model_dump(
            by_alias=False, include={"id", "project", "kind", "requested_by"}
        )
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO operations (id, project, kind, state, requested_by, message)
                VALUES (%(id)s, %(project)s, %(kind)s, 'Running', %(requested_by)s, %(message)s)
                ON CONFLICT (id) DO NOTHING
                """,
                {**values, "message": readable(operation.message)},
            )

    async def add_items(self, operation_id: str, items: Sequence[OperationItem]) -> None:
        """Add what the operation waits for; an item already there is left as it is."""
        async with self._pool.transaction() as connection:
            if not await _locked(connection, operation_id):
                return
            added = 0
            for batch in batches(items, STORE_BATCH_SIZE):
                cursor = await connection.execute(
                    _ADD_ITEMS,
                    {
                        "operation_id": operation_id,
                        "environments": [item.environment for item in batch],
                        "kinds": [item.kind for item in batch],
                        "names": [item.name for item in batch],
                        "messages": [readable(item.message) for item in batch],
                    },
                )
                added += cursor.rowcount
            await connection.execute(
                "UPDATE operations SET total = total + %s WHERE id = %s", (added, operation_id)
            )

    async def seal_operation(self, operation_id: str, message: str) -> None:
        """No more items will come; an operation with none left to wait for ends here."""
        async with self._pool.transaction() as connection:
            if not await _locked(connection, operation_id):
                return
            await connection.execute(
                """
                UPDATE operations SET sealed = true, message = %s
                WHERE id = %s AND state = 'Running'
                """,
                (readable(message), operation_id),
            )
            await connection.execute(_END_IF_COMPLETE, (operation_id,))

    async def finish_item(self, operation_id: str, item: OperationItem) -> None:
        """End one item; the last one of a sealed operation ends the operation.

        An item that ended before stays as it ended; one nobody announced counts as announced.
        Raises InvalidInput for an item that is still running.
        """
        if item.state == "Running":
            raise InvalidInput(f"{item.kind} {item.name} has not ended yet")
        values = {
            **item.model_dump(by_alias=False),
            "operation_id": operation_id,
            "message": readable(item.message),
        }
        async with self._pool.transaction() as connection:
            if not await _locked(connection, operation_id):
                return
            cursor = await connection.execute(_FINISH_ITEM, values)
            added = 0
            if await cursor.fetchone() is None:
                cursor = await connection.execute(_FINISH_UNKNOWN_ITEM, values)
                if await cursor.fetchone() is None:
                    return
                added = 1
            await connection.execute(_COUNT_ITEM, {**values, "added": added})
            await connection.execute(_END_IF_COMPLETE, (operation_id,))

    async def finish_operation(
        self, operation_id: str, state: OperationState, message: str, plan_id: str | None = None
    ) -> None:
        """End the operation as a whole; one that has ended stays as it ended."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                UPDATE operations SET state = %s, message = %s, plan_id = %s, sealed = true,
                    finished_at = clock_timestamp()
                WHERE id = %s AND state = 'Running'
                """,
                (state, readable(message), plan_id, operation_id),
            )

    async def operation(self, operation_id: str) -> OperationRecord | None:
        """One operation with its items by environment, kind and name, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_OPERATION, (operation_id,))
            row = await cursor.fetchone()
            if row is None:
                return None
            cursor = await connection.execute(
                """
                SELECT environment, kind, name, state, message, reason FROM operation_items
                WHERE operation_id = %s ORDER BY environment, kind, name
                """,
                (operation_id,),
            )
            items = await cursor.fetchall()
        return OperationRecord.model_validate({**row, "items": items})

    async def put_plan(self, record: PlanRecord) -> None:
        """Store a plan under its id; a plan already there is replaced."""
        values: dict[str, Any] = {
            **record.model_dump(by_alias=False, exclude={"plan", "created_at"}),
            "plan": ordered_json(record.plan),
        }
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO plans (id, project, environment, revision, plan)
                VALUES (%(id)s, %(project)s, %(environment)s, %(revision)s, %(plan)s)
                ON CONFLICT (id) DO UPDATE SET
                    project = excluded.project, environment = excluded.environment,
                    revision = excluded.revision, plan = excluded.plan
                """,
                values,
            )

    async def plan(self, plan_id: str) -> PlanRecord | None:
        """One plan, or None."""
        row = await self._found(
            """
            SELECT id, project, environment, revision, plan, created_at FROM plans
            WHERE id = %s
            """,
            (plan_id,),
        )
        return PlanRecord.model_validate(row) if row else None

    async def last_plan(
        self, project: str, environment: str, kind: RecordKind, name: str
    ) -> PlanRecord | None:
        """The newest plan of an environment with a step about the subject, or None."""
        wanted = {
            "project": project,
            "environment": environment,
            "steps": json.dumps([{"subject": kind, "name": name}]),
            "looked_at": PLANS_LOOKED_AT,
        }
        row = await self._found(_LAST_PLAN, wanted)
        return PlanRecord.model_validate(row) if row else None


async def _locked(connection: Connection, operation_id: str) -> bool:
    cursor = await connection.execute(
        "SELECT id FROM operations WHERE id = %s FOR UPDATE", (operation_id,)
    )
    return await cursor.fetchone() is not None
