"""A fleet, and a worker that is killed again and again while it is made.

Kills come at requests drawn from a seed, so that one lands between sending a create and writing its
answer down. ``TRUNKLINE_FAULT_SEED`` replays a run. Fifty agents and twenty kills with
``TRUNKLINE_TEST_SHARE=1``, else as many of both as let every kind of kill come. What counts
is the world afterwards: one object for each identity, nothing ever deleted, a ledger that says what
is there and a plan with nothing left to do.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.workflows.own_processes import api_server, process
from trunkline.services.access import AccessService

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack, Stack
    from tests.workflows.killable_processes import OwnProcess

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

SEED = int(os.environ.get("TRUNKLINE_FAULT_SEED", "11"))
SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
AGENTS = max(20, round(50 * SHARE))
KINDS = 5
"""Every fifth agent shares a tool and a document."""
KILLS = max(5, round(20 * SHARE))
REQUESTS_BETWEEN = (2, 7)
REQUESTS_TOO_MANY = 3
"""So many more than that are answered however late the kill comes, so that work is left."""
LATENCY_MS = 60
SILENT_S = 60
LAG_S = 0.8
LATE_S = 0.6
LAG_BOUND_S = 8.0
"""What was asked for is there by then, even if the platform itself was stopped for seconds."""
CREATES = (
    "POST /v1/convai/agents/create",
    "POST /v1/convai/tools",
    "POST /v1/convai/knowledge-base/text",
)


def _files(texts: Texts) -> dict[str, str]:
    whole = texts.whole()
    files = {"trunkline.yaml": texts.project()}
    for kind in range(KINDS):
        tool = whole["tools/book-slot.yaml"].replace("book-slot", f"book-slot-{kind}")
        files[f"tools/book-slot-{kind}.yaml"] = tool.replace("Books", f"Books in room {kind}")
        document = whole["knowledge/opening-hours.yaml"]
        files[f"knowledge/opening-hours-{kind}.yaml"] = document.replace(
            "opening-hours", f"opening-hours-{kind}"
        ).replace("nine", f"nine {kind}")
    for number in range(AGENTS):
        name = f"agent-{number:02d}"
        agent = texts.agent(name, whole=True)
        for shared in ("book-slot", "opening-hours"):
            agent = agent.replace(shared, f"{shared}-{number % KINDS}")
        files[f"agents/{name}.yaml"] = agent
    return files


async def _installation(make_stack: MakeStack, texts: Texts, temporal: TemporalServer) -> Stack:
    stack = await make_stack(_files(texts), temporal=temporal)
    stack.timing = stack.timing.model_copy(update={"list_lag_bound_s": LAG_BOUND_S})
    return stack


async def _requests(stack: Stack) -> int:
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()
    return int(counters["total"])


async def _further(stack: Stack, process: OwnProcess, requests: int) -> None:
    """Until the platform saw so many more requests; the worker must not end by itself."""
    wanted = await _requests(stack) + requests

    async def seen() -> bool:
        assert process.poll() is None
        return await _requests(stack) >= wanted or await _synced(stack)

    await stack.until(seen, timeout_s=120)


async def _synced(stack: Stack) -> bool:
    rows = await stack.store.statuses("acme", kind="agent", limit=200)
    return len(rows) == AGENTS and all(row.sync == "Synced" for row in rows)


async def _story(stack: Stack, names: set[str]) -> str:
    """What is known of agents that should be there: who reads a failure has nothing else."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    lines = [f"{route}: {count}" for route, count in counters.items()]
    for name in sorted(names):
        lines.append(repr(await stack.store.status("acme", "testing", "agent", name)))
        lines.extend(map(repr, await stack.store.events("acme", name=name, limit=50)))
    return "\n".join(lines)


async def _exactly_once(stack: Stack) -> None:
    """The world, the ledger and the next plan agree, and nothing was made twice or deleted."""
    await stack.elevenlabs.control("list-lag", {})
    http = stack.elevenlabs.http
    entries = await stack.store.entries("acme", "testing", "agent")
    missing = {f"agent-{number:02d}" for number in range(AGENTS)} - {one.name for one in entries}
    assert not missing, await _story(stack, missing)
    known = {entry.external_id for entry in entries}

    async def caught_up() -> bool:
        return len(await stack.elevenlabs.agents()) >= AGENTS

    await stack.until(caught_up)
    assert {agent["agent_id"] for agent in await stack.elevenlabs.agents()} == known
    assert len(known) == AGENTS
    tools = (await http.get("/v1/convai/tools", params={"page_size": "100"})).json()["tools"]
    page = await http.get("/v1/convai/knowledge-base", params={"page_size": "100"})
    documents = page.json()["documents"]
    assert (len(tools), len(documents)) == (KINDS, KINDS)
    account = (await stack.accounts.voice("acme", "testing")).account
    claims = await stack.store.claims(account, "acme", "testing")
    claimed = {claim.external_id for claim in claims if claim.kind != "secret"}
    assert claimed == {tool["id"] for tool in tools} | {document["id"] for document in documents}
    counters = (await http.get("/_sim/counters")).json()["requests"]
    assert [route for route in counters if route.startswith("DELETE /v1")] == []
    async with stack.working():
        operation = await stack.plan()
    stored = await stack.store.plan(str(operation.plan_id))
    assert stored is not None
    assert stored.plan.empty


