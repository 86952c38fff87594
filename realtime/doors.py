"""Who may open a WebSocket of ours, decided before it is accepted, and whether they still may.

A program shows its token as with every request; a page in a browser cannot set headers there and
offers it as a subprotocol. No address holds a token, because addresses are logged, and no cookie
counts, because a browser sends it whoever made it ask. Knows no stream.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from trunkline.model.calls import limits
from trunkline.model.errors import (
    CrossSiteRequest,
    TooManyRequests,
    TrunklineError,
    Unauthenticated,
)
from trunkline.services.access import Principal
from trunkline.services.catalogue import Services
from trunkline.services.control import Caller

PROTOCOL: Final = "trunkline.v1"
BEARER_PROTOCOL: Final = "trunkline.bearer."
_RETRY_S: Final = 30.0
_log = logging.getLogger(__name__)

Refusal = Callable[[TrunklineError, str], Response]
"""The answer to an error, given the id of the request."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who came in: the caller as the project knows them. ``protocol`` is what the
    handshake is to be answered with.
    """

    caller: Caller
    project: str
    secret: str
    protocol: str | None = None

    @property
    def principal(self) -> Principal:
        """Who it is."""
        return self.caller.principal


class Door:
    """The way in. ``origins`` are those whose pages may connect, beside those of this server.

    Whoever is in is looked at again every ``heartbeat_s``, and let go if they take nothing for
    ``send_max_s``.
    """

    def __init__(
        self,
        services: Services,
        *,
        refusal: Refusal,
        public_url: str,
        origins: Sequence[str] = (),
        heartbeat_s: float = limits.STREAM_HEARTBEAT_S,
        send_max_s: float = limits.STREAM_SEND_MAX_S,
    ) -> None:
        self.heartbeat_s = heartbeat_s
        self.send_max_s = send_max_s
        self._services = services
        self._refusal = refusal
        self._origins = {*origins, *_origin_of(public_url)}
        self._open = Counter[str]()

    async def enter(self, websocket: WebSocket, request_id: str) -> Visit:
        """Who comes, in the project of the path.

        Raises CrossSiteRequest, Unauthenticated, NotFound, StoreUnavailable.
        """
        self._require_known_page(websocket.headers)
        secret, protocol = _shown(websocket)
        project = str(websocket.path_params["project"])
        principal = await self._principal(secret, project)
        return Visit(Caller(principal, request_id), project, secret, protocol)

    async def enter_again(self, visit: Visit) -> Visit:
        """The same visitor with the rights they have now. Raises what ``enter`` raises."""
        principal = await self._principal(visit.secret, visit.project)
        caller = Caller(principal, visit.caller.request_id)
        return Visit(caller, visit.project, visit.secret, visit.protocol)

    async def admit(self, websocket: WebSocket, serve: Callable[[Visit], Awaitable[None]]) -> None:
        """Let somebody in and serve them; an error before the stream is accepted is answered as a
        request's would be.
        """
        request_id = secrets.token_hex(8)
        try:
            try:
                visit = await self.enter(websocket, request_id)
                await serve(visit)
            except TrunklineError as error:
                await websocket.send_denial_response(self._refusal(error, request_id))
        except WebSocketDisconnect:
            _log.info("whoever opened %s has gone", websocket.url.path)

    @contextmanager
    def place(self, visit: Visit) -> Iterator[None]:
        """One of a bounded number of open streams. Raises TooManyRequests."""
        token = visit.principal.token_id
        if (
            self._open.total() >= limits.STREAMS_MAX
            or self._open[token] >= limits.STREAMS_PER_TOKEN_MAX
        ):
            raise TooManyRequests(
                f"There are {self._open[token]} streams with this token"
                f" and {self._open.total()} in all, which is as many as there may be",
                retry_after_s=_RETRY_S,
                hint="Close those nobody reads; one stream shows all calls of a project",
            )
        self._open[token] += 1
        try:
            yield
        finally:
            self._open[token] -= 1
            if not self._open[token]:
                del self._open[token]

    async def _principal(self, secret: str, project: str) -> Principal:
        found = await self._services.access.authenticate(secret)
        await self._services.projects.find(found, project)
        return found.within(project) or found

    def _require_known_page(self, headers: Headers) -> None:
        """Raises CrossSiteRequest for a page of an origin nobody allowed. Programs have none."""
        origin = headers.get("origin")
        if origin is None or origin in self._origins:
            return
        if urlsplit(origin).netloc == headers.get("host", ""):
            return
        raise CrossSiteRequest(
            f"Pages of {origin} may not connect",
            hint="List the origin in TRUNKLINE_CORS_ORIGINS of the server",
        )


def _origin_of(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    return (f"{parts.scheme}://{parts.netloc}",) if parts.netloc else ()


def _shown(websocket: WebSocket) -> tuple[str, str | None]:
    """The token and the subprotocol to answer with. Raises Unauthenticated."""
    offered = websocket.scope.get("subprotocols", [])
    protocol = PROTOCOL if PROTOCOL in offered else None
    scheme, _, secret = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        return secret.strip(), protocol
    for one in offered:
        if one.startswith(BEARER_PROTOCOL):
            return one.removeprefix(BEARER_PROTOCOL), protocol or PROTOCOL
    raise Unauthenticated(
        "There is no token in the handshake",
        hint="Send 'Authorization: Bearer tl_…', or from a browser the subprotocols"
        f" '{PROTOCOL}' and '{BEARER_PROTOCOL}tl_…'",
    )
