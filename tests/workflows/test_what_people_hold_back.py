"""Suspended means not one write, whoever asks; what was committed meanwhile is applied after."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from activities.names import PLAN_AGENT
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller, Place

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.services.control import ControlService

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALICE = Caller(Principal("alice@example.com", "operator"), "request-1")
HERE = Place("acme", "testing")
LOOKS_MAX = 5
"""Wakes that come together with the end of a suspension; who asked all the time asks dozens."""


def control(stack: Stack) -> ControlService:
    return build_services(stack.store, stack.client, timing=stack.timing).control


async def writes(stack: Stack) -> int:
    """Requests that change anything at either vendor."""
    found = 0
    for vendor in (stack.elevenlabs, stack.twilio):
        counters = (await vendor.http.get("/_sim/counters")).json()["requests"]
        found += sum(count for route, count in counters.items() if not route.startswith("GET "))
    return found


async def rounds(stack: Stack, agent: str) -> int:
    """How often an agent was planned so far."""
    history = await stack.agent_handle(agent).fetch_history()
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
    ]
    return names.count(PLAN_AGENT)


async def test_a_suspended_environment_is_not_written_to_by_anybody(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    people = control(stack)
    async with stack.working():
        await people.suspend(ALICE, HERE, reason="the booking system is down")
        before = await writes(stack)
        operation = await stack.sync(hard=True)
        assert operation.state == "Failed"
        held = {item.name: item.reason for item in operation.items}
        assert (held["front-desk"], held["night-desk"]) == ("Suspended", "Suspended")
        row = await stack.settled("front-desk", lambda r: r.conditions[0].reason == "Suspended")
        assert "alice@example.com: the booking system is down" in row.message
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Later")})
        await stack.refresh()
        await stack.sweep()
        assert await writes(stack) == before
        await people.resume(ALICE, HERE)
        row = await stack.settled("front-desk", lambda r: r.sync == "Synced")
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["conversation_config"]["agent"]["first_message"] == "Later"
        await stack.settled("main-line", lambda r: r.sync == "Synced", kind="number")
    reasons = [event.reason for event in await stack.store.events("acme", limit=100)]
    assert {"Suspended", "Resumed"} <= set(reasons)
    audited = [(row.action, row.reason) for row in await stack.store.audit(limit=10)]
    assert audited == [
        ("environment.resume", ""),
        ("environment.suspend", "the booking system is down"),
    ]


async def test_a_suspension_ends_by_itself_without_being_looked_at(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    stack = replace(stack, timing=stack.timing.model_copy(update={"retry_initial_s": 0.2}))
    people = control(stack)
    async with stack.working():
        await people.suspend(
            ALICE, HERE, reason="a moment", until=datetime.now(UTC) + timedelta(seconds=15)
        )
        await stack.refresh()
        row = await stack.settled("agent-0000", lambda r: bool(r.conditions))
        assert row.conditions[0].reason == "Suspended"
        assert row.health == "Missing"
        before = await rounds(stack, "agent-0000")
        await stack.settled("agent-0000", lambda r: r.sync == "Synced")
        assert await rounds(stack, "agent-0000") - before <= LOOKS_MAX


async def test_one_agent_is_held_and_the_others_go_on(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    people = control(stack)
    async with stack.working():
        await stack.refresh()
        await stack.settled("agent-0000", lambda r: r.sync == "Synced")
        await stack.settled("agent-0001", lambda r: r.sync == "Synced")
        one = await people.place("acme", None, "agent-0000")
        assert one == Place("acme", "testing", "agent", "agent-0000")
        await people.suspend(ALICE, one, reason="under investigation")
        names = ("agent-0000", "agent-0001")
        stack.push({f"agents/{name}.yaml": texts.agent(name, greeting="B") for name in names})
        operation = await stack.sync()
        assert {item.name: (item.state, item.reason) for item in operation.items} == {
            "agent-0000": ("Failed", "Suspended"),
            "agent-0001": ("Succeeded", ""),
        }
        with pytest.raises(NotFound, match="environment testing is not suspended"):
            await people.resume(ALICE, HERE)
        await people.resume(ALICE, one)
        await stack.settled("agent-0000", lambda r: r.sync == "Synced")


async def test_what_makes_no_sense_is_refused(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    people = control(stack)
    async with stack.working():
        await stack.sync()
        past = datetime.now(UTC) - timedelta(seconds=1)
        with pytest.raises(InvalidInput, match="ends in the future"):
            await people.suspend(ALICE, HERE, reason="too late", until=past)
        with pytest.raises(InvalidInput, match="A reason is needed"):
            await people.suspend(ALICE, HERE, reason=" ")
        with pytest.raises(NotFound, match="no agent or number 'nobody'"):
            await people.place("acme", "testing", "nobody")
        with pytest.raises(InvalidInput, match="no environment 'moon'"):
            await people.place("acme", "moon")
        number = await people.place("acme", "testing", "main-line")
        with pytest.raises(InvalidInput, match="Only an agent can be disabled"):
            await people.disable(ALICE, number, reason="wrong thing")


async def test_a_disabled_agent_gets_no_calls_whatever_is_suspended_or_frozen(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files, unhurried=True)
    people = control(stack)

    async def answering() -> str | None:
        (line,) = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
        agent = line["assigned_agent"] or {}
        found: str | None = agent.get("agent_id")
        return found

    async with stack.working():
        await stack.sync()
        await stack.settled("main-line", lambda r: r.sync == "Synced", kind="number")
        frozen = files["trunkline.yaml"] + '      windows: [ { deny: "Mon-Sun 00:00-24:00" } ]\n'
        stack.push({"trunkline.yaml": frozen.replace("mode: enforce", "mode: approve")})
        await stack.sync()
        await people.suspend(ALICE, HERE, reason="everything")
        agent = await people.place("acme", "testing", "front-desk")
        await people.disable(ALICE, agent, reason="it gives wrong prices")

        async def nobody_answers() -> bool:
            return await answering() is None

        await stack.until(nobody_answers)
        row = await stack.settled("main-line", lambda r: r.health == "Suspended", kind="number")
        assert row.conditions[0].reason == "Disabled"
        assert "it gives wrong prices" in row.message
        assert len(await stack.elevenlabs.agents()) == 2
        await stack.sweep()
        assert await answering() is None
        await people.resume(ALICE, HERE)
        stack.push({"trunkline.yaml": files["trunkline.yaml"]})
        await stack.sync()
        await people.enable(ALICE, agent)

        async def somebody_answers() -> bool:
            return await answering() is not None

        await stack.until(somebody_answers)
