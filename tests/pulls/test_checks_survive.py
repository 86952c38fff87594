"""Workers die, heads move and pull requests close in the middle: one comment, nothing left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from activities.names import PULL_REQUESTS_WORKFLOW, WORKFLOW_QUEUE
from activities.pull_request_types import PullRequestsInput, PullRequestsReport
from tests.pulls.pull_worlds import LIVE, company, desk, hours, proposing
from tests.workflows.conftest import eventually
from tests.workflows.conversation_worlds import PROMPT, conversation_test, opens
from trunkline.model.ids import pull_request_sweep_id

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.pulls.pull_worlds import PullWorld
    from tests.workflows.conftest import MakeStack, StartProcess
    from trunkline.model.pull_requests import PullRequestRecord

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

NINE = f"{PROMPT}\n- The clinic opens at nine on weekdays.\n"
NOTICED_WITHIN_S = 10.0
"""A worker that is gone is waited for so long, and one that only pauses is not given up."""


async def begun(pulls: PullWorld, number: int, head: str = "") -> PullRequestRecord:
    """The row once conversations of a candidate wait for a place."""

    async def look() -> PullRequestRecord | None:
        found = await pulls.record(number)
        if found is None or not found.agents or (head and found.head != head):
            return None
        branches = [one["name"] for one in await pulls.world.branches()]
        begun = any(name.startswith("trunkline-pr-") for name in branches)
        return found if begun and found.agents[0].state == "running" else None

    found: PullRequestRecord = await eventually(look, what="tests")
    return found


async def test_a_newer_head_ends_the_tests_of_the_older_one(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=PROMPT, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        await pulls.remember()
        tool = files["tools/book-slot.yaml"].replace("Books an", "Surely books an")
        async with pulls.world.no_place():
            number = await pulls.propose("tool", {"tools/book-slot.yaml": tool})
            await pulls.look(number)
            old = await begun(pulls, number)
            again = tool.replace("Surely", "Quickly")
            head = await pulls.push("tool", {"tools/book-slot.yaml": again})
            await pulls.look(number)
            await begun(pulls, number, head)
        done = await pulls.checked(number, head)
        assert [one.state for one in done.agents] == ["passed"], done
        report = await pulls.stack.store.run_report(old.agents[0].run_id)
        assert report is not None
        assert report.state == "Cancelled"
        assert len(await pulls.comments(number)) == 1
        await pulls.nothing_left()
        assert not set(await pulls.writes()) & set(LIVE)


async def test_closing_ends_everything_in_the_middle(make_stack: MakeStack, texts: Texts) -> None:
    files = company(texts, prompt=PROMPT, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        await pulls.remember()
        tool = files["tools/book-slot.yaml"].replace("Books an", "Surely books an")
        async with pulls.world.no_place():
            number = await pulls.propose("tool", {"tools/book-slot.yaml": tool})
            await pulls.look(number)
            await begun(pulls, number)
            await pulls.close(number)
            await pulls.look(number)
            await pulls.ended(number)
        await pulls.nothing_left()
        closed = await pulls.record(number)
        assert closed is not None
        assert closed.objects_gone
        await pulls.keep(number, "closed-in-the-middle")
        told = await pulls.statuses(closed.head)
        assert set(told.values()) <= {"success", "error"}
        assert not set(await pulls.writes()) & set(LIVE)


async def test_a_killed_worker_leaves_one_comment(
    make_stack: MakeStack, texts: Texts, postgres_url: str, start_process: StartProcess
) -> None:
    files = company(texts, prompt=PROMPT, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    soon = stack.timing.model_copy(update={"heartbeat_timeout_s": NOTICED_WITHIN_S})
    async with proposing(replace(stack, timing=soon), files) as pulls:
        async with pulls.stack.working():
            assert (await pulls.stack.sync()).state == "Succeeded"
        variables = {
            "TRUNKLINE_REPOSITORY": pulls.address,
            "TRUNKLINE_FORGE_URL": pulls.api_url,
            "TRUNKLINE_FORGE_TOKEN": pulls.bot,
            "TRUNKLINE_PUBLIC_URL": str(pulls.stack.public_url),
        }
        tool = files["tools/book-slot.yaml"].replace("Books an", "Surely books an")
        first, _ = start_process(pulls.stack, postgres_url, "worker", **variables)
        async with pulls.world.no_place():
            number = await pulls.propose("tool", {"tools/book-slot.yaml": tool})
            await pulls.look(number)
            await begun(pulls, number)
            first.kill()
            await asyncio.to_thread(first.wait)
        start_process(pulls.stack, postgres_url, "worker", **variables)
        done = await pulls.checked(number)
        assert [one.state for one in done.agents] == ["passed"], done
        assert len(await pulls.comments(number)) == 1
        await pulls.nothing_left()


async def test_a_pull_request_nobody_announced_is_found(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files, "gitea") as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        edit = {"agents/front-desk.yaml": desk(texts, prompt=NINE + "Be brief.\n")}
        number = await pulls.propose("brief", edit)
        report = await pulls.stack.client.execute_workflow(
            PULL_REQUESTS_WORKFLOW,
            PullRequestsInput(project=pulls.stack.project, timing=pulls.stack.timing),
            id="sweep-of-a-test",
            task_queue=WORKFLOW_QUEUE,
            result_type=PullRequestsReport,
        )
        assert report.told == 1
        handle = pulls.stack.client.get_workflow_handle("sweep-of-a-test")
        await pulls.stack.record(handle, "pull-requests", "one-is-found")
        found = await pulls.checked(number)
        assert found.agents[0].state == "passed"
        assert len(await pulls.comments(number)) == 1
        schedule = pulls.stack.client.get_schedule_handle(
            pull_request_sweep_id(pulls.stack.project)
        )
        assert (await schedule.describe()).schedule.spec.intervals[0].every.total_seconds() == 300
