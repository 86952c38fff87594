"""Two projects with accounts of their own behind one API, asked as carriers ask: without a socket.

Signatures are made by the vendors' own clients, so that ours are held against theirs.
"""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.types import ASGIApp, Message
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from twilio.request_validator import RequestValidator

from activities.clocks import SystemClock
from api.app import create_app
from tests.calls.rows import DIGEST, REVISION, deployed, enforced, project_manifest, wished
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.postgres import PostgresStore
from trunkline.calling import calling
from trunkline.local.ports import free_port
from trunkline.model.base import JsonObject
from trunkline.model.calls.records import CallRecord
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent, DesiredLine, DesiredNumber
from trunkline.model.ids import (
    AgentName,
    EnvironmentName,
    ProjectName,
)
from trunkline.model.records import ProjectRecord, RecordKind, SourceState, WishRecord
from trunkline.services.catalogue import Services, build_services
from trunkline.services.platform_news import PlatformNewsService, signature_of
from trunkline.serving import outside
from trunkline.settings import Settings

PUBLIC_HOST = "calls.example.com"
PUBLIC_URL = f"https://{PUBLIC_HOST}"
NUMBER, FALLBACK, CALLER = "+15005550006", "+15005550001", "+447700900123"
ACCOUNTS = {"acme": "AC" + "a1" * 16, "beta": "AC" + "b2" * 16}
TOKENS = {"acme": "token-of-acme", "beta": "token-of-beta"}
SHARED_KEYS = {"acme": ("webhooks_sharedkey_a", "key-a"), "beta": ("webhooks_sharedkey_b", "key-b")}
NEWS_SECRET, BETA_NEWS_SECRET = "wsec_everybody", "wsec_beta"
FORM = "application/x-www-form-urlencoded"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it goes over the wire."""

    target: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"

    def with_header(self, name: str, value: str | None) -> "Sent":
        """The same with another value of a header, or without it."""
        kept = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


def signature(
    url: str, fields: Sequence[tuple[str, str]], key: str, algorithm: str = "HMAC_SHA1"
) -> str:
    """What Twilio's client would look for."""
    return str(RequestValidator(key).compute_signature(url, dict(fields), algorithm))


def form(
    target: str,
    fields: Sequence[tuple[str, str]],
    *,
    key: str = TOKENS["acme"],
    base: str = PUBLIC_URL,
    settings: str = "",
    algorithm: str = "HMAC_SHA1",
) -> Sent:
    """A signed form."""
    signed = signature(base + target, fields, key, algorithm)
    headers: tuple[tuple[str, str], ...] = (
        ("content-type", FORM),
        ("x-twilio-signature", signed),
    )
    if settings:
        headers = (*headers, ("x-twilio-webhooks-signature-settings", settings))
    return Sent(target, urlencode(fields).encode(), headers)


def json_body(target: str, fields: Sequence[tuple[str, str]], *, key: str = TOKENS["acme"]) -> Sent:
    """A signed JSON body, named by its digest in the address."""
    body = json.dumps(dict(fields)).encode()
    named = f"{target}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signed = signature(PUBLIC_URL + named, (), key)
    return Sent(named, body, (("content-type", "application/json"), ("x-twilio-signature", signed)))


def upgrade(*, key: str = TOKENS["acme"], url: str = f"wss://{PUBLIC_HOST}/v1/media") -> Sent:
    """The signed opening of a media stream."""
    return Sent("/v1/media", headers=(("x-twilio-signature", signature(url, (), key)),))


def news(said: JsonObject, *, secret: str = NEWS_SECRET, at_s: float | None = None) -> Sent:
    """Signed news of the voice platform."""
    body = json.dumps(said).encode()
    signed = signature_of(secret, int(time.time() if at_s is None else at_s), body)
    headers = (("content-type", "application/json"), ("elevenlabs-signature", signed))
    return Sent("/v1/webhooks/elevenlabs", body, headers)


def fresh_call() -> str:
    """A carrier's call nobody has heard of."""
    return f"CA{next(_numbers):032x}"


