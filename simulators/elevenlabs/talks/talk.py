"""One conversation over a socket: who speaks when, for how long, and how it ends.

What the agent says comes from its mind, what tools answer from `Subject.use`; this module brings
them together in time. It ends with a `TalkOver` or with the client's connection, and leaves its
transcript behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from simulators.clock import Clock
from simulators.elevenlabs.mind import Act, CallTool, End, Mind, Say, SwitchLanguage
from simulators.elevenlabs.talks import events
from simulators.elevenlabs.talks.initiation import CONTRACT, Initiation
from simulators.elevenlabs.talks.link import NORMAL, OPERATIONAL, SERVER, Link, TalkOver
from simulators.elevenlabs.talks.transcripts import Transcript
from simulators.elevenlabs.talks.webhooks import Outcome
from simulators.limits import MAX_ACTS, MAX_CONTEXTS, MAX_QUEUED_INPUTS
from simulators.wire import Json, SocketClosed

PING_INTERVAL_S = 5.0
MAX_UNANSWERED_PINGS = 6
NO_INPUT_S = 60.0
# An agent asks into a silence so often before it waits.
MAX_PROMPTS_INTO_SILENCE = 3
MINIMUM_WAIT_S = 0.01
CLIENT = "client"
SPOKEN = frozenset({"user_message", "multimodal_message"})

Work = Callable[[], Awaitable[None]]
Inputs = Callable[[], list[Act]]


class Voice(Protocol):
    """How replies reach the client: as text, or as sound too."""

    busy_until_s: float

    async def say(self, text: str) -> bool:
        """One reply, from its first to its last event; False if the caller broke in."""

    async def hear(self, chunk: str) -> None:
        """A piece of the caller's audio, in base64."""

    async def interrupt(self) -> None:
        """The caller has something to say now."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a talk is about: an agent at a version, with its tools by name and its mind."""

    mind: Mind
    tools: dict[str, Json]
    think_s: float
    use: Callable[[Json, Json], Awaitable[Outcome]]
    renew: Callable[[], Mind]


