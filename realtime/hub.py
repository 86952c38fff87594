"""The CallHub port: news, commands and sound of calls for every listener of this process.

One reader takes what other processes tell, in order, and never waits for anybody. Sound costs
nothing while nobody listens: whoever has listeners says so to all processes, again and again, and
is forgotten when it stops. Knows no call's record and no WebSocket.
"""

import asyncio
import base64
import binascii
import json
import logging
import secrets
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar

from pydantic import ValidationError

from realtime.backlogs import NewsBacklog, SoundBacklog, is_set
from trunkline.model.calls import limits
from trunkline.model.calls.events import CallNews
from trunkline.model.errors import TrunklineError
from trunkline.ports.calls import NewsChannels

EVENTS: Final = "trunkline_events"
CALLS: Final = "trunkline_calls"
COMMANDS: Final = "trunkline_call_commands"
AUDIO: Final = "trunkline_call_audio"
CHANNELS: Final = (EVENTS, CALLS, COMMANDS, AUDIO)
_SOUND: Final = "sound"
_HEARD: Final = "heard"
_HEARD_AT_ONCE: Final = 100
"""Calls named in one announcement: some 4 KB."""
_OUTBOX_MAX: Final = 1_000

Sound: TypeAlias = tuple[str, bytes]
Listener = TypeVar("Listener")
_log = logging.getLogger(__name__)


