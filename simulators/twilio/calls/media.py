"""Media Streams, from the vendor's side: a call's sound sent to a server in frames, and back.

Messages are written as bytes around prepared texts; fifty of them a second for each call leave no
room for more. What a server sends is played to the caller's ear at the pace of the line.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from simulators.twilio.calls.bounds import FRAME_S, MAX_BUFFERED_S, RATE
from simulators.twilio.calls.connection import CLOSED_BADLY, Connection, Listener
from simulators.twilio.calls.line import SILENT_FRAME, Line
from simulators.twilio.calls.stamps import Stamps
from simulators.twilio.calls.troubles import Rhythm
from simulators.wire import Json

FRAME_MS = round(FRAME_S * 1000)
MALFORMED = 31950
INVALID = 31951
SILENT_PAYLOAD = binascii.b2a_base64(SILENT_FRAME, newline=False)
FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
MAX_WARNINGS = 1_000
PLAIN_CLOSES = frozenset({1000, 1001, 1005})
TRACKS = {"inbound_track": ("inbound",), "outbound_track": ("outbound",)}


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What a stream is to be: where it goes, what it is called, what it carries."""

    sid: str
    call_sid: str
    account_sid: str
    url: str
    name: str
    tracks: tuple[str, ...]
    parameters: Mapping[str, str]
    is_bidirectional: bool
    status_callback: str = ""
    status_method: str = "POST"


@dataclass(slots=True)
class Figures:
    """What went over a stream."""

    frames_sent: int = 0
    media_received: int = 0
    bytes_received: int = 0
    marks_answered: list[str] = field(default_factory=list)
    clears: list[Json] = field(default_factory=list)
    warnings: list[Json] = field(default_factory=list)


