"""The platform carries tests out by itself: asked for, reported and cut short like any others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import (
    PROMPT,
    clinic,
    conversation_test,
    desk,
    hours,
    installed,
    opens,
)
from tests.workflows.test_leaving_an_environment import eject
from trunkline.adapters.git.seed import commit

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

CREATE_TEST = "POST /v1/convai/agent-testing/create"
RUN_TESTS = "POST /v1/convai/agents/{agent_id}/run-tests"
NINE = f"{PROMPT}\n- The clinic opens at nine on weekdays.\n"
EIGHT = NINE.replace("nine", "eight")


def files_with(texts: Texts, **tests: str) -> dict[str, str]:
    return {**clinic(texts, **tests), "agents/front-desk.yaml": desk(texts, prompt=NINE)}


async def test_the_platform_runs_what_it_can_and_nothing_is_put_anywhere(
    make_stack: MakeStack, texts: Texts
) -> None:
    tests = {
        "nine": conversation_test("nine", hours("nine", repeat={"runs": 2, "pass": 2})),
        "wrong": conversation_test("wrong", hours("eight", gate="advisory")),
        "greets": conversation_test("greets", opens(gate="advisory")),
    }
    stack = await make_stack(files_with(texts, **tests), unhurried=True)
    async with installed(stack) as world, stack.working():
        done = await stack.sync()
        assert done.state == "Succeeded", done.message
        before, tools, branches = await world.counts(), await world.tools(), await world.branches()
        live = await stack.elevenlabs.agent(await world.agent_id())
        report = await world.tested(runner="platform")
        by_name = {test["name"]: test for test in report["tests"]}
        outcomes = {name: (test["outcome"], test["reason"]) for name, test in by_name.items()}
        assert outcomes["nine"] == ("passed", ""), report
        assert outcomes["wrong"][0] == "failed"
        assert outcomes["greets"] == ("inconclusive", "NothingChecked")
        assert (report["runner"], report["state"], report["outcome"]) == (
            "platform",
            "Finished",
            "passed",
        )
        why = "greets: spec.turns[0].expect[0]: the greeting is not written by the model"
        assert report["notExpressible"] == [why]
        assert len(by_name["nine"]["runs"]) == 2
        check = by_name["nine"]["runs"][0]["checks"][0]
        assert check["path"] == "spec.turns[0].expect[0]"
        assert check["position"].startswith("tests/nine.yaml:1:")
        after = await world.counts()
        made = {route: after[route] - before.get(route, 0) for route in after}
        assert {r: n for r, n in made.items() if n} == {CREATE_TEST: 2, RUN_TESTS: 2}
        assert await stack.elevenlabs.agent(await world.agent_id()) == live
        assert (await world.tools(), await world.branches()) == (tools, branches)


async def test_a_candidate_of_another_branch_is_tested_unwritten(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = files_with(texts, nine=conversation_test("nine", hours("nine")))
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        assert (await world.tested(runner="platform"))["outcome"] == "passed"
        before = await world.counts()
        live = await stack.elevenlabs.agent(await world.agent_id())
        changed = {**files, "agents/front-desk.yaml": desk(texts, prompt=EIGHT)}
        commit(stack.repository, changed, message="Earlier", branch="candidate")
        report = await world.tested(runner="platform", branch="candidate")
        assert report["outcome"] == "failed", report
        after = await world.counts()
        made = {route: after[route] - before.get(route, 0) for route in after}
        assert {r: n for r, n in made.items() if n} == {RUN_TESTS: 1}
        assert await stack.elevenlabs.agent(await world.agent_id()) == live


async def test_a_platform_that_refuses_leaves_tests_inconclusive(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = files_with(
        texts,
        nine=conversation_test("nine", hours("nine")),
        opens=conversation_test("opens", opens()),
    )
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        route = "/v1/convai/agents/{agent_id}/run-tests"
        fault = {"kind": "status-before", "method": "POST", "route": route, "status": 400}
        await stack.elevenlabs.http.post("/_sim/faults", json={"faults": [fault]})
        report = await world.tested(runner="platform")
        reasons = {test["name"]: (test["outcome"], test["reason"]) for test in report["tests"]}
        assert reasons["nine"] == ("inconclusive", "Rejected"), report
        assert report["outcome"] == "inconclusive"


async def test_runs_side_by_side_share_what_they_make(make_stack: MakeStack, texts: Texts) -> None:
    tests = {
        name: conversation_test(name, hours(word))
        for name, word in (("nine", "nine"), ("opens-early", "opens"), ("days", "weekdays"))
    }
    stack = await make_stack(files_with(texts, **tests), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        runs = await asyncio.gather(*(world.start(runner="platform") for _ in range(3)))
        reports = [await world.ended(run) for run in runs]
        assert [report["outcome"] for report in reports] == ["passed"] * 3, reports
        counts = await world.counts()
        assert (counts[CREATE_TEST], counts[RUN_TESTS]) == (3, 3)


async def test_an_agent_deleted_on_the_platform_is_not_deployed(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        files_with(texts, nine=conversation_test("nine", hours("nine"))), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        await stack.elevenlabs.http.delete(f"/v1/convai/agents/{await world.agent_id()}")
        report = await world.tested(runner="platform")
        test = report["tests"][0]
        assert (test["outcome"], test["reason"]) == ("inconclusive", "AgentNotDeployed"), test


async def test_an_environment_that_is_left_leaves_no_mark_on_tests(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        files_with(texts, nine=conversation_test("nine", hours("nine"))), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        assert (await world.tested(runner="platform"))["outcome"] == "passed"
        ended = await eject(stack)
        assert ended.state == "Succeeded", ended
        listed = (await stack.elevenlabs.http.get("/v1/convai/agent-testing")).json()["tests"]
        assert [test["name"] for test in listed] == ["nine (spec.turns[0].expect[0])"]
        voice = await stack.accounts.voice(stack.project, "testing")
        assert await stack.store.claims(voice.account, stack.project, "testing") == ()
