"""Calls that were asked for, and numbers nobody may call. One room of the store.

An order is found by the key it was asked with, so that whoever asks twice gets one; it is changed
under its row's lock only.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from trunkline.adapters.postgres.rows import page_size, readable, readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.calls.orders import CallOrder, DoNotCall, OrderState
from trunkline.model.errors import NotFound

_OPEN_STATES: Final[frozenset[OrderState]] = frozenset({"Waiting", "Calling", "Talking"})

_PUT = """
INSERT INTO call_orders (project, id, idempotency_key, open, record, asked_at)
VALUES (%(project)s, %(id)s, %(key)s, %(open)s, %(record)s, %(asked_at)s)
ON CONFLICT (project, idempotency_key) DO NOTHING
RETURNING record
"""
_BY_KEY = """
SELECT record FROM call_orders WHERE project = %(project)s AND idempotency_key = %(key)s
"""
_ONE = "SELECT record FROM call_orders WHERE project = %(project)s AND id = %(id)s"
_CHANGE = """
UPDATE call_orders SET open = %(open)s, record = %(record)s, updated_at = now()
WHERE project = %(project)s AND id = %(id)s
"""
_PAGE = """
SELECT record FROM call_orders
WHERE project = %(project)s AND (open OR NOT %(open_only)s)
    AND (%(at)s::timestamptz IS NULL OR asked_at < %(at)s OR (asked_at = %(at)s AND id > %(id)s))
ORDER BY asked_at DESC, id LIMIT %(limit)s
"""
_FORBID = """
INSERT INTO do_not_call (project, number, reason, added_by, added_at)
VALUES (%(project)s, %(number)s, %(reason)s, %(added_by)s, %(added_at)s)
ON CONFLICT (project, number) DO NOTHING
"""
_FORBIDDEN = """
SELECT project, number, reason, added_by, added_at FROM do_not_call
WHERE project = %(project)s AND number = %(number)s
"""
_FORBIDDEN_PAGE = """
SELECT project, number, reason, added_by, added_at FROM do_not_call
WHERE project = %(project)s AND number > %(after)s ORDER BY number LIMIT %(limit)s
"""


class CallOrderTables(Tables):
    """The CallOrders port."""

    async def put_order(self, order: CallOrder) -> CallOrder:
        """Insert; for a key the project has had, the order that is there."""
        values = _columns(order)
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_PUT, values)).fetchone()
            if row is None:
                row = await (await connection.execute(_BY_KEY, values)).fetchone()
        found = _order(row)
        if found is None:
            raise NotFound(f"the order {order.id} was removed while it was put")
        return found

    async def order(self, project: str, order_id: str) -> CallOrder | None:
        """One order."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_ONE, {"project": project, "id": order_id})
            return _order(await cursor.fetchone())

    async def order_of_key(self, project: str, key: str) -> CallOrder | None:
        """The order that was asked for under an idempotency key."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_BY_KEY, {"project": project, "key": key})
            return _order(await cursor.fetchone())

    async def change_order(
        self, project: str, order_id: str, change: Callable[[CallOrder], CallOrder]
    ) -> CallOrder:
        """Apply a pure change to the order as it is now. Raises NotFound."""
        place = {"project": project, "id": order_id}
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(f"{_ONE} FOR UPDATE".encode(), place)
            known = _order(await cursor.fetchone())
            if known is None:
                raise NotFound(f"{project} has no order {order_id}")
            changed = change(known)
            if changed != known:
                await connection.execute(_CHANGE, {**_columns(changed), **place})
        return changed

    async def orders(
        self,
        project: str,
        *,
        open_only: bool = False,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> tuple[CallOrder, ...]:
        """Orders, newest first."""
        at, identifier = before or (None, "")
        values = {
            "project": project,
            "open_only": open_only,
            "at": at,
            "id": identifier,
            "limit": page_size(limit),
        }
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_PAGE, values)).fetchall()
        return tuple(CallOrder.model_validate(row["record"]) for row in rows)

    async def put_do_not_call(self, entry: DoNotCall) -> None:
        """Add a number; one that is there keeps its first entry."""
        values = {**entry.model_dump(by_alias=False), "reason": readable(entry.reason)}
        async with self._pool.connection() as connection:
            await connection.execute(_FORBID, values)

    async def remove_do_not_call(self, project: str, number: str) -> bool:
        """Take a number off; False if it was not on."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM do_not_call WHERE project = %s AND number = %s", (project, number)
            )
        return cursor.rowcount > 0

    async def do_not_call(self, project: str, number: str) -> DoNotCall | None:
        """The entry of a number."""
        row = await self._found(_FORBIDDEN, {"project": project, "number": number})
        return DoNotCall.model_validate(row) if row is not None else None

    async def do_not_call_page(
        self, project: str, *, after: str = "", limit: int
    ) -> tuple[DoNotCall, ...]:
        """Entries by number."""
        values = {"project": project, "after": after, "limit": page_size(limit)}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_FORBIDDEN_PAGE, values)).fetchall()
        return tuple(DoNotCall.model_validate(row) for row in rows)


def _columns(order: CallOrder) -> dict[str, object]:
    return {
        "project": order.project,
        "id": order.id,
        "key": order.idempotency_key,
        "open": order.state in _OPEN_STATES,
        "record": readable_json(order),
        "asked_at": order.asked_at,
    }


def _order(row: dict[str, Any] | None) -> CallOrder | None:
    return CallOrder.model_validate(row["record"]) if row is not None else None
