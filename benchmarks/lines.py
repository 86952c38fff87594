"""``python -m benchmarks.lines PLAN TOLD``: both ends of many calls, in a process of its own.

It is the carrier that opens a media stream for each call and the platform that answers, so one
clock sees a frame leave and arrive. Each frame carries its number and when it was sent. WebSockets
are spoken by hand over plain transports: what a client library takes would be counted as the
bridge's. How late its own timers were is told beside what it measured.
"""

import asyncio
import base64
import gc
import hashlib
import json
import os
import struct
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from pydantic import BaseModel
from websockets.speedups import apply_mask

FRAME_S = 0.02
FRAME_BYTES = 160
STAMP = struct.Struct(">IIQ")
"""Which call, which frame, when in nanoseconds."""
STAMP_CHARACTERS = 24
"""Base64 of the 16 bytes of a stamp and two more."""
OPEN_TIMEOUT_S = 30.0
SETTLE_S = 3.0
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = "sec-websocket-key: "
_HEAD_END = b"\r\n\r\n"
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_SHORT_MAX, _LONG = 125, 126
_TAIL = base64.b64encode(b"\xff" * (FRAME_BYTES - STAMP.size - 2)).decode()


class Stream(BaseModel):
    """A call as its carrier opens it."""

    call: str
    sid: str
    ticket: str


class CallPlan(BaseModel):
    """Calls to be carried at once by the bridge at ``url``, for so many seconds."""

    url: str
    signature: str
    account: str
    platform_port: int
    streams: list[Stream]
    duration_s: float
    core: int | None = None


class Way(BaseModel):
    """One direction of all calls: frames sent and arrived, out of order, and how long each took
    in milliseconds.
    """

    sent: int
    arrived: int
    misplaced: int
    latencies_ms: list[float]


class CallsTold(BaseModel):
    """What came of a plan. ``lags_ms`` is how late frames were sent; frames went from ``begun_s``
    to ``ended_s`` of the monotonic clock, which all processes of a machine share.
    """

    to_agent: Way
    to_caller: Way
    lags_ms: list[float]
    closed_early: int
    begun_s: float
    ended_s: float


class Counter:
    """One direction: what was sent and what arrived."""

    def __init__(self, calls: int) -> None:
        self.sent = array("L", [0] * calls)
        self.arrived = array("L", [0] * calls)
        self.misplaced = 0
        self.latencies_ns = array("Q")

    def stamp(self, call: int) -> str:
        """A frame of the call, in base64, with the time of now."""
        number = self.sent[call]
        self.sent[call] = number + 1
        head = STAMP.pack(call, number, time.perf_counter_ns()) + b"\xff\xff"
        return base64.b64encode(head).decode() + _TAIL

    def take(self, text: bytes) -> None:
        """A frame arrived; its audio begins with the stamp."""
        now = time.perf_counter_ns()
        call, number, sent_at = STAMP.unpack(base64.b64decode(text[:STAMP_CHARACTERS])[:16])
        if number != self.arrived[call]:
            self.misplaced += 1
        self.arrived[call] += 1
        self.latencies_ns.append(now - sent_at)

    def told(self) -> Way:
        """The figures."""
        return Way(
            sent=sum(self.sent),
            arrived=sum(self.arrived),
            misplaced=self.misplaced,
            latencies_ms=[each / 1e6 for each in self.latencies_ns],
        )


