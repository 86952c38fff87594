"""Whoever is told, as real servers on loopback: one for webhooks and one for mail."""

import asyncio
import json
import ssl
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What the server says next; ``held`` until it is let go."""

    status: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)


class HookServer:
    """Takes every POST and answers as told, ``ok`` once nothing is left to say."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self.always: Answer | None = None
        self.url = ""
        self.answering = asyncio.Event()
        self.answering.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.received.append(Received(request.path, dict(request.headers), body))
        await self.answering.wait()
        default = self.always or Answer()
        answer = self.answers.pop(0) if self.answers else default
        return web.Response(status=answer.status, text=answer.text, headers=dict(answer.headers))

    def bodies(self) -> list[Any]:
        return [each.json for each in self.received]


@asynccontextmanager
async def hook_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[HookServer]:
    """A server on a free port, by https with ``tls``."""
    server = HookServer()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.answering.set()
        await runner.cleanup()


class MailBox:
    """Takes mail; ``refusal`` is said of every recipient instead, if it is not empty."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.refusal = ""

    async def handle_RCPT(  # noqa: N802 - the name the library looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name the library looks for
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server
        self.encrypted.append(session.ssl is not None)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"


@asynccontextmanager
async def mail_server(
    box: MailBox,
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    passwords: Any = None,
) -> AsyncIterator[int]:
    """A mail server on a free port; answers the port. ``passwords`` is asked about users."""
    loop = asyncio.get_running_loop()

    def connected() -> SMTP:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(
                box,
                hostname="mail.example.com",
                loop=loop,
                tls_context=starttls,
                authenticator=passwords,
                auth_required=passwords is not None,
                auth_require_tls=implicit is None,
            )

    server = await loop.create_server(connected, "127.0.0.1", 0, ssl=implicit)
    async with server:
        yield server.sockets[0].getsockname()[1]
