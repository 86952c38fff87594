"""One HTTP exchange with a vendor, told apart by what decides about a write: was it sent?

A write that never left this machine may be repeated; one that may have left must be looked up
first. HTTP libraries do not say which it was (a reset can mean either), so the moment the first
byte is about to go out is recorded here, and a request whose deadline is over is stopped at that
moment. Nothing is retried, no redirect is followed, every answer is bounded. What an answer means
is the business of each vendor's own translation.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from trunkline import metrics, tracing
from trunkline.adapters.breakers import Outcome
from trunkline.adapters.rate_limits import Pace
from trunkline.asking import request_id
from trunkline.model.errors import InvalidSettings, OutcomeUnknown, PlatformError, Unavailable
from trunkline.model.limits import (
    PLATFORM_ANSWER_MAX_BYTES,
    PLATFORM_CONNECT_TIMEOUT_S,
    PLATFORM_CONNECTIONS_MAX,
)

logger = logging.getLogger(__name__)

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
SENDING_BEGINS = ".send_request_headers.started"
REQUEST_ID_HEADER = "X-Request-Id"
"""Says for which request of a person a call is made; vendors ignore headers they do not know."""
REFUSED = 400
TOO_MANY_REQUESTS = 429
UNSERVED = frozenset({408, *range(500, 600)})
"""Statuses that say the vendor did not do its work, whatever was asked."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form: the name of its field, and its own name, kind and bytes."""

    name: str
    filename: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request; a ``file`` goes with the fields of ``form``.

    ``credentials`` are headers that no log, error or repr may show. ``route`` is what the path is
    counted as where it holds people's words, such as names.
    """

    method: str
    path: str
    write: bool
    timeout_s: float
    params: Sequence[tuple[str, str]] = ()
    json: object = None
    form: Mapping[str, Any] | None = None
    file: FilePart | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    route: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; header names are case-insensitive."""

    status: int
    headers: httpx.Headers
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become replacement characters."""
        return self.content.decode("utf-8", errors="replace")


class DeadlineOver(Exception):
    """The call's time was up before its first byte went out."""


class AnswerTooLarge(Exception):
    """The vendor sent more than any answer can need."""


@dataclass(slots=True)
class Sending:
    """Whether a request has begun to leave this machine."""

    deadline_s: float
    begun: bool = False

    async def note(self, event: str, _facts: object) -> None:
        """Called by the transport before each of its steps."""
        if not event.endswith(SENDING_BEGINS):
            return
        if time.monotonic() >= self.deadline_s:
            raise DeadlineOver
        self.begun = True


