"""A number's calls come to us and go back to the platform, and move only when nobody talks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.carrier_numbers import at_carrier
from tests.workflows.deletion_worlds import whole
from tests.workflows.rollout_worlds import MovedClock
from trunkline.model.calls.records import CallRecord
from trunkline.model.conditions import find
from trunkline.model.ids import new_call_id
from trunkline.model.own_routing import agents_of

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LINE = "numbers/main-line.yaml"
FALLBACK = "+15005550001"
PUBLIC_URL = "https://calls.example.com"
VOICE = f"{PUBLIC_URL}/v1/webhooks/twilio/voice/acme/testing/main-line"
STATUS = f"{PUBLIC_URL}/v1/webhooks/twilio/status"
HOSTED = "https://twimlets.com/forward?PhoneNumber=%2B15005550001"
BRIDGE = f'routing: bridge, fallback: {{ number: "{FALLBACK}" }}'


async def _reached(stack: Stack) -> str | None:
    """The agent the platform assigned the number to."""
    listed = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    assigned = [(number["assigned_agent"] or {}).get("agent_id") for number in listed]
    return assigned[0] if assigned else None


async def _tell_carrier(stack: Stack, **fields: str) -> None:
    """Somebody changes the number in the carrier's console."""
    account, sid = stack.simulators.twilio_account_sid, (await at_carrier(stack))["sid"]
    path = f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json"
    assert (await stack.twilio.http.post(path, data=fields)).status_code == 200


async def _answering(stack: Stack) -> tuple[str, ...]:
    """The agents of the table that is in force."""
    row = await stack.store.entry("acme", "testing", "number", "main-line")
    return agents_of(row.applied.get("route")) if row is not None else ()


async def _talk(stack: Stack, agent: str) -> CallRecord:
    """A call over the number that goes on."""
    record = CallRecord(
        id=new_call_id("+447700900123"),
        project="acme",
        environment="testing",
        agent=agent,
        state="in-progress",
        number="main-line",
        started_at=stack.clock.now(),
    )
    return await stack.store.open_call(record)


async def _hang_up(stack: Stack, call: CallRecord) -> None:
    over = {"state": "completed", "ended_at": stack.clock.now() + timedelta(seconds=1)}
    await stack.store.change_call(
        "acme", call.id, lambda known: known.model_copy(update={**over, "ended_by": "caller"})
    )


async def test_a_number_goes_from_the_platform_to_us_and_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    bridged = files[LINE].replace("routing: native", BRIDGE)
    async with stack.working():
        await stack.sync()
        assert await _reached(stack) is not None
        stack.push({LINE: bridged})
        assert (await stack.sync()).state == "Succeeded"
        now = await at_carrier(stack)
        told = (now["voice_url"], now["voice_fallback_url"], now["status_callback"])
        assert told == (VOICE, HOSTED, STATUS)
        assert await _reached(stack) is None
        assert await _answering(stack) == ("front-desk",)
        assert (await stack.sweep()).drifted == 0
        await _tell_carrier(stack, VoiceUrl="https://elsewhere.example.com/voice")
        assert (await stack.sweep()).drifted == 1
        await stack.until(lambda: _is_told(stack))
        stack.push({LINE: files[LINE]})
        assert (await stack.sync()).state == "Succeeded"
        back = await at_carrier(stack)
        assert "elevenlabs.io" in back["voice_url"]
        assert (back["voice_fallback_url"] or "", STATUS) != (HOSTED, back["status_callback"])
        assert await _reached(stack) is not None
        assert await _answering(stack) == ()
        assert (await stack.sweep()).drifted == 0


@pytest.mark.parametrize("before", ["", "https://switchboard.example.com/voice"])
async def test_a_number_that_leaves_git_no_longer_asks_us(
    make_stack: MakeStack, texts: Texts, before: str
) -> None:
    files = whole(texts)
    files[LINE] = files[LINE].replace("routing: native", f"{BRIDGE}, takeover: true")
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    theirs = "https://reports.example.com/status"
    async with stack.working():
        await _tell_carrier(stack, VoiceUrl=before)
        assert (await stack.sync()).state == "Succeeded"
        assert (await at_carrier(stack))["voice_url"] == VOICE
        await _tell_carrier(stack, StatusCallback=theirs)
        stack.push({LINE: None})
        assert (await stack.sync()).state == "Succeeded"

        async def gone() -> bool:
            return await stack.store.entries("acme", "testing", "number") == ()

        await stack.until(gone)
        now = await at_carrier(stack)
        assert (now["voice_url"] or "", now["voice_fallback_url"] or "") == (before, "")
        assert now["status_callback"] == theirs, "addresses of others stay"


async def _is_told(stack: Stack) -> bool:
    return bool((await at_carrier(stack))["voice_url"] == VOICE)


async def test_without_a_public_address_the_number_says_what_it_needs(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    files[LINE] = files[LINE].replace("routing: native", BRIDGE)
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Failed"
        row = await stack.status("main-line", "number")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "PublicUrlMissing"
        assert "set TRUNKLINE_PUBLIC_URL" in stalled.message


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_a_move_waits_for_running_calls_as_long_as_it_may(
    make_stack: MakeStack, texts: Texts, hangs_up: bool
) -> None:
    files = texts.whole()
    files[LINE] = files[LINE].replace("routing: native", f"{BRIDGE}, cutover: {{ drain: 1h }}")
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    stack.clock = clock = MovedClock()
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        call = await _talk(stack, "front-desk")
        stack.push(
            {
                LINE: files[LINE].replace("front-desk", "new-desk"),
                "agents/new-desk.yaml": texts.agent("new-desk"),
            }
        )
        await stack.refresh()
        row = await stack.settled("main-line", lambda row: _says(row, "DrainingCalls"), "number")
        assert "moves when running calls have ended, after 1h" in row.message
        assert row.health == "Progressing"
        assert await _answering(stack) == ("front-desk",)
        if hangs_up:
            await _hang_up(stack, call)
        else:
            clock.ahead = timedelta(hours=1)
        await stack.sync(names=("main-line",))
        await stack.until(lambda: _moved(stack))
        await stack.settled("main-line", lambda row: _says(row, "AsWished"), "number")


async def _moved(stack: Stack) -> bool:
    return await _answering(stack) == ("new-desk",)


def _says(row: Any, reason: str) -> bool:
    ready = find(row.conditions, "Ready")
    return ready is not None and ready.reason == reason
