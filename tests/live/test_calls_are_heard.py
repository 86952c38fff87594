"""Both sides of a call are heard as they are spoken, by those who may, and it is written down."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from realtime.hub import Hub
from tests.live.conftest import DEADLINE_S
from tests.live.happenings import new
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.records import CallRecord

NewCall = Callable[..., Awaitable[CallRecord]]
FRAMES = [bytes([number]) * 160 for number in range(1, 51)]


async def over(store: PostgresStore, call: CallRecord) -> None:
    """What the carrying process writes at the end."""
    await store.add_call_events("acme", call.id, [new("connection_closed")])


class Ear:
    """Everything a listener was sent: audio by track, and the other messages but heart-beats."""

    def __init__(self, socket: ClientConnection) -> None:
        self.audio = {"caller": b"", "agent": b""}
        self.others: list[Any] = []
        self._news = asyncio.Condition()
        self._hearing = asyncio.create_task(self._hear(socket))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what was sent."""
        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(lambda: self._hearing.done() or holds())
        assert holds()

    async def begun(self) -> None:
        """Wait until nothing that is spoken is missed any more."""
        await self.until(lambda: bool(self.others))

    async def end(self) -> None:
        """Wait until the server ends it."""
        await asyncio.wait_for(self._hearing, DEADLINE_S)

    async def _hear(self, socket: ClientConnection) -> None:
        async for message in socket:
            async with self._news:
                self._take(message)
                self._news.notify_all()

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.audio[("caller", "agent")[message[0]]] += message[1:]
            return
        document = json.loads(message)
        if document["type"] == "audio":
            self.audio[document["track"]] += base64.b64decode(document["audio"])
        elif document["type"] != "heartbeat":
            self.others.append(document)


@pytest.mark.parametrize("query", ["", "?format=json"])
async def test_a_listener_hears_both_sides_whole_and_in_order(
    server: Any, call: CallRecord, store: PostgresStore, hubs: Any, until: Any, query: str
) -> None:
    async with hubs() as bridge, server.stream(f"calls/{call.id}/listen{query}", "operator") as one:
        ear = Ear(one)

        async def listened() -> bool | None:
            return bridge.is_heard(call.id) or None

        assert await until(listened)
        for frame in FRAMES:
            await bridge.tell_sound(call.id, "caller", frame)
            await bridge.tell_sound(call.id, "agent", frame[::-1] * 2)
        whole = {"caller": b"".join(FRAMES), "agent": b"".join(frame * 2 for frame in FRAMES)}
        await ear.until(lambda: all(len(ear.audio[track]) >= len(whole[track]) for track in whole))
        await over(store, call)
        await ear.end()
    assert ear.audio == whole
    assert [message["type"] for message in ear.others] == ["listening_begun", "call_ended"]
    assert ear.others[0]["format"] == {"coding": "ulaw", "rate": 8000}
    assert ear.others[0]["tracks"] == ["caller", "agent"]
    assert one.close_code == 1000


async def test_who_listened_is_written_down_once(
    server: Any, call: CallRecord, store: PostgresStore
) -> None:
    async with server.stream(f"calls/{call.id}/listen", "operator") as socket:
        ear = Ear(socket)
        await over(store, call)
        await ear.end()
    async with server.person("admin") as admin:
        found = await admin.get(f"{server.url}/v1/audit", params={"action": "call.listen"})
    (row,) = found.json()["items"]
    assert (row["actor"], row["subject"]) == ("operator@example.com", call.id)


@pytest.mark.parametrize(
    ("who", "said", "held", "status", "problem"),
    [
        ("operator", {"routing": "native"}, True, 409, "not-available-in-native"),
        ("operator", {"state": "completed"}, True, 409, "call-over"),
        ("operator", {}, False, 409, "call-not-held"),
        ("viewer", {}, True, 403, "forbidden"),
        ("foreign", {}, True, 404, "not-found"),
    ],
)
async def test_who_may_not_hear_is_told_before_anything_is_opened(
    server: Any,
    new_call: NewCall,
    store: PostgresStore,
    who: str,
    said: dict[str, Any],
    held: bool,
    status: int,
    problem: str,
) -> None:
    call = await new_call(**said)
    if held:
        await store.hold_call("acme", call.id, "bridge-1")
    with pytest.raises(InvalidStatus) as caught:
        async with server.stream(f"calls/{call.id}/listen", who):
            pass
    response = caught.value.response
    assert response.status_code == status
    assert json.loads(response.body)["type"] == f"urn:trunkline:problem:{problem}"
    async with server.person("admin") as admin:
        found = await admin.get(f"{server.url}/v1/audit", params={"action": "call.listen"})
    assert found.json()["items"] == []


async def test_many_listeners_hear_the_same(
    server: Any, call: CallRecord, store: PostgresStore
) -> None:
    hub: Hub = server.hub
    sockets = [await server.stream(f"calls/{call.id}/listen", "operator") for _ in range(20)]
    ears = [Ear(socket) for socket in sockets]
    for ear in ears:
        await ear.begun()
    for frame in FRAMES:
        await hub.tell_sound(call.id, "caller", frame)
    await over(store, call)
    for ear in ears:
        await ear.end()
        assert ear.audio["caller"] == b"".join(FRAMES)
    await asyncio.gather(*(socket.close() for socket in sockets))
