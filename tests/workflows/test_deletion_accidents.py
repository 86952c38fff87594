"""The deletion accidents other tools are known for, played on us: nothing is lost.

Each test is named after what went wrong elsewhere, and looks at what was really sent to the voice
platform, not at what we say of it.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from activities.names import WORKFLOW_QUEUE
from tests.workflows.deletion_worlds import (
    AGENTS,
    AT_ONCE,
    PROJECT_FILE,
    deletes,
    fleet,
    happened,
    held,
    left,
    looked,
    project,
    whole,
    without,
)
from tests.workflows.rollout_worlds import MovedClock
from trunkline.model.conditions import find
from trunkline.model.ids import PROTECTED_TAG
from trunkline.model.interventions import Intervention
from trunkline.model.plan_text import render_plan
from trunkline.services.engine import Engine

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import StatusRow

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NEARLY_AN_HOUR = timedelta(minutes=59, seconds=55)
"""A delay of an hour ends seconds after the clock was moved so far, whatever took long before."""
TEN_PERCENT = "enabled: true, delay: 0s, maxPercent: 20"
RENAMED = "metadata: { name: reception, renamedFrom: front-desk }"


async def _plan(stack: Stack) -> Any:
    operation = await stack.plan()
    stored = await stack.store.plan(str(operation.plan_id))
    assert stored is not None
    return stored


async def _decide(stack: Stack, verb: Any, name: str = "", **details: str) -> None:
    await stack.store.put_intervention(
        Intervention.model_validate(
            {
                "project": "acme",
                "environment": "testing",
                "kind": "agent" if name else "",
                "name": name,
                "verb": verb,
                "reason": "said so",
                "by": "ada",
                "at": datetime.now(UTC),
                "details": details,
            }
        )
    )


async def test_a_source_that_cannot_be_read_is_not_an_empty_one(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        fleet(texts, 3, "enabled: true, delay: 1h, maxCount: 5"), unhurried=True
    )
    stack.clock = clock = MovedClock()
    engine = Engine(stack.client, task_queue=WORKFLOW_QUEUE, timing=stack.timing)
    hidden = stack.repository.with_suffix(".hidden")
    async with stack.working():
        await stack.sync()
        stack.push(without(2))
        assert (await stack.sync()).state == "Succeeded"
        shutil.move(stack.repository, hidden)
        assert (await stack.sync()).state == "Error"
        await held(stack, "agent-0002", "PrunePending")
        clock.ahead = NEARLY_AN_HOUR
        await engine.prune("acme", "testing")

        async def doubted() -> bool:
            row = await stack.store.status("acme", "testing", "environment", "testing")
            return row is not None and row.conditions[0].reason == "PruneUnverified"

        await stack.until(doubted)
        assert await deletes(stack) == {}
        shutil.move(hidden, stack.repository)
        assert (await stack.sync()).state == "Succeeded"
        await happened(stack, "Pruned")
        assert await deletes(stack) == {AGENTS: 1}


async def test_a_small_patch_that_empties_the_fleet_deletes_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        fleet(texts, 3, "enabled: true, delay: 0s, maxPercent: 100"), unhurried=True
    )
    async with stack.working():
        await stack.sync()
        stack.push(without(0, 1, 2), "Tidy up")
        operation = await stack.sync()
        assert operation.state == "Failed"
        assert {item.reason for item in operation.items} == {"PruneBudgetExceeded"}
        message = await held(stack, "agent-0000", "PruneBudgetExceeded")
        assert "destroy 3 of 3 agents: no agent would be left" in message
        assert await deletes(stack) == {}
        assert len(await left(stack)) == 3


async def test_an_empty_tree_deletes_nothing(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(fleet(texts, 2), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push({**without(0, 1), PROJECT_FILE: None, "README.md": "Soon"})
        assert (await stack.sync()).state == "Failed"
        assert await deletes(stack) == {}
        assert len(await left(stack)) == 2


async def test_a_project_that_removes_itself_deletes_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 2), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push({PROJECT_FILE: None, **without(1)})
        assert (await stack.sync()).state == "Failed"
        assert (await stack.sync(hard=True)).state == "Failed"
        assert await deletes(stack) == {}
        assert len(await left(stack)) == 2


async def test_an_environment_that_is_renamed_loses_no_agent(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 2), unhurried=True)
    async with stack.working():
        await stack.sync()
        renamed = project(texts, AT_ONCE).replace("name: testing", "name: staging")
        stack.push({PROJECT_FILE: renamed})
        await stack.sync()
        await stack.until(lambda: stack.store.entry("acme", "staging", "agent", "agent-0001"))
        assert await deletes(stack) == {}


async def test_an_environment_that_turns_to_releases_loses_no_agent(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 2), unhurried=True)
    async with stack.working():
        await stack.sync()
        turned = project(texts, AT_ONCE).replace("source: head", "source: releases")
        stack.push({PROJECT_FILE: turned})
        assert (await stack.sync()).state == "Succeeded"
        await looked(stack)
        row = await stack.store.status("acme", "testing", "agent", "agent-0000")
        assert row is not None
        assert (row.sync, row.health) == ("Synced", "Healthy")
        assert await deletes(stack) == {}
        assert len(await left(stack)) == 2


async def test_nine_of_ten_gone_at_once_are_a_budget_stop_with_names_and_a_way_out(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 10, TEN_PERCENT), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push(without(*range(1, 10)))
        operation = await stack.sync()
        assert operation.state == "Failed"

        async def stopped() -> StatusRow | None:
            row = await stack.store.status("acme", "testing", "environment", "testing")
            found = find(row.conditions, "Stalled") if row is not None else None
            return row if found is not None and found.reason == "PruneBudgetExceeded" else None

        row = await stack.until(stopped)
        assert row.conditions[-1].type == "Stalled"
        assert "destroy 9 of 10 agents: over the budget of 2: agent-0001, agent-0002" in row.message
        assert await held(stack, "agent-0009", "PruneBudgetExceeded")
        assert await deletes(stack) == {}
        assert len(await left(stack)) == 10
        plan_id = row.message.rpartition("trunkline apply ")[2].split(" ")[0]
        stored = await stack.store.plan(plan_id)
        assert stored is not None
        assert [step.name for step in stored.plan.steps] == [f"agent-{n:04d}" for n in range(1, 10)]
        await _decide(stack, "apply", planId=plan_id, digest=stored.plan.digest)
        await stack.sync()
        await looked(stack)
        assert await deletes(stack) == {AGENTS: 9}
        assert await left(stack) == {"Agent 0000"}


async def test_one_commit_shows_its_blast_radius_before_anything_happens(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 4, "enabled: true, maxCount: 1"), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push({**without(2, 3), "agents/desk.yaml": texts.agent("desk")})
        stored = await _plan(stack)
        text = render_plan(stored.plan)
        assert "Plan: 1 to add, 0 to change, 0 to replace, 2 to destroy." in text
        assert "  # agent agent-0002 will be destroyed" in text
        assert "destroy 2 of 4 agents: over the budget of 1: agent-0002, agent-0003" in text
        assert f"trunkline apply {stored.id} -e testing" in text
        assert "created: desk; destroyed: agent-0002, agent-0003" in text
        assert "renamedFrom" in text
        assert await deletes(stack) == {}


async def test_protection_outlives_the_block_in_git_the_tag_and_the_row(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 4), unhurried=True)
    async with stack.working():
        await stack.sync()
        row = await stack.status("agent-0003")
        assert row is not None
        body = await stack.elevenlabs.agent(str(row.external_id))
        tags = {"tags": [*body["tags"], PROTECTED_TAG]}
        path = f"/v1/convai/agents/{row.external_id}"
        assert (await stack.elevenlabs.http.patch(path, json=tags)).status_code == 200
        await _decide(stack, "protect", "agent-0002")
        stack.push(without(1, 2, 3))
        assert (await stack.sync()).state == "Succeeded"
        assert "ada protects it" in await held(stack, "agent-0002", "Protected")
        assert "its tag on the platform" in await held(stack, "agent-0003", "Protected")
        await looked(stack)
        assert await left(stack) == {"Agent 0000", "Agent 0002", "Agent 0003"}
        assert await deletes(stack) == {AGENTS: 1}
        guarded = await stack.status("agent-0002")
        assert guarded is not None
        body = await stack.elevenlabs.agent(str(guarded.external_id))
        assert PROTECTED_TAG in body["tags"]


async def test_protection_does_not_block_the_plan_it_is_shown_in(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        await _decide(stack, "protect", "agent-0002")
        stack.push({**without(2), "agents/desk.yaml": texts.agent("desk")})
        text = render_plan((await _plan(stack)).plan)
        assert "kept (ada protects it: said so)" in text
        assert "Plan: 1 to add" in text
        assert (await stack.sync()).state == "Succeeded"
        assert "Desk" in await left(stack)
        assert await deletes(stack) == {}


async def test_a_rename_deletes_nothing(make_stack: MakeStack, texts: Texts) -> None:
    files = whole(texts)
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "front-desk")
        number = files["numbers/main-line.yaml"].replace("name: main-line", "name: front-line")
        agent = texts.agent("reception", whole=True).replace(
            "metadata: { name: reception }", RENAMED
        )
        stack.push(
            {
                "agents/front-desk.yaml": None,
                "people/reception.yaml": agent,
                "agents/night-desk.yaml": None,
                "people/night-desk.yaml": files["agents/night-desk.yaml"],
                "numbers/main-line.yaml": None,
                "lines/front-line.yaml": number.replace("agent: front-desk", "agent: reception"),
            }
        )
        text = render_plan((await _plan(stack)).plan)
        assert "0 to destroy" in text
        assert (await stack.sync()).state == "Succeeded"
        await looked(stack)
        assert await deletes(stack) == {}
        after = await stack.store.entry("acme", "testing", "agent", "reception")
        assert before is not None
        assert after is not None
        assert after.external_id == before.external_id
        (line,) = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
        assert line["assigned_agent"]["agent_id"] == before.external_id


async def test_what_carries_no_mark_of_ours_is_not_pruned(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 4), unhurried=True)
    async with stack.working():
        await stack.sync()
        bare, others = [
            (await stack.store.entry("acme", "testing", "agent", f"agent-000{n}")) for n in (2, 3)
        ]
        assert bare is not None
        assert others is not None
        for entry, tags in ((bare, []), (others, ["trunkline:rival/testing/agent-0003"])):
            path = f"/v1/convai/agents/{entry.external_id}"
            answer = await stack.elevenlabs.http.patch(path, json={"tags": tags})
            assert answer.status_code == 200
        stack.push(without(2, 3))
        assert (await stack.sync()).state == "Succeeded"
        assert "does not carry our mark" in await held(stack, "agent-0002", "PruneUnverified")
        await happened(stack, "Forgotten", "agent-0003")
        assert await deletes(stack) == {}
        assert len(await left(stack)) == 4


async def test_one_answer_that_it_is_gone_forgets_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        entry = await stack.store.entry("acme", "testing", "agent", "agent-0002")
        assert entry is not None
        route = f"/v1/convai/agents/{entry.external_id}"
        body = {"detail": {"status": "not_found", "message": "no such agent"}}
        missing = {"kind": "status-before", "status": 404, "body": body, "times": 3}
        await stack.elevenlabs.faults({**missing, "method": "GET", "route": route})
        stack.push(without(2))
        assert (await stack.sync()).state == "Succeeded"
        await happened(stack, "Pruned", "agent-0002")
        assert await stack.events("Forgotten", "agent-0002") == []
        assert await deletes(stack) == {AGENTS: 1}
        assert await left(stack) == {"Agent 0000", "Agent 0001"}


async def test_rewritten_history_deletes_nothing_until_a_person_resumes_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        branch = ("git", "-C", str(stack.repository), "update-ref", "-d", "refs/heads/main")
        await asyncio.to_thread(subprocess.run, branch, check=True)
        stack.push(fleet(texts, 2), "Begin anew")
        operation = await stack.sync()
        assert [item.reason for item in operation.items if item.state == "Failed"] == [
            "PrunePaused"
        ]
        assert "history was rewritten" in await held(stack, "agent-0002", "PrunePaused")
        assert (await stack.sync()).state == "Failed"
        assert (await stack.sync(hard=True)).state == "Failed"
        assert await deletes(stack) == {}
        assert await stack.store.lift_intervention("acme", "testing", "", "", "prune-paused")
        await stack.sync()
        await happened(stack, "Pruned")
        assert await left(stack) == {"Agent 0000", "Agent 0001"}


async def test_one_push_cannot_raise_the_budget_and_use_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        fleet(texts, 6, "enabled: true, delay: 0s, maxCount: 2"), unhurried=True
    )
    async with stack.working():
        await stack.sync()
        raised = project(texts, "enabled: true, delay: 0s, maxCount: 100")
        stack.push({PROJECT_FILE: raised, **without(3, 4, 5)}, "Tidy up")
        text = render_plan((await _plan(stack)).plan)
        assert "destroy 3 of 6 agents: over the budget of 2 (" in text
        assert (await stack.sync()).state == "Failed"
        message = await held(stack, "agent-0005", "PruneBudgetExceeded")
        assert "loosens what may be deleted; the rules of before hold until a person" in message
        stack.push({"README.md": "A later push"})
        assert (await stack.sync(hard=True)).state == "Failed"
        assert await deletes(stack) == {}
        assert await stack.store.lift_intervention("acme", "testing", "", "", "prune-rules")
        await stack.sync()
        await looked(stack)
        assert await left(stack) == {"Agent 0000", "Agent 0001", "Agent 0002"}


async def test_one_push_cannot_take_the_delay_away_and_use_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3, "enabled: true, maxCount: 5"), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push({PROJECT_FILE: project(texts, AT_ONCE), **without(2)})
        assert (await stack.sync()).state == "Succeeded"
        message = await held(stack, "agent-0002", "PrunePending")
        assert "the rules of before hold until" in message
        assert await deletes(stack) == {}


async def test_rules_that_are_as_strict_again_need_nobody(
    make_stack: MakeStack, texts: Texts
) -> None:
    strict = "enabled: true, delay: 0s, maxCount: 2"
    stack = await make_stack(fleet(texts, 3, strict), unhurried=True)
    async with stack.working():
        await stack.sync()
        for rules, verbs in (
            ("enabled: true, delay: 0s, maxCount: 3", ["prune-rules"]),
            (strict, []),
        ):
            stack.push({PROJECT_FILE: project(texts, rules)})
            assert (await stack.sync()).state == "Succeeded"
            decided = await stack.store.interventions("acme", "testing")
            assert [one.verb for one in decided] == verbs


async def test_one_push_cannot_turn_deletion_on_without_a_budget_and_use_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 6, "enabled: false"), unhurried=True)
    async with stack.working():
        await stack.sync()
        enabled = project(texts, "enabled: true, delay: 0s, maxPercent: 100")
        stack.push({PROJECT_FILE: enabled, **without(2, 3, 4, 5)})
        assert (await stack.sync()).state == "Failed"
        message = await held(stack, "agent-0005", "PruneBudgetExceeded")
        assert "destroy 4 of 6 agents: over the budget of 2 (" in message
        assert await deletes(stack) == {}