def voice_target(project: str = "acme", name: str = "main-line", query: str = "") -> str:
    return f"/v1/webhooks/twilio/voice/{project}/testing/{name}{query}"


def call_fields(call_id: str, *, account: str = "acme", **said: str) -> list[tuple[str, str]]:
    """What Twilio says of a call that rings."""
    known = {
        "AccountSid": ACCOUNTS[account],
        "ApiVersion": "2010-04-01",
        "CallSid": call_id,
        "CallStatus": "ringing",
        "Called": NUMBER,
        "Caller": CALLER,
        "Direction": "inbound",
        "From": CALLER,
        "FromCountry": "GB",
        "To": NUMBER,
        "ToCountry": "US",
    }
    return list({**known, **said}.items())


def status_fields(
    call_id: str, state: str, sequence: int, *, at: datetime | None = None, **said: str
) -> list[tuple[str, str]]:
    """A status callback."""
    told = {
        "CallStatus": state,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(at or datetime.now(UTC)),
    }
    return call_fields(call_id, **{**told, **said})


@dataclass(slots=True)
class CarrierWorld:
    """An installation and who asks it."""

    store: PostgresStore
    services: Services
    app: ASGIApp
    http: httpx.AsyncClient = field(repr=False)
    heard: list[str] = field(default_factory=list)
    """Conversations the platform's news had somebody look at."""

    async def send(self, sent: Sent) -> httpx.Response:
        """The API's answer."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in sent.headers]
        return await self.http.request(sent.method, sent.target, content=sent.body, headers=headers)

    async def opens(self, sent: Sent) -> bool:
        """True if a media stream is accepted; it is left at once."""
        said: list[Message] = []
        arrived: list[Message] = [
            {"type": "websocket.connect"},
            {"type": "websocket.disconnect", "code": 1000},
        ]

        async def receive() -> Message:
            return arrived.pop(0)

        async def send(message: Message) -> None:
            said.append(message)

        path, _, query = sent.target.partition("?")
        await self.app(
            {
                "type": "websocket",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "scheme": "ws",
                "path": path,
                "raw_path": path.encode(),
                "root_path": "",
                "query_string": query.encode(),
                "headers": [(name.encode(), value.encode()) for name, value in sent.headers],
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 2),
                "subprotocols": [],
                "state": {},
                "extensions": {"websocket.http.response": {}},
            },
            receive,
            send,
        )
        return bool(said[0]["type"] == "websocket.accept")

    async def ring(self, call_id: str, target: str = "", **said: str) -> httpx.Response:
        """A call comes in."""
        return await self.send(form(target or voice_target(), call_fields(call_id, **said)))

    async def record(self, call_id: str, account: str = "acme") -> CallRecord | None:
        """What is known of a carrier's call."""
        return await self.store.call_of_carrier(ACCOUNTS[account], call_id)

    async def wish(self, number: DesiredNumber) -> None:
        """Git wants another number, besides what is there."""
        await self._store([wished(number)])

    async def unwish(self, kind: RecordKind, name: str) -> None:
        """Git wants something no longer."""
        known = await self.store.wishes("acme", "testing", after="", limit=100)
        kept = [one for one in known if (one.kind, one.name) != (kind, name)]
        source = SourceState(project="acme", seen_revision=REVISION, applied_revision=REVISION)
        await self.store.store_tree(source, kept, {}, _manifest("acme"))

    async def agents(self, *agents: DesiredAgent) -> None:
        """Git wants these agents, and they are on the platform."""
        await self._store([wished(agent) for agent in agents])
        for agent in agents:
            await self.store.put_status(deployed(agent, f"agent_{agent.name}"), ())

    async def _store(self, wishes: list[WishRecord]) -> None:
        source = SourceState(project="acme", seen_revision=REVISION, applied_revision=REVISION)
        known = await self.store.wishes("acme", "testing", after="", limit=100)
        fresh = {(one.kind, one.name) for one in wishes}
        kept = [one for one in known if (one.kind, one.name) not in fresh]
        await self.store.store_tree(source, [*kept, *wishes], {}, _manifest("acme"))


