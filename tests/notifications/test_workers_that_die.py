"""A worker that dies between sending and writing it down, and one that was away for a while."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.notifications.receivers import HookServer
from tests.notifications.worlds import PROJECT, SECRET, World, eventually

pytestmark = pytest.mark.slow
QUEUES = "trunkline,trunkline-notifications"
SIGNED = {"secret": "TRUNKLINE_SECRET_ACME_HOOK"}


@asynccontextmanager
async def worker(world: World, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """``trunkline worker`` as a process of its own; killed at the end."""
    environment = {
        **os.environ,
        "DATABASE_URL": world.database_url,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "TRUNKLINE_HOME": str(home),
        "TRUNKLINE_NOTIFY_ALLOW": "127.0.0.1",
        "TRUNKLINE_SECRET_ACME_HOOK": SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "trunkline.cli.main", "worker", "--queues", QUEUES),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.timeout(120)
async def test_what_was_sent_and_not_written_down_comes_again_under_its_id(
    world: World, hooks: HookServer, tmp_path: Path
) -> None:
    await world.configure({"type": "webhook", "url": hooks.url, "secret": SIGNED})
    await world.happen("GateFailed")
    hooks.answering.clear()
    async with worker(world, tmp_path) as process:

        async def came() -> Any:
            return hooks.received

        await eventually(came, timeout_s=60, what="the message came")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    hooks.answering.set()
    async with worker(world, tmp_path):
        (row,) = await world.settled(1)
    assert row.state == "delivered"
    ids = [Webhook(SECRET).verify(each.body, each.headers)["id"] for each in hooks.received]
    assert (len(ids), len(set(ids))) == (2, 1)


@pytest.mark.timeout(120)
async def test_a_worker_that_was_away_catches_up(
    world: World, hooks: HookServer, tmp_path: Path
) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    for index in range(3):
        await world.happen("GateFailed", name=f"agent-{index}")
    async with worker(world, tmp_path):
        await world.settled(3)
        await world.happen("GateFailed", name="agent-3")
        await world.settled(4)
    named = [body["data"]["name"] for body in hooks.bodies()]
    assert named == [f"agent-{index}" for index in range(4)]
    assert await world.store.notification_cursor(PROJECT) > 0
