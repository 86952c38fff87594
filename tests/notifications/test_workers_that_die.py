"""A worker that dies between sending and writing it down, and one that was away for a while."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.notifications.receivers import HookServer
from tests.notifications.worlds import PROJECT, SECRET, World, eventually
from tests.warm_programs import WarmPrograms
from tests.workflows.killable_processes import OwnProcess, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
QUEUES = "trunkline,trunkline-notifications"
SIGNED = {"secret": "TRUNKLINE_SECRET_ACME_HOOK"}

Worker = Callable[[], AbstractContextManager[OwnProcess]]


@pytest.fixture
def worker(world: World, tmp_path: Path, programs: WarmPrograms) -> Worker:
    """Starts ``trunkline worker`` as a process of its own; killed at the end."""
    environment = {
        **os.environ,
        "DATABASE_URL": world.database_url,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "TRUNKLINE_HOME": str(tmp_path),
        "TRUNKLINE_NOTIFY_ALLOW": "127.0.0.1",
        "TRUNKLINE_SECRET_ACME_HOOK": SECRET,
    }
    return lambda: started(programs, "worker", "--queues", QUEUES, env=environment)


async def test_what_was_sent_and_not_written_down_comes_again_under_its_id(
    world: World, hooks: HookServer, worker: Worker
) -> None:
    await world.configure({"type": "webhook", "url": hooks.url, "secret": SIGNED})
    await world.happen("GateFailed")
    hooks.answering.clear()
    with worker() as process:

        async def came() -> Any:
            return hooks.received

        await eventually(came, what="the message came")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    hooks.answering.set()
    with worker():
        (row,) = await world.settled(1)
    assert row.state == "delivered"
    ids = [Webhook(SECRET).verify(each.body, each.headers)["id"] for each in hooks.received]
    assert (len(ids), len(set(ids))) == (2, 1)


async def test_a_worker_that_was_away_catches_up(
    world: World, hooks: HookServer, worker: Worker
) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    for index in range(3):
        await world.happen("GateFailed", name=f"agent-{index}")
    with worker():
        await world.settled(3)
        await world.happen("GateFailed", name="agent-3")
        await world.settled(4)
    named = [body["data"]["name"] for body in hooks.bodies()]
    assert named == [f"agent-{index}" for index in range(4)]
    assert await world.store.notification_cursor(PROJECT) > 0
