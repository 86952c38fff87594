"""What left Git is deleted once it may be, in order, by its own workflow; until then it stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from activities.names import WORKFLOW_QUEUE
from activities.telling import Dispatcher
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
from tests.workflows.lost_stores import start_anew
from trunkline.model.ids import PROTECTED_TAG, prune_workflow_id
from trunkline.model.interventions import Intervention
from trunkline.model.pruning import Deletion
from trunkline.model.records import OperationItem, OperationRecord
from trunkline.services.engine import Engine

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.plans import Step

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def test_an_agent_that_left_git_is_deleted_and_forgotten(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "agent-0002")
        assert before is not None
        stack.push(without(2), "Nobody calls it")
        assert (await stack.sync()).state == "Succeeded"
        (event,) = await happened(stack, "Pruned", "agent-0002")
        assert "removed it from Git with" in event.message
        assert event.message.endswith(": Nobody calls it")
        assert event.details == {"externalId": before.external_id}
        assert await left(stack) == {"Agent 0000", "Agent 0001"}
        assert await deletes(stack) == {AGENTS: 1}
        assert await stack.store.entry("acme", "testing", "agent", "agent-0002") is None
        assert await stack.store.wish("acme", "testing", "agent", "agent-0002") is None
        assert await stack.status("agent-0002") is None
        await looked(stack)
        prune = stack.client.get_workflow_handle(prune_workflow_id("acme", "testing"))
        await stack.record(prune, "prune", "deleted")
        await stack.record(stack.agent_handle("agent-0002"), "agent", "deleted")
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert await deletes(stack) == {AGENTS: 1}


async def test_a_sync_that_hears_of_a_deletion_afterwards_succeeds(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        known = await stack.store.wish("acme", "testing", "agent", "agent-0002")
        assert known is not None
        stack.push(without(2))
        await stack.sync()
        await happened(stack, "Pruned", "agent-0002")
        late = OperationRecord(id="late", project="acme", kind="sync", requested_by="test")
        item = OperationItem(environment="testing", kind="agent", name="agent-0002")
        await stack.store.open_operation(late)
        await stack.store.add_items(late.id, [item])
        await stack.store.seal_operation(late.id, "")
        dispatcher = Dispatcher(stack.client, stack.accounts, stack.store, stack.store, stack.store)
        await dispatcher.tell(known, "sync", stack.timing, (late.id,))
        (told,) = (await stack.ended(late.id)).items
        assert told.state == "Succeeded"
        assert "removed it from Git" in told.message


async def test_everything_goes_in_the_reversed_order(make_stack: MakeStack, texts: Texts) -> None:
    files = whole(texts)
    files["agents/late-desk.yaml"] = texts.agent("late-desk")
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push(
            {
                "agents/front-desk.yaml": None,
                "agents/night-desk.yaml": None,
                "tools/book-slot.yaml": None,
                "knowledge/opening-hours.yaml": None,
                "numbers/main-line.yaml": None,
            }
        )
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        await looked(stack)
        prune = stack.client.get_workflow_handle(prune_workflow_id("acme", "testing"))
        await stack.record(prune, "prune", "objects")
        assert await left(stack) == {"Late desk"}
        for path, key in (("tools", "tools"), ("knowledge-base", "documents"), ("secrets",) * 2):
            assert (await stack.elevenlabs.http.get(f"/v1/convai/{path}")).json()[key] == []
        (number,) = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
        assert number["assigned_agent"] is None
        account = await stack.accounts.voice("acme", "testing")
        assert await stack.store.claims(account.account, "acme", "testing") == ()
        assert await stack.store.entries("acme", "testing", "number") == ()


async def test_an_agent_that_comes_back_within_the_delay_is_untouched(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3, "enabled: true"), unhurried=True)
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "agent-0002")
        stack.push(without(2))
        assert (await stack.sync()).state == "Succeeded"
        assert "unless it comes back" in await held(stack, "agent-0002", "PrunePending")
        marked = await stack.store.entry("acme", "testing", "agent", "agent-0002")
        assert marked is not None
        assert marked.tombstone is not None
        stack.push({"agents/agent-0002.yaml": texts.agent("agent-0002")})
        assert (await stack.sync()).state == "Succeeded"
        await looked(stack)
        assert await stack.store.entry("acme", "testing", "agent", "agent-0002") == before
        assert await deletes(stack) == {}


async def test_a_lost_answer_of_a_deletion_converges(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        route = "/v1/convai/agents/{agent_id}"
        await stack.elevenlabs.faults({"kind": "drop-after", "method": "DELETE", "route": route})
        stack.push(without(2))
        assert (await stack.sync()).state == "Succeeded"
        await happened(stack, "Pruned", "agent-0002")
        assert await left(stack) == {"Agent 0000", "Agent 0001"}


async def test_an_agent_with_a_call_waits_for_its_end(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(whole(texts), unhurried=True)
    async with stack.working():
        await stack.sync()
        row = await stack.status("night-desk")
        assert row is not None
        call = {"agent_id": row.external_id, "status": "in-progress", "seconds_ago": 900}
        began = await stack.elevenlabs.control("conversations", call)
        stack.push({"agents/night-desk.yaml": None})
        await stack.refresh()
        assert "it has a call" in await held(stack, "night-desk", "StillInUse")
        assert await deletes(stack) == {}
        await stack.elevenlabs.control("conversations", {**call, **began, "status": "done"})
        await happened(stack, "Pruned", "night-desk")
        assert await left(stack) == {"Front desk"}


async def test_a_changed_tool_shows_what_changed_and_the_old_one_goes(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = whole(texts)
    stack = await make_stack(files, unhurried=True)
    tool = "tools/book-slot.yaml"
    async with stack.working():
        await stack.sync()
        (old,) = (await stack.elevenlabs.http.get("/v1/convai/tools")).json()["tools"]
        stack.push({tool: files[tool].replace("Books an", "Reserves an")})
        operation = await stack.plan()
        stored = await stack.store.plan(str(operation.plan_id))
        assert stored is not None
        (made,) = [s for s in stored.plan.steps if s.subject == "tool" and s.action == "create"]
        assert [change.path for change in made.changes] == ["description"]
        assert made.changes[0].old == "Books an appointment slot for the caller"
        assert (await stack.sync()).state == "Succeeded"
        await looked(stack)
        (new,) = (await stack.elevenlabs.http.get("/v1/convai/tools")).json()["tools"]
        assert new["id"] != old["id"]
        assert await deletes(stack) == {"DELETE /v1/convai/tools/{tool_id}": 1}


async def test_nothing_is_deleted_after_the_store_was_emptied_until_a_person_resumes(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        await start_anew(stack, postgres_url)
        assert (await stack.sync()).state == "Succeeded"
        stack.push(without(2))
        assert (await stack.sync()).state == "Failed"
        words = await held(stack, "agent-0002", "PrunePaused")
        assert "trunkline resume -e testing --prune" in words
        assert await deletes(stack) == {}
        assert await stack.store.lift_intervention("acme", "testing", "", "", "prune-paused")
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        await happened(stack, "Pruned", "agent-0002")
        assert await deletes(stack) == {AGENTS: 1}


async def test_an_environment_that_only_observes_deletes_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push({**without(2), PROJECT_FILE: project(texts, AT_ONCE, mode="observe")})
        operation = await stack.sync()
        assert operation.state == "Failed"
        await held(stack, "agent-0002", "ModeObserve")
        assert await deletes(stack) == {}


async def test_a_deletion_cut_off_anywhere_is_finished_and_sent_once(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 5, "enabled: true, maxCount: 5"), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.push(without(1, 2, 3, 4))
        assert (await stack.sync()).state == "Succeeded"
    rows = {row.name: row for row in await stack.store.gone("acme", "testing")}
    voice = await stack.accounts.voice("acme", "testing")
    for name in ("agent-0001", "agent-0002", "agent-0003"):
        intended = Deletion(
            account=voice.account,
            project="acme",
            environment="testing",
            kind="agent",
            name=name,
            external_id=rows[name].external_id,
            intended_at=datetime.now(UTC),
        )
        assert await stack.store.intend(intended, at_most=5)
        if name != "agent-0001":
            await voice.delete_agent(rows[name].external_id, timeout_s=60.0)
        if name == "agent-0003":
            await stack.store.deleted(intended.model_copy(update={"deleted_at": datetime.now(UTC)}))
    stack.push({PROJECT_FILE: project(texts, AT_ONCE)})
    async with stack.working():
        await stack.sync()
        assert await stack.store.lift_intervention("acme", "testing", "", "", "prune-rules")
        await stack.sync()

        async def buried() -> bool:
            known = [await stack.store.wish("acme", "testing", "agent", name) for name in rows]
            return known == [None] * len(rows)

        await stack.until(buried)
        await looked(stack)
        assert await left(stack) == {"Agent 0000"}
        assert await deletes(stack) == {AGENTS: 4}
        assert await stack.store.gone("acme", "testing") == ()


async def test_a_protection_that_is_lifted_takes_its_tag_along(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(fleet(texts, 3), unhurried=True)
    protected = Intervention(
        project="acme",
        environment="testing",
        kind="agent",
        name="agent-0002",
        verb="protect",
        reason="the main line",
        by="ada",
        at=datetime.now(UTC),
    )

    async def is_tagged() -> bool:
        row = await stack.store.entry("acme", "testing", "agent", "agent-0002")
        assert row is not None
        return PROTECTED_TAG in (await stack.elevenlabs.agent(str(row.external_id)))["tags"]

    async with stack.working():
        await stack.sync()
        await stack.store.put_intervention(protected)
        await stack.sync()
        await stack.until(is_tagged)
        await stack.store.lift_intervention("acme", "testing", "agent", "agent-0002", "protect")
        engine = Engine(stack.client, task_queue=WORKFLOW_QUEUE, timing=stack.timing)
        await engine.prune("acme", "testing", released=("agent-0002",))
        await looked(stack)
        prune = stack.client.get_workflow_handle(prune_workflow_id("acme", "testing"))
        await stack.record(prune, "prune", "protection-lifted")
        assert not await is_tagged()
        assert len(await _plan_steps(stack)) == 0
        stack.push(without(2))
        assert (await stack.sync()).state == "Succeeded"
        await happened(stack, "Pruned", "agent-0002")


async def _plan_steps(stack: Stack) -> tuple[Step, ...]:
    operation = await stack.plan()
    stored = await stack.store.plan(str(operation.plan_id))
    assert stored is not None
    return stored.plan.steps
