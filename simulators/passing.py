"""What a look-alike's front remembers of a request or a handshake until the journal has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from simulators.faults import Fault
from simulators.wire import Json, Request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HANG_BY_DEFAULT_S = 30.0


@dataclass(slots=True, kw_only=True)
class Passing:
    """One of them on its way, with where its answer goes."""

    request: Request
    address: tuple[str, int]
    receive: Receive
    send: Send
    fault: Fault | None = None
    status: int | None = None
    effect: str = "none"

    def entry(self, now_s: float) -> Json:
        """Its line in the journal; ``now_s`` in Unix seconds."""
        return {
            "method": self.request.method,
            "path": self.request.path,
            "route": self.request.route,
            "status": self.status,
            "effect": self.effect,
            "fault": self.fault.kind.value if self.fault else None,
            "time_unix_s": round(now_s, 3),
        }
