"""An office with a telephone: TwiML at addresses, a server for Media Streams, and who called it.

Real HTTP and real WebSockets on a port of the loopback. Every request is checked with the
vendor's own validator before it counts.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import WSMsgType, web
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from simulators.server import RunningSimulators

Json = dict[str, Any]
NUMBER = "+15005550006"
CALLER = "+14155550100"
WITHIN_S = 60.0
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"


@dataclass
class Asked:
    """One request the office got."""

    path: str
    form: dict[str, str]
    is_signed: bool
    settings: str = ""


@dataclass
class Conversation:
    """One stream, from the server's side."""

    request: web.Request
    socket: web.WebSocketResponse
    is_signed: bool
    messages: list[Json] = field(default_factory=list)

    def of(self, event: str) -> list[Json]:
        return [message for message in self.messages if message["event"] == event]

    @property
    def sid(self) -> str:
        return str(self.of("start")[0]["streamSid"])

    def heard(self) -> bytes:
        return b"".join(
            base64.b64decode(message["media"]["payload"]) for message in self.of("media")
        )

    async def say(self, sound: bytes, size: int = 160) -> None:
        for start in range(0, len(sound), size):
            payload = base64.b64encode(sound[start : start + size]).decode()
            await self.send("media", media={"payload": payload})

    async def send(self, event: str, **facts: object) -> None:
        text = json.dumps({"event": event, "streamSid": self.sid, **facts})
        await self.socket.send_str(text)


Talk = Callable[[Conversation], Awaitable[None]]


async def stay(conversation: Conversation) -> None:
    """Say nothing."""


class Office:
    """TwiML by path, talks by path, and everything that was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.token = ""
        self.documents: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.sounds: dict[str, bytes] = {}
        self.talks: dict[str, Talk] = {}
        self.refusals: set[str] = set()
        self.asked: list[Asked] = []
        self.conversations: list[Conversation] = []

    @property
    def socket_url(self) -> str:
        return "wss" + self.url[self.url.index(":") :]

    @property
    def stream_url(self) -> str:
        return f"{self.socket_url}/media"

    def connect(self, path: str = "/voice", parameters: str = "", after: str = "") -> None:
        stream = f'<Stream url="{self.stream_url}">{parameters}</Stream>'
        self.documents[path] = f"<Response><Connect>{stream}</Connect>{after}</Response>"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._stream(request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        settings = request.headers.get(SETTINGS, "")
        valid = RequestValidator(self.token).validate(
            f"{self.url}{request.path_qs}",
            form,
            request.headers.get("X-Twilio-Signature", ""),
            "HMAC_SHA256" if settings else None,
        )
        self.asked.append(Asked(request.path, form, valid, settings))
        if request.path in self.sounds:
            return web.Response(body=self.sounds[request.path], content_type="audio/wav")
        is_sound = request.path.endswith(".wav")
        text = self.documents.get(request.path, "" if is_sound else "<Response/>")
        status = self.statuses.get(request.path, 200)
        return web.Response(text=text, content_type="text/xml", status=status)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        url = f"{self.socket_url}{request.path_qs}"
        signature = request.headers.get("x-twilio-signature", "")
        if request.path in self.refusals:
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        valid = RequestValidator(self.token).validate(url, {}, signature)
        conversation = Conversation(request, socket, valid)
        self.conversations.append(conversation)
        talk = asyncio.create_task(self._talked(conversation, self.talks.get(request.path, stay)))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    conversation.messages.append(json.loads(message.data))
        finally:
            talk.cancel()
        return socket

    async def _talked(self, conversation: Conversation, talk: Talk) -> None:
        await until(lambda: bool(conversation.of("start")))
        await talk(conversation)

    def forms(self, path: str) -> list[dict[str, str]]:
        return [asked.form for asked in self.asked if asked.path == path]


async def until(found: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Return when it is so. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not found():  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.005)


@dataclass
class Telephony:
    """The simulators, an office and the vendor's client."""

    running: RunningSimulators
    office: Office
    http: httpx.AsyncClient
    client: Client

    async def steer(self, path: str, body: Json | None = None) -> Json:
        response = await self.http.post(f"{self.running.twilio_url}/_sim/{path}", json=body or {})
        assert response.status_code == 200, response.text
        content: Json = response.json()
        return content

    async def call(self, **body: Any) -> str:
        """Somebody calls; the call's SID."""
        answer = await self.steer("call", {"to": NUMBER, "from": CALLER, **body})
        return str(answer["sid"])

    async def show(self, sid: str, *, sound: bool = True) -> Json:
        url = f"{self.running.twilio_url}/_sim/calls/{sid}?sound={str(sound).lower()}"
        response = await self.http.get(url)
        content: Json = response.json()
        return content

    async def over(self, sid: str) -> Json:
        """The call once it is over."""
        return await self.comes(sid, ("completed", "busy", "failed", "no-answer", "canceled"))

    async def comes(self, sid: str, statuses: tuple[str, ...]) -> Json:
        """The call once it has one of these statuses."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.show(sid, sound=False))["status"] not in statuses:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await self.show(sid)

    async def notes(self, sid: str, event: str) -> Json:
        """The call once it has noted this."""
        async with asyncio.timeout(WITHIN_S):
            while not noted(await self.show(sid, sound=False), event):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await self.show(sid)

    async def number(self, **fields: str) -> None:
        """Set fields of the number."""
        await self.steer("edit", {"phone_number": NUMBER, "fields": fields})

    async def place(self, **arguments: Any) -> Any:
        """An outgoing call by the vendor's client."""
        given = {"to": CALLER, "from_": NUMBER, **arguments}
        return await asyncio.to_thread(lambda: self.client.calls.create(**given))


def noted(shown: Json, event: str) -> list[Json]:
    """What a call noted under this name."""
    return [entry for entry in shown["events"] if entry["event"] == event]


@contextlib.asynccontextmanager
async def open_office(running: RunningSimulators) -> AsyncIterator[Office]:
    """An office on a free port."""
    office = Office()
    office.token = running.twilio_auth_token
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", office.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    office.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield office
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def open_telephony(running: RunningSimulators) -> AsyncIterator[Telephony]:
    """An office behind a number of simulators that run, as on their first start."""
    async with (
        open_office(running) as office,
        httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http,
    ):
        client = Client(running.twilio_account_sid, running.twilio_auth_token)
        client.api.base_url = running.twilio_url
        found = Telephony(running, office, http, client)
        await found.steer("reset")
        await found.number(VoiceUrl=f"{office.url}/voice", StatusCallback=f"{office.url}/status")
        try:
            yield found
        finally:
            await found.steer("reset")
            client.http_client.session.close()
