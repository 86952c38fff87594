"""What cannot be found out is inconclusive, what may not begin is blocked, and both say why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from activities.names import TEST_RUN_WORKFLOW, WORKFLOW_QUEUE
from activities.testing_types import TestBounds, TestRunInput, TestRunSummary
from tests.workflows.conversation_worlds import (
    BRANCHES,
    clinic,
    conversation_test,
    desk,
    installed,
    only,
    opens,
)
from trunkline.model.interventions import Intervention
from trunkline.model.testing.results import TestRunReport

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.slow


def decision(verb: str) -> Intervention:
    return Intervention.model_validate(
        {
            "project": "acme",
            "environment": "testing",
            "kind": "agent",
            "name": "front-desk",
            "verb": verb,
            "reason": "a rest",
            "by": "ada",
            "at": datetime.now(UTC),
        }
    )


async def run_with(stack: Stack, bounds: TestBounds) -> TestRunReport:
    """A run with bounds of its own, which no order has."""
    run_id = f"tests-{uuid4().hex[:16]}"
    await stack.client.execute_workflow(
        TEST_RUN_WORKFLOW,
        TestRunInput(run_id=run_id, project="acme", bounds=bounds, timing=stack.timing),
        id=f"test-run/acme/{run_id}",
        task_queue=WORKFLOW_QUEUE,
        result_type=TestRunSummary,
    )
    report = await stack.store.run_report(run_id)
    assert report is not None
    return report


async def test_an_agent_that_is_not_there_yet_is_to_be_synced(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        late = conversation_test("late", opens()).replace("front-desk", "late-desk")
        stack.push({"agents/late.yaml": texts.agent("late-desk"), "tests/late.yaml": late})
        before = await world.counts()
        report = await world.tested(tests=["late"])
        test = only(report)
        assert (test["outcome"], test["reason"]) == ("inconclusive", "AgentNotDeployed")
        assert "trunkline sync late-desk" in test["message"]
        assert (report["state"], report["outcome"]) == ("Finished", "inconclusive")
        assert await world.counts() == before


async def test_tools_need_an_address_that_leads_here(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world:
        stack.public_url = None
        async with stack.working():
            await stack.sync()
            test = only(await world.tested())
            assert (test["outcome"], test["reason"]) == ("inconclusive", "PublicUrlMissing")
            assert "TRUNKLINE_PUBLIC_URL" in test["message"]


async def test_a_call_nobody_prepared_fails_the_run(make_stack: MakeStack, texts: Texts) -> None:
    say = "I would like to book an appointment slot for Monday at 10:00."
    script = {"turns": [{"expect": [{"says": "hello"}]}, {"say": say, "expect": [{"says": "a"}]}]}
    stack = await make_stack(
        clinic(texts, books=conversation_test("books", script)), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        test = only(await world.tested())
        assert (test["outcome"], test["reason"]) == ("failed", "UnstubbedTool"), test


async def test_a_day_without_money_left_blocks(make_stack: MakeStack, texts: Texts) -> None:
    files = clinic(texts, opens=conversation_test("opens", opens()))
    files["trunkline.yaml"] += "  budgets: { testsPerDay: { usd: 0.5 } }\n"
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        assert (await world.tested())["state"] == "Finished"
        today = None
        while today != datetime.now(UTC).date():  # the next day has money of its own
            today = datetime.now(UTC).date()
            await stack.store.spend("acme", "another", 0.6)
            before = await world.counts()
            report = await world.tested()
        assert (report["state"], report["reason"]) == ("Blocked", "BudgetExhausted")
        assert "0.50 USD" in report["message"]
        await world.record(report["id"], "blocked")
        assert report["tests"] == []
        assert await world.counts() == before


@pytest.mark.parametrize(("verb", "reason"), [("suspend", "Suspended"), ("disable", "Disabled")])
async def test_an_agent_people_stopped_is_not_tested(
    make_stack: MakeStack, texts: Texts, verb: str, reason: str
) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        await stack.store.put_intervention(decision(verb))
        report = await world.tested()
        assert (report["state"], report["reason"]) == ("Blocked", reason)
        assert "ada" in report["message"]
        assert (await world.counts()).get(BRANCHES, 0) == 0


async def test_without_a_place_nobody_speaks(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack), stack.working():
        await stack.sync()
        voice = await stack.accounts.voice("acme", "testing")
        until = datetime.now(UTC) + timedelta(minutes=5)
        for number in range(3):
            assert await stack.store.take_place(voice.account, f"other-{number}", 99, until)
        report = await run_with(stack, TestBounds(place_wait_s=0.5))
        assert (report.tests[0].outcome, report.tests[0].reason) == (
            "inconclusive",
            "ConcurrencyExhausted",
        )
        for number in range(3):
            await stack.store.leave_place(voice.account, f"other-{number}")
        assert (await run_with(stack, TestBounds(place_wait_s=60))).outcome == "passed"
        assert await stack.store.places_taken(voice.account) == 0


async def test_nothing_that_fits_is_not_a_pass(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        report = await world.tested(tags=["nobody-has-this"])
        assert (report["outcome"], report["reason"]) == ("inconclusive", "NothingChecked")
        unknown = await world.tested(tests=["no-such-test"])
        assert (unknown["outcome"], unknown["reason"]) == ("inconclusive", "NotFound")


async def test_a_tree_that_cannot_be_read_says_so(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        clinic(texts, opens=conversation_test("opens", opens())), unhurried=True
    )
    async with installed(stack) as world, stack.working():
        await stack.sync()
        stack.push({"agents/front-desk.yaml": desk(texts).replace("spec:", "spek:")})
        report = await world.tested()
        assert (report["outcome"], report["reason"]) == ("inconclusive", "InvalidManifests")
        await world.record(report["id"], "unreadable-tree")


async def test_an_environment_that_only_observes_is_not_written_to(
    make_stack: MakeStack, texts: Texts
) -> None:
    """A branch without traffic is a write all the same."""
    files = clinic(texts, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        observing = files["trunkline.yaml"].replace("mode: enforce", "mode: observe")
        stack.push({"trunkline.yaml": observing})
        await stack.sync()
        before = await world.counts()
        for runner in ("conversations", "platform"):
            report = await world.tested(runner=runner)
            assert (report["state"], report["reason"]) == ("Blocked", "ModeObserve"), report
            assert "--local" in report["message"]
        code, _, err = await world.command("test", "run")
        assert code == 4, err
        assert await world.counts() == before
