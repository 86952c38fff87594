"""A WebSocket that only sends: kept alive, bounded in what it waits for, ended with a reason.

Whoever reads too slowly is let go instead of being kept in memory, and whoever lost the right to
read is told so within seconds. Knows not what is sent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json
from starlette.websockets import WebSocket, WebSocketDisconnect

from realtime.doors import Door, Visit
from trunkline.model.base import JsonObject
from trunkline.model.calls import limits
from trunkline.model.errors import (
    Blocked,
    Forbidden,
    NotFound,
    StoreUnavailable,
    TrunklineError,
    Unauthenticated,
)

NORMAL: Final = 1000
UNWANTED: Final = 1003
LATER: Final = 1013
TOKEN_ENDED: Final = 4401
RIGHT_ENDED: Final = 4403
GONE: Final = 4404
TOO_SLOW: Final = 4408
_GOODBYE_MAX_S: Final = 2.0
_REASON_MAX_BYTES: Final = 120
"""A close frame takes 123."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a stream ends, as its close frame says it."""

    code: int
    reason: str


class OneWay:
    """An accepted WebSocket of one visitor."""

    def __init__(self, websocket: WebSocket, visit: Visit, door: Door) -> None:
        self.visit = visit
        self._websocket = websocket
        self._door = door
        self._checked_s = _now_s()
        self._due_s = self._checked_s + door.heartbeat_s

    async def run(self, work: Callable[[], Awaitable[Closing]]) -> None:
        """Send until the work is done or the visitor has gone; closed when this returns."""
        await self._websocket.accept(subprotocol=self.visit.protocol)
        _log.info("%s opens %s", self.visit.principal.person, self._websocket.url.path)
        sending = asyncio.ensure_future(self._sent(work))
        hearing = asyncio.ensure_future(self._websocket.receive())
        try:
            await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                closing = sending.result()
            elif hearing.result()["type"] == "websocket.disconnect":
                closing = None
            else:
                closing = Closing(UNWANTED, "this stream takes no messages")
        finally:
            for task in (sending, hearing):
                task.cancel()
            await asyncio.gather(sending, hearing, return_exceptions=True)
        if closing is not None:
            await self._close(closing)

    async def send(self, message: JsonObject | bytes) -> None:
        """One message. Raises TimeoutError for a visitor who takes nothing."""
        async with asyncio.timeout(self._door.send_max_s):
            if isinstance(message, bytes):
                await self._websocket.send_bytes(message)
            else:
                await self._websocket.send_text(to_json(message).decode())

    async def checked(self, still: Callable[[Visit], Awaitable[None]]) -> Closing | None:
        """Look every few seconds whether the visitor may stay; ``still`` raises if not."""
        if _now_s() < self._due_s:
            return None
        self._due_s = _now_s() + self._door.heartbeat_s
        try:
            self.visit = await self._door.enter_again(self.visit)
            await still(self.visit)
        except StoreUnavailable as error:
            if _now_s() - self._checked_s < limits.STREAM_UNCHECKED_MAX_S:
                return None
            return Closing(LATER, error.message)
        except TrunklineError as error:
            return ended_by(error)
        self._checked_s = _now_s()
        return None

    async def _sent(self, work: Callable[[], Awaitable[Closing]]) -> Closing | None:
        try:
            return await work()
        except TimeoutError:
            return Closing(TOO_SLOW, "nothing was taken for too long")
        except WebSocketDisconnect:
            return None
        except TrunklineError as error:
            return ended_by(error)

    async def _close(self, closing: Closing) -> None:
        reason = closing.reason.encode()[:_REASON_MAX_BYTES].decode(errors="ignore")
        try:
            async with asyncio.timeout(_GOODBYE_MAX_S):
                await self._websocket.close(closing.code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            _log.info("%s was gone before goodbye", self.visit.principal.person)


def ended_by(error: TrunklineError) -> Closing:
    """The close frame for an error that ends a stream."""
    codes: tuple[tuple[type[TrunklineError], int], ...] = (
        (Unauthenticated, TOKEN_ENDED),
        (Forbidden, RIGHT_ENDED),
        (NotFound, GONE),
        (Blocked, NORMAL),
    )
    code = next((code for kind, code in codes if isinstance(error, kind)), LATER)
    return Closing(code, error.message)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
