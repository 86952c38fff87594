"""What an account allows is kept by all workers together, and people come before sweeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.rate_limits import Rates
from trunkline.metrics import REGISTRY
from trunkline.model.budgets import AccountReport
from trunkline.model.ids import sweep_id

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack, StartProcess

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def rated(texts: Texts, fleet: int, rates: str, *, interval: str = "720h") -> dict[str, str]:
    """A fleet whose project says how fast its account may be asked."""
    files = texts.fleet(fleet)
    project = files["trunkline.yaml"].replace("interval: 720h", f"interval: {interval}")
    return {**files, "trunkline.yaml": f"{project}  rates: {{ elevenlabs: {rates} }}\n"}


async def _synced(stack: Stack, fleet: int, *, timeout_s: float) -> None:
    async def synced() -> bool:
        rows = await stack.store.statuses("acme", kind="agent", limit=100)
        return len(rows) == fleet and all(row.sync == "Synced" for row in rows)

    await stack.until(synced, timeout_s=timeout_s)


async def test_two_workers_share_the_rate_and_the_places_of_one_account(
    make_stack: MakeStack, texts: Texts, postgres_url: str, start_process: StartProcess
) -> None:
    fleet = 30
    rates = "{ requestsPerSecond: 25.0, concurrency: 6 }"
    stack = await make_stack(rated(texts, 1, rates), unhurried=True)
    await stack.elevenlabs.control("rate-limit", {"requests_per_second": 32})
    await stack.elevenlabs.control("concurrency", {"limit": 6})
    await stack.elevenlabs.control("latency", {"ms": 40})
    for _ in range(2):
        start_process(stack, postgres_url, "worker")
    account = (await stack.accounts.voice("acme", "testing")).account

    async def both() -> bool:
        await stack.sync(hard=True)
        return await _processes(stack, account) == 2

    await stack.until(both)
    await stack.elevenlabs.http.delete("/_sim/counters")
    started_s = time.monotonic()
    stack.push({path: text for path, text in texts.fleet(fleet).items() if "agents/" in path})
    await stack.refresh()
    await _synced(stack, fleet, timeout_s=120)
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()
    refused = counters["statuses"].get("429", 0)
    assert refused <= counters["total"] * 0.02, counters
    assert counters["max_in_flight"] <= 7
    assert counters["total"] <= 25 + 27 * (time.monotonic() - started_s)
    assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == fleet - 1


async def _processes(stack: Stack, account: str) -> int:
    """How many processes use the account, besides whoever looks."""
    (heard,) = await stack.store.exchange_accounts("a test", [AccountReport(account=account)])
    await stack.store.leave_accounts("a test")
    return heard.processes - 1


@asynccontextmanager
async def _patient(stack: Stack) -> AsyncIterator[Stack]:
    """The same installation with so much time for a read that any queue is waited in."""
    options = AccountOptions(
        elevenlabs_url=stack.simulators.elevenlabs_url,
        twilio_url=stack.simulators.twilio_url,
        elevenlabs_rates=Rates(requests_per_second=1_000, burst=100, concurrency=4),
        read_timeout_s=120.0,
        listing_timeout_s=240.0,
    )
    accounts = ProjectAccounts(
        options,
        Credentials(first_project="acme", environment=stack.secrets),
        stack.store.project_manifest,
        shared=stack.store,
        statuses=stack.store,
    )
    yield replace(stack, accounts=accounts)
    await accounts.close()


async def test_a_person_does_not_wait_for_a_sweep(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    fleet = 60
    read = "GET /v1/convai/agents/{agent_id}"
    stack = await make_stack(texts.fleet(fleet), unhurried=True)
    async with stack.working():
        assert (await stack.sync(timeout_s=400)).state == "Succeeded"
    await stack.elevenlabs.control("latency", {"ms": 300})
    await stack.elevenlabs.http.delete("/_sim/counters")
    sweeps = _sweeps(stack, postgres_url, fleet)
    async with _patient(stack) as patient, patient.working(), sweeps:

        async def under_way() -> bool:
            return await stack.elevenlabs.count(read) >= 8

        await stack.until(under_way)
        before = {how: _waited(how) for how in ("interactive", "sweep")}
        assert (await patient.plan("agent-0007")).state == "Succeeded"
        waits_s = {how: _mean(before[how], _waited(how)) for how in before}
        assert waits_s["interactive"] < waits_s["sweep"] / 2, waits_s


@asynccontextmanager
async def _sweeps(stack: Stack, database_url: str, fleet: int) -> AsyncIterator[None]:
    """Sweep after sweep that reads the whole fleet, two at a time: one always waits in line."""
    is_over = False

    async def sweeping() -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as database:
            while not is_over:
                await database.execute("DELETE FROM looks")
                assert (await stack.sweep()).observed == fleet

    async with asyncio.TaskGroup() as both:
        for _ in range(2):
            both.create_task(sweeping())
        try:
            yield
        finally:
            is_over = True
            await stack.elevenlabs.control("latency", {"ms": 0})


def _waited(urgency: str) -> tuple[float, float]:
    """Calls of an urgency that got their turn, and the seconds they waited for it together."""
    labels = {"vendor": "ElevenLabs", "urgency": urgency}
    found = (
        REGISTRY.get_sample_value(f"trunkline_rate_limit_wait_seconds_{name}", labels)
        for name in ("count", "sum")
    )
    count, seconds = (value or 0.0 for value in found)
    return count, seconds


def _mean(before: tuple[float, float], after: tuple[float, float]) -> float:
    assert after[0] > before[0]
    return (after[1] - before[1]) / (after[0] - before[0])


async def test_a_sweep_its_account_cannot_carry_is_stretched_and_said_once(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(rated(texts, 8, "{ concurrency: 1 }", interval="2s"), unhurried=True)
    async with stack.working():
        await stack.sync()

        async def said() -> bool:
            return bool(await stack.events("SweepStretched", "testing"))

        await stack.until(said)
        schedule = stack.client.get_schedule_handle(sweep_id("acme", "testing"))
        described = (await schedule.describe()).schedule
        (interval,) = described.spec.intervals
        assert interval.every.total_seconds() == 5
        assert "every 5 s instead of 2 s" in (described.state.note or "")
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Good day")})
        await stack.sync()
        assert len(await stack.events("SweepStretched", "testing")) == 1
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()
        assert counters["max_in_flight"] == 1
