"""Calls the platform carried become records like any other, once each, joined by the call's id."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.calls.kept_calls import (
    AGENT,
    CALLER,
    ENVIRONMENT,
    NUMBER,
    PROJECT,
    Kept,
    kept_calls,
    phone_call,
    turn,
)
from tests.calls.rows import DIGEST, REVISION
from trunkline.model.calls.records import CallFilter, CallRecord

SID = "CA" + "1" * 32


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[Kept]:
    """One agent, one number, both simulators."""
    async with kept_calls(postgres_url) as opened:
        yield opened


async def records(world: Kept) -> tuple[CallRecord, ...]:
    return await world.store.calls(PROJECT, CallFilter(), limit=50)


async def test_a_call_of_the_platform_becomes_a_record(world: Kept) -> None:
    tools = [{"tool_name": "book_slot", "is_error": False, "request_id": "r1"}]
    conversation = await world.converse(
        termination_reason="Client disconnected: 1000",
        analysis={"call_successful": "success", "transcript_summary": "Wanted a table"},
        transcript=[
            turn("agent", "Good morning", 0, interrupted=True, original_message="Good morning all"),
            turn("user", "A table for two", 4),
            turn("agent", "Booked", 9, tool_results=tools),
        ],
    )
    report = await world.read()
    assert (report.count, report.details) == (1, "1 read")
    (found,) = await records(world)
    assert (found.agent, found.environment, found.routing) == (AGENT, ENVIRONMENT, "native")
    assert (found.version, found.revision, found.digest) == (7, REVISION, DIGEST)
    assert (found.from_number, found.to_number, found.number) == (CALLER, NUMBER, "main-line")
    assert (found.state, found.outcome, found.ended_by) == ("completed", "talked", "caller")
    assert (found.conversation_id, found.verdict) == (conversation, "success")
    assert found.summary == "Wanted a table"
    assert (found.carrier_account, found.carrier_call_id) == (world.account, SID)
    assert (found.talked, found.interruptions) == (timedelta(seconds=60), 1)
    events = await world.store.events_of(PROJECT, found.id, limit=50)
    assert [event.name for event in events] == [
        "conversation_started",
        "agent_response",
        "interruption",
        "agent_response_correction",
        "user_transcript",
        "tool_call",
        "agent_response",
        "connection_closed",
    ]
    told = await world.store.events(PROJECT, kind="call", limit=10)
    assert [event.reason for event in told] == ["CallCompleted"]


async def test_reading_again_changes_nothing(world: Kept) -> None:
    await world.converse(transcript=[turn("user", "Hello", 1)])
    await world.read()
    (before,) = await records(world)
    again = await world.read()
    assert again.count == 0
    assert await records(world) == (before,)
    assert len(await world.store.events_of(PROJECT, before.id, limit=50)) == 3


async def test_a_call_that_was_written_down_half_is_completed(world: Kept) -> None:
    await world.converse(transcript=[turn("user", "Hello", 1)])
    await world.read()
    (whole,) = await records(world)

    def half(record: CallRecord) -> CallRecord:
        lost = {"conversation_id": "", "state": "queued", "answered_at": None, "ended_at": None}
        return record.model_copy(update=lost)

    await world.store.change_call(PROJECT, whole.id, half)
    assert (await world.read()).count == 1
    assert await records(world) == (whole,)
    assert len(await world.store.events_of(PROJECT, whole.id, limit=50)) == 3


async def test_a_record_that_is_there_is_joined_by_the_carriers_id(world: Kept) -> None:
    registered = CallRecord(
        id="call_14155550100_registered",
        project=PROJECT,
        environment=ENVIRONMENT,
        agent=AGENT,
        routing="register-call",
        state="completed",
        carrier_account=world.account,
        carrier_call_id=SID,
        version=6,
        started_at=world.clock.now() - timedelta(seconds=90),
        answered_at=world.clock.now() - timedelta(seconds=89),
        ended_at=world.clock.now() - timedelta(seconds=30),
    )
    await world.store.open_call(registered)
    conversation = await world.converse(transcript=[turn("user", "Hello", 1)])
    await world.read()
    (found,) = await records(world)
    assert (found.id, found.version, found.routing) == (registered.id, 6, "register-call")
    assert (found.conversation_id, found.ended_at) == (conversation, registered.ended_at)
    assert len(await world.store.events_of(PROJECT, found.id, limit=50)) == 3


async def test_a_call_that_goes_on_is_read_once_it_is_over(world: Kept) -> None:
    conversation = await world.converse(status="in-progress", seconds_ago=600)
    await world.converse(phone_call=phone_call(call_sid="CA" + "2" * 32), seconds_ago=60)
    assert (await world.read()).count == 1
    world.clock.ahead = timedelta(minutes=10)
    assert (await world.read()).count == 0
    await world.converse(conversation_id=conversation, status="done", seconds_ago=600)
    assert (await world.read()).count == 1
    assert len(await records(world)) == 2


async def test_what_is_no_phone_call_of_ours_is_left_alone(world: Kept) -> None:
    await world.converse(phone_call=None)
    await world.converse(agent_id="agent_of_somebody_else")
    await world.configure(routing="bridge")
    assert await world.store.native_calls_read_until(PROJECT, ENVIRONMENT) is None
    assert (await world.read()).count == 0
    await world.configure(routing="native")
    assert (await world.read()).count == 0
    assert await records(world) == ()


async def test_what_was_said_is_redacted_before_it_is_kept(world: Kept) -> None:
    await world.configure(redact=["card-numbers", "phone-numbers"])
    await world.converse(
        transcript=[
            turn("user", "my card is 4111 1111 1111 1111", 1),
            turn("user", "or call (415) 555-2671, mail a@example.com", 2),
        ]
    )
    await world.read()
    (found,) = await records(world)
    assert found.redacted
    events = await world.store.events_of(PROJECT, found.id, limit=50)
    assert [event.data["text"] for event in events if event.name == "user_transcript"] == [
        "my card is [card number]",
        "or call [telephone number], mail a@example.com",
    ]


async def test_a_platform_that_does_not_answer_is_read_next_time(world: Kept) -> None:
    await world.converse()
    down = {"faults": [{"kind": "status-before", "route": None, "status": 500}]}
    assert (await world.elevenlabs.post("/_sim/faults", json=down)).is_success
    report = await world.read()
    assert report.count == 0
    assert report.details.startswith("0 read; production: ")
    await world.elevenlabs.delete("/_sim/faults")
    assert (await world.read()).count == 1
