"""A client of conversations that hides nothing: every message as it came, pings answered.

The vendor's own client swallows most of what the platform says; the tests that look closely use
this one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]

PATIENCE_S = 60.0
EVENTS = [
    "conversation_initiation_metadata",
    "ping",
    "audio",
    "interruption",
    "user_transcript",
    "agent_response",
    "agent_response_correction",
    "agent_response_complete",
    "agent_chat_response_part",
    "agent_tool_request",
    "agent_tool_response",
    "client_tool_call",
    "client_error",
    "vad_score",
]
END_CALL = {"end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}}}


class Line:
    """One end of a conversation."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.heard: list[Json] = []
        self.answers_pings = True

    def send(self, **message: Any) -> None:
        """One message to the platform."""
        self._connection.send(json.dumps(message))

    def send_text(self, text: str) -> None:
        """A message that need not be JSON."""
        self._connection.send(text)

    def say(self, text: str) -> None:
        """The caller's words."""
        self.send(type="user_message", text=text)

    def next(self, within_s: float = PATIENCE_S) -> Json:
        """The next message. Raises TimeoutError, ConnectionClosed."""
        message: Json = json.loads(self._connection.recv(within_s))
        self.heard.append(message)
        if message["type"] == "ping" and self.answers_pings:
            with suppress(ConnectionClosed):
                self.send(type="pong", event_id=message["ping_event"]["event_id"])
        return message

    def until(self, kind: str, within_s: float = PATIENCE_S) -> Json:
        """The next message of this type. Raises TimeoutError, ConnectionClosed."""
        deadline_s = time.monotonic() + within_s
        while True:
            message = self.next(max(0.0, deadline_s - time.monotonic()))
            if message["type"] == kind:
                return message

    def reply(self) -> str:
        """The agent's next reply."""
        return str(self.until("agent_response")["agent_response_event"]["agent_response"])

    def end(self) -> tuple[int, str]:
        """Listen until the platform closes; its code and its words, 1006 if it had none."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")

    def kinds(self) -> list[str]:
        """Types of what was heard, pings aside."""
        return [message["type"] for message in self.heard if message["type"] != "ping"]


@contextmanager
def line(url: str) -> Iterator[Line]:
    """A connection on which nothing has been said. Raises InvalidStatus when it is refused."""
    with connect(url, proxy=None, max_queue=None, open_timeout=PATIENCE_S) as connection:
        yield Line(connection)


@contextmanager
def talk(url: str, **initiation: Any) -> Iterator[Line]:
    """A conversation that the client has begun, unless it was closed before that."""
    with line(url) as found:
        with suppress(ConnectionClosed):
            found.send(type="conversation_initiation_client_data", **initiation)
        yield found


def public_url(world: World, agent_id: str) -> str:
    """Where anybody talks to an agent that asks for no authentication."""
    base = world.running.elevenlabs_url.replace("http", "ws", 1)
    return f"{base}/v1/convai/conversation?agent_id={agent_id}"


def signed_url(world: World, agent_id: str, **query: Any) -> str:
    """A signed address."""
    path = "/v1/convai/conversation/get-signed-url"
    answer = world.call("GET", path, params={"agent_id": agent_id, **query})
    assert answer.status_code == 200, answer.text
    world.check("GET", path, answer.json())
    return str(answer.json()["signed_url"])


def talker(world: World, first_message: str = "Welcome.", **parts: Any) -> str:
    """An agent that talks by text only, sends every event and may be ended; its id.

    ``parts``: ``agent``, ``conversation`` and other parts of the configuration, laid over that;
    ``platform_settings``, ``tags``.
    """
    outside = {name: parts.pop(name) for name in ("platform_settings", "tags") if name in parts}
    agent = {"first_message": first_message, **parts.pop("agent", {})}
    agent.setdefault("prompt", {"prompt": "You answer the phone.", "built_in_tools": END_CALL})
    conversation = {"text_only": True, "client_events": EVENTS, **parts.pop("conversation", {})}
    config = {"agent": agent, "conversation": conversation, **parts}
    return world.new_agent("talker", conversation_config=config, **outside)
