"""Connections that break after the create took effect: found again, adopted, never doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import StatusRow

pytestmark = pytest.mark.stack

CREATES = (
    "/v1/convai/agents/create",
    "/v1/convai/tools",
    "/v1/convai/knowledge-base/text",
    "/v1/convai/secrets",
    "/v1/convai/phone-numbers",
)


async def _objects(stack: Stack) -> dict[str, int]:
    http = stack.elevenlabs.http

    async def listed(path: str, key: str) -> list[Any]:
        answer = (await http.get(path, params={"page_size": "100"})).json()
        found: list[Any] = answer[key]
        return found

    return {
        "agents": len(await stack.elevenlabs.agents()),
        "tools": len(await listed("/v1/convai/tools", "tools")),
        "documents": len(await listed("/v1/convai/knowledge-base", "documents")),
        "secrets": len(await listed("/v1/convai/secrets", "secrets")),
        "numbers": len((await http.get("/v1/convai/phone-numbers")).json()),
    }


async def _planned_empty(stack: Stack) -> None:
    """A plan is empty, as soon as lists show what single readings already do."""

    async def empty() -> bool:
        plan = await stack.plan()
        stored = await stack.store.plan(str(plan.plan_id))
        assert stored is not None
        return stored.plan.empty

    assert await stack.until(empty)


ONE_OF_EACH = {"agents": 2, "tools": 1, "documents": 1, "secrets": 1, "numbers": 1}


async def test_every_create_dropped_after_its_effect_makes_no_duplicate(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    await stack.elevenlabs.control("list-lag", {"seconds": 0.6})
    await stack.elevenlabs.faults(
        *({"kind": "drop-after", "method": "POST", "route": route} for route in CREATES)
    )
    async with stack.working():
        operation = await stack.sync(timeout_s=90)
        assert operation.state == "Succeeded", operation
        await stack.elevenlabs.control("list-lag", {})
        assert await _objects(stack) == ONE_OF_EACH
        await stack.record(stack.agent_handle("front-desk"), "agent", "answers-lost")
        await _planned_empty(stack)


async def test_a_create_that_takes_effect_late_is_adopted(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    await stack.elevenlabs.control("list-lag", {"seconds": 0.2})
    await stack.elevenlabs.faults(
        {
            "kind": "delayed",
            "method": "POST",
            "route": "/v1/convai/agents/create",
            "seconds": 0.7,
        }
    )
    async with stack.working():
        operation = await stack.sync(timeout_s=60)
        assert operation.state == "Succeeded", operation
        await stack.elevenlabs.control("list-lag", {})
        assert len(await stack.elevenlabs.agents()) == 1
        assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 1


async def test_a_create_that_never_took_effect_is_sent_again_after_the_bound(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    stack.timing = stack.timing.model_copy(update={"request_timeout_s": 3.0})
    await stack.elevenlabs.faults(
        {
            "kind": "drop-before",
            "method": "POST",
            "route": "/v1/convai/agents/create",
            "times": 1,
        }
    )
    async with stack.working():
        operation = await stack.sync(timeout_s=60)
        assert operation.state == "Succeeded", operation
        assert len(await stack.elevenlabs.agents()) == 1
        assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 2


async def test_a_lost_answer_of_an_update_is_recognised(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        await stack.elevenlabs.faults(
            {"kind": "drop-after", "method": "PATCH", "route": "/v1/convai/agents/{agent_id}"}
        )
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="Changed")})
        assert (await stack.sync()).state == "Succeeded"
        assert await stack.elevenlabs.count("PATCH /v1/convai/agents/{agent_id}") == 1
        assert await stack.events("ForeignEdit") == []


@pytest.mark.slow
async def test_creates_that_never_arrive_stall_and_are_made_once_the_platform_recovers(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    stack.timing = stack.timing.model_copy(
        update={"request_timeout_s": 0.2, "list_lag_bound_s": 0.1}
    )
    create = "/v1/convai/agents/create"
    await stack.elevenlabs.faults({"kind": "drop-before", "method": "POST", "route": create})
    async with stack.working():
        assert (await stack.sync(timeout_s=60)).state == "Failed"

        def is_unresolved(row: StatusRow) -> bool:
            stalled = find(row.conditions, "Stalled")
            return stalled is not None and stalled.reason == "CreateUnresolved"

        await stack.settled("front-desk", is_unresolved)
        looks = await stack.elevenlabs.count("GET /v1/convai/agents")

        async def still_looking() -> bool:
            return await stack.elevenlabs.count("GET /v1/convai/agents") > looks

        await stack.until(still_looking)
        await stack.elevenlabs.healthy()
        row = await stack.settled("front-desk", lambda r: r.sync == "Synced")
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()
        assert counters["objects"]["agents"]["created"] == 1
        assert [a["agent_id"] for a in await stack.elevenlabs.agents()] == [row.external_id]
