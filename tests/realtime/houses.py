"""A whole installation for calls: a server process, both simulators, PostgreSQL, no Temporal.

The server is what ``trunkline serve`` starts; the number asks it, the agent is on the platform.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from trunkline.local.ports import free_port
from trunkline.local.processes import Child, Supervisor
from trunkline.local.stack import START_CLI, answers
from trunkline.model.canonical import digest
from trunkline.model.conditions import Condition
from trunkline.model.desired import DesiredAgent, DesiredLine, DesiredNumber
from trunkline.model.ids import (
    AgentName,
    Digest,
    EnvironmentName,
    ExternalId,
    ProjectName,
    Revision,
    secret_prefix,
)
from trunkline.model.records import ProjectRecord, SourceState, StatusRecord, WishRecord

if TYPE_CHECKING:
    from simulators.server import RunningSimulators
    from trunkline.adapters.postgres import PostgresStore
    from trunkline.model.base import JsonObject
    from trunkline.model.calls.events import CallEvent
    from trunkline.model.calls.records import CallRecord

PROJECT, ENVIRONMENT = ProjectName("acme"), EnvironmentName("testing")
AGENT, LINE = AgentName("front-desk"), "main-line"
NUMBER, CALLER, COLLEAGUE = "+15005550006", "+14155550100", "+15005550001"
REVISION = Revision("3f0c" * 10)
DIGEST = Digest("sha256:" + "5e" * 32)
GREETING = "Good morning, this is the front desk of the shop, how can I help you today?"
APOLOGY = "We are sorry, the line was lost."
DEADLINE_S = 30.0

Json = dict[str, Any]
Found = TypeVar("Found")
Houses = Callable[..., "House"]
"""Builds an installation: what the project says of calls, and settings of its servers."""


@dataclass
class House:
    """One installation. ``calls`` is what the project says of calls."""

    store: PostgresStore
    database_url: str
    simulators: RunningSimulators
    home: Path
    calls: JsonObject = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    server: Child = field(init=False)
    port: int = field(init=False)
    _exits: ExitStack = field(default_factory=ExitStack)
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30.0))
    _supervisor: Supervisor = field(init=False)

    async def __aenter__(self) -> Self:
        self._supervisor = self._exits.enter_context(Supervisor(self.home / "logs"))
        await self._store(await self._agent())
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._exits.close)
        await self._http.aclose()

    async def open(self) -> None:
        """Start a server, and let the number ask it."""
        self.port = free_port()
        url = f"http://127.0.0.1:{self.port}"
        prefix = secret_prefix(PROJECT)
        environment = {
            "DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
            "TRUNKLINE_PROVIDERS": "simulators",
            "TRUNKLINE_PROJECT": "",
            "TRUNKLINE_REPOSITORY": "",
            "TRUNKLINE_PUBLIC_URL": url,
            "TRUNKLINE_HOME": str(self.home),
            "ELEVENLABS_BASE_URL": self.simulators.elevenlabs_url,
            "TWILIO_BASE_URL": self.simulators.twilio_url,
            f"{prefix}KEY": self.simulators.elevenlabs_key,
            f"{prefix}SID": self.simulators.twilio_account_sid,
            f"{prefix}TOKEN": self.simulators.twilio_auth_token,
            **self.settings,
        }
        serve = [sys.executable, "-c", START_CLI, "serve", "--host", "127.0.0.1"]
        self.server = self._supervisor.start(
            f"server-{self.port}", [*serve, "--port", str(self.port)], environment=environment
        )
        await asyncio.to_thread(
            self.server.wait_until, lambda: answers(f"{url}/healthz"), timeout_s=DEADLINE_S
        )
        place = f"/v1/webhooks/twilio/{{}}/{PROJECT}/{ENVIRONMENT}/{LINE}"
        fields = {"VoiceUrl": url + place.format("voice"), "StatusCallback": ""}
        await self.twilio("edit", {"phone_number": NUMBER, "fields": fields})

    async def call(self, *script: Json) -> str:
        """Somebody calls the number; the call's id at the carrier."""
        body = {"to": NUMBER, "from": CALLER, "script": list(script)}
        return str((await self.twilio("call", body))["sid"])

    async def shown(self, sid: str) -> Json:
        """What the carrier knows of a call."""
        answer = await self._http.get(f"{self.simulators.twilio_url}/_sim/calls/{sid}")
        return dict(answer.raise_for_status().json())

    async def over(self, sid: str) -> Json:
        """The carrier's call once it is over."""
        return await until(lambda: self.shown(sid), lambda shown: shown["status"] == "completed")

    async def record(self, sid: str, holds: Callable[[CallRecord], bool]) -> CallRecord:
        """The call's record once something holds of it."""
        account = self.simulators.twilio_account_sid
        found = await until(
            lambda: self.store.call_of_carrier(account, sid),
            lambda record: record is not None and holds(record),
        )
        assert found is not None
        return found

    async def events(
        self, record: CallRecord, holds: Callable[[Sequence[CallEvent]], bool] = bool
    ) -> Sequence[CallEvent]:
        """What happened in a call, once something holds of it."""
        return await until(
            lambda: self.store.events_of(PROJECT, record.id, limit=1_000),
            lambda events: bool(events) and holds(events),
        )

    async def twilio(self, control: str, body: Json) -> Json:
        """Steer the carrier."""
        return await self._steer(self.simulators.twilio_url, control, body)

    async def elevenlabs(self, control: str, body: Json) -> Json:
        """Steer the platform."""
        return await self._steer(self.simulators.elevenlabs_url, control, body)

    async def _steer(self, url: str, control: str, body: Json) -> Json:
        answer = await self._http.post(f"{url}/_sim/{control}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def _agent(self) -> ExternalId:
        """An agent on the platform that speaks as telephones do."""
        config = {
            "asr": {"user_input_audio_format": "ulaw_8000"},
            "tts": {"agent_output_audio_format": "ulaw_8000"},
            "agent": {"first_message": GREETING, "prompt": {"prompt": PROMPT}},
        }
        answer = await self._http.post(
            f"{self.simulators.elevenlabs_url}/v1/convai/agents/create",
            json={"name": AGENT, "conversation_config": config},
            headers={"xi-api-key": self.simulators.elevenlabs_key},
        )
        return ExternalId(answer.raise_for_status().json()["agent_id"])

    async def _store(self, agent_id: ExternalId) -> None:
        """What Git wants, and that the agent is as it wants."""
        await self.store.register(
            ProjectRecord(name=PROJECT, repository="https://git.example.com/team/acme.git")
        )
        agent = DesiredAgent(
            project=PROJECT,
            environment=ENVIRONMENT,
            name=AGENT,
            digest=DIGEST,
            display_name="Front desk",
        )
        number = DesiredNumber(
            project=PROJECT,
            environment=ENVIRONMENT,
            name=LINE,
            digest=digest({}),
            number=NUMBER,
            routing="bridge",
            agent=AGENT,
            lines=(DesiredLine(agent=AGENT),),
        )
        source = SourceState(project=PROJECT, seen_revision=REVISION, applied_revision=REVISION)
        wishes = [_wish("agent", AGENT, agent), _wish("number", LINE, number)]
        await self.store.store_tree(source, wishes, {}, self._manifest())
        ready = Condition(type="Ready", status="True", reason="Synced")
        status = StatusRecord(
            project=PROJECT,
            environment=ENVIRONMENT,
            kind="agent",
            name=AGENT,
            version=7,
            revision=REVISION,
            digest=DIGEST,
            external_id=agent_id,
            sync="Synced",
            health="Healthy",
            conditions=(ready,),
        )
        await self.store.put_status(status, ())

    def _manifest(self) -> JsonObject:
        prefix = secret_prefix(PROJECT)
        accounts: JsonObject = {
            "elevenlabs": {"apiKey": {"env": f"{prefix}KEY"}},
            "twilio": {
                "accountSid": {"env": f"{prefix}SID"},
                "authToken": {"env": f"{prefix}TOKEN"},
            },
        }
        return {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": PROJECT},
            "spec": {
                "accounts": accounts,
                "calls": {"apology": APOLOGY, **self.calls},
                "environments": [{"name": ENVIRONMENT, "source": "head", "mode": "enforce"}],
            },
        }


async def until(ask: Callable[[], Awaitable[Found]], holds: Callable[[Found], bool]) -> Found:
    """What is answered once something holds of it. Raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds(found := await ask()):  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.05)
    return found


PROMPT = 'You answer the phone. Be brief. If the caller asks when you open, say "At nine."'


def _wish(kind: Any, name: str, wish: DesiredAgent | DesiredNumber) -> WishRecord:
    body = wish.model_dump(mode="json")
    return WishRecord(
        project=PROJECT,
        environment=ENVIRONMENT,
        kind=kind,
        name=name,
        wish_digest=digest(body),
        revision=REVISION,
        body=body,
    )
