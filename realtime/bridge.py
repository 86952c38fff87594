"""One call between its two legs: the carrier's media stream and an agent's line.

Three tasks a call and none a frame. The caller's frames wait in a short line, of which the oldest
goes first when the platform does not take them, because nobody answers what was said seconds ago.
The agent's audio is never dropped within a reply: while the carrier takes nothing, the platform is
not read. When the caller speaks into a reply, the carrier is told to forget what it has not played
before it hears anything else. Whatever ends one leg ends the call; who may end it is not decided.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from realtime.frames import Heard, Marked, Pressed, Stopped, StreamWriter
from realtime.playback import Playback
from realtime.story import Story
from realtime.streams import CarrierStream
from realtime.tracks import Taps
from trunkline.model.calls.limits import (
    CALLER_FRAMES_MAX,
    LEG_DEAD_S,
    LEG_LOOK_S,
    MARK_EVERY_MS,
    PLAY_OUT_MAX_S,
    PLAY_OUT_SLACK_S,
)
from trunkline.model.calls.lines import AgentAudio
from trunkline.model.calls.records import EndedBy
from trunkline.model.errors import CarrierLost, PlatformError, StreamMalformed, TrunklineError
from trunkline.model.testing.talk import CallerUnderstood, Ended, Interrupted, Opened, ToolAsked
from trunkline.ports.calls import AgentLine

BYTES_PER_MS = 8
"""µ-law at 8,000 Hz, the only way carriers code a stream."""
PIECE_BYTES = MARK_EVERY_MS * BYTES_PER_MS
"""What goes out at once: what a platform sends in one piece is heard in parts, too."""
Convert = Callable[[bytes], bytes]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallEnd:
    """Why a call is over. ``error`` is a PascalCase reason, "" if it ended as calls do;
    ``command`` is the one that ended it.
    """

    by: EndedBy
    words: str = ""
    error: str = ""
    transferred: bool = False
    command: int | None = None


UNFORESEEN_END = CallEnd("trunkline", "something unforeseen happened", "Unforeseen")


@dataclass(frozen=True, slots=True)
class Legs:
    """Both legs and what stands between their codings; None: passed on as it is."""

    stream: CarrierStream
    writer: StreamWriter
    line: AgentLine
    to_agent: Convert | None = None
    to_caller: Convert | None = None


class Bridge:
    """Carries one call until it ends. ``lost_frames`` are those of the caller nobody heard."""

    def __init__(self, legs: Legs, story: Story, taps: Taps) -> None:
        self._stream = legs.stream
        self._writer = legs.writer
        self._line = legs.line
        self._to_agent = legs.to_agent
        self._to_caller = legs.to_caller
        self._story = story
        self._taps = taps
        self._playback = Playback()
        self._played = asyncio.Event()
        self._frames: deque[bytes] = deque()
        self._frame_waits = asyncio.Event()
        self._next_number = 0
        self._in_turn = False
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._over: asyncio.Future[CallEnd] = loop.create_future()
        self._expected_end: CallEnd | None = None
        self._heard_at_s = loop.time()
        self._sending_since_s: float | None = None
        self._passing_since_s: float | None = None
        self.lost_frames = 0

    async def run(self, longest_s: float) -> CallEnd:
        """Carry the call until it ends, by whomever."""
        limit = self._loop.call_later(
            longest_s, self.end, CallEnd("limit", f"it lasted {longest_s:.0f} s, its limit")
        )
        work = (self._hear(), self._pass_on(), self._speak(), self._watch())
        tasks = [self._loop.create_task(self._until_broken(one)) for one in work]
        try:
            return await self._over
        finally:
            limit.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self, end: CallEnd) -> None:
        """It is over; whoever says so first is right."""
        if not self._over.done():
            self._over.set_result(end)

    def expect(self, end: CallEnd | None) -> None:
        """When the carrier ends its stream next, it is because of this; None: as usual."""
        self._expected_end = end

    @property
    def line(self) -> AgentLine:
        """The agent, to be told things."""
        return self._line

    async def _until_broken(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except CarrierLost as error:
            self.end(self._expected_end or CallEnd("carrier", error.message, error.reason))
        except StreamMalformed as error:
            self.end(CallEnd("carrier", error.message, error.reason))
        except PlatformError as error:
            self.end(CallEnd("platform", error.message, getattr(error, "why", error.reason)))
        except TrunklineError as error:
            self.end(CallEnd("trunkline", error.message, error.reason))
        except Exception:
            logger.exception("a call ends for a reason nobody foresaw")
            self.end(UNFORESEEN_END)

    async def _hear(self) -> None:
        """Take what the carrier sends, up to its end."""
        while True:
            message = await self._stream.next()
            if type(message) is Heard:
                if len(self._frames) >= CALLER_FRAMES_MAX:
                    await asyncio.sleep(0)  # a burst is passed on; what nobody takes is dropped
                self._take(message)
                if self._taps.open:
                    await self._taps.caller(message.content)
            elif isinstance(message, Marked):
                self._playback.marked(message.name)
                self._played.set()
            elif isinstance(message, Pressed):
                await self._line.inform(f"The caller pressed the key {message.key}.")
            elif isinstance(message, Stopped):
                self.end(self._expected_end or CallEnd("caller"))
                return

    def _take(self, heard: Heard) -> None:
        content = heard.content
        self._heard_at_s = self._loop.time()
        if heard.number > 0:
            if self._next_number and heard.number > self._next_number:
                self.lost_frames += heard.number - self._next_number
            self._next_number = heard.number + 1
        if len(self._frames) >= CALLER_FRAMES_MAX:
            self._frames.popleft()
            self.lost_frames += 1
        self._frames.append(content)
        self._frame_waits.set()
        self._story.caller_sounded(len(content) / BYTES_PER_MS)

    async def _pass_on(self) -> None:
        """Give the caller's frames to the agent, the oldest first."""
        frames, waits, convert = self._frames, self._frame_waits, self._to_agent
        while True:
            if not frames:
                waits.clear()
                await waits.wait()
            content = frames.popleft()
            if convert is not None:
                content = convert(content)
            if not content:
                continue
            self._passing_since_s = self._loop.time()
            await self._line.hear(content)
            self._passing_since_s = None

    async def _speak(self) -> None:
        """Give the caller what the agent says, and write down what happens, up to its end."""
        async for event in self._line.events():
            if type(event) is AgentAudio:
                await self._sound(event.content)
            elif isinstance(event, Interrupted):
                await self._interrupt()
            elif isinstance(event, Ended):
                await self._say_goodbye(event)
                return
            elif not isinstance(event, AgentAudio | Opened):
                self._story.told(event)
                if isinstance(event, CallerUnderstood):
                    self._in_turn = False
                elif isinstance(event, ToolAsked):
                    await self._refuse_tool(event)

    async def _sound(self, content: bytes) -> None:
        if self._to_caller is not None:
            content = self._to_caller(content)
        if not content:
            return
        if not self._in_turn:
            self._in_turn = True
            self._playback.begin()
        for at in range(0, len(content), PIECE_BYTES):
            await self._send_piece(content[at : at + PIECE_BYTES])

    async def _send_piece(self, content: bytes) -> None:
        duration_ms = len(content) / BYTES_PER_MS
        await self._send(self._writer.media(content))
        mark = self._playback.sent(duration_ms)
        if mark is not None:
            await self._send(self._writer.mark(mark))
        self._story.agent_sounded(duration_ms)
        if self._taps.open:
            self._taps.agent(content)

    async def _send(self, text: str) -> None:
        """Tell the carrier something, and let it be known since when it has not taken it."""
        self._sending_since_s = self._loop.time()
        await self._stream.send(text)
        self._sending_since_s = None

    async def _interrupt(self) -> None:
        """Let the carrier forget what it has not played; what comes next belongs to a new turn."""
        await self._send(self._writer.clear)
        self._taps.cut()
        self._in_turn = False
        self._story.interrupted(self._playback.cut())

    async def _refuse_tool(self, event: ToolAsked) -> None:
        """Nobody at a telephone answers a tool; the agent should know at once."""
        await self._line.answer_tool(
            event.call_id, "This tool is not available in a telephone call.", is_error=True
        )

    async def _say_goodbye(self, ended: Ended) -> None:
        """The agent has ended the call: its last words are played before anybody hangs up."""
        end = CallEnd("agent" if ended.by == "agent" else "platform", ended.reason)
        self._expected_end = end
        waiting_ms = self._playback.waiting_ms
        if waiting_ms > 0:
            await self._send(self._writer.mark(self._playback.mark()))
            within_s = min(waiting_ms / 1000 + PLAY_OUT_SLACK_S, PLAY_OUT_MAX_S)
            await self._play_out(self._loop.time() + within_s)
        self.end(end)

    async def _play_out(self, until_s: float) -> None:
        while self._playback.waiting_ms > 0:
            self._played.clear()
            try:
                async with asyncio.timeout_at(until_s):
                    await self._played.wait()
            except TimeoutError:
                return

    async def _watch(self) -> None:
        """Notice a leg that is open and dead."""
        while True:
            await asyncio.sleep(LEG_LOOK_S)
            oldest_s = self._loop.time() - LEG_DEAD_S
            if self._heard_at_s < oldest_s:
                raise CarrierLost(f"the carrier sent nothing for {LEG_DEAD_S:.0f} s")
            if self._sending_since_s is not None and self._sending_since_s < oldest_s:
                raise CarrierLost(f"the carrier took nothing for {LEG_DEAD_S:.0f} s")
            if self._passing_since_s is not None and self._passing_since_s < oldest_s:
                raise PlatformError(f"the platform took nothing for {LEG_DEAD_S:.0f} s")