class Socket(asyncio.Protocol):
    """One WebSocket, as client or server; whoever has it takes texts."""

    def __init__(self, take: Callable[["Socket", bytes], None], *, masks: bool) -> None:
        self._take = take
        self._buffer = bytearray()
        self._mask = b"\x00\x00\x00\x00" if masks else b""
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.is_open = False
        self.opened: asyncio.Future[None] | None = None
        self.on_head: Callable[[Socket, bytes], None] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The other side is there."""
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        """The other side is gone."""
        del error
        self.closed = True
        if self.opened is not None and not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        """Heads first, then frames."""
        self._buffer += data
        if not self.is_open:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                return
            head = bytes(self._buffer[:end])
            del self._buffer[: end + len(_HEAD_END)]
            if self.on_head is not None:
                self.on_head(self, head)
        while self.is_open and self._frame():
            pass

    def send(self, text: str) -> None:
        """One text; a mask of zeros leaves it as it is."""
        content = text.encode()
        bit = 0x80 if self._mask else 0
        size = len(content)
        if size <= _SHORT_MAX:
            head = bytes((_TEXT, bit | size))
        else:
            head = bytes((_TEXT, bit | _LONG)) + size.to_bytes(2, "big")
        self.transport.write(head + self._mask + content)

    def _frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, at = buffer[1] & 0x7F, 2
        if size == _LONG:
            if len(buffer) < 4:
                return False
            size, at = int.from_bytes(buffer[2:4], "big"), 4
        elif size > _LONG:
            raise ValueError("a frame is longer than any of ours")
        is_masked = bool(buffer[1] & 0x80)
        begin = at + (4 if is_masked else 0)
        if len(buffer) < begin + size:
            return False
        content = bytes(buffer[begin : begin + size])
        if is_masked:
            content = apply_mask(content, bytes(buffer[at:begin]))
        kind = buffer[0]
        del buffer[: begin + size]
        if kind == _TEXT:
            self._take(self, content)
        elif kind == _PING:
            bit = 0x80 if self._mask else 0
            self.transport.write(bytes((_PONG, bit | len(content))) + self._mask + content)
        elif kind == _CLOSE:
            self.closed = True
            self.transport.close()
        return True


class Calls:
    """All calls of a plan, both ends of each."""

    def __init__(self, plan: CallPlan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        count = len(plan.streams)
        self.to_agent, self.to_caller = Counter(count), Counter(count)
        self._lags_ns = array("Q")
        self._carriers: list[Socket] = []
        self._agents: list[Socket] = []
        self._answered = asyncio.Event()
        self._ends_at = 0.0

    async def carry(self) -> CallsTold:
        """Open every call, speak both ways, and tell what arrived."""
        server = await self._loop.create_server(
            self._platform_side, "127.0.0.1", self._plan.platform_port
        )
        for number in range(len(self._plan.streams)):
            await self._open(number)
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            while len(self._agents) < len(self._plan.streams):
                self._answered.clear()
                await self._answered.wait()
        gc.collect()
        gc.freeze()
        gc.disable()
        begins_at = self._loop.time() + 0.5
        self._ends_at = begins_at + self._plan.duration_s
        begun_s = time.perf_counter() + 0.5
        for number in range(len(self._plan.streams)):
            shift_s = FRAME_S * number / len(self._plan.streams)
            self._loop.call_at(begins_at + shift_s, self._speak, number, begins_at + shift_s)
        await asyncio.sleep(0.5 + self._plan.duration_s + SETTLE_S)
        closed_early = sum(each.closed for each in (*self._carriers, *self._agents))
        for carrier in self._carriers:
            carrier.send('{"event":"stop","sequenceNumber":"9","streamSid":"MZ","stop":{}}')
        await asyncio.sleep(1.0)
        server.close()
        return CallsTold(
            to_agent=self.to_agent.told(),
            to_caller=self.to_caller.told(),
            lags_ms=[each / 1e6 for each in self._lags_ns],
            closed_early=closed_early,
            begun_s=begun_s,
            ended_s=begun_s + self._plan.duration_s,
        )

    def _speak(self, number: int, due_s: float) -> None:
        """A frame of the caller and one of the agent, and again in 20 ms."""
        self._lags_ns.append(int(max(0.0, self._loop.time() - due_s) * 1e9))
        carrier, agent = self._carriers[number], self._agents[number]
        if carrier.closed or agent.closed:
            return
        count = self.to_agent.sent[number] + 1
        carrier.send(
            f'{{"event":"media","sequenceNumber":"{count + 1}","streamSid":"MZ{number}",'
            f'"media":{{"track":"inbound","chunk":"{count}","timestamp":"{count * 20}",'
            f'"payload":"{self.to_agent.stamp(number)}"}}}}'
        )
        agent.send(
            '{"audio_event":{"audio_base_64":"'
            f'{self.to_caller.stamp(number)}","event_id":1}},"type":"audio"}}'
        )
        due_s += FRAME_S
        if due_s < self._ends_at:
            self._loop.call_at(due_s, self._speak, number, due_s)

    async def _open(self, number: int) -> None:
        parts = urlsplit(self._plan.url)
        stream = self._plan.streams[number]
        carrier = Socket(self._carrier_takes, masks=True)
        carrier.opened = self._loop.create_future()
        carrier.on_head = self._upgraded
        self._carriers.append(carrier)
        await self._loop.create_connection(lambda: carrier, parts.hostname or "", parts.port or 0)
        key = base64.b64encode(os.urandom(16)).decode()
        carrier.transport.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"x-twilio-signature: {self._plan.signature}\r\n\r\n".encode()
        )
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await carrier.opened
        start = {
            "streamSid": f"MZ{number}",
            "accountSid": self._plan.account,
            "callSid": stream.sid,
            "tracks": ["inbound"],
            "customParameters": {"call": stream.call, "ticket": stream.ticket},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        carrier.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        carrier.send(json.dumps({"event": "start", "sequenceNumber": "1", "start": start}))
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            while len(self._agents) <= number:
                self._answered.clear()
                await self._answered.wait()

    @staticmethod
    def _upgraded(socket: Socket, head: bytes) -> None:
        socket.is_open = b" 101 " in head[:32]
        if socket.opened is not None and socket.is_open:
            socket.opened.set_result(None)
        elif socket.opened is not None:
            socket.opened.set_exception(ConnectionError(head.decode("latin-1")))

    def _carrier_takes(self, socket: Socket, text: bytes) -> None:
        if text.startswith(b'{"event":"media"'):
            at = text.index(b'"payload":"') + 11
            self.to_caller.take(text[at:])
        elif text.startswith(b'{"event":"mark"'):
            socket.send(text.decode())

    def _platform_side(self) -> Socket:
        socket = Socket(self._agent_takes, masks=False)
        socket.on_head = self._asked
        return socket

    def _asked(self, socket: Socket, head: bytes) -> None:
        """What the platform is asked over HTTP, or the upgrade to a conversation."""
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        path = first.split(" ")[1]
        if headers.get("upgrade") == "websocket":
            key = next(line for line in lines if line.lower().startswith(_KEY)).split(": ", 1)[1]
            digest = hashlib.sha1((key + _GUID).encode()).digest()  # noqa: S324 - the protocol's
            accept = base64.b64encode(digest).decode()
            socket.transport.write(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            )
            socket.is_open = True
            return
        port = self._plan.platform_port
        answer: dict[str, object] = {"user_id": "bench", "subscription": {}}
        if path.startswith("/v1/convai/conversation/get-signed-url"):
            address = (
                f"ws://127.0.0.1:{port}/v1/convai/conversation?agent_id=a&conversation_signature=x"
            )
            answer = {"signed_url": address}
        body = json.dumps(answer).encode()
        said = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        socket.transport.write(f"{said}\r\n\r\n".encode() + body)

    def _agent_takes(self, socket: Socket, text: bytes) -> None:
        if text.startswith(b'{"user_audio_chunk":"'):
            self.to_agent.take(text[21:])
        elif b"conversation_initiation_client_data" in text:
            event = {
                "conversation_id": f"conv_{len(self._agents)}",
                "agent_output_audio_format": "ulaw_8000",
                "user_input_audio_format": "ulaw_8000",
            }
            kind = "conversation_initiation_metadata"
            socket.send(json.dumps({"type": kind, f"{kind}_event": event}))
            self._agents.append(socket)
            self._answered.set()


def main(arguments: Sequence[str]) -> None:
    """Read the plan, carry it out, write what was told."""
    plan_path, told_path = map(Path, arguments)
    plan = CallPlan.model_validate_json(plan_path.read_bytes())
    if plan.core is not None:
        os.sched_setaffinity(0, {plan.core})

    async def carried() -> CallsTold:
        return await Calls(plan).carry()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told_path.write_text(runner.run(carried()).model_dump_json())


if __name__ == "__main__":
    main(sys.argv[1:])