class Hub:
    """News of calls between processes. Use as an async context manager.

    ``connected`` is set once other processes are heard for the first time.
    """

    def __init__(
        self, channels: NewsChannels, *, listeners_known_s: float = limits.LISTENERS_KNOWN_S
    ) -> None:
        self._channels = channels
        self._listeners_known_s = listeners_known_s
        self._name = secrets.token_hex(6)
        self._changes: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._news: defaultdict[str, set[NewsBacklog[CallNews]]] = defaultdict(set)
        self._commands: defaultdict[str, set[NewsBacklog[str]]] = defaultdict(set)
        self._sound: defaultdict[str, set[SoundBacklog[Sound]]] = defaultdict(set)
        self._heard_elsewhere: dict[str, float] = {}
        self._pending: dict[tuple[str, str], bytearray] = {}
        self._flushing: asyncio.TimerHandle | None = None
        self._outbox: deque[str] = deque(maxlen=_OUTBOX_MAX)
        self._waiting = asyncio.Event()
        self._announcing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.connected = asyncio.Event()

    async def __aenter__(self) -> Self:
        for work in (self._listen, self._announce, self._tell):
            self._tasks.append(asyncio.create_task(work(), name=f"hub: {work.__name__}"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def changes(self, project: str) -> Iterator[asyncio.Event]:
        """Set whenever something was added to what happened in a project, or may have been."""
        with _held(self._changes, project, asyncio.Event()) as changed:
            yield changed

    @asynccontextmanager
    async def news(self, project: str) -> AsyncIterator[AsyncIterator[CallNews | None]]:
        """What happens in calls of a project from now on. None, also at first: look at rows."""
        backlog = NewsBacklog[CallNews](limits.NEWS_BACKLOG_MAX)
        backlog.miss()
        with _held(self._news, project, backlog):
            async with aclosing(backlog.each()) as each:
                yield each

    @asynccontextmanager
    async def commands(self, holder: str) -> AsyncIterator[AsyncIterator[str | None]]:
        """``project/call`` of calls that have a new command, whoever carries them. None, also at
        first: look at rows.
        """
        backlog = NewsBacklog[str](limits.NEWS_BACKLOG_MAX)
        backlog.miss()
        with _held(self._commands, holder, backlog):
            async with aclosing(backlog.each()) as each:
                yield each

    @asynccontextmanager
    async def sound(self, call_id: str) -> AsyncIterator[AsyncGenerator[Sound, None]]:
        """Audio of a call as it is spoken; what a slow listener misses is left out."""
        async with self.sound_backlog(call_id) as backlog, aclosing(backlog.each()) as each:
            yield each

    @asynccontextmanager
    async def sound_backlog(self, call_id: str) -> AsyncIterator[SoundBacklog[Sound]]:
        """The same for whoever takes all there is at once."""
        backlog = SoundBacklog[Sound](limits.SOUND_BACKLOG_MAX)
        with _held(self._sound, call_id, backlog):
            self._announcing.set()
            yield backlog

    def is_heard(self, call_id: str) -> bool:
        """True if somebody, in whatever process, listens to the call right now."""
        return call_id in self._sound or self._is_heard_elsewhere(call_id)

    async def tell_sound(self, call_id: str, track: str, content: bytes) -> None:
        """Pass audio on to whoever listens; gathered to pieces of a tenth of a second."""
        if not self.is_heard(call_id):
            return
        pending = self._pending.setdefault((call_id, track), bytearray())
        pending += content
        if len(pending) > limits.SOUND_BACKLOG_MAX_BYTES:
            del pending[: len(pending) - limits.SOUND_BACKLOG_MAX_BYTES]
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(limits.SOUND_PIECE_S, self._flush)

    def _flush(self) -> None:
        """Hand on what was gathered: to listeners here at once, to others by way of the outbox."""
        self._flushing = None
        pending, self._pending = self._pending, {}
        for (call_id, track), content in pending.items():
            for backlog in self._sound.get(call_id, ()):
                backlog.put((track, bytes(content)))
            if self._is_heard_elsewhere(call_id):
                self._post(call_id, track, content)

    def _post(self, call_id: str, track: str, content: bytearray) -> None:
        for start in range(0, len(content), limits.SOUND_PIECE_MAX_BYTES):
            piece = content[start : start + limits.SOUND_PIECE_MAX_BYTES]
            text = base64.b64encode(piece).decode()
            # the same sound twice in one transaction would be told once, so each is made unlike
            self._outbox.append(
                f"{_SOUND} {self._name}.{secrets.token_hex(4)} {call_id} {track} {text}"
            )
        self._waiting.set()

    def _is_heard_elsewhere(self, call_id: str) -> bool:
        until_s = self._heard_elsewhere.get(call_id)
        if until_s is None:
            return False
        if asyncio.get_running_loop().time() < until_s:
            return True
        del self._heard_elsewhere[call_id]
        return False

    async def _listen(self) -> None:
        while True:
            try:
                async with aclosing(self._channels.told(CHANNELS)) as told:
                    async for one in told:
                        self._take(one)
            except TrunklineError as error:
                _log.warning("news of calls stopped: %s", error)
                self._take(None)
                await asyncio.sleep(limits.LISTENERS_TOLD_EVERY_S)

    def _take(self, told: tuple[str, str] | None) -> None:
        if told is None:
            self._miss()
            return
        channel, payload = told
        if channel == EVENTS:
            self._set_changes(payload)
        elif channel == CALLS:
            self._take_news(payload)
        elif channel == COMMANDS:
            for backlogs in self._commands.values():
                for backlog in backlogs:
                    backlog.put(payload)
        else:
            self._take_audio(payload)

    def _miss(self) -> None:
        self.connected.set()
        for project in tuple(self._changes):
            self._set_changes(project)
        for told in self._news.values():
            for news in told:
                news.miss()
        for asked in self._commands.values():
            for commands in asked:
                commands.miss()
        self._announcing.set()

    def _set_changes(self, project: str) -> None:
        for changed in self._changes.get(project, ()):
            changed.set()

    def _take_news(self, payload: str) -> None:
        try:
            project, call, seq, name = json.loads(payload)
            news = CallNews(project=project, call=call, seq=seq, name=name)
        except (ValueError, TypeError, ValidationError):
            _log.warning("news of a call that nobody understands: %.80s", payload)
            return
        self._set_changes(project)
        for backlog in self._news.get(project, ()):
            backlog.put(news)

    def _take_audio(self, payload: str) -> None:
        kind, _, rest = payload.partition(" ")
        sender, _, body = rest.partition(" ")
        if sender.partition(".")[0] == self._name:
            return
        if kind == _HEARD:
            until_s = asyncio.get_running_loop().time() + self._listeners_known_s
            self._heard_elsewhere.update(dict.fromkeys(body.split(), until_s))
        elif kind == _SOUND:
            self._take_sound(body)

    def _take_sound(self, body: str) -> None:
        call_id, _, rest = body.partition(" ")
        backlogs = self._sound.get(call_id)
        if not backlogs:
            return
        track, _, text = rest.partition(" ")
        try:
            content = base64.b64decode(text, validate=True)
        except binascii.Error:
            _log.warning("sound of call %s that nobody understands", call_id)
            return
        for backlog in backlogs:
            backlog.put((track, content))

    async def _announce(self) -> None:
        """Say which calls somebody hears by way of this process."""
        while True:
            await is_set(self._announcing, limits.LISTENERS_TOLD_EVERY_S)
            self._announcing.clear()
            self._forget_silent()
            calls = list(self._sound)
            for start in range(0, len(calls), _HEARD_AT_ONCE):
                named = " ".join(calls[start : start + _HEARD_AT_ONCE])
                self._outbox.append(f"{_HEARD} {self._name} {named}")
            if calls:
                self._waiting.set()

    def _forget_silent(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for call_id in [each for each, until_s in self._heard_elsewhere.items() if until_s < now_s]:
            del self._heard_elsewhere[call_id]

    async def _tell(self) -> None:
        """Send what waits, all of it at once; what cannot be sent is sound nobody will miss."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            payloads = list(self._outbox)
            self._outbox.clear()
            try:
                await self._channels.tell(AUDIO, payloads)
            except TrunklineError as error:
                _log.info("sound of calls is not passed on: %s", error)


@contextmanager
def _held(
    listeners: defaultdict[str, set[Listener]], key: str, listener: Listener
) -> Iterator[Listener]:
    """Keep a listener under a key as long as the block lasts."""
    listeners[key].add(listener)
    try:
        yield listener
    finally:
        listeners[key].discard(listener)
        if not listeners[key]:
            del listeners[key]
