"""The official Twilio client's HTTP, carried by our wire.

The client lets its HTTP be replaced. The one it brings has no deadline unless every call names
one, logs headers, and hides which failures happened before anything was sent; ours has the
deadline, pace and error tree every other vendor call has. It must not know what is asked.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
from twilio.http.response import Response

from trunkline.adapters.rate_limits import Pace
from trunkline.adapters.retry_after import retry_after_s
from trunkline.adapters.vendor_times import vendor_time
from trunkline.adapters.wire import Call, Wire
from trunkline.model.errors import Unavailable

BUSY_PAUSE_S = 1.0
"""Twilio refuses by concurrency and did not process the request: a place is free soon."""


class PacedTransport:
    """Sends what the Twilio client asks for. Owns no connection: the wire does."""

    is_async = True
    """How the Twilio client tells the two kinds of HTTP apart."""

    def __init__(self, wire: Wire, pace: Pace, *, timeout_s: float) -> None:
        self._wire = wire
        self._pace = pace
        self._timeout_s = timeout_s
        self.answered_at: datetime | None = None
        """Twilio's time at its last answer; the client in between keeps no headers."""

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the Twilio client's
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - likewise; never followed
    ) -> Response:
        """One request. Raises leaves of our error tree if there is no answer.

        An address elsewhere, as a page might name for the next one, is never sent a credential.
        """
        if not uri.startswith(f"{self._wire.base_url}/"):
            raise Unavailable("an answer of Twilio points away from Twilio's address")
        answer = await self._wire.exchange(
            Call(
                method.upper(),
                uri.removeprefix(self._wire.base_url),
                write=method.upper() != "GET",
                timeout_s=timeout or self._timeout_s,
                params=_pairs(params),
                form=data or None,
                headers=headers or {},
                credentials=_authorization(auth),
            ),
            self._pace,
        )
        self.answered_at = vendor_time(answer)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            header = answer.headers.get("retry-after")
            self._pace.pause(retry_after_s(header, default_s=BUSY_PAUSE_S))
        return Response(answer.status, answer.text, answer.headers)


def _pairs(params: dict[str, Any] | None) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in (params or {}).items() if value is not None]


def _authorization(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    request = httpx.Request("GET", "https://unsent.invalid")
    signed = next(httpx.BasicAuth(*auth).auth_flow(request))
    return {"Authorization": signed.headers["Authorization"]}
