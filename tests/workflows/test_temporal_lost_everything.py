"""A Temporal server without a memory: everything starts again from Git and ledger, and no write."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from temporalio.service import RPCError

from trunkline.model.ids import prune_workflow_id, sweep_id
from trunkline.model.interventions import Intervention
from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
]

PRUNING = "      prune: { enabled: true, delay: 24h, maxCount: 5, maxPercent: 100 }\n"
PLACE = ("acme", "testing")


async def writes(stack: Stack) -> list[str]:
    """Routes that were written to since the counters were emptied, at either vendor."""
    found: list[str] = []
    for vendor in (stack.elevenlabs, stack.twilio):
        counters = (await vendor.http.get("/_sim/counters")).json()["requests"]
        found += sorted(route for route in counters if not route.startswith("GET"))
    return found


async def forget_counts(stack: Stack) -> None:
    """Count from here."""
    for vendor in (stack.elevenlabs, stack.twilio):
        await vendor.http.delete("/_sim/counters")


async def test_suspensions_hold_deletions_wait_and_sweeps_come_back(
    make_stack: MakeStack, texts: Texts, mortal_temporal: TemporalServer
) -> None:
    files = {**texts.whole(), "agents/old.yaml": texts.agent("old")}
    files["trunkline.yaml"] += PRUNING
    with mortal_temporal.running() as first:
        stack = await make_stack(files, temporal=mortal_temporal, unhurried=True)
        async with stack.working():
            assert (await stack.sync()).state == "Succeeded"
            stack.push({"agents/old.yaml": None})
            await stack.sync()
            await stack.settled("old", lambda row: "unless it comes back" in row.message)
            before = await stack.store.entry(*PLACE, "agent", "old")
            await stack.store.put_intervention(
                Intervention(
                    project="acme",
                    environment="testing",
                    kind="agent",
                    name="night-desk",
                    verb="suspend",
                    reason="looked at",
                    by="operator@example.com",
                    at=datetime.now(UTC),
                )
            )
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    await asyncio.to_thread(mortal_temporal.forget)
    stack.push({"agents/night-desk.yaml": texts.agent("night-desk", greeting="Good night")})
    await forget_counts(stack)
    with mortal_temporal.running():
        again = await make_stack({}, temporal=mortal_temporal, beside=stack)
        async with again.working():
            ended = await again.sync(hard=True)
            held = [item.name for item in ended.items if item.reason == "Suspended"]
            assert (ended.state, held) == ("Failed", ["night-desk"])
            assert await writes(again) == []
            after = await again.store.entry(*PLACE, "agent", "old")
            assert after == before
            assert (after is not None and after.tombstone is not None) is True
            schedule = again.client.get_schedule_handle(sweep_id(*PLACE))
            assert not (await schedule.describe()).schedule.state.paused
            handle = again.client.get_workflow_handle(prune_workflow_id(*PLACE))

            async def waits() -> bool:
                with suppress(RPCError):
                    described = await handle.describe()
                    return described.status is not None and described.status.name == "RUNNING"
                return False

            await again.until(waits)
            for name in ("front-desk", "night-desk"):
                assert (await again.agent_handle(name).describe()).status is not None
            report = await again.sweep()
            assert (report.observed, report.unread) == (3, 0)
            assert await writes(again) == []


async def test_what_was_ejected_stays_so(
    make_stack: MakeStack, texts: Texts, mortal_temporal: TemporalServer
) -> None:
    with mortal_temporal.running() as first:
        stack = await make_stack(texts.fleet(2), temporal=mortal_temporal)
        async with stack.working():
            assert (await stack.sync()).state == "Succeeded"
            ejecting = build_services(stack.store, stack.client, timing=stack.timing).ejecting
            admin = Principal("admin@example.com", "admin")
            operation = await ejecting.eject(admin, *PLACE, confirmation="testing", request_id="r")
            assert (await stack.ended(operation.id, timeout_s=60)).state == "Succeeded"
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    await asyncio.to_thread(mortal_temporal.forget)
    await forget_counts(stack)
    with mortal_temporal.running():
        again = await make_stack({}, temporal=mortal_temporal, beside=stack)
        async with again.working():
            assert (await again.sync(hard=True)).state == "Failed"
            assert await writes(again) == []
            schedule = again.client.get_schedule_handle(sweep_id(*PLACE))
            assert (await schedule.describe()).schedule.state.paused
