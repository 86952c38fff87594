"""Runs of tests that are cut off: begun again, cancelled, or tidied up after by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.workflows.conversation_worlds import (
    BRANCHES,
    World,
    clinic,
    conversation_test,
    installed,
    only,
    opens,
)
from tests.workflows.own_processes import process

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.slow

WAITS = {
    "turns": [
        {"expect": [{"says": "hello"}]},
        {"silence": "4s", "expect": [{"noCall": "book_slot", "for": "4s"}]},
    ]
}
ARCHIVES = "PATCH /v1/convai/agents/{agent_id}/branches/{branch_id}"


async def talking(world: World, *, count: int = 1) -> None:
    """Wait until so many conversations go on."""
    voice = await world.stack.accounts.voice("acme", "testing")

    async def taken() -> bool:
        return await voice.talks.in_progress() >= count

    await world.stack.until(taken)


@pytest.mark.stack
async def test_a_conversation_is_begun_again_when_its_worker_dies(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    stack = await make_stack(
        clinic(texts, waits=conversation_test("waits", WAITS)), temporal=own_temporal
    )
    async with installed(stack) as world:
        async with stack.working():
            await stack.sync()
        with process(stack, postgres_url, "worker") as first:
            run_id = await world.start()
            await talking(world)
            first.kill()
            first.wait()
        async with stack.working():
            report = await world.ended(run_id)
        test = only(report)
        assert test["outcome"] == "passed", report
        (run,) = test["runs"]
        assert run["number"] == 1
        assert run["restarts"] >= 1
        assert (await world.counts())[BRANCHES] == 1
        assert await world.left_behind() == []
        await world.record(run_id, "worker-killed")


async def test_a_cancelled_run_ends_and_leaves_nothing(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(clinic(texts, waits=conversation_test("waits", WAITS)))
    async with installed(stack) as world, stack.working():
        await stack.sync()
        run_id = await world.start()
        await talking(world)
        answer = await world.http.delete(f"{world.runs}/{run_id}")
        assert answer.status_code == 202
        report = await world.ended(run_id)
        assert (report["state"], report["outcome"], report["tests"]) == ("Cancelled", None, [])
        await world.nothing_stays()
        await world.record(run_id, "cancelled")
        again = await world.http.delete(f"{world.runs}/{run_id}")
        assert again.json()["state"] == "Cancelled"


@pytest.mark.parametrize(
    "route",
    [
        pytest.param("GET /v1/convai/agents/{agent_id}", id="while the agent is read"),
        pytest.param("POST /v1/convai/tools", id="while a tool is made"),
        pytest.param(BRANCHES, id="while the branch is made"),
        pytest.param("GET /v1/convai/conversation/get-signed-url", id="while it is called"),
    ],
)
async def test_whatever_is_being_made_when_a_run_is_cancelled_is_put_away(
    make_stack: MakeStack, texts: Texts, route: str
) -> None:
    stack = await make_stack(clinic(texts, opens=conversation_test("opens", opens())))
    async with installed(stack) as world, stack.working():
        await stack.sync()
        await stack.elevenlabs.control("latency", {"ms": 100})
        before = await stack.elevenlabs.count(route)
        run_id = await world.start()

        async def begun() -> bool:
            return await stack.elevenlabs.count(route) > before

        await stack.until(begun)
        assert (await world.http.delete(f"{world.runs}/{run_id}")).status_code == 202
        assert (await world.ended(run_id))["state"] == "Cancelled"
        assert await world.left_behind() == []
        again = await world.tested()
        assert again["outcome"] == "passed", again
        assert await world.left_behind() == []


async def test_runs_side_by_side_share_a_branch_and_the_last_one_puts_it_away(
    make_stack: MakeStack, texts: Texts
) -> None:
    opening = conversation_test("opens", opens())
    stack = await make_stack(clinic(texts, opens=opening), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        async with world.no_place():
            first = await world.start()
            await stack.until(lambda: _branched(world))
            second = await world.start()
            await stack.until(lambda: _holds_branch(world, second))
        reports = [await world.ended(run_id) for run_id in (first, second)]
        assert [report["outcome"] for report in reports] == ["passed", "passed"], reports
        assert (await world.counts())[BRANCHES] == 1
        assert (await world.counts())[ARCHIVES] == 1
        assert await world.left_behind() == []


async def _branched(world: World) -> bool:
    return len(await world.branches()) == 2


async def _holds_branch(world: World, run_id: str) -> bool:
    held = await world.stack.store.holdings("acme", run_id)
    return any(one.kind == "branch" for one in held)


async def test_what_a_lost_run_left_is_put_away_by_the_next_one(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(clinic(texts, waits=conversation_test("waits", WAITS)))
    async with installed(stack) as world, stack.working():
        await stack.sync()
        run_id = await world.start()
        await talking(world)
        await stack.client.get_workflow_handle(f"test-run/acme/{run_id}").terminate()
        assert len(await world.left_behind()) == 2
        await _everything_expires(postgres_url)
        stack.push({"tests/waits.yaml": conversation_test("waits", opens())})
        assert (await world.tested())["outcome"] == "passed"
        assert await world.left_behind() == []


async def test_no_more_conversations_than_it_takes(make_stack: MakeStack, texts: Texts) -> None:
    wrong: dict[str, Any] = {"turns": [{"expect": [{"says": {"notContains": "clinic"}}]}]}
    stack = await make_stack(
        clinic(
            texts,
            hopeless=conversation_test("hopeless", {**wrong, "repeat": {"runs": 5, "pass": 4}}),
            steady=conversation_test("steady", opens(repeat={"runs": 5, "pass": 3})),
        )
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        report = await world.tested()
        runs = {test["name"]: (test["outcome"], len(test["runs"])) for test in report["tests"]}
        assert runs == {"hopeless": ("failed", 4), "steady": ("passed", 3)}


async def _everything_expires(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("UPDATE test_holds SET expires_at = now() - interval '1 hour'")


async def test_callers_keep_their_places(make_stack: MakeStack, texts: Texts) -> None:
    """Of four places two are left to callers; one that hangs up may still be seen for a moment."""
    script = {
        "turns": [
            {"expect": [{"says": "hello"}]},
            {"silence": "2s", "expect": [{"noCall": "book_slot", "for": "2s"}]},
        ]
    }
    names = [f"test-{number}" for number in range(5)]
    tests = {name: conversation_test(name, script) for name in names}
    stack = await make_stack(clinic(texts, **tests), unhurried=True)
    await stack.elevenlabs.control("talks", {"concurrency": 4})
    async with installed(stack) as world, stack.working():
        await stack.sync()
        report = await world.tested()
        assert report["outcome"] == "passed", report
        shown = (await stack.elevenlabs.http.get("/_sim/talks")).json()
        assert (shown["bursts"], shown["begun"]) == (0, 5)
        assert 2 <= shown["most_in_progress"] <= 3


async def test_a_platform_without_a_place_is_asked_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    opening = conversation_test("opens", opens())
    stack = await make_stack(clinic(texts, opens=opening), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        await stack.elevenlabs.faults(
            {
                "kind": "status-before",
                "status": 429,
                "method": "GET",
                "route": "/v1/convai/conversation",
                "headers": {"Retry-After": "1"},
                "times": 2,
            }
        )
        test = only(await world.tested())
        assert (test["outcome"], test["runs"][0]["restarts"]) == ("passed", 0), test
