"""What a request and an answer are to a simulator, whichever vendor it looks like.

Handlers see bytes and mappings, never sockets, so that the gateway can repeat a request, let it
take effect late, or throw its answer away. This module knows no vendor.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulators.listing import ListLag
from simulators.past import Past
from simulators.tally import Tally

Json = dict[str, Any]

UNMATCHED = "(no such route)"
# The code of a WebSocket connection that ended without a closing frame.
LOST = 1006


class SocketClosed(Exception):
    """A WebSocket connection is over, whoever ended it; ``code`` is 1006 when nobody said so."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket(Protocol):
    """An accepted WebSocket connection. It raises SocketClosed once it is over."""

    async def receive(self) -> str:
        """The next message; one in bytes reads as an empty text."""

    async def send(self, text: str) -> None:
        """One message."""

    async def close(self, code: int, reason: str = "") -> None:
        """End it with a closing frame; nothing if it is over already."""

    def cut(self) -> None:
        """Close the connection without a closing frame."""

    def spoil(self) -> None:
        """Send bytes that are no frame."""

    def delay_pongs(self, seconds: float) -> None:
        """Answer the protocol's own pings that much later from now on."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A WebSocket handshake that is accepted: who speaks, and what to do when it is over."""

    speak: Callable[[Socket], Awaitable[None]]
    leave: Callable[[], None]
    subprotocol: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its body read whole.

    ``path_values`` are the route's placeholders; ``query`` keeps repeated names in order.
    """

    method: str
    path: str
    route: str
    path_values: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a query parameter, in order."""
        return [value for key, value in self.query if key == name]

    def value(self, name: str) -> str | None:
        """The last value of a query parameter, or None when it is absent."""
        found = self.values(name)
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``headers`` come on top of content type and length."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(content: object, *, status: int = 200, **headers: str) -> Answer:
    """An answer with a JSON body; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body=dump_json(content), headers=named)


def dump_json(content: object) -> bytes:
    """Compact JSON in ASCII, so that any text a client sent can be sent back."""
    return json.dumps(content, separators=(",", ":")).encode()


Handle = Callable[[Request], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path template (``/v1/agents/{agent_id}``) with what answers it."""

    method: str
    template: str
    handle: Handle


class RouteTable:
    """Finds the route of a request; literal segments win over placeholders."""

    def __init__(self, routes: list[Route]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            segments = route.template.split("/")
            self._by_shape.setdefault((route.method, len(segments)), []).append((segments, route))
        for candidates in self._by_shape.values():
            candidates.sort(key=lambda candidate: [part[:1] == "{" for part in candidate[0]])

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a method and path with its placeholder values, or None."""
        segments = path.split("/")
        for template, route in self._by_shape.get((method, len(segments)), ()):
            values: dict[str, str] = {}
            for expected, actual in zip(template, segments, strict=True):
                if expected[:1] == "{" and actual:
                    name, _, suffix = expected[1:].partition("}")
                    if suffix and not actual.endswith(suffix):
                        break
                    values[name] = actual.removesuffix(suffix) if suffix else actual
                elif expected != actual:
                    break
            else:
                return route, values
        return None

    def templates(self) -> list[str]:
        """Every route as ``METHOD template``."""
        routes = (route for candidates in self._by_shape.values() for _, route in candidates)
        return sorted(f"{route.method} {route.template}" for route in routes)

    def methods(self, path: str) -> list[str]:
        """Methods that some route takes at this path."""
        names = {method for method, _ in self._by_shape}
        return sorted(name for name in names if self.find(name, path))


class Vendor(Protocol):
    """What the gateway asks of a look-alike."""

    name: str
    routes: RouteTable
    lag: ListLag
    past: Past
    tally: Tally
    control_routes: list[Route]
    socket_routes: RouteTable

    async def answer(self, route: Route, request: Request) -> Answer:
        """Take effect and answer, in the vendor's shapes."""

    async def admit(self, request: Request) -> Answer | Admission:
        """Refuse a WebSocket handshake, or say who speaks once it is accepted."""

    async def stop(self) -> None:
        """Stop whatever goes on beside requests."""

    def refuse_rate(self, retry_after_s: int) -> Answer:
        """Too many requests in a second."""

    def refuse_concurrency(self, limit: int) -> Answer:
        """Too many requests at once."""

    def refuse_size(self, limit_bytes: int) -> Answer:
        """A body beyond the bound."""

    def refuse_route(self, request: Request, allowed: list[str]) -> Answer:
        """No such path, or a path that does not take this method."""

    def fail(self, status: int) -> Answer:
        """An error with the given status, as the vendor would word it."""

    def set_noise(self, *, enabled: bool) -> None:
        """With or without the noise real answers have."""

    def reset(self) -> None:
        """Forget everything but the configuration the simulator was started with."""
