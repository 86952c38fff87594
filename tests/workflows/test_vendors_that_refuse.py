"""A vendor that refuses one thing stalls that thing, with its words; everything else goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack


async def test_a_rejected_agent_stalls_alone_with_words_and_line(
    make_stack: MakeStack, texts: Texts
) -> None:
    bad = texts.agent("bad-voice").replace("voice: {", "voice: { id: nobodysvoice,")
    stack = await make_stack({**texts.fleet(3), "agents/bad.yaml": bad}, unhurried=True)
    async with stack.working():
        operation = await stack.sync()
        assert operation.state == "Failed", operation
        states = {item.name: item.state for item in operation.items}
        assert states == {
            "agent-0000": "Succeeded",
            "agent-0001": "Succeeded",
            "agent-0002": "Succeeded",
            "bad-voice": "Failed",
        }
        row = await stack.status("bad-voice")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "Rejected"
        assert "nobodysvoice" in stalled.message
        assert "agents/bad.yaml:8:16: " in stalled.message
        assert len(await stack.events("Rejected", "bad-voice")) == 1
        await stack.record(stack.agent_handle("bad-voice"), "agent", "rejected")
        stack.push({"agents/bad.yaml": texts.agent("bad-voice")}, "Use a voice that exists")
        assert (await stack.sync()).state == "Succeeded"
        assert len(await stack.elevenlabs.agents()) == 4


async def test_a_refused_elevenlabs_key_stalls_until_it_changes(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    right = stack.secrets["ELEVENLABS_API_KEY"]
    stack.secrets["ELEVENLABS_API_KEY"] = "xi-wrong"
    async with stack.working():
        operation = await stack.sync()
        assert operation.state == "Failed"
        row = await stack.status("front-desk")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "CredentialsRejected"
        assert "xi-wrong" not in stalled.message
        stack.secrets["ELEVENLABS_API_KEY"] = right
        row = await stack.settled("front-desk", lambda r: r.sync == "Synced")
        assert row.health == "Healthy"
        await stack.record(stack.agent_handle("front-desk"), "agent", "wrong-credentials")


async def test_refused_twilio_credentials_stall_the_number_alone(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    right = stack.secrets["TWILIO_AUTH_TOKEN"]
    stack.secrets["TWILIO_AUTH_TOKEN"] = "0" * 32
    async with stack.working():
        operation = await stack.sync()
        states = {item.name: item.state for item in operation.items}
        assert states == {
            "front-desk": "Succeeded",
            "night-desk": "Succeeded",
            "main-line": "Failed",
        }
        row = await stack.status("main-line", "number")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "CredentialsRejected"
        stack.secrets["TWILIO_AUTH_TOKEN"] = right
        await stack.settled("main-line", lambda r: r.sync == "Synced", "number")


async def test_an_absent_twilio_account_is_said_of_the_number(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    sid = stack.secrets.pop("TWILIO_ACCOUNT_SID")
    async with stack.working():
        operation = await stack.sync()
        assert {i.name: i.state for i in operation.items}["main-line"] == "Failed"
        row = await stack.status("main-line", "number")
        assert row is not None
        assert find(row.conditions, "Stalled") is not None
        stack.secrets["TWILIO_ACCOUNT_SID"] = sid
        assert (await stack.sync()).state == "Succeeded"


async def test_a_missing_tool_secret_stalls_the_agents_that_need_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.whole(), "agents/plain.yaml": texts.agent("plain")}, unhurried=True
    )
    secret = stack.secrets.pop("TRUNKLINE_SECRET_ACME_BOOKING")
    async with stack.working():
        operation = await stack.sync()
        states = {item.name: item.state for item in operation.items if item.kind == "agent"}
        assert states == {"front-desk": "Failed", "night-desk": "Failed", "plain": "Succeeded"}
        stack.secrets["TRUNKLINE_SECRET_ACME_BOOKING"] = secret
        assert (await stack.sync()).state == "Succeeded"


async def test_a_rate_limit_is_waited_out(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    await stack.elevenlabs.faults(
        {
            "kind": "status-before",
            "method": "POST",
            "route": "/v1/convai/agents/create",
            "status": 429,
            "headers": {"Retry-After": "1"},
            "times": 1,
        }
    )
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        assert len(await stack.elevenlabs.agents()) == 2


async def test_a_changed_secret_is_written_again_without_a_new_tool(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        stack.secrets["TRUNKLINE_SECRET_ACME_BOOKING"] = "a rotated key"
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sync(hard=True)).state == "Succeeded"
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        writes = {route: n for route, n in counters.items() if not route.startswith("GET")}
        assert list(writes) == ["PATCH /v1/convai/secrets/{secret_id}"]
        assert len(await stack.elevenlabs.agents()) == 2
