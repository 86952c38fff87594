"""WebSocket ``P/calls/{call}/listen``: both sides of a call as they are spoken.

Hearing people is more than reading what happened: it needs a right of its own, is written down
with the listener's name before the first sound, and ends when the right does.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from starlette.websockets import WebSocket

from realtime.backlogs import SoundBacklog
from realtime.doors import Door, Visit
from realtime.hub import Hub, Sound
from realtime.messages import TRACKS, AudioHeard, CallEnded, Heartbeat, ListeningBegun
from realtime.one_way import NORMAL, Closing, OneWay
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import InvalidInput, StoreUnavailable
from trunkline.ports.calls import Calls
from trunkline.services.call_control import CallControlService

_TURN_S = 0.25
"""The end of a call is noticed that late if nothing is heard any more."""
_PAUSE_S = 0.5
_REST_MAX_S = 3.0
"""Of sound that still comes after the end, so that a stream ends with its call."""

Frames = Literal["binary", "json"]


@dataclass(frozen=True, slots=True)
class ListeningStreams:
    """The endpoint."""

    door: Door
    hub: Hub
    calls: Calls
    control: CallControlService

    async def open(self, websocket: WebSocket) -> None:
        """Serve one listener."""

        async def serve(visit: Visit) -> None:
            frames = _frames(websocket)
            call_id = str(websocket.path_params["call"])
            record = await self.control.require_audible(visit.caller, visit.project, call_id)
            with self.door.place(visit):
                await self.control.note_listener(visit.caller, record)
                await self._serve(OneWay(websocket, visit, self.door), record, frames)

        await self.door.admit(websocket, serve)

    async def _serve(self, stream: OneWay, record: CallRecord, frames: Frames) -> None:
        async def still(visit: Visit) -> None:
            await self.control.require_audible(visit.caller, record.project, record.id)

        async def work() -> Closing:
            async with self._until_over(record) as over, self.hub.sound_backlog(record.id) as sound:
                begun = _begun(record, frames, self.door.heartbeat_s)
                await stream.send(begun.document())
                idle_s = 0.0
                while not over.is_set():
                    heard = await _sent(stream, sound, frames)
                    idle_s = 0.0 if heard else idle_s + _TURN_S
                    if idle_s >= self.door.heartbeat_s:
                        await stream.send(Heartbeat().document())
                        idle_s = 0.0
                    if closing := await stream.checked(still):
                        return closing
                await _rest_sent(stream, sound, frames)
                await stream.send(CallEnded(call=record.id).document())
                return Closing(NORMAL, "the call has ended")

        await stream.run(work)

    @asynccontextmanager
    async def _until_over(self, record: CallRecord) -> AsyncIterator[asyncio.Event]:
        """Set once the call is over."""
        over = asyncio.Event()
        watching = asyncio.create_task(self._watch(record, over), name=f"end of {record.id}")
        try:
            yield over
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, record: CallRecord, over: asyncio.Event) -> None:
        async with self.hub.news(record.project) as news:
            async for one in news:
                if one is None:
                    if await self._is_over(record):
                        over.set()
                elif one.call == record.id and one.name == "connection_closed":
                    over.set()

    async def _is_over(self, record: CallRecord) -> bool:
        with contextlib.suppress(StoreUnavailable):
            found = await self.calls.call(record.project, record.id)
            return found is None or found.is_over
        return False


async def _rest_sent(stream: OneWay, sound: SoundBacklog[Sound], frames: Frames) -> None:
    """Send what was spoken last: it is told a moment after it was said."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_REST_MAX_S):
            while await _sent(stream, sound, frames, within_s=_PAUSE_S):
                pass


async def _sent(
    stream: OneWay, sound: SoundBacklog[Sound], frames: Frames, *, within_s: float = _TURN_S
) -> bool:
    """Send what was heard, waiting a moment for something; False if there was nothing."""
    heard = await sound.taken(within_s=within_s)
    for track, content in heard:
        if track in TRACKS and frames == "binary":
            await stream.send(bytes([TRACKS.index(track)]) + content)
        elif track in TRACKS:
            text = base64.b64encode(content).decode()
            await stream.send(AudioHeard(track=track, audio=text).document())
    return bool(heard)


def _begun(record: CallRecord, frames: Frames, heartbeat_s: float) -> ListeningBegun:
    return ListeningBegun(
        call=record.id,
        environment=record.environment,
        agent=record.agent,
        started_at=record.started_at,
        answered_at=record.answered_at,
        frames=frames,
        heartbeat_s=heartbeat_s,
    )


def _frames(websocket: WebSocket) -> Frames:
    wanted = websocket.query_params.get("format", "binary")
    if wanted == "json":
        return "json"
    if wanted == "binary":
        return "binary"
    raise InvalidInput("format is binary or json")
