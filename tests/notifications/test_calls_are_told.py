"""Programs are told of every call and its end, once each; nobody is who did not ask."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tests.notifications.receivers import HookServer
from tests.notifications.worlds import PROJECT, SECRET, World
from trunkline.model.calls.news import call_news
from trunkline.model.calls.records import CallRecord

SIGNED = {"secret": "TRUNKLINE_SECRET_ACME_HOOK"}


def ringing(name: str = "call_1_a", **more: object) -> CallRecord:
    """A call that nobody answered yet."""
    return CallRecord.model_validate(
        {
            "id": name,
            "project": PROJECT,
            "environment": "testing",
            "agent": "front-desk",
            "state": "ringing",
            "from_number": "+15005550009",
            "started_at": datetime.now(UTC) - timedelta(seconds=90),
            **more,
        }
    )


def answered(record: CallRecord) -> CallRecord:
    return record.model_copy(update={"state": "in-progress", "answered_at": record.started_at})


def ended(record: CallRecord) -> CallRecord:
    assert record.started_at is not None
    at = record.started_at + timedelta(seconds=90)
    over = {"state": "completed", "ended_at": at, "ended_by": "caller"}
    return record.model_copy(update=over)


@pytest.mark.slow
async def test_a_program_is_told_of_the_answer_and_the_end(world: World, hooks: HookServer) -> None:
    await world.configure(
        {"type": "webhook", "url": hooks.url, "secret": SIGNED, "events": ["calls"]}
    )
    async with world.delivering(), world.telling():
        await world.store.open_call(ringing())
        for count, change in ((1, answered), (2, ended)):
            for _ in range(2):
                await world.store.change_call(PROJECT, "call_1_a", change)
            await world.settled(count)
    started, completed = [Webhook(SECRET).verify(r.body, r.headers) for r in hooks.received]
    assert (started["type"], completed["type"]) == ("call.started", "call.completed")
    said = completed["data"]["call"]
    assert (said["call"], said["agent"], said["outcome"]) == ("call_1_a", "front-desk", "talked")
    assert said["durationS"] == 90
    address = f"https://trunkline.example.com/v1/projects/{PROJECT}/calls/call_1_a"
    assert said["links"]["transcript"] == f"{address}/transcript"
    assert completed["data"]["url"] == address


@pytest.mark.slow
async def test_no_call_is_summed_up_and_none_crowds_out_what_else_happens(
    world: World, hooks: HookServer
) -> None:
    await world.configure(
        {"type": "webhook", "url": f"{hooks.url}/calls", "events": ["calls", "promotion"]},
        {"type": "webhook", "url": f"{hooks.url}/all"},
    )
    async with world.delivering(), world.telling():
        for number in range(30):
            await world.store.open_call(ended(answered(ringing(f"call_1_{number}"))))
        await world.happen("GateFailed")
        await world.settled(32)
    told = [each.json["type"] for each in hooks.received if each.path == "/calls"]
    assert sorted(told) == ["call.completed"] * 30 + ["promotion.gate-failed"]
    assert [each.json["type"] for each in hooks.received if each.path == "/all"] == [
        "promotion.gate-failed"
    ]


NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def reasons(before: CallRecord | None, after: CallRecord, now: datetime = NOW) -> list[str]:
    return [event.reason for event in call_news(before, after, now)]


def test_news_is_of_steps_a_call_makes_once() -> None:
    call = ringing(started_at=NOW)
    live = answered(call)
    gone = live.model_copy(update={"transferred_to": "+15005550001"})
    over = gone.model_copy(update={"state": "completed", "ended_at": NOW})
    assert reasons(None, call) == []
    assert reasons(call, live) == ["CallStarted"]
    assert reasons(live, live.model_copy(update={"lost_frames": 3})) == []
    assert reasons(live, gone) == ["CallTransferred"]
    assert reasons(gone, over) == ["CallCompleted"]
    assert reasons(over, over.model_copy(update={"settled": True})) == []


def test_a_call_that_came_to_nothing_has_failed_and_only_what_broke_is_a_warning() -> None:
    call = ringing(started_at=NOW)
    busy = call.model_copy(update={"state": "busy", "ended_at": NOW})
    broken = answered(call).model_copy(
        update={"state": "completed", "ended_at": NOW, "ended_by": "platform", "message": "gone"}
    )
    (quiet,) = call_news(call, busy, NOW)
    (loud,) = call_news(answered(call), broken, NOW)
    assert (quiet.reason, quiet.type) == ("CallFailed", "Normal")
    assert (loud.reason, loud.type) == ("CallFailed", "Warning")
    assert loud.message == "inbound call with front-desk ended after 0 s, dropped: gone"


def test_a_call_that_was_read_late_is_no_news() -> None:
    over = ringing(started_at=NOW, state="completed", ended_at=NOW)
    assert reasons(None, over, NOW + timedelta(minutes=59)) == ["CallFailed"]
    assert reasons(None, over, NOW + timedelta(minutes=61)) == []
