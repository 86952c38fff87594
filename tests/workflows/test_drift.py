"""What somebody changed by hand: found by a sweep, told apart from a wish, healed or reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from temporalio.client import ScheduleActionExecutionStartWorkflow

from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

SPEED = {"conversation_config": {"tts": {"speed": 1.15}}}


async def _edit(stack: Stack, name: str, changes: dict[str, Any]) -> str:
    row = await stack.status(name)
    assert row is not None
    assert row.external_id is not None
    await stack.elevenlabs.control("edit", {"agent_id": row.external_id, "body": changes})
    return str(row.external_id)


async def _speed(stack: Stack, external_id: str) -> float:
    body = await stack.elevenlabs.agent(external_id)
    speed: float = body["conversation_config"]["tts"]["speed"]
    return speed


async def test_an_idle_sweep_wakes_nobody_and_reads_each_agent_once(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        await stack.elevenlabs.http.delete("/_sim/counters")
        report = await stack.sweep()
        assert (report.observed, report.drifted, report.doubles) == (3, 0, 0)
        assert await stack.elevenlabs.count("GET /v1/convai/agents/{agent_id}") == 2


async def test_drift_is_healed_and_says_who_and_which_field(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(3), unhurried=True)
    async with stack.working():
        await stack.sync()
        external_id = await _edit(stack, "agent-0001", SPEED)
        report = await stack.sweep()
        assert (report.observed, report.drifted) == (3, 1)

        async def healed() -> bool:
            return bool(await stack.events("Drifted", "agent-0001"))

        await stack.until(healed)
        assert await _speed(stack, external_id) == 1.0
        (event,) = await stack.events("Drifted", "agent-0001")
        assert "conversation_config.tts.speed" in event.message
        assert event.message.split(" changed ")[0] not in ("", "somebody")
        assert (await stack.sweep()).drifted == 0
        await stack.record(stack.agent_handle("agent-0001"), "agent", "drift-healed")


async def test_reported_drift_is_left_alone_until_somebody_syncs(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = {**texts.fleet(1), "trunkline.yaml": texts.project(drift="report")}
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
        external_id = await _edit(stack, "agent-0000", SPEED)
        await stack.sweep()
        row = await stack.settled("agent-0000", lambda r: find(r.conditions, "Drifted") is not None)
        assert row.sync == "OutOfSync"
        assert await _speed(stack, external_id) == 1.15
        await stack.record(stack.agent_handle("agent-0000"), "agent", "drift-reported")
        assert (await stack.sync()).state == "Succeeded"
        assert await _speed(stack, external_id) == 1.0
        row = await stack.settled("agent-0000", lambda r: r.sync == "Synced")
        assert find(row.conditions, "Drifted") is None


async def test_drift_taken_back_by_hand_is_noticed(make_stack: MakeStack, texts: Texts) -> None:
    files = {**texts.fleet(1), "trunkline.yaml": texts.project(drift="report")}
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
        await _edit(stack, "agent-0000", SPEED)
        await stack.sweep()
        await stack.settled("agent-0000", lambda r: find(r.conditions, "Drifted") is not None)
        await _edit(stack, "agent-0000", {"conversation_config": {"tts": {"speed": 1.0}}})
        await stack.sweep()
        row = await stack.settled("agent-0000", lambda r: find(r.conditions, "Drifted") is None)
        assert row.sync == "Synced"


async def test_an_environment_that_observes_is_never_written(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = {**texts.fleet(2), "trunkline.yaml": texts.project(mode="observe")}
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        operation = await stack.sync()
        assert operation.state == "Failed"
        row = await stack.status("agent-0000")
        assert row is not None
        assert row.sync == "OutOfSync"
        assert "mode is observe" in row.message
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        assert [route for route in counters if not route.startswith("GET")] == []


async def test_an_edit_between_reading_and_writing_is_kept_as_an_event(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        row = await stack.status("front-desk")
        assert row is not None
        await stack.elevenlabs.control(
            "edit",
            {
                "agent_id": row.external_id,
                "when": "before-next-patch",
                "body": {"conversation_config": {"turn": {"turn_timeout": 9}}},
            },
        )
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="Changed")})
        assert (await stack.sync()).state == "Succeeded"
        (event,) = await stack.events("ForeignEdit", "front-desk")
        assert "conversation_config.turn.turn_timeout" in event.message
        changes = event.details["changes"]
        assert isinstance(changes, list)
        kept = [(one["old"], one["new"]) for one in changes if isinstance(one, dict)]
        assert kept == [(7, 9)]
        assert event.details["versions"]
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["conversation_config"]["turn"]["turn_timeout"] == 9
        assert body["conversation_config"]["agent"]["first_message"] == "Changed"


async def test_an_agent_deleted_by_hand_is_created_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert before is not None
        await stack.elevenlabs.http.delete(f"/v1/convai/agents/{before.external_id}")
        await stack.sweep()
        row = await stack.settled(
            "front-desk", lambda r: r.external_id not in (None, before.external_id)
        )
        after = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert after is not None
        assert after.nonce != before.nonce
        assert [a["agent_id"] for a in await stack.elevenlabs.agents()] == [row.external_id]


async def test_a_tool_deleted_by_hand_is_created_again(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        tools = (await stack.elevenlabs.http.get("/v1/convai/tools")).json()["tools"]
        path = f"/v1/convai/tools/{tools[0]['id']}"
        await stack.elevenlabs.http.delete(path, params={"force": "true"})
        operation = await stack.sync(hard=True)
        assert operation.state == "Succeeded", operation
        again = (await stack.elevenlabs.http.get("/v1/convai/tools")).json()["tools"]
        assert len(again) == 1
        row = await stack.status("front-desk")
        assert row is not None
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["conversation_config"]["agent"]["prompt"]["tool_ids"] == [again[0]["id"]]


async def test_a_voice_url_changed_at_the_carrier_is_linked_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        await stack.sync(hard=True)
        account = stack.simulators.twilio_account_sid
        base = f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers"
        listed = (await stack.twilio.http.get(f"{base}.json")).json()
        sid = listed["incoming_phone_numbers"][0]["sid"]
        await stack.twilio.http.post(
            f"{base}/{sid}.json", data={"VoiceUrl": "https://elsewhere.example.com/voice"}
        )
        assert (await stack.sweep()).drifted == 1

        async def linked() -> bool:
            number = (await stack.twilio.http.get(f"{base}/{sid}.json")).json()
            return "elevenlabs.io" in str(number["voice_url"])

        await stack.until(linked)


async def test_sweeps_and_plans_are_recorded(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    async with stack.working():
        await stack.sync()
        operation = await stack.plan()
        assert operation.state == "Succeeded"
        planned = stack.client.get_workflow_handle(f"plan/{operation.id}")
        await stack.record(planned, "plan", "empty")
        schedule = stack.client.get_schedule_handle("sweep/acme/testing")
        await schedule.trigger()

        async def swept() -> str | None:
            actions = (await schedule.describe()).info.recent_actions
            started = actions[0].action if actions else None
            if not isinstance(started, ScheduleActionExecutionStartWorkflow):
                return None
            return started.workflow_id

        workflow_id = await stack.until(swept)
        handle = stack.client.get_workflow_handle(workflow_id)
        assert (await handle.result())["observed"] == 1
        await stack.record(handle, "sweep", "idle")
