"""What happens in one conversation, written down as lines while it happens.

Three sources meet here: what the platform says, what the tool gateway took down at its desk, and
the caller's side itself. A call at the desk is fetched before whatever the platform says next is
written, so that lines keep the order things happened in. What a line is worth is not decided here.
"""

import asyncio
from bisect import insort_right
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from trunkline.model.base import JsonObject
from trunkline.model.errors import PlatformError
from trunkline.model.testing.desks import DeskCall
from trunkline.model.testing.limits import DESK_POLL_S, SOUND_FRAME_MS, TOOL_TIMEOUT_S
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.sounds import Levels, Playback, Span, voiced
from trunkline.model.testing.stubs import Answer, choose
from trunkline.model.testing.talk import (
    AgentCorrected,
    AgentSaid,
    AgentSounded,
    CallerUnderstood,
    Ended,
    Interrupted,
    Sound,
    TalkEvent,
    ToolAsked,
    ToolBegun,
    ToolDone,
)
from trunkline.model.testing.transcripts import Line, LineKind
from trunkline.model.testing.turns import TurnWatch
from trunkline.ports import Clock
from trunkline.ports.talking import Studio, Talk
from trunkline.ports.testing import Desks

AGENT_SOUND_MAX_S = 120.0
"""Of the agent's audio, what is kept for measuring its loudness; two minutes settle that."""
FAULTS: dict[str, str] = {
    "error": "the tool reported an error",
    "http503": "503 Service Unavailable",
    "malformed": '{"answer": ',
}
"""What a client tool answers for a fault; a time-out is no answer at all."""


