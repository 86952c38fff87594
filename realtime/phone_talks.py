"""A conversation under test over a telephone: our end of the call is the caller.

It is the same port every other conversation goes through, so that who drives a script cannot tell
the difference. What is said goes out as sound and what is heard comes back as sound; the agent's
words are those of its own side of the call. Knows no carrier and no script.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from realtime.far_sides import NORMAL, FarSide
from realtime.frames import Heard, Stopped, StreamWriter
from realtime.streams import CarrierStream
from trunkline.model.base import Json
from trunkline.model.calls.limits import LEG_DEAD_S
from trunkline.model.errors import (
    CarrierLost,
    ConversationLost,
    InvalidInput,
    PlatformError,
    StreamMalformed,
)
from trunkline.model.testing.placed import PHONE_END_NEWS_S
from trunkline.model.testing.talk import AgentSounded, Ended, Sound, TalkEvent, TalkRequest
from trunkline.ports.talking import MakeTelephone, Telephone
from trunkline.talk_events import TalkEvents

UNSPEAKABLE = "a telephone call carries sound and nothing else"


class PhoneTalk:
    """``ports.Talk`` over one media stream. Reading waits while nobody takes events."""

    def __init__(
        self, stream: CarrierStream, writer: StreamWriter, far: FarSide, telephone: Telephone
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._far = far
        self._telephone = telephone
        self._events = TalkEvents()
        self._end: Ended | PlatformError | None = None
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def conversation_id(self) -> str:
        """The platform's id; "" before the agent's side is known."""
        return self._far.conversation_id

    def begin(self) -> None:
        """Speak and listen from now on."""
        for work in (self._speak(), self._hear(), self._follow()):
            self._tasks.append(asyncio.create_task(self._until_broken(work)))

    def events(self) -> AsyncIterator[TalkEvent]:
        """What happens, up to ``Ended``. Raises ConversationRefused, ConversationLost instead."""
        return self._events.followed()

    async def say(self, text: str) -> None:
        """Words without sound are nothing here. Raises InvalidInput."""
        del text
        raise InvalidInput(UNSPEAKABLE)

    async def play(self, sound: Sound) -> None:
        """Say it, frame by frame; returns when it has been sent."""
        self._check()
        await self._telephone.play(sound)
        self._check()

    async def press(self, keys: str) -> None:
        """The tones of keys, as a telephone sends them."""
        self._check()
        await self._telephone.press(keys)

    async def inform(self, text: str) -> None:
        """Nobody can be told anything beside the line. Raises InvalidInput."""
        del text
        raise InvalidInput(UNSPEAKABLE)

    async def answer_tool(self, call_id: str, answer: Json, *, is_error: bool) -> None:
        """The bridge has refused the tool already. Raises InvalidInput."""
        del call_id, answer, is_error
        raise InvalidInput(UNSPEAKABLE)

    async def hang_up(self) -> None:
        """Put down the receiver."""
        await self._finish(Ended(by="caller", code=NORMAL))
        await self._stream.close()

    async def close(self) -> None:
        """End every task and the stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stream.close()

    async def _until_broken(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PlatformError as error:
            await self._finish(error)
        except StreamMalformed as error:
            await self._finish(ConversationLost(error.message, why=error.reason))

    async def _speak(self) -> None:
        async def send(frame: bytes) -> None:
            await self._stream.send(self._writer.media(frame))

        with suppress(CarrierLost):  # a line that ends takes nothing more; who hears it knows why
            await self._telephone.run(send)

    async def _hear(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LEG_DEAD_S):
                    message = await self._stream.next()
            except TimeoutError:
                self._lose(f"the carrier sent nothing for {LEG_DEAD_S:.0f} s", "Silent")
            if type(message) is Heard:
                sound = self._telephone.heard(message.content)
                if sound is not None:
                    await self._events.put(AgentSounded(sound=sound))
            elif isinstance(message, Stopped):
                break
        with suppress(TimeoutError):
            async with asyncio.timeout(PHONE_END_NEWS_S):
                await self._over.wait()
        self._lose("the call ended, and nobody said why", "CallEnded")

    async def _follow(self) -> None:
        async for event in self._far.events():
            if not isinstance(event, Ended):
                await self._events.put(event)
            elif event.by == "agent" or self._end is not None:
                await self._finish(event)
            else:
                self._lose("the call was cut off", "CutOff")

    async def _finish(self, end: Ended | PlatformError) -> None:
        """It is over; whoever says so first is right."""
        if self._end is None:
            self._end = end
            self._over.set()
            await self._events.put(end)

    def _check(self) -> None:
        if self._end is not None:
            cause = self._end if isinstance(self._end, PlatformError) else None
            raise ConversationLost("the conversation is over", why="Over") from cause

    def _lose(self, words: str, why: str) -> NoReturn:
        raise ConversationLost(words, why=why)


class PhoneTalks:
    """``ports.Talks`` of one call that is there already: it can be opened once."""

    def __init__(
        self, stream: CarrierStream, writer: StreamWriter, far: FarSide, make: MakeTelephone
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._far = far
        self._make = make

    @asynccontextmanager
    async def open(self, request: TalkRequest) -> AsyncIterator[PhoneTalk]:
        """Pick up; the call is over when the block ends, whatever happens."""
        telephone = self._make(request.background)
        talk = PhoneTalk(self._stream, self._writer, self._far, telephone)
        talk.begin()
        try:
            yield talk
        finally:
            await talk.close()

    async def in_progress(self) -> int:
        """This one."""
        return 1

    async def concurrency(self) -> int | None:
        """A call says nothing about that."""
        return None

    async def variables(self, conversation_id: str) -> dict[str, Json] | None:
        """Whoever placed the call asks the platform."""
        del conversation_id
        return None
