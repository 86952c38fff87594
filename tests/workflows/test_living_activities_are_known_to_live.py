"""Heartbeats reach the server as often as they are sent: a pause gives no activity to another."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from activities.heartbeats import BEATS_PER_TIMEOUT
from activities.types import Timing
from trunkline.queues import QUEUES
from trunkline.worker import build_workers

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack


async def test_no_queue_holds_back_what_is_sent_so_often_that_two_may_be_lost(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(0))
    workers = build_workers(stack.client, stack.ports())
    assert len(workers) == len(QUEUES)
    between = timedelta(seconds=Timing().heartbeat_timeout_s / BEATS_PER_TIMEOUT)
    for worker in workers:
        async with worker:
            held_back = worker.config()["max_heartbeat_throttle_interval"]
        assert held_back < between / 10
