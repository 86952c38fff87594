"""A number goes to the agent Git names once that is there, and never away from a stranger's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from activities.number_gathering import NumberGatherer
from tests.workflows.carrier_numbers import NUMBER, at_carrier
from tests.workflows.lost_stores import lose_every_row
from trunkline.model.conditions import find
from trunkline.model.desired import DesiredNumber
from trunkline.model.interventions import Intervention
from trunkline.model.records import ProjectRecord

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LINE = "numbers/main-line.yaml"
FALLBACK = "+15005550001"
PUBLIC_URL = "https://calls.example.com"
CREATE = "/v1/convai/agents/create"

PATIENT_S = 10.0
"""A number's pauses grow this long while its agent is made, which then wakes it; the dozen rounds
an operation waits through are far from over then."""


async def _reached(stack: Stack) -> str | None:
    """The agent the platform assigned the number to."""
    (number,) = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    agent: str | None = (number["assigned_agent"] or {}).get("agent_id")
    return agent


async def _id_of(stack: Stack, name: str) -> str | None:
    row = await stack.status(name)
    return row.external_id if row is not None else None


async def test_a_number_stays_where_it_is_until_its_new_agent_is_there(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files, unhurried=True)
    stack.timing = stack.timing.model_copy(
        update={"retry_max_s": PATIENT_S, "request_timeout_s": 3.0}
    )
    async with stack.working():
        await stack.sync()
        before = await _reached(stack)
        await stack.elevenlabs.faults(
            {"kind": "status-before", "status": 503, "method": "POST", "route": CREATE, "nth": 1},
        )
        stack.push(
            {
                LINE: files[LINE].replace("front-desk", "new-desk"),
                "agents/new-desk.yaml": texts.agent("new-desk"),
                "agents/front-desk.yaml": None,
            }
        )
        assert (await stack.sync()).state == "Succeeded"
        after = await _id_of(stack, "new-desk")
        assert after not in (None, before)
        assert await _reached(stack) == after


async def test_a_strangers_number_is_taken_only_if_git_says_so(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files, unhurried=True)
    made = await stack.elevenlabs.http.post(CREATE, json={"name": "x", "conversation_config": {}})
    theirs = made.json()["agent_id"]
    imported = {
        "phone_number": NUMBER,
        "label": "by hand",
        "sid": stack.simulators.twilio_account_sid,
        "token": stack.simulators.twilio_auth_token,
        "agent_id": theirs,
    }
    await stack.elevenlabs.http.post("/v1/convai/phone-numbers", json=imported)
    async with stack.working():
        assert (await stack.sync()).state == "Failed"
        row = await stack.status("main-line", "number")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "NumberTaken"
        assert f"assigned to agent {theirs}" in row.message
        assert await _reached(stack) == theirs
        stack.push({LINE: files[LINE].replace("routing", "takeover: true, routing")})
        assert (await stack.sync()).state == "Succeeded"
        assert await _reached(stack) == await _id_of(stack, "front-desk")


async def test_calls_of_an_inactive_agent_go_to_the_fallback_until_it_is_active_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    agent = "agents/front-desk.yaml"
    files[LINE] = files[LINE].replace("routing", f'fallback: {{ number: "{FALLBACK}" }}, routing')
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    address = f"{PUBLIC_URL}/v1/webhooks/twilio/voice/fallback/acme/testing/main-line"
    async with stack.working():
        await stack.sync()
        assert (await at_carrier(stack))["voice_fallback_url"] == address
        stack.push({agent: files[agent] + "  lifecycle: inactive\n"})
        assert (await stack.sync()).state == "Succeeded"
        assert (await at_carrier(stack))["voice_url"] == address
        assert await _reached(stack) is None
        assert (await stack.sweep()).drifted == 0
        stack.push({agent: files[agent]})
        assert (await stack.sync()).state == "Succeeded"
        now = await at_carrier(stack)
        assert "elevenlabs.io" in now["voice_url"]
        assert now["voice_fallback_url"] == address
        assert await _reached(stack) == await _id_of(stack, "front-desk")
        assert (await stack.sweep()).drifted == 0


async def test_calls_of_a_disabled_agent_go_to_the_fallback_at_once(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    files[LINE] = files[LINE].replace("routing", f'fallback: {{ number: "{FALLBACK}" }}, routing')
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    async with stack.working():
        await stack.sync()
        await stack.store.put_intervention(
            Intervention(
                project="acme",
                environment="testing",
                kind="agent",
                name="front-desk",
                verb="disable",
                reason="it says wrong prices",
                by="author@example.com",
                at=datetime.now(UTC),
            )
        )
        await stack.sync(hard=True)
        assert (await at_carrier(stack))["voice_url"].startswith(f"{PUBLIC_URL}/v1/webhooks/twilio")
        assert await _reached(stack) is None
        assert (await stack.sweep()).drifted == 0
        await stack.store.lift_intervention("acme", "testing", "agent", "front-desk", "disable")
        await stack.sync(hard=True)
        assert "elevenlabs.io" in (await at_carrier(stack))["voice_url"]
        assert await _reached(stack) == await _id_of(stack, "front-desk")


async def test_an_emptied_store_leaves_a_number_with_whoever_has_it(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    first = await make_stack(texts.whole(), unhurried=True)
    second = await first.neighbour(
        "globex",
        {
            LINE: texts.whole()[LINE],
            "trunkline.yaml": texts.project(),
            "agents/front-desk.yaml": texts.agent("front-desk"),
        },
    )
    async with first.working():
        assert (await first.sync()).state == "Succeeded"
        owner = await _id_of(first, "front-desk")
        await second.sync()
        await lose_every_row(postgres_url)
        for stack in (first, second):
            record = ProjectRecord(name=stack.project, repository=str(stack.repository))
            await stack.store.register(record)
        await second.sync()
        assert await _reached(first) == owner
        row = await second.status("main-line", "number")
        assert row is not None
        assert "assigned to agent front-desk of project acme" in row.message
        await first.sync()
        row = await first.settled("main-line", lambda r: r.sync == "Synced", "number")
        assert await _reached(first) == owner
        row = await second.settled(
            "main-line",
            lambda r: "owned by number main-line of project acme" in r.message,
            "number",
        )
        assert row.sync == "OutOfSync"


async def test_a_number_a_list_does_not_show_is_looked_up_before_it_counts_as_gone(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
    record = await stack.store.wish("acme", "testing", "number", "main-line")
    assert record is not None
    gatherer = NumberGatherer(stack.accounts, stack.store, stack.store)
    desired = DesiredNumber.model_validate(record.body)
    corners = await gatherer.number(desired, platform_numbers=())
    assert corners.platform is not None
    assert corners.plan().empty
    await stack.elevenlabs.http.delete(f"/v1/convai/phone-numbers/{corners.platform.external_id}")
    corners = await gatherer.number(desired, platform_numbers=())
    assert corners.platform is None
    assert [step.action for step in corners.plan().steps] == ["import", "assign"]