class MediaStream:
    """One stream of one call; ``over`` is called once with a code (0: as it should) and words."""

    def __init__(
        self,
        plan: StreamPlan,
        line: Line,
        rhythm: Rhythm,
        *,
        stamps: Stamps | None,
        note: Callable[..., None],
        over: Callable[[int, str], None],
    ) -> None:
        self.plan = plan
        self.figures = Figures()
        self._line = line
        self._rhythm = rhythm
        self._stamps = stamps
        self._note = note
        self._over = over
        self._connection: Connection | None = None
        self._sequence = 0
        self._chunks = dict.fromkeys(plan.tracks, 0)
        self._begun_tick = 0
        self._is_over = False
        sid = plan.sid.encode()
        self._head = b'{"event":"media","sequenceNumber":"%d","media":{"track":"'
        self._tail = b'"},"streamSid":"' + sid + b'"}'
        self._middles = {
            track: track.encode() + b'","chunk":"%d","timestamp":"%d","payload":"'
            for track in plan.tracks
        }

    def listener(self) -> Listener:
        """What the connection has to call."""
        return Listener(text=self._received, binary=self._received_bytes, closed=self._closed)

    def start(self, connection: Connection) -> None:
        """The connection is open: say what comes, then send frames."""
        self._connection = connection
        plan = self.plan
        connection.send(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        start = {
            "accountSid": plan.account_sid,
            "streamSid": plan.sid,
            "callSid": plan.call_sid,
            "tracks": list(plan.tracks),
            "mediaFormat": FORMAT,
            "customParameters": dict(plan.parameters),
        }
        self._send("start", {"start": start})
        self._begun_tick = self._line.ticks
        self._line.listen(self._frame)

    def _send(self, event: str, facts: Json) -> None:
        if self._connection is None:
            return
        self._sequence += 1
        number = {"event": event, "sequenceNumber": str(self._sequence)}
        message = {**number, **facts, "streamSid": self.plan.sid}
        self._rhythm.release(self._connection.send)
        self._connection.send(json.dumps(message, separators=(",", ":")).encode())

    def _frame(self, spoken: bytes | None, played: bytes | None) -> None:
        connection = self._connection
        if connection is None:
            return
        for track in self._chunks:
            frame = spoken if track == "inbound" else played
            if frame is None and self._stamps is not None:
                frame = self._stamps.frame()
            if frame is None:
                payload = SILENT_PAYLOAD
            else:
                if len(frame) < len(SILENT_FRAME):
                    frame += SILENT_FRAME[len(frame) :]
                payload = binascii.b2a_base64(frame, newline=False)
            self._sequence += 1
            self._chunks[track] += 1
            timestamp_ms = (self._line.ticks - self._begun_tick) * FRAME_MS
            message = b"".join(
                (
                    self._head % self._sequence,
                    self._middles[track] % (self._chunks[track], timestamp_ms),
                    payload,
                    self._tail,
                )
            )
            self.figures.frames_sent += 1
            if self._rhythm.is_even:
                connection.send(message)
            else:
                self._rhythm.send(message, self._line.ticks, connection.send)

    def press(self, digits: str) -> None:
        """The caller's keys; only streams in both directions tell of them."""
        if self.plan.is_bidirectional:
            for digit in digits:
                self._send("dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}})

    def _received(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            self._warn(MALFORMED, "a message that is no JSON")
            return
        event = message.get("event") if isinstance(message, dict) else None
        if not self.plan.is_bidirectional or event not in ("media", "mark", "clear"):
            self._warn(INVALID, f"a message that has no place here: {str(event)[:40]}")
        elif message.get("streamSid") != self.plan.sid:
            self._warn(INVALID, "a message of another stream")
        elif event == "media":
            self._take_media(message)
        elif event == "mark":
            self._take_mark(message)
        else:
            self._clear()

    def _received_bytes(self) -> None:
        self._warn(MALFORMED, "a message in bytes")

    def _take_media(self, message: dict[str, Any]) -> None:
        media = message.get("media")
        payload = media.get("payload") if isinstance(media, dict) else None
        try:
            sound = b64decode(payload or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            sound = b""
        if not sound:
            self._warn(INVALID, "media without a payload in base64")
            return
        self.figures.media_received += 1
        self.figures.bytes_received += len(sound)
        if self._stamps is not None:
            self._stamps.take(sound)
        if self._line.ear.waiting_bytes + len(sound) > MAX_BUFFERED_S * RATE:
            self._warn(INVALID, "more sound than is kept")
            return
        self._line.ear.put(sound)

    def _take_mark(self, message: dict[str, Any]) -> None:
        mark = message.get("mark")
        name = mark.get("name") if isinstance(mark, dict) else None
        if not isinstance(name, str):
            self._warn(INVALID, "a mark without a name")
            return
        self._line.ear.mark(partial(self._reached, name))

    def _reached(self, name: str) -> None:
        if self._is_over:
            return
        self.figures.marks_answered.append(name)
        self._note("mark", name=name)
        self._send("mark", {"mark": {"name": name}})
        self._line.tell("mark")

    def _clear(self) -> None:
        dropped_ms = round(self._line.ear.waiting_bytes / RATE * 1000)
        facts = {"dropped_ms": dropped_ms, "media_before": self.figures.media_received}
        self._note("clear", **facts)
        self.figures.clears.append({"at_ms": self._line.ticks * FRAME_MS, **facts})
        self._line.ear.clear()

    def _warn(self, code: int, words: str) -> None:
        if len(self.figures.warnings) < MAX_WARNINGS:
            self.figures.warnings.append({"code": code, "message": words})
        self._note("warning", code=code, message=words)

    def _closed(self, code: int, reason: str) -> None:
        if code in PLAIN_CLOSES:
            self._finish(0, f"closed with {code}")
        else:
            self._finish(CLOSED_BADLY, f"closed with {code} {reason}".strip())

    def _finish(self, code: int, words: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._line.leave(self._frame)
        if self.plan.is_bidirectional:
            self._line.ear.clear()
        self._note("stream_stopped", stream=self.plan.sid, code=code, message=words)
        self._over(code, words)

    def end(self) -> None:
        """Say that it stops, and close; nothing if it is over."""
        if self._is_over or self._connection is None:
            return
        plan = self.plan
        self._send("stop", {"stop": {"accountSid": plan.account_sid, "callSid": plan.call_sid}})
        self._connection.close()
        self._finish(0, "stopped")

    async def gone(self) -> None:
        """Return when its connection is no more."""
        if self._connection is not None:
            await self._connection.gone()

    def cut(self) -> None:
        """The connection goes without a word."""
        if self._connection is not None:
            self._connection.cut()

    def describe(self) -> Json:
        """What the stream was and what went over it."""
        figures = self.figures
        return {
            "sid": self.plan.sid,
            "name": self.plan.name,
            "url": self.plan.url,
            "tracks": list(self.plan.tracks),
            "parameters": dict(self.plan.parameters),
            "is_open": not self._is_over and self._connection is not None,
            "frames_sent": figures.frames_sent,
            "media_received": figures.media_received,
            "bytes_received": figures.bytes_received,
            "waiting_ms": round(self._line.ear.waiting_bytes / RATE * 1000),
            "marks_answered": figures.marks_answered,
            "clears": figures.clears,
            "warnings": figures.warnings,
            "stamps": None if self._stamps is None else self._stamps.measured.describe(),
        }


def tracks_of(name: str) -> tuple[str, ...] | None:
    """The tracks a request names, or None for a name that means none."""
    if name == "both_tracks":
        return ("inbound", "outbound")
    return TRACKS.get(name or "inbound_track")
