"""Slots, commands, recordings, and what retention takes away."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.context import SlotEdit
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import NotFound
from trunkline.model.errors.calls import SlotChanged

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
CALL = CallRecord(
    id="call_1_a",
    project="acme",
    environment="production",
    agent="front-desk",
    state="in-progress",
    started_at=NOW,
)
PLACE = ("acme", "call_1_a")


async def test_two_people_change_two_slots_at_once(store: PostgresStore) -> None:
    await store.open_call(CALL)
    edits = [SlotEdit(slot=f"slot-{n}", value=str(n), replaces=0) for n in range(8)]
    await asyncio.gather(*(store.edit_slots(*PLACE, [one], by="ada", now=NOW) for one in edits))
    found = await store.slots(*PLACE)
    assert {one.slot: one.value for one in found} == {one.slot: one.value for one in edits}
    assert {one.revision for one in found} == {1}


async def test_of_edits_that_name_what_they_replace_one_wins(store: PostgresStore) -> None:
    await store.open_call(CALL)
    first = SlotEdit(slot="mood", value="calm", replaces=0)
    other = SlotEdit(slot="hours", value="9-18")
    answers = await asyncio.gather(
        *(store.edit_slots(*PLACE, [other, first], by=f"p{n}", now=NOW) for n in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, SlotChanged) for one in answers) == 3
    assert {one.slot: one.revision for one in await store.slots(*PLACE)} == {"mood": 1, "hours": 1}
    gone = await store.edit_slots(*PLACE, [SlotEdit(slot="mood")], by="ada", now=NOW)
    assert [(one.slot, one.value, one.revision) for one in gone] == [
        ("hours", "9-18", 1),
        ("mood", None, 2),
    ]
    with pytest.raises(NotFound):
        await store.edit_slots("acme", "call_1_z", [other], by="ada", now=NOW)


async def test_what_the_agent_was_told_is_marked_by_revision(store: PostgresStore) -> None:
    await store.open_call(CALL)
    for value in ("calm", "angry"):
        edit = SlotEdit(slot="mood", value=value)
        await store.edit_slots(*PLACE, [edit], by="ada", now=NOW)
    await store.slots_given(*PLACE, {"mood": 1}, NOW)
    assert (await store.slots(*PLACE))[0].given_at is None
    await store.slots_given(*PLACE, {"mood": 2}, NOW)
    await store.slots_given(*PLACE, {"mood": 2}, NOW + timedelta(minutes=1))
    assert (await store.slots(*PLACE))[0].given_at == NOW


async def test_the_first_word_about_a_command_stays(store: PostgresStore) -> None:
    await store.open_call(CALL)
    asked = CallCommand(
        project="acme",
        call="call_1_a",
        kind="transfer",
        body={"to": "+15005550001", "summary": "a NUL \0"},
        asked_by="ada",
        asked_at=NOW,
    )
    first, second = await store.put_command(asked), await store.put_command(asked)
    assert first.body["summary"] == "a NUL \ufffd"
    assert await store.open_commands(*PLACE) == (first, second)
    await store.conclude_command(first.id, NOW, "the call was over")
    await store.conclude_command(first.id, NOW + timedelta(minutes=1), "")
    told = await store.command("acme", first.id)
    assert told is not None
    assert (told.done_at, told.failure) == (NOW, "the call was over")
    assert await store.open_commands(*PLACE) == (second,)
    assert await store.command("beta", first.id) is None
    with pytest.raises(NotFound):
        await store.put_command(asked.model_copy(update={"call": "call_1_z"}))


async def test_a_recording_is_read_in_order(store: PostgresStore) -> None:
    await store.open_call(CALL)
    for part in reversed(range(30)):
        await store.add_recording(*PLACE, part, bytes([part]) * 40, bytes([part + 100]) * 40)
    await store.add_recording(*PLACE, 0, b"late", b"late")
    parts = [one async for one in store.recording(*PLACE)]
    assert [caller[0] for caller, _ in parts] == list(range(30))
    assert parts[0] == (b"\0" * 40, b"d" * 40)
    assert await store.recorded_samples(*PLACE) == 30 * 40
    for first in (1, 39, 40, 41, 25 * 40, 30 * 40 - 1, 30 * 40, 9_999):
        rest = [one async for one in store.recording(*PLACE, first=first)]
        for track in (0, 1):
            whole = b"".join(one[track] for one in parts)
            assert b"".join(one[track] for one in rest) == whole[first:]
    with pytest.raises(NotFound):
        await store.add_recording("acme", "call_1_z", 0, b"", b"")


async def test_what_is_old_is_forgotten_and_the_record_stays(store: PostgresStore) -> None:
    ended = CALL.model_copy(
        update={
            "state": "completed",
            "ended_at": NOW + timedelta(minutes=3),
            "summary": "asked for a slot",
            "context": {"mood": "calm"},
            "recorded": True,
        }
    )
    for record in (ended, CALL.model_copy(update={"id": "call_1_b"})):
        await store.open_call(record)
        place = ("acme", record.id)
        said = NewEvent(name="user_transcript", at=NOW, data={"text": "hello"})
        await store.add_call_events(*place, [said])
        await store.edit_slots(*place, [SlotEdit(slot="mood", value="x")], by="ada", now=NOW)
        await store.add_recording(*place, 0, b"a", b"b")
    later, never = NOW + timedelta(days=1), NOW - timedelta(days=1)
    sound = await store.forget_calls(
        "acme", transcripts_before=never, recordings_before=later, limit=10
    )
    assert sound == (0, 1)
    assert await store.events_of(*PLACE, limit=10)
    words = await store.forget_calls(
        "acme", transcripts_before=later, recordings_before=later, limit=10
    )
    assert words == (1, 0)
    assert await store.events_of(*PLACE, limit=10) == ()
    assert await store.slots(*PLACE) == ()
    assert await store.recorded_samples(*PLACE) == 0
    update: dict[str, object] = {"summary": "", "context": {}, "recorded": False}
    assert await store.call(*PLACE) == ended.model_copy(update=update)
    assert await store.events_of("acme", "call_1_b", limit=10)
    assert await store.recorded_samples("acme", "call_1_b") == 1


async def test_reading_native_calls_goes_on_and_never_back(store: PostgresStore) -> None:
    assert await store.native_calls_read_until("acme", "production") is None
    for until in (NOW, NOW - timedelta(hours=1)):
        await store.put_native_calls_read_until("acme", "production", until)
    assert await store.native_calls_read_until("acme", "production") == NOW
