"""The vendor's own requests: for TwiML, to actions, to status callbacks.

Only this machine is ever called. An address of the loopback is called as it is (in plain text,
even where it says https: whatever ends TLS is imagined before it); a host can be laid onto the
loopback; the voice platform's hosts are its look-alike's; the vendor's own little applications
are answered here. Every other host cannot be reached.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from xml.sax.saxutils import escape, quoteattr

import httpx

from simulators.hosts import is_this_machine
from simulators.trust import trust
from simulators.twilio.calls.bounds import MAX_TWIML_BYTES, WEBHOOK_TIMEOUT_S
from simulators.twilio.calls.signing import Signer

PLATFORM_HOSTS = frozenset({"api.elevenlabs.io", "api.us.elevenlabs.io"})
OWN_HOST = "twimlets.com"
SCHEMES = frozenset({"http", "https", "ws", "wss"})
HTTP_RETRIEVAL = 11200
OK = range(200, 300)


class Unanswered(Exception):
    """Nothing of use came back; carries the vendor's code."""

    def __init__(self, message: str, code: int = HTTP_RETRIEVAL) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Place:
    """Where on this machine an address is to be found, in plain text."""

    host: str
    port: int

    @property
    def written(self) -> str:
        """Host and port as an address has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Places:
    """Which addresses are on this machine."""

    def __init__(self, platform_url: str | None) -> None:
        self.platform = _split(platform_url) if platform_url else None
        self._laid: dict[str, Place] = {}

    def lay(self, hosts: Mapping[str, str]) -> None:
        """From now on these hosts, and only these, are at addresses of the loopback.

        Raises ValueError for another address.
        """
        laid = {}
        for host, url in hosts.items():
            if not is_this_machine(url):
                raise ValueError(f"{url} is not an address of this machine")
            laid[host.lower()] = _split(url)
        self._laid = laid

    def describe(self) -> dict[str, str]:
        """The hosts that are laid onto this machine."""
        return {host: f"http://{place.written}" for host, place in self._laid.items()}

    def find(self, url: str) -> Place | None:
        """Where to connect for an address, or None when it cannot be reached."""
        host = host_of(url)
        if host in self._laid:
            return self._laid[host]
        if host in PLATFORM_HOSTS:
            return self.platform
        # The rule is about hosts; a stream's address obeys it as a page's does.
        is_here = bool(host) and is_this_machine("http" + url[url.find(":") :])
        return _split(url) if is_here else None


class Web:
    """Asks addresses, signed."""

    def __init__(self, places: Places, signer: Signer) -> None:
        self.places = places
        self.signer = signer
        self._client: httpx.AsyncClient | None = None

    async def teach(self, words: str, ulaw: bytes) -> None:
        """Tell the voice platform's look-alike what a sound says: it cannot know otherwise."""
        place = self.places.platform
        if place is None:
            return
        body = {
            "samples": base64.b64encode(ulaw).decode(),
            "format": "ulaw_8000",
            "text": words,
        }
        with contextlib.suppress(httpx.HTTPError):
            await self._opened().post(f"http://{place.written}/_sim/hearing", json=body)

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                trust_env=False, timeout=WEBHOOK_TIMEOUT_S, verify=trust()
            )
        return self._client

    async def ask(self, url: str, method: str, parameters: Mapping[str, str]) -> str:
        """The text behind an address. Raises Unanswered."""
        if host_of(url) == OWN_HOST:
            return _own(url, parameters)
        response = await self._fetched(url, method, parameters)
        if len(response.content) > MAX_TWIML_BYTES:
            raise Unanswered(f"{url}: the answer is larger than {MAX_TWIML_BYTES} bytes")
        return response.text

    async def sound(self, url: str) -> bytes:
        """The bytes of a sound. Raises Unanswered."""
        return (await self._fetched(url, "GET", {})).content

    async def _fetched(
        self, url: str, method: str, parameters: Mapping[str, str]
    ) -> httpx.Response:
        place = self.places.find(url)
        if place is None:
            raise Unanswered(f"{url}: the host cannot be reached")
        client = self._opened()
        try:
            async with asyncio.timeout(WEBHOOK_TIMEOUT_S):
                response = await client.send(self._request(client, place, url, method, parameters))
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unanswered(f"{url}: {type(error).__name__}") from error
        if response.status_code not in OK:
            raise Unanswered(f"{url}: status {response.status_code}")
        return response

    def _request(
        self,
        client: httpx.AsyncClient,
        place: Place,
        url: str,
        method: str,
        parameters: Mapping[str, str],
    ) -> httpx.Request:
        if method == "GET" and parameters:
            url += ("&" if "?" in url else "?") + urlencode(parameters)
            parameters = {}
        headers = self.signer.headers(url, parameters)
        headers["Host"] = urlsplit(url).netloc.rpartition("@")[2]
        headers["User-Agent"] = "TwilioProxy/1.1"
        parts = urlsplit(url)
        target = f"http://{place.written}{parts.path or '/'}"
        if parts.query:
            target += f"?{parts.query}"
        if method == "GET":
            return client.build_request("GET", target, headers=headers)
        return client.build_request("POST", target, headers=headers, data=dict(parameters))

    async def close(self) -> None:
        """Close the pooled connections; the next request opens others."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def host_of(url: str) -> str:
    """The host an address names; empty for what is no address."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in SCHEMES and parts.port != 0
        return (parts.hostname or "").lower() if known else ""
    except ValueError:
        return ""


def joined(base: str, address: str) -> str:
    """An address in a document, whole; one that makes no sense stays as it is."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def _split(url: str) -> Place:
    parts = urlsplit(url)
    standard = 443 if parts.scheme in ("https", "wss") else 80
    return Place(parts.hostname or "", parts.port or standard)


def _own(url: str, parameters: Mapping[str, str]) -> str:
    """What the vendor's own applications answer: ``/echo`` and ``/forward``."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.path == "/echo":
        return query.get("Twiml", "<Response/>")
    if parts.path != "/forward":
        raise Unanswered(f"{url}: status 404")
    status = parameters.get("DialCallStatus")
    fail_url = query.get("FailUrl", "")
    if status is None:
        action = quoteattr(f"https://{OWN_HOST}/forward?{urlencode({'FailUrl': fail_url})}")
        caller = f" callerId={quoteattr(query['CallerId'])}" if "CallerId" in query else ""
        number = escape(query.get("PhoneNumber", ""))
        return f"<Response><Dial action={action}{caller}>{number}</Dial></Response>"
    if status in ("completed", "answered") or not fail_url:
        return "<Response><Hangup/></Response>"
    return f"<Response><Redirect>{escape(fail_url)}</Redirect></Response>"