async def _answered_at_most(stack: Stack, requests: int) -> None:
    """From then on the platform does what it is asked and says nothing."""
    await stack.elevenlabs.healthy()
    await stack.elevenlabs.faults(
        {"kind": "hang-after", "nth": requests + 1, "times": 10_000, "seconds": SILENT_S}
    )


async def test_every_agent_is_made_once_although_the_worker_dies_again_and_again(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    stack = await _installation(make_stack, texts, own_temporal)
    dice = random.Random(SEED)  # noqa: S311 - repeatable dice, no secret
    await stack.elevenlabs.control("latency", {"ms": LATENCY_MS})
    await stack.refresh()
    for _ in range(KILLS):
        requests = dice.randint(*REQUESTS_BETWEEN)
        await _answered_at_most(stack, requests + REQUESTS_TOO_MANY)
        with process(stack, postgres_url, "worker") as worker:
            await _further(stack, worker, requests)
            assert not await _synced(stack)
            worker.send_signal(signal.SIGKILL)
            await asyncio.to_thread(worker.wait)
    await stack.elevenlabs.healthy()
    with process(stack, postgres_url, "worker") as worker:

        async def synced() -> bool:
            assert worker.poll() is None
            return await _synced(stack)

        await stack.until(synced, timeout_s=120)
    await _exactly_once(stack)


async def test_workers_that_come_back_from_the_dead_make_nothing_twice(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    """One worker at a time is frozen until its work was given to another, then goes on with it."""
    stack = await _installation(make_stack, texts, own_temporal)
    dice = random.Random(SEED)  # noqa: S311 - repeatable dice, no secret
    await stack.elevenlabs.control("latency", {"ms": LATENCY_MS})
    await stack.elevenlabs.control("list-lag", {"seconds": LAG_S})
    late = {"kind": "delayed", "method": "POST", "seconds": LATE_S, "probability": 0.15}
    await stack.elevenlabs.control("faults", {"faults": [late], "seed": SEED})
    await stack.refresh()
    with (
        process(stack, postgres_url, "worker") as first,
        process(stack, postgres_url, "worker") as second,
    ):
        workers = [first, second]
        while not await _synced(stack):
            dice.shuffle(workers)
            frozen, awake = workers
            await _further(stack, awake, dice.randint(*REQUESTS_BETWEEN))
            frozen.send_signal(signal.SIGSTOP)
            await _further(stack, awake, 4 * REQUESTS_BETWEEN[1])
            frozen.send_signal(signal.SIGCONT)
    await stack.elevenlabs.healthy()
    await _exactly_once(stack)


async def test_two_workers_and_two_servers_lose_one_each_and_double_nothing(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    stack = await _installation(make_stack, texts, own_temporal)
    await stack.elevenlabs.control("latency", {"ms": LATENCY_MS})
    await stack.refresh()
    token = (await AccessService(stack.store).issue("author@example.com", "admin")).secret
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        with (
            api_server(stack, postgres_url) as (doomed_server, doomed_url),
            api_server(stack, postgres_url) as (_, lasting_url),
            ExitStack() as workers,
        ):
            urls = [f"{url}/v1/projects/acme" for url in (doomed_url, lasting_url)]
            # Asked before any worker lives: an operation counts only what is not settled yet.
            asked = [await _ask_to_sync(stack, http, url) for url in urls]
            doomed_worker, _ = (
                workers.enter_context(process(stack, postgres_url, "worker")) for _ in range(2)
            )
            await _further(stack, doomed_worker, 3 * REQUESTS_BETWEEN[1])
            for doomed in (doomed_worker, doomed_server):
                doomed.send_signal(signal.SIGKILL)

            async def ended() -> bool:
                states = [
                    (await http.get(f"{urls[1]}/operations/{operation_id}")).json()["state"]
                    for operation_id in asked
                ]
                return all(state != "Running" for state in states)

            await stack.until(ended, timeout_s=120)
            for operation_id in asked:
                found = (await http.get(f"{urls[1]}/operations/{operation_id}")).json()
                assert (found["state"], found["total"]) == ("Succeeded", AGENTS)
    await _exactly_once(stack)


async def _ask_to_sync(stack: Stack, http: httpx.AsyncClient, url: str) -> str:
    async def answered() -> dict[str, Any] | None:
        try:
            answer = await http.post(f"{url}/sync", json={})
        except httpx.TransportError:
            return None
        assert answer.status_code in (202, 503), answer.text
        return answer.json() if answer.status_code == 202 else None

    operation: dict[str, Any] = await stack.until(answered, timeout_s=60)
    return str(operation["id"])
