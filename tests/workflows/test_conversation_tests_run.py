"""Tests of an agent on request: they pass, they fail, and nothing live is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import (
    BRANCHES,
    LIVE_WRITES,
    clinic,
    conversation_test,
    desk,
    installed,
    only,
    opens,
)
from trunkline.adapters.git.seed import commit

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

BOOKS = {
    "tools": {"book_slot": [{"reply": {"booked": True, "slot": "Monday 10:00"}}]},
    "turns": [
        {"expect": [{"says": "hello"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot"}],
        },
    ],
}
WRONG = {"turns": [{"expect": [{"says": {"notContains": "clinic"}}]}]}
RATE = {
    "turns": [{"expect": [{"says": {"notContains": "Good day"}}]}],
    "compare": {"to": "testing", "notWorseBy": {"passRate": 0.1}},
}
WAITS = {
    "turns": [
        {"expect": [{"says": "hello"}]},
        {"silence": "3s", "expect": [{"noCall": "book_slot", "for": "3s"}]},
    ]
}


@pytest.mark.slow
async def test_tests_pass_and_fail_with_every_word_kept(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        clinic(
            texts,
            opens=conversation_test("opens", opens()),
            wrong=conversation_test("wrong", WRONG),
            books=conversation_test("books", BOOKS),
        ),
        unhurried=True,
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        report = await world.tested()
        by_name = {test["name"]: test for test in report["tests"]}
        assert {n: t["outcome"] for n, t in by_name.items()} == {
            "opens": "passed",
            "wrong": "failed",
            "books": "passed",
        }, report
        assert (report["state"], report["outcome"]) == ("Finished", "failed")
        said = [line["text"] for line in by_name["opens"]["runs"][0]["transcript"]]
        assert said[0] == "Acme clinic, hello!"
        calls = [
            line
            for line in by_name["books"]["runs"][0]["transcript"]
            if line["kind"] == "toolCalled"
        ]
        assert [(c["tool"], c["stubbed"]) for c in calls] == [("book_slot", True)]
        assert report["costUsd"] > 0
        assert [branch["name"] for branch in await world.branches()] == ["Main"]
        await world.record(report["id"], "pass-and-fail")


@pytest.mark.slow
async def test_a_candidate_is_tested_beside_what_is_live(
    make_stack: MakeStack, texts: Texts
) -> None:
    """The counters say so: one branch comes and goes, and nothing live is written."""
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        before, tools = await world.counts(), await world.tools()
        live = await stack.elevenlabs.agent(await world.agent_id())
        report = await world.tested()
        assert report["outcome"] == "passed", report
        after = await world.counts()
        for route in LIVE_WRITES:
            assert after.get(route, 0) == before.get(route, 0)
        assert after[BRANCHES] == before.get(BRANCHES, 0) + 1
        assert await stack.elevenlabs.agent(await world.agent_id()) == live
        assert await world.tools() == tools
        assert only(report)["renderedDigest"].startswith("sha256:")


@pytest.mark.slow
async def test_what_is_made_for_tests_is_neither_drift_nor_garbage(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = clinic(texts, waits=conversation_test("waits", WAITS))
    files["trunkline.yaml"] += "      prune: { enabled: true, delay: 0s, maxCount: 5 }\n"
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        async with world.no_place():
            run_id = await world.start()

            async def branched() -> bool:
                return len(await world.branches()) == 2

            await stack.until(branched)
            before = await world.counts()
            assert (await stack.sweep()).drifted == 0
            operation = await stack.plan()
            assert operation.plan_id is not None
            record = await stack.store.plan(operation.plan_id)
            assert record is not None
            assert (record.plan.steps, record.plan.kept) == ((), ())
            await stack.sync(hard=True)
            assert await world.counts() == before
        assert (await world.ended(run_id))["outcome"] == "passed"


@pytest.mark.slow
async def test_a_candidate_is_compared_with_what_another_environment_runs(
    make_stack: MakeStack, texts: Texts
) -> None:
    """What is compared with is what was applied, so the candidate is on the branch and no sync."""
    files = clinic(
        texts,
        same=conversation_test("same", opens(repeat={"runs": 2, "pass": 1})),
        worse=conversation_test("worse", RATE),
    )
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        before = await world.counts()
        live = await stack.elevenlabs.agent(await world.agent_id())
        report = await world.tested(tests=["same"], compare="testing")
        test = only(report)
        assert test["outcome"] == "passed", test
        assert [len(test["runs"]), len(test["baseline"]["runs"])] == [2, 2]
        await world.record(report["id"], "compared")
        stack.push({"agents/front-desk.yaml": desk(texts, greeting="Good day, Acme clinic!")})
        test = only(await world.tested(tests=["worse"]))
        assert test["outcome"] == "failed", test
        assert (test["passRate"], test["baseline"]["passRate"]) == (0.0, 1.0)
        for route in LIVE_WRITES:
            assert (await world.counts()).get(route, 0) == before.get(route, 0)
        assert await stack.elevenlabs.agent(await world.agent_id()) == live


@pytest.mark.slow
async def test_another_branch_of_the_repository_is_tested_with_its_own_documents(
    make_stack: MakeStack, texts: Texts
) -> None:
    ask = {
        "turns": [
            {"expect": [{"says": "hello"}]},
            {"say": "What does a vaccination cost?", "expect": [{"says": "45 euros"}]},
        ]
    }
    files = clinic(texts, prices=conversation_test("prices", ask))
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        path = "knowledge/opening-hours.yaml"
        hours, prices = "We are open from nine to five.", "A vaccination costs 45 euros."
        edited = {**files, path: files[path].replace(hours, prices)}
        commit(stack.repository, edited, message="Prices", branch="feature/prices")
        live = await stack.elevenlabs.agent(await world.agent_id())
        report = await world.tested(branch="feature/prices")
        assert only(report)["outcome"] == "passed", report
        assert report["details"]["branch"] == "feature/prices"
        assert await stack.elevenlabs.agent(await world.agent_id()) == live


@pytest.mark.slow
async def test_a_test_may_be_spoken_instead_of_written(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        test = only(await world.tested(mode="audio"))
        assert (test["outcome"], test["mode"]) == ("passed", "audio"), test
        kinds = {line["kind"] for line in test["runs"][0]["transcript"]}
        assert {"agentSaid", "agentStarted", "agentStopped"} <= kinds
