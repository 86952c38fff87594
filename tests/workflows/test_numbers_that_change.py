"""A name may get another number: the new one comes first, and nothing of ours stays behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LINE = "numbers/main-line.yaml"
OLD, NEW = "+15005550006", "+15005550017"
PUBLIC_URL = "https://calls.example.com"
BRIDGE = 'routing: bridge, fallback: { number: "+15005550001" }'


def _numbers_path(stack: Stack) -> str:
    account = stack.simulators.twilio_account_sid
    return f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json"


async def _buy(stack: Stack, number: str) -> None:
    answer = await stack.twilio.http.post(_numbers_path(stack), data={"PhoneNumber": number})
    assert answer.status_code == 201


async def _at_carrier(stack: Stack, number: str) -> dict[str, Any]:
    path = f"{_numbers_path(stack)}?PhoneNumber={quote(number)}"
    (found,) = (await stack.twilio.http.get(path)).json()["incoming_phone_numbers"]
    return dict(found)


async def _agents(stack: Stack) -> dict[str, str | None]:
    """The agent each number rings, by number."""
    listed = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    return {
        number["phone_number"]: (number["assigned_agent"] or {}).get("agent_id")
        for number in listed
    }


async def _agent(stack: Stack, name: str) -> str:
    row = await stack.status(name)
    assert row is not None
    return str(row.external_id)


async def test_the_number_a_name_had_rings_its_agent_no_more(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files)
    await _buy(stack, NEW)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        stack.push({LINE: files[LINE].replace(OLD, NEW)})
        planned = await stack.store.plan(str((await stack.plan()).plan_id))
        assert planned is not None
        assert [step.summary for step in planned.plan.steps] == [
            f"import number {NEW}",
            f"assign number {NEW} to agent front-desk",
            f"unassign number {OLD}, which main-line was before",
        ]
        assert (await stack.sync()).state == "Succeeded"
        assert await _agents(stack) == {OLD: None, NEW: await _agent(stack, "front-desk")}
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert (await stack.sweep()).drifted == 0
        row = await stack.store.entry("acme", "testing", "number", "main-line")
        assert row is not None
        assert row.applied["number"] == NEW
        assert "leaving" not in row.applied


async def test_a_number_stays_until_the_new_one_is_there(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        agent = await _agent(stack, "front-desk")
        stack.push({LINE: files[LINE].replace(OLD, NEW)})
        assert (await stack.sync()).state == "Failed"
        assert await _agents(stack) == {OLD: agent}
        await _buy(stack, NEW)
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert await _agents(stack) == {OLD: None, NEW: agent}


async def test_two_names_that_change_numbers_leave_nobody_unreachable(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    second = files[LINE].replace("main-line", "night-line").replace("front-desk", "night-desk")
    files["numbers/night-line.yaml"] = second.replace(OLD, NEW)
    files["agents/night-desk.yaml"] = texts.agent("night-desk")
    stack = await make_stack(files)
    await _buy(stack, NEW)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        day, night = await _agent(stack, "front-desk"), await _agent(stack, "night-desk")
        assert await _agents(stack) == {OLD: day, NEW: night}
        stack.push({LINE: files[LINE].replace(OLD, NEW), "numbers/night-line.yaml": second})
        await stack.sync()

        async def changed() -> bool:
            return await _agents(stack) == {OLD: night, NEW: day}

        await stack.until(changed)
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert await changed()


async def test_calls_to_the_number_a_name_had_do_not_come_to_us_any_more(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    files[LINE] = files[LINE].replace("routing: native", f"{BRIDGE}, takeover: true")
    stack = await make_stack(files)
    stack.public_url = PUBLIC_URL
    await _buy(stack, NEW)
    theirs = "https://switchboard.example.com/voice"
    async with stack.working():
        await stack.twilio.control("edit", {"phone_number": OLD, "fields": {"VoiceUrl": theirs}})
        assert (await stack.sync()).state == "Succeeded"
        told = (await _at_carrier(stack, OLD))["voice_url"]
        assert told.startswith(PUBLIC_URL)
        stack.push({LINE: files[LINE].replace(OLD, NEW)})
        assert (await stack.sync()).state == "Succeeded"
        left, now = await _at_carrier(stack, OLD), await _at_carrier(stack, NEW)
        assert now["voice_url"] == told
        assert (left["voice_url"], left["voice_fallback_url"] or "") == (theirs, "")
        assert not left["status_callback"]
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert (await stack.sweep()).drifted == 0
