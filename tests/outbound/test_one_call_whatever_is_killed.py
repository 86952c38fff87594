"""A worker killed before any write of an order, or with the carrier's answer on the way: one call.

The database holds every write to calls and orders at a gate that the test opens, the carrier holds
the request that places the call; the worker that waits is killed there and another one takes over.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from tests.outbound.worlds import DEADLINE_S, PLACE, OutboundWorld, outbound_files, outbound_world
from tests.workflows.conftest import MakeStack, eventually
from tests.workflows.own_processes import process

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

SHARE: Final = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
SEED: Final = 8
SOME: Final = 2
"""Writes of the database where the counts are not in full: each costs a killed process."""
UNDISTURBED: Final = "+15005550100"
GATE: Final = """
CREATE SEQUENCE writes_seen;
CREATE TABLE write_held (nth bigint NOT NULL);
CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('writes_seen') = (SELECT nth FROM write_held) THEN
        PERFORM pg_advisory_xact_lock(4711);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER calls_gate BEFORE INSERT OR UPDATE ON calls
    FOR EACH ROW EXECUTE FUNCTION wait_at_gate();
CREATE TRIGGER orders_gate BEFORE UPDATE ON call_orders
    FOR EACH ROW EXECUTE FUNCTION wait_at_gate();
"""
END_WAITING: Final = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
"""


class WriteGate:
    """Holds one write to calls or orders."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[int]]) -> None:
        self._connection = connection

    async def hold(self, nth: int) -> None:
        """From now on that write waits, counting from now; 0 holds none."""
        await self._connection.execute("SELECT setval('writes_seen', 1, false)")
        await self._connection.execute("DELETE FROM write_held")
        await self._connection.execute("INSERT INTO write_held VALUES (%s)", (nth,))
        await self._connection.execute("SELECT pg_advisory_lock(4711)")

    async def holds(self) -> bool:
        """True while a write waits."""
        cursor = await self._connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        )
        row = await cursor.fetchone()
        return row is not None and row[0] > 0

    async def end(self) -> None:
        """The write that waits never happens, and none is held any more."""
        await self._connection.execute(END_WAITING)
        await self._connection.execute("DELETE FROM write_held")
        await self._connection.execute("SELECT pg_advisory_unlock_all()")

    async def seen(self) -> int:
        """Writes since the last ``hold``."""
        cursor = await self._connection.execute(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM writes_seen"
        )
        row = await cursor.fetchone()
        assert row is not None
        return row[0]


@asynccontextmanager
async def write_gate(database_url: str) -> AsyncIterator[WriteGate]:
    """A gate in front of the tables of calls."""
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True)
    async with connection:
        await connection.execute(GATE)
        yield WriteGate(connection)


async def _one_call(world: OutboundWorld, order_id: str, number: str) -> None:
    view = await world.ended(order_id)
    placed = [each for each in await world.carrier_calls() if each["to"] == number]
    (record,) = view.tries
    assert [each["sid"] for each in placed] == [record.carrier_call_id]
    assert (record.state, view.order.message) == ("busy", "Try 1 of 1: busy")
    assert record.placing is None


def _chosen(count: int) -> list[int | str]:
    """Writes by their place in order, and what the carrier does with the request instead."""
    writes = list(range(1, count + 1))
    if SHARE < 1:
        writes = sorted(random.Random(SEED).sample(writes, SOME))  # noqa: S311 - repeatable dice
    return [*writes, "hang-before", "hang-after"]


async def test_one_call_is_placed_wherever_the_worker_is_killed(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    files = outbound_files(texts, concurrency=50)
    world = await outbound_world(make_stack, files, temporal=own_temporal)
    async with write_gate(postgres_url) as gate:
        await gate.hold(0)
        await world.person_at(UNDISTURBED, "busy")
        async with world.stack.working():
            asked = await world.ask(UNDISTURBED)
            await _one_call(world, asked.order.id, UNDISTURBED)
        count = await gate.seen()
        assert count >= 5, "an order, a record, an attempt, an id and an end"
        for index, held in enumerate(_chosen(count)):
            number = f"+150055502{index:02d}"
            await world.person_at(number, "busy")
            await gate.end()
            order_id = await _killed(world, gate, postgres_url, held, number)
            await gate.end()
            await world.stack.twilio.healthy()
            async with world.stack.working():
                await _one_call(world, order_id, number)


async def _killed(
    world: OutboundWorld, gate: WriteGate, database_url: str, held: int | str, number: str
) -> str:
    """Ask for a call and kill the worker at one of its writes; answers the order's id."""
    with process(world.stack, database_url, "worker") as worker:
        if isinstance(held, int):
            await gate.hold(held)
        else:
            fault = {"kind": held, "method": "POST", "route": PLACE, "nth": 1, "seconds": 60}
            await world.stack.twilio.faults(fault)
        asked = await world.ask(number)
        reached = gate.holds if isinstance(held, int) else world.fault_fired
        await eventually(reached, timeout_s=DEADLINE_S, what=f"write {held}")
        worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(worker.wait)
    return asked.order.id