def number(name: str = "main-line", *, project: str = "acme", **said: Any) -> DesiredNumber:
    """A number whose calls come to us."""
    lines = said.pop("lines", (DesiredLine(agent=AgentName("front-desk")),))
    known: dict[str, Any] = {
        "project": ProjectName(project),
        "environment": EnvironmentName("testing"),
        "name": name,
        "digest": digest({}),
        "number": NUMBER if name == "main-line" else f"+1500555{len(name):04d}",
        "routing": "bridge",
        "agent": lines[-1].agent if lines else None,
        "fallback_number": FALLBACK,
        "lines": lines,
    }
    return DesiredNumber(**{**known, **said})


def agent(name: str = "front-desk", *, project: str = "acme", **said: Any) -> DesiredAgent:
    """An agent."""
    known: dict[str, Any] = {
        "project": ProjectName(project),
        "environment": EnvironmentName("testing"),
        "name": AgentName(name),
        "digest": DIGEST,
        "display_name": name,
        "context": {"business_hours": "9-18"},
    }
    return DesiredAgent(**{**known, **said})


def _manifest(project: str) -> JsonObject:
    prefix = f"TRUNKLINE_SECRET_{project.upper()}"
    twilio: JsonObject = {
        "accountSid": {"env": f"{prefix}_SID"},
        "authToken": {"env": f"{prefix}_TOKEN"},
    }
    return project_manifest(project, enforced("testing"), accounts={"twilio": twilio})


async def _populate(store: PostgresStore) -> None:
    for project in ("acme", "beta"):
        address = f"https://git.example.com/team/{project}.git"
        await store.register(ProjectRecord(name=project, repository=address))
        source = SourceState(project=project, seen_revision=REVISION, applied_revision=REVISION)
        desired = agent(project=project)
        wishes = [
            wished(desired),
            wished(number(project=project)),
            wished(number("second-line", project=project)),
        ]
        await store.store_tree(source, wishes, {}, _manifest(project))
        await store.put_status(deployed(desired, "agent_front-desk"), ())


@asynccontextmanager
async def carrier_world(postgres_url: str, home: Path) -> AsyncIterator[CarrierWorld]:
    """An installation that carriers reach at ``PUBLIC_URL``; no vendor answers it."""
    settings = Settings.model_validate(
        {
            "TRUNKLINE_PUBLIC_URL": PUBLIC_URL,
            "TRUNKLINE_HOME": str(home),
            "DATABASE_URL": postgres_url,
        }
    )
    nowhere = f"http://127.0.0.1:{free_port()}"
    secrets = {
        f"TRUNKLINE_SECRET_{project.upper()}_{what}": value
        for what, values in (("SID", ACCOUNTS), ("TOKEN", TOKENS))
        for project, value in values.items()
    }
    options = AccountOptions(
        elevenlabs_url=nowhere,
        twilio_url=nowhere,
        twilio_shared_keys={ACCOUNTS[who]: dict([key]) for who, key in SHARED_KEYS.items()},
    )
    client = await Client.connect(
        nowhere.removeprefix("http://"), data_converter=pydantic_data_converter, lazy=True
    )
    async with PostgresStore(postgres_url) as store:
        await _populate(store)
        credentials = Credentials(first_project="", environment=secrets)
        vendors = ProjectAccounts(options, credentials, store.project_manifest)
        services = build_services(store, client, outside=outside(settings, store, vendors))
        heard: list[str] = []

        async def hear(conversation: str) -> None:
            heard.append(conversation)

        told = PlatformNewsService(
            store,
            store,
            SystemClock(),
            secret=NEWS_SECRET,
            own_secrets={"BETA": BETA_NEWS_SECRET},
            heard=(hear,),
        )
        services = replace(services, platform_news=told)
        async with calling(settings, store, vendors) as calls:
            app = calls.around(create_app(services, version="0"))
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://within") as http:
                yield CarrierWorld(store, services, app, http, heard)
        await vendors.close()
