"""A WebSocket client sees what happens in a project and its calls: all of it, in order, once."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live.conftest import DEADLINE_S
from tests.live.happenings import new
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.events import EventName
from trunkline.model.calls.records import CallRecord
from trunkline.model.records import EventRecord

NewCall = Callable[..., Awaitable[CallRecord]]
Stream = Callable[..., connect]


@pytest.fixture
def stream(server: Any) -> Stream:
    """Opens a WebSocket below the project."""
    opened: Stream = server.stream
    return opened


async def messages(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """So many messages that are no heart-beats."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            message = json.loads(await socket.recv())
            found += [message] if message["type"] != "heartbeat" else []
    return found


async def place_of_now(stream: Stream) -> int:
    """The id of what happened last."""
    async with stream("events", "viewer") as socket:
        return int((await messages(socket, 1))[0]["id"])


async def test_all_nine_events_of_a_conversation_are_seen_in_order(
    store: PostgresStore, new_call: NewCall, stream: Stream
) -> None:
    call = await new_call()
    names = get_args(EventName)
    before, after = names[:4], names[4:]
    await store.add_call_events("acme", call.id, [new(name, text=name) for name in before])
    async with stream(f"events?call={call.id}", "viewer") as socket:
        begun, *replayed = await messages(socket, 1 + len(before))
        assert begun["type"] == "stream_begun"
        for name in after:
            await store.add_call_events("acme", call.id, [new(name, text=name)])
        seen = replayed + await messages(socket, len(after))
    assert tuple(message["type"] for message in seen) == names
    assert [message["seq"] for message in seen] == list(range(1, 10))
    assert [message["data"]["text"] for message in seen] == list(names)
    assert {message["call"] for message in seen} == {call.id}
    ids = [message["id"] for message in seen]
    assert ids == sorted(set(ids))


async def test_a_stream_without_a_number_begins_now(
    store: PostgresStore, new_call: NewCall, stream: Stream
) -> None:
    call = await new_call()
    await store.add_call_events("acme", call.id, [new("user_transcript", text="earlier")])
    async with stream("events", "viewer") as socket:
        await messages(socket, 1)
        await store.add_call_events("acme", call.id, [new("agent_response", text="now")])
        assert (await messages(socket, 1))[0]["data"] == {"text": "now"}


async def test_project_and_calls_are_one_story_that_is_resumed_at_any_place(
    store: PostgresStore, new_call: NewCall, stream: Stream
) -> None:
    call = await new_call()
    start = await place_of_now(stream)
    for number in range(10):
        await store.add_call_events("acme", call.id, [new("agent_response", text=str(number))])
        await store.add_events(
            [EventRecord(project="acme", reason="Synced", message=str(number), name="front-desk")]
        )
    async with stream(f"events?after={start}", "viewer") as socket:
        whole = (await messages(socket, 21))[1:]
    assert [message["type"] for message in whole] == ["agent_response", "project_event"] * 10
    for place in (0, 7, 12, 19):
        async with stream(f"events?after={whole[place]['id']}", "viewer") as socket:
            rest = await messages(socket, 20 - place)
            assert rest[0]["id"] == whole[place]["id"]
            assert rest[1:] == whole[place + 1 :]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("agent=night-desk", ["night", "changed"]),
        ("environment=production", ["night"]),
        ("environment=testing", ["day", "changed"]),
    ],
)
async def test_only_what_is_asked_for_is_sent(
    store: PostgresStore, new_call: NewCall, stream: Stream, query: str, expected: list[str]
) -> None:
    day = await new_call()
    night = await new_call(agent="night-desk", environment="production")
    async with stream(f"events?{query}", "viewer") as socket:
        await messages(socket, 1)
        await store.add_call_events("acme", day.id, [new("agent_response", text="day")])
        await store.add_call_events("acme", night.id, [new("agent_response", text="night")])
        event = EventRecord(
            project="acme",
            environment="testing",
            name="night-desk",
            reason="Synced",
            message="changed",
        )
        await store.add_events([event])
        found = await messages(socket, len(expected))
    assert [one.get("message") or one["data"]["text"] for one in found] == expected


async def test_nothing_is_lost_or_doubled_while_many_write_and_the_reader_comes_and_goes(
    store: PostgresStore, new_call: NewCall, stream: Stream, postgres_url: str
) -> None:
    calls = [await new_call() for _ in range(4)]
    after = await place_of_now(stream)
    per_call = 60

    async def write(call: CallRecord, held: PostgresStore) -> None:
        for number in range(per_call):
            await held.add_call_events("acme", call.id, [new("agent_response", n=number)])

    async with PostgresStore(postgres_url) as other:
        writing = asyncio.gather(
            *(write(call, (store, other)[index % 2]) for index, call in enumerate(calls))
        )
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(DEADLINE_S):
            while len(seen) < per_call * len(calls):
                async with stream(f"events?after={after}", "viewer") as socket:
                    await messages(socket, 1)
                    left = per_call * len(calls) - len(seen)
                    seen += await messages(socket, min(23, left))
                    after = seen[-1]["id"]
        await writing
    for call in calls:
        own = [message["seq"] for message in seen if message["call"] == call.id]
        assert own == list(range(1, per_call + 1))


async def test_whoever_speaks_on_a_stream_is_shown_out(stream: Stream) -> None:
    async with stream("events", "viewer") as socket:
        await messages(socket, 1)
        await socket.send("hello")
        with contextlib.suppress(ConnectionClosed):
            async for _ in socket:
                pass
        assert socket.close_code == 1003