class Course:
    """The lines of one conversation, as seen from when it was opened."""

    def __init__(
        self,
        talk: Talk,
        script: Script,
        *,
        clock: Clock,
        desks: Desks | None,
        desk_id: str,
        studio: Studio | None,
    ) -> None:
        self.lines: list[Line] = []
        self.trouble: PlatformError | None = None
        self.ended: Ended | None = None
        self.unreached = ""
        self.playback = Playback()
        self.caller_spans: list[Span] = []
        self.agent_sounds: list[Sound] = []
        self._talk = talk
        self._script = script
        self._stubs = script.spec.tools.stubs
        self._live = script.spec.tools.live
        self._desk = _Desk(desks, desk_id) if desks is not None and desk_id else None
        self._studio = studio
        self._turn = 0
        self._watches: list[TurnWatch] = []
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._opened_s = self._loop.time()
        self._opened_at = clock.now()
        self._calls: defaultdict[str, list[JsonObject]] = defaultdict(list)
        self._unanswered: list[tuple[str, str, DeskCall | None]] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._taken: list[DeskCall] = []
        self._errors: Counter[str] = Counter()
        self._kept_s = 0.0
        self._looked_s = 0.0

    @property
    def now_ms(self) -> int:
        """Since the conversation was opened."""
        return round((self._loop.time() - self._opened_s) * 1000)

    @property
    def over(self) -> bool:
        """True once it has ended, whoever ended it."""
        return self.ended is not None or self.trouble is not None

    @property
    def polls(self) -> bool:
        """True if calls of tools arrive at a desk."""
        return self._desk is not None

    @property
    def agent_speaks(self) -> bool:
        """True while the agent's audio sounds."""
        now_ms = self.now_ms
        return any(span.start_ms <= now_ms <= span.end_ms for span in self.playback.spans())

    def watch(self, *watches: TurnWatch) -> None:
        """From now on lines belong to the turn of these."""
        self._watches = [*watches]
        self._turn = watches[0].index

    def note(self, kind: LineKind, *, at_ms: int | None = None, **said: Any) -> Line:
        """Write a line down, now or at a time that has passed."""
        now_ms = self.now_ms
        at_ms = now_ms if at_ms is None else min(max(at_ms, 0), now_ms)
        line = Line(at_ms=at_ms, turn=self._turn, kind=kind, **said)
        insort_right(self.lines, line, key=lambda each: each.at_ms)
        for watch in self._watches:
            watch.observe(line)
        self._news.set()
        return line

    async def news(self, wait_s: float) -> None:
        """Wait until something was written, or for so long."""
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def listen(self) -> None:
        """Take everything the platform says until the end; the end itself is in the lines."""
        try:
            async for event in self._talk.events():
                await self._take(event)
        except PlatformError as error:
            self.trouble = error
            self.note("ended", by="platform", text=error.message)

    async def glance(self) -> None:
        """Look at the desk unless somebody did a moment ago: most calls are announced."""
        if self._loop.time() - self._looked_s >= DESK_POLL_S:
            await self.look()

    async def look(self) -> bool:
        """Fetch what the desk took down; True if that was anything."""
        if self._desk is None:
            return False
        self._looked_s = self._loop.time()
        calls = await self._desk.fresh()
        for call in calls:
            self._called(f"desk-{call.ordinal}", call, at_ms=self._at_ms(call.at))
        return bool(calls)

    def listen_to_sound(self) -> None:
        """Write down where the agent began or ceased to speak."""
        for change in self.playback.changes(self.now_ms):
            self.note(
                "agentStarted" if change.what == "started" else "agentStopped", at_ms=change.at_ms
            )

    def caller_sounds(self, levels: Levels, at_ms: int) -> None:
        """The caller's side plays a sound from now on."""
        self.caller_spans += voiced(levels, at_ms, at_ms + levels.duration_ms)

    async def close(self) -> None:
        """Answer no tool any more."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _take(self, event: TalkEvent) -> None:
        if isinstance(event, AgentSaid):
            await self.look()
            self._answered_by_reply()
            self.note("agentSaid", text=event.text)
        elif isinstance(event, AgentCorrected):
            self.note("agentCorrected", text=event.corrected)
        elif isinstance(event, AgentSounded):
            self._sounds(event.sound)
        elif isinstance(event, CallerUnderstood):
            self.note("callerHeard", text=event.text)
        elif isinstance(event, Interrupted):
            self.playback.cut(self.now_ms)
            self.note("interrupted")
        elif isinstance(event, ToolAsked):
            self._asked(event)
        elif isinstance(event, ToolBegun | ToolDone):
            await self._used(event)
        elif isinstance(event, Ended):
            await self.look()
            self.ended = event
            self.note("ended", by=event.by, text=event.reason)

    def _sounds(self, sound: Sound) -> None:
        if self._studio is None:
            return
        self.playback.hear(self.now_ms, self._studio.levels(sound))
        if self._kept_s < AGENT_SOUND_MAX_S:
            self.agent_sounds.append(sound)
            self._kept_s += sound.duration_s

    async def _used(self, event: ToolBegun | ToolDone) -> None:
        """A tool that somebody else answers; what a service was asked stands at the desk.

        Of the platform's own tools only those count that the agent was given by its manifest.
        """
        if event.place == "service":
            await self.look()
        if event.place == "platform":
            seen = self._script.function(event.tool) is not None
        else:
            seen = self._live and event.tool not in self._stubs
        if seen:
            known = any(line.call_id == event.call_id for line in self.lines)
            if not known:
                self.note("toolCalled", tool=event.tool, call_id=event.call_id)
            if isinstance(event, ToolDone):
                self.note(
                    "toolAnswered", tool=event.tool, call_id=event.call_id, is_error=event.is_error
                )
        elif isinstance(event, ToolDone) and event.place != "platform":
            self._done(event)

    def _done(self, event: ToolDone) -> None:
        waiting = next((each for each in self._unanswered if each[0] == event.tool), None)
        if waiting is not None:
            self._unanswered.remove(waiting)
            self._answered(*waiting, is_error=event.is_error)
        if event.place != "service" or not (event.called and event.is_error):
            return
        self._errors[event.tool] += 1
        calls = [call for call in self._taken if call.tool == event.tool]
        if self._errors[event.tool] > sum(self._fails(call) for call in calls):
            what = "the answer to" if waiting is not None else "the call of"
            whom = "the platform" if waiting is not None else "the tool gateway"
            self.unreached = f"{what} {event.tool} did not reach {whom}"
            self.note("noted", text=self.unreached)

    def _fails(self, call: DeskCall) -> bool:
        """True if the platform had to see an error, because the script says so."""
        function = self._script.function(call.tool)
        timeout_s = TOOL_TIMEOUT_S if function is None else function.timeout_s
        return not call.stubbed or call.fail is not None or call.after_ms >= timeout_s * 1000

    def _answered_by_reply(self) -> None:
        """The agent goes on, so what it called before has been answered."""
        for waiting in [each for each in self._unanswered if each[2] is not None]:
            self._unanswered.remove(waiting)
            self._answered(*waiting, is_error=False)

    def _answered(self, tool: str, call_id: str, call: DeskCall | None, *, is_error: bool) -> None:
        fault = call is not None and call.fail is not None
        self.note(
            "toolAnswered",
            tool=tool,
            call_id=call_id,
            answer=None if call is None else call.answer,
            is_error=is_error or fault,
        )

    def _called(self, call_id: str, call: DeskCall, *, at_ms: int) -> None:
        self.note(
            "toolCalled",
            at_ms=at_ms,
            tool=call.tool,
            call_id=call_id,
            arguments=call.arguments,
            stubbed=call.stubbed,
        )
        self._unanswered.append((call.tool, call_id, call))
        self._taken.append(call)

    def _asked(self, event: ToolAsked) -> None:
        """A tool on the caller's side: it is answered from the script, after its pause."""
        earlier = self._calls[event.tool]
        chosen = choose(self._stubs, earlier, event.tool, event.arguments)
        earlier.append(event.arguments)
        self.note(
            "toolCalled",
            tool=event.tool,
            call_id=event.call_id,
            arguments=event.arguments,
            stubbed=chosen.stubbed,
        )
        if chosen.fail == "timeout":
            self._unanswered.append((event.tool, event.call_id, None))
            return
        task = asyncio.create_task(self._answer(event, chosen))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, event: ToolAsked, chosen: Answer) -> None:
        await asyncio.sleep(chosen.after_ms / 1000)
        is_error = chosen.fail is not None or not chosen.stubbed
        answer = FAULTS[chosen.fail] if chosen.fail is not None else chosen.answer
        if not chosen.stubbed:
            answer = "nothing is prepared for this call"
        try:
            await self._talk.answer_tool(event.call_id, answer, is_error=is_error)
        except PlatformError:
            return  # the end of the conversation is in the lines already
        self.note(
            "toolAnswered",
            tool=event.tool,
            call_id=event.call_id,
            answer=answer,
            is_error=is_error,
        )

    def _at_ms(self, at: datetime) -> int:
        return round((at - self._opened_at).total_seconds() * 1000)


class _Desk:
    """The calls of one desk, each handed out once."""

    def __init__(self, desks: Desks, desk_id: str) -> None:
        self._desks = desks
        self._id = desk_id
        self._after = 0
        self._turn = asyncio.Lock()

    async def fresh(self) -> tuple[DeskCall, ...]:
        async with self._turn:
            calls = tuple(await self._desks.desk_calls(self._id, after=self._after))
            self._after = max([self._after, *(call.ordinal for call in calls)])
            return calls


def pace_s(*, audio: bool, polls: bool) -> float:
    """How often a waiting conversation looks up: for sound each two frames, for a desk less."""
    if audio:
        return 2 * SOUND_FRAME_MS / 1000
    return DESK_POLL_S if polls else float("inf")
