"""Calls the platform carried become records like any other, once each, joined by the call's id."""

from datetime import timedelta

from tests.calls.kept_calls import (
    AGENT,
    CALLER,
    ENVIRONMENT,
    NUMBER,
    PROJECT,
    Kept,
    phone_call,
    turn,
)
from tests.calls.rows import DIGEST, REVISION
from trunkline.model.calls.records import CallFilter, CallRecord

SID = "CA" + "1" * 32


async def records(kept: Kept) -> tuple[CallRecord, ...]:
    return await kept.store.calls(PROJECT, CallFilter(), limit=50)


async def test_a_call_of_the_platform_becomes_a_record(kept: Kept) -> None:
    tools = [{"tool_name": "book_slot", "is_error": False, "request_id": "r1"}]
    conversation = await kept.converse(
        termination_reason="Client disconnected: 1000",
        analysis={"call_successful": "success", "transcript_summary": "Wanted a table"},
        transcript=[
            turn("agent", "Good morning", 0, interrupted=True, original_message="Good morning all"),
            turn("user", "A table for two", 4),
            turn("agent", "Booked", 9, tool_results=tools),
        ],
    )
    report = await kept.read()
    assert (report.count, report.details) == (1, "1 read")
    (found,) = await records(kept)
    assert (found.agent, found.environment, found.routing) == (AGENT, ENVIRONMENT, "native")
    assert (found.version, found.revision, found.digest) == (7, REVISION, DIGEST)
    assert (found.from_number, found.to_number, found.number) == (CALLER, NUMBER, "main-line")
    assert (found.state, found.outcome, found.ended_by) == ("completed", "talked", "caller")
    assert (found.conversation_id, found.verdict) == (conversation, "success")
    assert found.summary == "Wanted a table"
    assert (found.carrier_account, found.carrier_call_id) == (kept.account, SID)
    assert (found.talked, found.interruptions) == (timedelta(seconds=60), 1)
    events = await kept.store.events_of(PROJECT, found.id, limit=50)
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
    told = await kept.store.events(PROJECT, kind="call", limit=10)
    assert [event.reason for event in told] == ["CallCompleted"]


async def test_reading_again_changes_nothing(kept: Kept) -> None:
    await kept.converse(transcript=[turn("user", "Hello", 1)])
    await kept.read()
    (before,) = await records(kept)
    again = await kept.read()
    assert again.count == 0
    assert await records(kept) == (before,)
    assert len(await kept.store.events_of(PROJECT, before.id, limit=50)) == 3


async def test_a_call_that_was_written_down_half_is_completed(kept: Kept) -> None:
    await kept.converse(transcript=[turn("user", "Hello", 1)])
    await kept.read()
    (whole,) = await records(kept)

    def half(record: CallRecord) -> CallRecord:
        lost = {"conversation_id": "", "state": "queued", "answered_at": None, "ended_at": None}
        return record.model_copy(update=lost)

    await kept.store.change_call(PROJECT, whole.id, half)
    assert (await kept.read()).count == 1
    assert await records(kept) == (whole,)
    assert len(await kept.store.events_of(PROJECT, whole.id, limit=50)) == 3


async def test_a_record_that_is_there_is_joined_by_the_carriers_id(kept: Kept) -> None:
    registered = CallRecord(
        id="call_14155550100_registered",
        project=PROJECT,
        environment=ENVIRONMENT,
        agent=AGENT,
        routing="register-call",
        state="completed",
        carrier_account=kept.account,
        carrier_call_id=SID,
        version=6,
        started_at=kept.clock.now() - timedelta(seconds=90),
        answered_at=kept.clock.now() - timedelta(seconds=89),
        ended_at=kept.clock.now() - timedelta(seconds=30),
    )
    await kept.store.open_call(registered)
    conversation = await kept.converse(transcript=[turn("user", "Hello", 1)])
    await kept.read()
    (found,) = await records(kept)
    assert (found.id, found.version, found.routing) == (registered.id, 6, "register-call")
    assert (found.conversation_id, found.ended_at) == (conversation, registered.ended_at)
    assert len(await kept.store.events_of(PROJECT, found.id, limit=50)) == 3


async def test_a_call_that_goes_on_is_read_once_it_is_over(kept: Kept) -> None:
    conversation = await kept.converse(status="in-progress", seconds_ago=600)
    await kept.converse(phone_call=phone_call(call_sid="CA" + "2" * 32), seconds_ago=60)
    assert (await kept.read()).count == 1
    kept.clock.ahead = timedelta(minutes=10)
    assert (await kept.read()).count == 0
    await kept.converse(conversation_id=conversation, status="done", seconds_ago=600)
    assert (await kept.read()).count == 1
    assert len(await records(kept)) == 2


async def test_what_is_no_phone_call_of_ours_is_left_alone(kept: Kept) -> None:
    await kept.converse(phone_call=None)
    await kept.converse(agent_id="agent_of_somebody_else")
    await kept.configure(routing="bridge")
    assert await kept.store.native_calls_read_until(PROJECT, ENVIRONMENT) is None
    assert (await kept.read()).count == 0
    await kept.configure(routing="native")
    assert (await kept.read()).count == 0
    assert await records(kept) == ()


async def test_what_was_said_is_redacted_before_it_is_kept(kept: Kept) -> None:
    await kept.configure(redact=["card-numbers", "phone-numbers"])
    await kept.converse(
        transcript=[
            turn("user", "my card is 4111 1111 1111 1111", 1),
            turn("user", "or call (415) 555-2671, mail a@example.com", 2),
        ]
    )
    await kept.read()
    (found,) = await records(kept)
    assert found.redacted
    events = await kept.store.events_of(PROJECT, found.id, limit=50)
    assert [event.data["text"] for event in events if event.name == "user_transcript"] == [
        "my card is [card number]",
        "or call [telephone number], mail a@example.com",
    ]


async def test_a_platform_that_does_not_answer_is_read_next_time(kept: Kept) -> None:
    await kept.converse()
    down = {"faults": [{"kind": "status-before", "route": None, "status": 500}]}
    assert (await kept.elevenlabs.post("/_sim/faults", json=down)).is_success
    report = await kept.read()
    assert report.count == 0
    assert report.details.startswith("0 read; production: ")
    await kept.elevenlabs.delete("/_sim/faults")
    assert (await kept.read()).count == 1
