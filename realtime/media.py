"""``/v1/media``: where a carrier opens the media stream of a call.

The upgrade is judged before it is accepted, by whoever knows the carrier's keys; the first message
says which call it is. Plain ASGI, because each frame of each call passes here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from realtime.frames import StreamBegun
from realtime.streams import CarrierStream
from realtime.switchboard import Switchboard
from trunkline.model.calls.limits import STREAM_BEGIN_TIMEOUT_S
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.errors import CarrierLost, StreamMalformed, TrunklineError
from trunkline.services.carrier_requests import CallPlace

FindSigners = Callable[[SignedRequest], Awaitable[frozenset[CallPlace]]]
"""Places whose account signed the opening of a stream; none refuses it."""
POLICY: Final = 1008
UNFORESEEN: Final = 1011

logger = logging.getLogger(__name__)


class MediaStreams:
    """The ASGI application of one path."""

    def __init__(self, board: Switchboard, signers: FindSigners) -> None:
        self._board = board
        self._signers = signers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge, accept, carry."""
        await receive()
        if not self._board.takes_calls:
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            signers = await self._signers(_opening(scope))
        except TrunklineError as error:
            logger.warning("a media stream cannot be judged: %s", error.message)
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE)
            return
        if not signers:
            await _refuse(send, HTTPStatus.FORBIDDEN)
            return
        await send({"type": "websocket.accept"})
        stream = CarrierStream(receive, send)
        code = UNFORESEEN
        try:
            begun = await _beginning(stream)
            await self._board.carry(stream, begun, signers)
        except CarrierLost as error:
            logger.info("%s", error.message)
        except TrunklineError as error:
            code = POLICY
            logger.warning("a media stream is refused: %s", error.message)
        except TimeoutError:
            code = POLICY
            logger.warning("a media stream did not say which call it is")
        else:
            code = 1000
        finally:
            await stream.close(code)


def _opening(scope: Scope) -> SignedRequest:
    headers = Headers(scope=scope)
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    return SignedRequest(
        target,
        signature=headers.get("x-twilio-signature", ""),
        settings=headers.get("x-twilio-webhooks-signature-settings", ""),
    )


async def _beginning(stream: CarrierStream) -> StreamBegun:
    """Which call it is. Raises CarrierLost, StreamMalformed, TimeoutError."""
    async with asyncio.timeout(STREAM_BEGIN_TIMEOUT_S):
        begun = await stream.next()
    if not isinstance(begun, StreamBegun):
        raise StreamMalformed("a media stream begins in the middle")
    return begun


async def _refuse(send: Send, status: HTTPStatus) -> None:
    await send({"type": "websocket.http.response.start", "status": int(status), "headers": []})
    await send({"type": "websocket.http.response.body", "body": status.phrase.encode()})
