"""Conversation tests in mode phone: a call from one number to another, through everything a call
passes, and what a script hears there.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.conversing.phone_worlds import (
    AGENT,
    ASKED,
    FAREWELL,
    NUMBER,
    OPENING,
    PARTING,
    QUESTION,
    TEST_NUMBER,
    clinic,
    only,
    phone_test,
    phone_world,
)
from tests.workflows.own_processes import process

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


KEYS = {"dtmf": "1#", "expect": [{"says": {"anything": True}}]}
HANGS_UP = {"finally": [{"ends": {"by": "agent"}}]}


async def test_a_script_is_gone_through_over_a_placed_call(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    files = clinic(
        texts,
        good=phone_test("good", OPENING, KEYS, ASKED, PARTING, **HANGS_UP),
        bad=phone_test("bad", {"say": QUESTION, "expect": [{"says": "midnight", "within": "7s"}]}),
    )
    async with phone_world(make_stack, files, postgres_url) as world:
        await world.teach(QUESTION, FAREWELL)
        await world.forbid(NUMBER)
        async with world.stack.working():
            report = await world.tested()
        calls = await world.all_over()
        records = await world.records()
        heard = await world.understood(
            *(run.conversation_id for test in report.tests for run in test.runs)
        )
    tests = {test.name: test for test in report.tests}
    outcomes = {name: (test.outcome, test.reason) for name, test in tests.items()}
    assert outcomes == {
        "good": ("passed", ""),
        "bad": ("failed", "NotSaid"),
    }, [(test.message, [str(run.transcript) for run in test.runs]) for test in tests.values()]
    assert {test.mode for test in report.tests} == {"phone"}

    held = {name: test.runs[0] for name, test in tests.items()}
    placed = {call["sid"]: call for call in calls if call["direction"] == "outbound-api"}
    assert {(call["from"], call["to"]) for call in placed.values()} == {(TEST_NUMBER, NUMBER)}
    assert sorted(placed) == sorted(run.call_sid for run in held.values())
    assert all(run.conversation_id and run.cost_usd for run in held.values())
    assert [line.by for line in held["good"].transcript if line.kind == "ended"] == ["agent"]
    assert [line.by for line in held["bad"].transcript if line.kind == "ended"] == ["caller"]
    assert "1#" in heard, "keys arrive as the tones they are"
    started = [line.at_ms for line in held["good"].transcript if line.kind == "agentStarted"]
    assert len(started) >= 4, "every reply of the agent is heard, not only read"

    sides = {(record.direction, record.agent) for record in records}
    assert sides == {("outbound", ""), ("inbound", AGENT)}
    assert all(record.test.startswith(f"{report.id}/") for record in records)
    assert all(record.is_over for record in records)


async def test_a_killed_worker_leaves_one_call_and_it_is_heard_to_its_end(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    files = clinic(texts, good=phone_test("good", OPENING, ASKED, PARTING, **HANGS_UP))
    async with phone_world(make_stack, files, postgres_url, temporal=own_temporal) as world:
        await world.teach(QUESTION, FAREWELL)
        with process(world.stack, postgres_url, "worker") as worker:
            run_id = await world.begin("good")
            await world.talking()
            worker.kill()
        async with world.stack.working():
            test, held = only(await world.ended(run_id))
        calls = await world.all_over()
    assert test.outcome != "inconclusive", test.message
    assert held is not None
    assert held.restarts >= 1
    assert [call["sid"] for call in calls if call["direction"] == "outbound-api"] == [held.call_sid]


async def test_a_frozen_worker_that_wakes_leaves_the_call_to_whoever_goes_on_with_it(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    files = clinic(texts, good=phone_test("good", OPENING, ASKED, PARTING, **HANGS_UP))
    async with phone_world(make_stack, files, postgres_url, temporal=own_temporal) as world:
        await world.teach(QUESTION, FAREWELL)
        with process(world.stack, postgres_url, "worker") as worker:
            run_id = await world.begin("good")
            await world.talking()
            worker.send_signal(signal.SIGSTOP)
            async with world.stack.working():
                await world.tried_again(run_id)
                worker.send_signal(signal.SIGCONT)
                test, held = only(await world.ended(run_id))
        calls = await world.all_over()
    assert test.outcome != "inconclusive", test.message
    assert held is not None
    assert [call["sid"] for call in calls if call["direction"] == "outbound-api"] == [held.call_sid]


async def test_a_killed_server_ends_the_call_and_blames_nobody(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    files = clinic(texts, good=phone_test("good", OPENING, ASKED, PARTING))
    async with phone_world(make_stack, files, postgres_url) as world:
        async with world.stack.working():
            run_id = await world.begin("good")
            await world.talking()
            assert world.server is not None
            world.server.kill()
            test, held = only(await world.ended(run_id))
        calls = await world.all_over()
    assert (test.outcome, test.reason) == ("inconclusive", "ConversationLost")
    assert held is not None
    assert [call["sid"] for call in calls if call["direction"] == "outbound-api"] == [held.call_sid]


async def test_a_run_that_is_cancelled_puts_the_receiver_down(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    files = clinic(texts, waits=phone_test("waits", OPENING, {"silence": "300s"}))
    async with phone_world(make_stack, files, postgres_url) as world, world.stack.working():
        run_id = await world.begin("waits")
        await world.talking()
        await world.cancel(run_id)
        report = await world.ended(run_id)
        calls = await world.all_over()
    assert report.state == "Cancelled"
    assert len(calls) == 2