class Talk:
    """A conversation that has been accepted and initiated."""

    def __init__(
        self,
        link: Link,
        subject: Subject,
        start: Initiation,
        transcript: Transcript,
        clock: Clock,
    ) -> None:
        self.link = link
        self.transcript = transcript
        self.clock = clock
        self.start = start
        self._subject = subject
        self._mind = subject.mind
        self._inputs: asyncio.Queue[Inputs] = asyncio.Queue(MAX_QUEUED_INPUTS)
        self._work: asyncio.Queue[Work] = asyncio.Queue(MAX_QUEUED_INPUTS)
        self._contexts: dict[str, str] = {}
        self._results: dict[str, asyncio.Future[Outcome]] = {}
        self._pings: dict[int, float] = {}
        self._ping_ms: int | None = None
        self._began_s = clock.now()
        self._input_s = self._caller_s = clock.now()
        self._idle_s: float | None = None
        self._quiet_s = clock.now()
        self._prompts = 0
        self.voice: Voice = TextVoice(self)

    async def announce(self, conversation_id: str) -> None:
        """Tell the client that the conversation is open."""
        config = self.start.config
        agent_format = config["tts"]["agent_output_audio_format"]
        user_format = config["asr"]["user_input_audio_format"]
        await self.link.send(events.metadata(conversation_id, agent_format, user_format))

    async def run(self, opening: list[Act]) -> TalkOver:
        """Converse until it is over; how it ended."""
        tasks = [
            asyncio.create_task(part)
            for part in (
                self._listen(),
                self._work_off(),
                self._answer(opening),
                self._ping(),
                self._watch(),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            over = _first_error(done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(over, TalkOver):
            with contextlib.suppress(SocketClosed):
                await self.link.close(over)
            return over
        if isinstance(over, SocketClosed):
            return hung_up(over)
        with contextlib.suppress(SocketClosed):
            await self.link.close(TalkOver(SERVER, "An internal server error occurred."))
        raise over

    async def _listen(self) -> None:
        while True:
            message = await self.link.receive()
            if "user_audio_chunk" in message:
                self._input_s = self.clock.now()
                await self.voice.hear(str(message["user_audio_chunk"]))
                continue
            if message.get("type") in SPOKEN:
                await self.voice.interrupt()
            handle = self._handlers().get(str(message.get("type")))
            if handle is None:
                raise TalkOver(CONTRACT, f"Invalid message type: {message.get('type')!r}.")
            handle(message)

    def _handlers(self) -> dict[str, Callable[[Json], None]]:
        return {
            "pong": self._on_pong,
            "user_message": self._on_user_message,
            "multimodal_message": self._on_multimodal,
            "user_activity": lambda _: self.caller_speaks(),
            "contextual_update": self._on_context,
            "client_tool_result": self._on_tool_result,
            "mcp_tool_approval_result": lambda _: self.caller_speaks(),
            "feedback": lambda message: self.transcript.rate(message.get("score")),
        }

    def _on_pong(self, message: Json) -> None:
        sent_s = self._pings.get(_integer(message.get("event_id")))
        if sent_s is not None:
            self._ping_ms = max(1, round((time.monotonic() - sent_s) * 1000))
            self._pings.clear()

    def _on_user_message(self, message: Json) -> None:
        text = message.get("text")
        if not isinstance(text, str | None):
            raise TalkOver(CONTRACT, "Invalid message: what the user says is no text.")
        self.caller_speaks()
        if text and text.strip():
            self.caller_said(text, "text")

    def _on_multimodal(self, message: Json) -> None:
        part = message.get("text")
        self._on_user_message(part if isinstance(part, dict) else {"text": part})

    def _on_context(self, message: Json) -> None:
        text = message.get("text")
        if not isinstance(text, str):
            raise TalkOver(CONTRACT, "Invalid message: contextual_update has no text.")
        self.caller_speaks()
        named = message.get("context_id")
        context_id = named if isinstance(named, str) else f"#{len(self._contexts)}"
        superseded = context_id in self._contexts
        if len(self._contexts) >= MAX_CONTEXTS and not superseded:
            raise TalkOver(CONTRACT, "Too many contextual updates.")
        self._contexts.pop(context_id, None)
        self._contexts[context_id] = text
        if superseded:
            self._queue(self._recall)
        else:
            self._mind.inform(text)

    def _recall(self) -> list[Act]:
        """Begin anew with what is true now: a mind does not forget what it was told."""
        self._mind = self._subject.renew()
        self._mind.resume(self.transcript.lines)
        for text in self._contexts.values():
            self._mind.inform(text)
        return []

    def _on_tool_result(self, message: Json) -> None:
        waiting = self._results.get(str(message.get("tool_call_id")))
        if waiting is not None and not waiting.done():
            result = _read(message.get("result"))
            outcome = Outcome(result, is_error=bool(message.get("is_error")))
            waiting.set_result(outcome)

    def caller_said(self, text: str, medium: str) -> None:
        """The caller's words, however they were understood; the agent answers them in turn."""
        self._prompts = 0

        def take() -> list[Act]:
            self.transcript.heard(text, medium)
            return self._mind.hear(text)

        self._queue(take)

    def caller_pressed(self, keys: str) -> None:
        """Keys of the caller's telephone."""
        self._prompts = 0

        def take() -> list[Act]:
            self.transcript.heard(keys, "dtmf")
            return self._mind.keys(keys)

        self._queue(take)

    def _queue(self, take: Inputs) -> None:
        try:
            self._inputs.put_nowait(take)
        except asyncio.QueueFull as error:
            raise TalkOver(CONTRACT, "Too many messages.") from error

    def caller_speaks(self) -> None:
        """The caller is making use of the conversation right now."""
        self._input_s = self._caller_s = self.clock.now()
        if self._idle_s is not None:
            self._idle_s = self._input_s

    def later(self, work: Work) -> None:
        """Do something that is part of listening but no message set off."""
        if not self._work.full():
            self._work.put_nowait(work)

    async def _work_off(self) -> None:
        while True:
            work = await self._work.get()
            await work()

    async def _answer(self, opening: list[Act]) -> None:
        await self.link.suffer()
        await self._perform(opening)
        while True:
            self._idle_s = self.clock.now()
            if not self._prompts:
                self._quiet_s = self._idle_s
            take = await self._inputs.get()
            self._idle_s = None
            await self.clock.wait(self._subject.think_s + self._mind.delay_ms / 1000)
            await self.link.suffer()
            if not self.link.silenced:
                await self._perform(take())

    async def _perform(self, acts: Iterable[Act]) -> None:
        waiting, broken = deque(acts), False
        for _ in range(MAX_ACTS):
            if not waiting:
                return
            act = waiting.popleft()
            if isinstance(act, Say):
                text = act.text.strip()
                if text and not broken:
                    broken = not await self.voice.say(text)
            elif isinstance(act, CallTool):
                outcome = await self._used(act)
                more = self._mind.tool_answered(
                    act.call_id, outcome.result, is_error=outcome.is_error
                )
                waiting.extendleft(reversed(more))
            elif isinstance(act, SwitchLanguage):
                await self._system("language_detection", {"language": act.code})
            else:
                await self._end(act)
        raise TalkOver(OPERATIONAL, "The agent did not come to an end of its turn.")

    async def _end(self, act: End) -> None:
        await self._system("end_call", {"reason": act.reason})
        await self.clock.wait(max(0.0, self.voice.busy_until_s - self.clock.now()))
        raise TalkOver(NORMAL, "end_call tool was called.", by_agent=True)

    async def _system(self, name: str, arguments: Json) -> None:
        """The agent uses a tool the platform itself answers."""
        call_id = f"call_{self.link.next_id()}"
        event_id = self.link.next_id()
        await self.link.send(events.agent_tool_request(name, call_id, "system", event_id))
        self.transcript.asked(name, call_id, "system", arguments)
        self.transcript.answered(name, call_id, "system", Outcome({"status": "success"}))
        await self.link.send(
            events.agent_tool_response(
                name, call_id, "system", event_id, is_error=False, is_called=True
            )
        )

    async def _used(self, act: CallTool) -> Outcome:
        tool = self._subject.tools.get(act.tool)
        if tool is None:
            return Outcome(f"There is no tool {act.tool}.", is_error=True, is_called=False)
        kind, event_id = str(tool["type"]), self.link.next_id()
        await self.link.send(events.agent_tool_request(act.tool, act.call_id, kind, event_id))
        self.transcript.asked(act.tool, act.call_id, kind, act.arguments)
        if kind == CLIENT:
            outcome = await self._asked_of_client(tool, act)
        else:
            outcome = await self._subject.use(tool, act.arguments)
        self.transcript.answered(act.tool, act.call_id, kind, outcome)
        await self.link.send(
            events.agent_tool_response(
                act.tool,
                act.call_id,
                kind,
                event_id,
                is_error=outcome.is_error,
                is_called=outcome.is_called,
            )
        )
        return outcome

    async def _asked_of_client(self, tool: Json, act: CallTool) -> Outcome:
        waits = bool(tool.get("expects_response"))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._results[act.call_id] = answer
        began_s = time.monotonic()
        try:
            event_id = self.link.next_id()
            await self.link.send(
                events.client_tool_call(act.tool, act.call_id, act.arguments, event_id)
            )
            if not waits:
                return Outcome("Tool called.")
            timeout_s = float(tool.get("response_timeout_secs") or 20)
            async with asyncio.timeout(timeout_s):
                outcome = await answer
        except TimeoutError:
            words = "The client did not answer in time."
            outcome = Outcome(words, is_error=True, is_called=self.link.has("client_tool_call"))
        finally:
            del self._results[act.call_id]
        spent_s = time.monotonic() - began_s
        return Outcome(outcome.result, outcome.is_error, outcome.is_called, spent_s)

    async def _ping(self) -> None:
        number = 0
        while True:
            if len(self._pings) >= MAX_UNANSWERED_PINGS:
                raise TalkOver(OPERATIONAL, "The client does not answer pings.")
            number += 1
            if self.link.pings:
                self._pings[number] = time.monotonic()
                await self.link.send(events.ping(number, self._ping_ms))
            await self.clock.wait(PING_INTERVAL_S)

    async def _watch(self) -> None:
        """End a talk that lasts too long or in which nothing happens any more."""
        conversation, turn = self.start.config["conversation"], self.start.config["turn"]
        longest_s = float(conversation["max_duration_seconds"])
        ends_silent_s = float(turn["silence_end_call_timeout"])
        asks_s = float(turn["turn_timeout"])
        while True:
            now = self.clock.now()
            due = {self._began_s + longest_s: "too long"}
            if self._idle_s is not None:
                spoken_s = self.voice.busy_until_s
                silent_s = max(self._caller_s, self._quiet_s, spoken_s)
                due[max(self._input_s, silent_s) + NO_INPUT_S] = "no input"
                if ends_silent_s > 0:
                    due[silent_s + ends_silent_s] = "silent"
                if self._asks(asks_s):
                    due[max(self._idle_s, spoken_s) + asks_s] = "ask"
            moment = min(due)
            if moment > now:
                await self._until(moment)
                continue
            await self._happened(due[moment], asks_s)

    def _asks(self, asks_s: float) -> bool:
        return asks_s > 0 and self._prompts < MAX_PROMPTS_INTO_SILENCE and self._inputs.empty()

    async def _until(self, moment: float) -> None:
        """Wait, but look again now and then: what is due may come to be due earlier."""
        step_s = min(max(moment - self.clock.now(), MINIMUM_WAIT_S), 1.0)
        await self.clock.wait(step_s)

    async def _happened(self, what: str, asks_s: float) -> None:
        if what == "ask":
            self._prompts += 1
            self._idle_s = None
            self._queue(lambda: self._mind.silent_for(asks_s))
        elif what == "silent":
            raise TalkOver(NORMAL, "Conversation ended because of silence.", by_agent=True)
        elif what == "too long":
            farewell = self.start.config["agent"].get("max_conversation_duration_message")
            if farewell:
                await self.voice.say(farewell)
            raise TalkOver(NORMAL, "Conversation exceeded its maximum duration.", by_agent=True)
        elif what == "no input":
            raise TalkOver(OPERATIONAL, f"No input from the client for {NO_INPUT_S:g} seconds.")


class TextVoice:
    """Replies as text, in parts where the client wants them."""

    busy_until_s = 0.0

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def say(self, text: str) -> bool:
        """The reply in parts and whole."""
        link = self._talk.link
        event_id = link.next_id()
        await link.send(events.agent_response_part("", "start", event_id))
        for word in text.split(" "):
            await link.send(events.agent_response_part(f"{word} ", "delta", event_id))
        await link.send(events.agent_response_part("", "stop", event_id))
        self._talk.transcript.said(text)
        await link.send(events.agent_response(text, event_id))
        await link.send(events.agent_response_complete(event_id))
        return True

    async def hear(self, chunk: str) -> None:
        """Audio of a caller who wanted text only goes nowhere."""

    async def interrupt(self) -> None:
        """A text is there at once; there is nothing to interrupt."""


def hung_up(closed: SocketClosed) -> TalkOver:
    """The client's end of a talk, however it came about."""
    return TalkOver(NORMAL, f"Client disconnected: {closed.code}")


def _first_error(done: Iterable[asyncio.Task[None]]) -> Exception:
    errors = [task.exception() for task in done if not task.cancelled()]
    found = [error for error in errors if isinstance(error, Exception)]
    found.sort(key=lambda error: not isinstance(error, TalkOver))
    return found[0] if found else SocketClosed(NORMAL)


def _read(result: object) -> object:
    """A client's result as the agent gets it: what is JSON in a text is taken out of it."""
    if not isinstance(result, str):
        return result
    try:
        return json.loads(result)
    except ValueError:
        return result


def _integer(value: object) -> int:
    return value if isinstance(value, int) else -1
