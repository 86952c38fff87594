"""In mode approve exactly what a person applied is written, once, and only while it is true."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from trunkline.model.errors import Blocked, Forbidden
from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import OperationRecord, PlanRecord
    from trunkline.services.applying import ApplyService

pytestmark = [pytest.mark.stack, pytest.mark.slow]

BOB = Caller(Principal("bob@example.com", "approver"), "request-1")
REFUSALS = 2
"""Each is a failed round of one of two agents, and which of them is chance. One may have them all,
after it waited for what the other makes, and still has rounds left of those an operation has.
"""
SPEED = {"conversation_config": {"tts": {"speed": 1.1}}}


def applying(stack: Stack) -> ApplyService:
    return build_services(stack.store, stack.client, timing=stack.timing).applying


async def planned(stack: Stack, *names: str) -> PlanRecord:
    """A plan somebody reads."""
    operation = await stack.plan(*names)
    assert operation.plan_id is not None, operation.message
    record = await stack.store.plan(operation.plan_id)
    assert record is not None
    return record


async def applied(stack: Stack, record: PlanRecord) -> OperationRecord:
    """The end of applying a plan."""
    operation = await applying(stack).apply(
        BOB, stack.project, record.id, digest=record.plan.digest, reason="reviewed"
    )
    return await stack.ended(operation.id)


async def creates(stack: Stack) -> list[int]:
    """Agents, tools, documents and secrets created so far."""
    return [
        await stack.elevenlabs.count(f"POST /v1/convai/{route}")
        for route in ("agents/create", "tools", "knowledge-base/text", "secrets")
    ]


async def test_a_plan_is_applied_whole_once_and_nothing_before(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = {**texts.whole(), "trunkline.yaml": texts.project(mode="approve")}
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        held = await stack.sync()
        assert {item.reason for item in held.items} >= {"ApprovalNeeded"}
        row = await stack.settled(
            "front-desk", lambda r: r.conditions[0].reason == "ApprovalNeeded"
        )
        assert "trunkline apply --environment testing" in row.message
        assert await creates(stack) == [0, 0, 0, 0]
        record = await planned(stack)
        assert set(record.plan.parts) == {
            "agent/front-desk",
            "agent/night-desk",
            "number/main-line",
        }
        operation = await applied(stack, record)
        assert (operation.kind, operation.state) == ("apply", "Succeeded"), operation
        for name in ("front-desk", "night-desk"):
            await stack.settled(name, lambda r: r.sync == "Synced")
        await stack.settled("main-line", lambda r: r.sync == "Synced", kind="number")
        assert await creates(stack) == [2, 1, 1, 1]
        again = await applied(stack, record)
        assert again.state == "Succeeded"
        assert await creates(stack) == [2, 1, 1, 1]
        assert (await planned(stack)).plan.empty
    audited = await stack.store.audit(limit=1)
    assert (audited[0].action, audited[0].subject) == ("plan.apply", record.id)
    before, after = audited[0].before or {}, audited[0].after or {}
    assert before["revision"] == after["revision"] == record.revision
    digests = before["digests"]
    assert isinstance(digests, dict)
    assert set(digests) == {"testing/front-desk", "testing/night-desk"}
    assert after["steps"] == {"assign": 1, "create": 5, "import": 1}


async def test_a_changed_world_makes_a_plan_stale(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    names = ("agent-0000", "agent-0001")
    async with stack.working():
        await stack.sync()
        rows = [await stack.settled(name, lambda r: r.sync == "Synced") for name in names]
        edits: dict[str, str | None] = {"trunkline.yaml": texts.project(mode="approve")}
        edits |= {f"agents/{name}.yaml": texts.agent(name, greeting="Bye") for name in names}
        stack.push(edits)
        await stack.sync()
        record = await planned(stack)
        path = f"/v1/convai/agents/{rows[0].external_id}"
        assert (await stack.elevenlabs.http.patch(path, json=SPEED)).status_code == 200
        operation = await applied(stack, record)
        assert operation.state == "Failed"
        items = {item.name: item for item in operation.items}
        assert (items[names[0]].state, items[names[0]].reason) == ("Failed", "PlanStale")
        assert "was changed on the platform" in items[names[0]].message
        assert items[names[1]].state == "Succeeded"
        body = await stack.elevenlabs.agent(str(rows[0].external_id))
        assert body["conversation_config"]["agent"]["first_message"] == "Hello"
        assert (await applied(stack, await planned(stack))).state == "Succeeded"
        body = await stack.elevenlabs.agent(str(rows[0].external_id))
        assert body["conversation_config"]["agent"]["first_message"] == "Bye"


async def test_another_commit_makes_a_plan_stale_and_is_not_written(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(1), "trunkline.yaml": texts.project(mode="approve")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        record = await planned(stack)
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Unseen")})
        operation = await applied(stack, record)
        (item,) = operation.items
        assert (item.state, item.reason) == ("Failed", "PlanStale")
        assert "first_message changed meanwhile" in item.message
        assert await creates(stack) == [0, 0, 0, 0]


async def test_what_was_approved_survives_a_vendor_that_fails_halfway(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = {**texts.whole(), "trunkline.yaml": texts.project(mode="approve")}
    stack = await make_stack({k: v for k, v in files.items() if "numbers" not in k}, unhurried=True)
    stack = replace(
        stack,
        timing=stack.timing.model_copy(update={"activity_attempts": 1, "request_timeout_s": 3.0}),
    )
    async with stack.working():
        await stack.sync()
        record = await planned(stack)
        await stack.elevenlabs.faults(
            {
                "kind": "status-before",
                "method": "POST",
                "route": "/v1/convai/agents/create",
                "status": 503,
                "times": REFUSALS,
            }
        )
        operation = await applied(stack, record)
        assert operation.state == "Succeeded", [item.message for item in operation.items]
        (fault,) = (await stack.elevenlabs.http.get("/_sim/faults")).json()["faults"]
        assert fault["fired"] == REFUSALS
        assert len(await stack.elevenlabs.agents()) == 2
        assert (await creates(stack))[1:] == [1, 1, 1]


async def test_where_git_is_enforced_an_applied_plan_is_a_sync_of_what_it_says(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    async with stack.working():
        await stack.refresh()
        for name in ("agent-0000", "agent-0001"):
            await stack.settled(name, lambda r: r.sync == "Synced")
        await stack.elevenlabs.faults(
            {
                "kind": "status-before",
                "method": "PATCH",
                "route": "/v1/convai/agents/{agent_id}",
                "status": 503,
            }
        )
        stack.push({"agents/agent-0001.yaml": texts.agent("agent-0001", greeting="Bye")})
        await stack.refresh()
        await stack.settled("agent-0001", lambda r: r.sync != "Synced")
        record = await planned(stack)
        await stack.elevenlabs.healthy()
        operation = await applied(stack, record)
        assert operation.state == "Succeeded"
        assert [item.name for item in operation.items] == ["agent-0001"]


async def test_nothing_is_applied_where_nothing_may_be_written(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(1), "trunkline.yaml": texts.project(mode="observe")}, unhurried=True
    )
    people = applying(stack)
    async with stack.working():
        operation = await stack.sync()
        (item,) = operation.items
        assert (item.state, item.reason) == ("Failed", "ModeObserve")
        record = await planned(stack)
        digest = record.plan.digest
        with pytest.raises(Blocked, match="ModeObserve"):
            await people.apply(BOB, "acme", record.id, digest=digest)
        with pytest.raises(Blocked, match="not the plan you saw"):
            await people.apply(BOB, "acme", record.id, digest="sha256:" + "0" * 64)
        viewer = Caller(Principal("eve@example.com", "viewer"), "request-2")
        with pytest.raises(Forbidden):
            await people.apply(viewer, "acme", record.id, digest=digest)
        assert await creates(stack) == [0, 0, 0, 0]
        stack.push({"trunkline.yaml": texts.project(mode="enforce")})
        await stack.refresh()
        await stack.settled("agent-0000", lambda r: r.sync == "Synced")