class Wire:
    """Pooled connections to one vendor's address; the accounts of a process share them.

    Whoever makes a Wire closes it, on the loop that used it.
    """

    def __init__(self, vendor: str, base_url: str) -> None:
        self.vendor = vendor
        self._base_url = _checked(vendor, base_url)
        trust_env = self._base_url.host not in LOOPBACK_HOSTS
        self._client = httpx.AsyncClient(
            base_url=self._base_url,
            limits=httpx.Limits(
                max_connections=PLATFORM_CONNECTIONS_MAX,
                max_keepalive_connections=PLATFORM_CONNECTIONS_MAX,
            ),
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            verify=_trust(trust_env=trust_env),
            trust_env=trust_env,
        )

    @property
    def base_url(self) -> str:
        """The vendor's address without a slash at its end."""
        return str(self._base_url).rstrip("/")

    async def exchange(self, call: Call, pace: Pace) -> Answer:
        """Send a call when the account's pace allows it and read the whole answer.

        Raises RateLimited if its turn did not come in time, Unavailable if it had no effect, and
        OutcomeUnknown for a write that may have had one.
        """
        operation = metrics.operation(call.method, call.route or call.path)
        with tracing.span(
            operation,
            kind="client",
            attributes={
                "http.request.method": call.method,
                "server.address": self._base_url.host,
                "trunkline.vendor": self.vendor,
                "trunkline.request_id": request_id(),
                "url.template": operation.partition(" ")[2],
            },
        ) as span:
            answer = await self._paced(call, pace, span)
            span.say({"http.response.status_code": answer.status})
            if answer.status >= REFUSED:
                span.fail(str(answer.status))
        return answer

    async def _paced(self, call: Call, pace: Pace, span: tracing.Span) -> Answer:
        started_s = time.monotonic()
        sending = Sending(deadline_s=started_s + call.timeout_s)
        async with pace.slot(timeout_s=call.timeout_s) as slot:
            began_s = time.monotonic()
            span.say({"trunkline.wait_s": round(began_s - started_s, 4)})
            try:
                async with asyncio.timeout(sending.deadline_s - began_s):
                    answer = await self._send(call, sending)
            except (httpx.HTTPError, TimeoutError, DeadlineOver, AnswerTooLarge) as error:
                slot.outcome = _outcome_of(error, call, time.monotonic() - began_s)
                failure = self._failure(call, error, begun=sending.begun)
                self._note(logging.WARNING, call, began_s, failure.reason, begun=sending.begun)
                raise failure from error
            slot.outcome = _outcome(answer.status)
        self._note(logging.INFO if call.write else logging.DEBUG, call, began_s, str(answer.status))
        return answer

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _send(self, call: Call, sending: Sending) -> Answer:
        request = self._client.build_request(
            call.method,
            call.path,
            params=list(call.params) or None,
            json=call.json,
            data=call.form,
            files=_files(call.file),
            headers={**call.headers, **_trace(), **call.credentials},
            timeout=httpx.Timeout(
                call.timeout_s, connect=min(call.timeout_s, PLATFORM_CONNECT_TIMEOUT_S)
            ),
            extensions={"trace": sending.note},
        )
        try:
            response = await self._client.send(request, stream=True)
            try:
                content = await _bounded(response)
            finally:
                await response.aclose()
        finally:
            # Errors of the transport carry the request; what they carry must hold no secret.
            for name in call.credentials:
                request.headers.pop(name, None)
        return Answer(response.status_code, response.headers, content)

    def _failure(self, call: Call, error: Exception, *, begun: bool) -> PlatformError:
        cause = type(error).__name__
        if call.write and begun:
            return OutcomeUnknown(
                f"the answer of {self.vendor} to {call} was lost ({cause})",
                hint="it may have taken effect: look it up before it is sent again",
            )
        state = "was not answered" if begun else "was not sent"
        return Unavailable(
            f"{self.vendor}: {call} {state} ({cause})",
            hint=f"check that {self.base_url} is reachable",
        )

    def _note(
        self, level: int, call: Call, began_s: float, outcome: str, *, begun: bool = True
    ) -> None:
        duration_s = time.monotonic() - began_s
        status = metrics.status_class(int(outcome)) if outcome.isdigit() else "lost"
        metrics.called(
            self.vendor,
            call.method,
            call.route or call.path,
            status if begun else "unsent",
            duration_s,
        )
        logger.log(
            level,
            "%s %s: %s",
            self.vendor,
            call,
            outcome,
            extra={
                "vendor": self.vendor,
                "method": call.method,
                "path": call.path,
                "outcome": outcome,
                "duration_s": round(duration_s, 4),
            },
        )


def _files(file: FilePart | None) -> dict[str, tuple[str, bytes, str]] | None:
    return {file.name: (file.filename, file.content, file.media_type)} if file else None


def _trace() -> dict[str, str]:
    asked = request_id()
    return {REQUEST_ID_HEADER: asked} if asked else {}


def _outcome(status: int) -> Outcome:
    if status == TOO_MANY_REQUESTS:
        return "limited"
    return "failed" if status in UNSERVED else "served"


def _outcome_of(error: Exception, call: Call, flew_s: float) -> Outcome | None:
    """What a missing answer says about the vendor: nothing, if we left it hardly any time."""
    if isinstance(error, DeadlineOver | httpx.PoolTimeout):
        return None
    if isinstance(error, AnswerTooLarge):
        return "served"
    hurried = isinstance(error, TimeoutError | httpx.TimeoutException)
    return None if hurried and flew_s < call.timeout_s / 2 else "failed"


async def _bounded(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > PLATFORM_ANSWER_MAX_BYTES:
            raise AnswerTooLarge
    return bytes(content)


@cache
def _trust(*, trust_env: bool) -> ssl.SSLContext:
    """Whom all connections trust. Read once: the authorities are a hundred, accounts are many."""
    return httpx.create_ssl_context(trust_env=trust_env)


def _checked(vendor: str, base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise InvalidSettings(f"the address of {vendor} is no URL") from error
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise InvalidSettings(
            f"the address of {vendor} must be an http or https URL without a password in it",
            hint="give scheme and host, for example https://api.example.com",
        )
    return url
