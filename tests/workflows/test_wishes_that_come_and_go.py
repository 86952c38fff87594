"""Wishes removed and added again, agents switched off and on, numbers moved, objects replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FRONT = "agents/front-desk.yaml"
LINE = "numbers/main-line.yaml"


async def _writes(stack: Stack) -> dict[str, int]:
    """Requests since the last call that are no readings."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    await stack.elevenlabs.http.delete("/_sim/counters")
    return {route: n for route, n in counters.items() if not route.startswith("GET")}


async def _answering(stack: Stack) -> str | None:
    (number,) = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    assigned: str | None = (number["assigned_agent"] or {}).get("agent_id")
    return assigned


async def _listed(stack: Stack, path: str) -> list[dict[str, Any]]:
    key = "documents" if path == "knowledge-base" else path
    answer = (await stack.elevenlabs.http.get(f"/v1/convai/{path}")).json()
    found: list[dict[str, Any]] = answer[key]
    return found


async def _id(stack: Stack, name: str) -> str:
    row = await stack.status(name)
    assert row is not None
    assert row.external_id is not None
    return str(row.external_id)


async def _empty_plan(stack: Stack) -> bool:
    operation = await stack.plan()
    stored = await stack.store.plan(str(operation.plan_id))
    assert stored is not None
    return stored.plan.empty and not stored.plan.obstacles


async def test_an_agent_removed_and_added_again_is_the_same_agent(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    async with stack.working():
        await stack.sync()
        before = await _id(stack, "agent-0001")
        stack.push({"agents/agent-0001.yaml": None})
        assert (await stack.sync()).state == "Succeeded"
        stack.push({"agents/agent-0001.yaml": texts.agent("agent-0001", greeting="Back")})
        assert (await stack.sync()).state == "Succeeded"
        assert await _id(stack, "agent-0001") == before
        body = await stack.elevenlabs.agent(before)
        assert body["conversation_config"]["agent"]["first_message"] == "Back"
        assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 2
        row = await stack.status("agent-0001")
        assert row is not None
        assert (row.sync, row.conditions[0].reason) == ("Synced", "AsWished")


async def test_an_agent_switched_off_and_on_loses_its_number_and_gets_it_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        front = await _id(stack, "front-desk")
        assert await _answering(stack) == front
        for lifecycle, answering in (
            ("inactive", None),
            ("active", front),
            ("draft", None),
            ("active", front),
            ("inactive", None),
            ("draft", None),
        ):
            extra = f"  lifecycle: {lifecycle}\n"
            stack.push({FRONT: texts.agent("front-desk", whole=True, extra=extra)})
            operation = await stack.sync()
            assert operation.state == "Succeeded", (lifecycle, operation)
            assert await _answering(stack) == answering, lifecycle
            assert await _empty_plan(stack), lifecycle
        assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 2


async def test_a_number_moves_between_agents(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    line = texts.whole()[LINE]
    async with stack.working():
        await stack.sync()
        for name in ("night-desk", "front-desk"):
            await _writes(stack)
            stack.push({LINE: line.replace("agent: front-desk", f"agent: {name}")})
            assert (await stack.sync()).state == "Succeeded"
            assert await _answering(stack) == await _id(stack, name)
            assert await _writes(stack) == {"PATCH /v1/convai/phone-numbers/{phone_number_id}": 1}
        moved = line.replace("agent: front-desk", "agent: late-desk")
        stack.push({LINE: moved, "agents/late-desk.yaml": texts.agent("late-desk")})
        assert (await stack.sync()).state == "Succeeded"
        assert await _answering(stack) == await _id(stack, "late-desk")


async def test_a_changed_tool_or_document_is_a_new_object_and_the_old_one_stays(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
        old = {path: await _listed(stack, path) for path in ("tools", "knowledge-base")}
        await _writes(stack)
        stack.push(
            {
                "tools/book-slot.yaml": files["tools/book-slot.yaml"].replace("Books", "Reserves"),
                "knowledge/opening-hours.yaml": files["knowledge/opening-hours.yaml"].replace(
                    "nine to five", "ten to six"
                ),
            }
        )
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        assert await _writes(stack) == {
            "POST /v1/convai/tools": 1,
            "POST /v1/convai/knowledge-base/text": 1,
            "PATCH /v1/convai/agents/{agent_id}": 2,
        }
        for path, before in old.items():
            after = {item["id"] for item in await _listed(stack, path)}
            assert len(after) == 2
            assert {item["id"] for item in before} < after
        (new_tool,) = {t["id"] for t in await _listed(stack, "tools")} - {
            t["id"] for t in old["tools"]
        }
        for name in ("front-desk", "night-desk"):
            body = await stack.elevenlabs.agent(await _id(stack, name))
            prompt = body["conversation_config"]["agent"]["prompt"]
            assert prompt["tool_ids"] == [new_tool]
            assert len(prompt["knowledge_base"]) == 1
        assert await _empty_plan(stack)
        stack.push({path: files[path] for path in files if path.startswith(("tools", "know"))})
        await _writes(stack)
        assert (await stack.sync()).state == "Succeeded"
        assert await _writes(stack) == {"PATCH /v1/convai/agents/{agent_id}": 2}


async def test_a_shared_tool_is_made_once_although_its_claimant_dies_in_the_middle(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    await stack.elevenlabs.control("list-lag", {"seconds": 0.5})
    await stack.elevenlabs.faults(
        {"kind": "hang-after", "method": "POST", "route": "/v1/convai/tools", "times": 1}
    )
    async with stack.working():
        await stack.refresh()

        async def sent() -> bool:
            return await stack.elevenlabs.count("POST /v1/convai/tools") == 1

        await stack.until(sent)
        claims = await stack.store.claims(await _account(stack), "acme", "testing")
        (claimant,) = {c.claimant for c in claims if c.kind == "tool"}
        await stack.client.get_workflow_handle("/".join(claimant.split("/")[:4])).terminate()
        other = {"front-desk", "night-desk"} - {claimant.split("/")[3]}
        await stack.settled(other.pop(), lambda r: r.sync == "Synced")
        assert (await stack.sync()).state == "Succeeded"
        assert await stack.elevenlabs.count("POST /v1/convai/tools") == 1
        await stack.elevenlabs.control("clock", {"advance_s": 1})
        assert len(await _listed(stack, "tools")) == 1
        assert len(await stack.elevenlabs.agents()) == 2


async def _account(stack: Stack) -> str:
    return (await stack.accounts.voice("acme", "testing")).account
