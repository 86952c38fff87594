"""One POST to a judged address: no redirect, no proxy, no cookie, a bounded time and answer.

What the answer means is said here once for every kind of webhook: which no is definite, and when
another try may come.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from trunkline import tracing
from trunkline.adapters.notifying.addresses import AddressGuard, Target
from trunkline.adapters.retry_after import retry_after_s
from trunkline.model.errors import NotificationRefused, NotificationUnavailable
from trunkline.model.notifications.bounds import (
    ANSWER_MAX_BYTES,
    ANSWER_SHOWN_CHARACTERS,
    REQUEST_TIMEOUT_S,
    RETRY_AFTER_MAX_S,
)

OURS = {"User-Agent": "Trunkline-Notifications", "Accept-Encoding": "identity"}
LATER = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Refusals that only mean: not now."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer that took the message."""

    status: int
    text: str


class Poster:
    """Sends bodies to addresses; keeps no connection."""

    def __init__(self, guard: AddressGuard, *, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        self._guard = guard
        self._timeout_s = timeout_s
        self._trust: ssl.SSLContext | None = None

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Posted:
        """The answer of a recipient that took it. Raises NotificationErrors."""
        try:
            async with asyncio.timeout(self._timeout_s):
                target = await self._guard.target(url)
                with tracing.span(
                    "POST notification", kind="client", attributes={"server.address": target.host}
                ) as span:
                    status, answer, said = await self._send(target, content, headers)
                    span.say({"http.response.status_code": status})
        except TimeoutError as error:
            raise NotificationUnavailable(f"no answer within {self._timeout_s:g} s") from error
        except httpx.InvalidURL as error:
            raise NotificationRefused("the address is no URL") from error
        except httpx.HTTPError as error:
            raise NotificationUnavailable(f"{target.host} {why_not(error)}") from error
        text = _shown(said, url)
        logger.info("%s answered %s", target.host, status)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Posted(status, text)
        words = f"{target.host} answered {status}{f': {text}' if text else ''}"
        if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait_s = retry_after_s(answer.get("retry-after"), default_s=0.0)
            raise NotificationUnavailable(
                words, retry_after_s=min(wait_s, RETRY_AFTER_MAX_S) or None
            )
        if status < HTTPStatus.BAD_REQUEST:
            words = f"{words}; it leads elsewhere, and nobody is followed"
        raise NotificationRefused(words)

    async def _send(
        self, target: Target, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, httpx.Headers, bytes]:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        transport = httpx.AsyncHTTPTransport(verify=self._trust, trust_env=False, retries=0)
        async with httpx.AsyncClient(
            transport=transport, follow_redirects=False, timeout=self._timeout_s
        ) as client:
            request = client.build_request(
                "POST",
                target.url,
                content=content,
                headers={**OURS, **headers, "Host": target.authority},
                extensions={"sni_hostname": target.host},
            )
            response = await client.send(request, stream=True)
            try:
                said = b""
                async for chunk in response.aiter_raw():
                    said += chunk
                    if len(said) >= ANSWER_MAX_BYTES:
                        break
            finally:
                await response.aclose()
        return response.status_code, response.headers, said[:ANSWER_MAX_BYTES]


def why_not(error: Exception) -> str:
    """What kept a connection from being made, where people can do something about it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"shows a certificate that does not count: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return f"does not answer ({type(error).__name__})"


def _shown(said: bytes, url: str) -> str:
    """What people see of an answer: a line of text, without the address, which may be a secret."""
    text = " ".join(said.decode("utf-8", errors="replace").split())
    for secret in (url, url.partition("://")[2].partition("/")[2]):
        if secret:
            text = text.replace(secret, "…")
    return "".join(c for c in text if c.isprintable())[:ANSWER_SHOWN_CHARACTERS]
