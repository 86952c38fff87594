"""A telephone company's side of a call's stream, over a plain WebSocket.

Speaks Media Streams as Twilio does and hides nothing of what it is told.
"""

from __future__ import annotations

import base64
import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from simulators import sound
from tests.simulators.talking import PATIENCE_S

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
RATE = 8_000
FRAME_BYTES = 160
STREAM_SID = "MZ" + "1" * 32
CALL_SID = "CA" + "2" * 32


class Phone:
    """A call whose stream is open."""

    def __init__(self, connection: ClientConnection, call_sid: str) -> None:
        self._connection = connection
        self._sequence = 0
        self._call_sid = call_sid
        self.told: list[Json] = []

    def send(self, event: str, **content: Any) -> None:
        """One message; numbers are texts, as Twilio has them."""
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), **content}
        self._connection.send(json.dumps({"streamSid": STREAM_SID, **message}))

    def begin(self, parameters: Json) -> None:
        """What comes before the first sound."""
        self._connection.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        start = {
            "streamSid": STREAM_SID,
            "accountSid": "AC" + "0" * 32,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "customParameters": parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
        }
        self.send("start", start=start)

    def say(self, text: str, silence_s: float = 1.0) -> None:
        """The sound of these words, then silence, in frames of 20 ms, all at once."""
        spoken = sound.spoken(text, RATE, 1.0).samples
        silence = np.zeros(round(silence_s * RATE), np.int16)
        content = sound.encoded(np.concatenate([spoken, silence]), sound.ULAW)
        for number, start in enumerate(range(0, len(content), FRAME_BYTES), 1):
            payload = base64.b64encode(content[start : start + FRAME_BYTES]).decode()
            media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20)}
            self.send("media", media={**media, "payload": payload})

    def press(self, digit: str) -> None:
        """A key."""
        self.send("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def stop(self) -> None:
        """Hang up."""
        self.send("stop", stop={"callSid": self._call_sid})

    def next(self, within_s: float = PATIENCE_S) -> Json:
        """The next thing the platform says. Raises TimeoutError, ConnectionClosed."""
        message: Json = json.loads(self._connection.recv(within_s))
        self.told.append(message)
        return message

    def until(self, event: str, within_s: float = PATIENCE_S) -> Json:
        """The next thing of this kind."""
        deadline_s = time.monotonic() + within_s
        while True:
            message = self.next(max(0.0, deadline_s - time.monotonic()))
            if message["event"] == event:
                return message

    def heard(self) -> bytes:
        """Everything the caller was told to hear so far, as μ-law."""
        media = [message["media"] for message in self.told if message["event"] == "media"]
        return b"".join(base64.b64decode(one["payload"]) for one in media)


def stream_of(twiml: str) -> tuple[str, Json]:
    """Address and parameters of the stream some TwiML leads to."""
    stream = ET.fromstring(twiml).find("Connect/Stream")  # noqa: S314 - of our own server
    assert stream is not None, twiml
    parameters = {one.get("name", ""): one.get("value") for one in stream.findall("Parameter")}
    return stream.get("url", ""), parameters


@contextmanager
def phone(twiml: str, call_sid: str = CALL_SID) -> Iterator[Phone]:
    """The call such TwiML connects; what ends TLS is imagined before the server."""
    url, parameters = stream_of(twiml)
    assert url.startswith("wss://")
    plain = url.replace("wss", "ws", 1)
    with connect(plain, proxy=None, max_queue=None, open_timeout=PATIENCE_S) as connection:
        found = Phone(connection, call_sid)
        found.begin(parameters)
        yield found


def register(world: World, *texts: str) -> None:
    """Let the platform understand the sounds of these texts."""
    for text in texts:
        samples = sound.encoded(sound.spoken(text, 16_000, 1.0).samples, "pcm_16000")
        body = {"samples": base64.b64encode(samples).decode(), "format": "pcm_16000", "text": text}
        world.steer("hearing", body)
