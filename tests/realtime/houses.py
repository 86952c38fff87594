"""A whole installation for calls: a server process, both simulators, PostgreSQL, no Temporal.

The server is what ``trunkline serve`` starts; the number asks it, the agent is on the platform.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from tests.calls.rows import DIGEST, REVISION, deployed, enforced, project_manifest, wished
from trunkline.adapters.elevenlabs.rendering import render_agent
from trunkline.local.ports import free_port
from trunkline.local.processes import Child, Supervisor
from trunkline.local.stack import START_CLI, answers
from trunkline.model.calls.commands import CallCommand
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent, DesiredLine, DesiredNumber
from trunkline.model.ids import (
    AgentName,
    EnvironmentName,
    ExternalId,
    ProjectName,
    secret_prefix,
)
from trunkline.model.records import ProjectRecord, SourceState

if TYPE_CHECKING:
    from simulators.server import RunningSimulators
    from trunkline.adapters.postgres import PostgresStore
    from trunkline.model.base import JsonObject
    from trunkline.model.calls.events import CallEvent
    from trunkline.model.calls.records import CallRecord

PROJECT, ENVIRONMENT = ProjectName("acme"), EnvironmentName("testing")
AGENT, LINE = AgentName("front-desk"), "main-line"
NUMBER, CALLER, COLLEAGUE = "+15005550006", "+14155550100", "+15005550001"
GREETING = (
    "Good morning, this is the front desk of the shop, how can I help you today? Take your time,"
    " tell me in your own words what it is about, and I will find the right person or the right"
    " answer for you as quickly as I can."
)
"""Long enough to be interrupted however late the machine is."""
SUPPORT_EMAIL = "desk@example.com"
"""What the manifest says of a slot that people change."""
APOLOGY = "We are sorry, the line was lost."
DEADLINE_S = 120.0

Json = dict[str, Any]
SILENT: Json = {"wait_for": "speech_end", "timeout_ms": 600_000, "silence_ms": 600_000}
"""Somebody who only listens."""
Found = TypeVar("Found")
Houses = Callable[..., AbstractAsyncContextManager["House"]]
"""Builds an installation: what the project says of calls, and settings of a server of its own."""


@dataclass(frozen=True)
class ServerProcess:
    """A process that carries calls, and where it listens on the loopback."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> None:
        """Wait until it answers."""
        self.child.wait_until(lambda: answers(f"{self.url}/healthz"), timeout_s=DEADLINE_S)


@contextmanager
def server_process(
    simulators: RunningSimulators, database_url: str, home: Path, settings: Mapping[str, str]
) -> Iterator[ServerProcess]:
    """A server that starts, and stops when the block ends."""
    port = free_port()
    prefix = secret_prefix(PROJECT)
    environment = {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
        "TRUNKLINE_PROVIDERS": "simulators",
        "TRUNKLINE_PROJECT": "",
        "TRUNKLINE_REPOSITORY": "",
        "TRUNKLINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TRUNKLINE_HOME": str(home),
        "ELEVENLABS_BASE_URL": simulators.elevenlabs_url,
        "TWILIO_BASE_URL": simulators.twilio_url,
        f"{prefix}KEY": simulators.elevenlabs_key,
        f"{prefix}SID": simulators.twilio_account_sid,
        f"{prefix}TOKEN": simulators.twilio_auth_token,
        **settings,
    }
    serve = [sys.executable, "-c", START_CLI, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with Supervisor(home / "logs") as supervisor:
        yield ServerProcess(supervisor.start("server", serve, environment=environment), port)


@dataclass
class House:
    """One installation; ``calls`` is what its project says of calls. The number asks ``server``."""

    store: PostgresStore
    simulators: RunningSimulators
    server: ServerProcess
    calls: JsonObject = field(default_factory=dict)
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=DEADLINE_S))

    async def __aenter__(self) -> Self:
        await self._store(await self._agent())
        await self.elevenlabs("talks", {"sound_gap_s": DEADLINE_S})
        voice = f"/v1/webhooks/twilio/voice/{PROJECT}/{ENVIRONMENT}/{LINE}"
        await self.configure(VoiceUrl=self.server.url + voice, StatusCallback="")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def configure(self, **fields: str) -> None:
        """Set fields of the number at the carrier."""
        await self.twilio("edit", {"phone_number": NUMBER, "fields": fields})

    async def call(self, *script: Json) -> str:
        """Somebody calls the number; the call's id at the carrier."""
        body = {"to": NUMBER, "from": CALLER, "script": list(script)}
        return str((await self.twilio("call", body))["sid"])

    async def talking(self) -> tuple[str, CallRecord]:
        """A call of somebody silent in which the agent has begun to speak."""
        sid = await self.call(SILENT)
        record = await self.record(sid, lambda record: record.conversation_id != "")
        await self.events(record, lambda events: "audio" in [event.name for event in events])
        return sid, record

    async def pass_on(self, record: CallRecord, *, summary: str, sentence: str) -> None:
        """Ask for a colleague as an operator does, and wait until they were asked."""
        command = await self.store.put_command(
            CallCommand(
                project=PROJECT,
                call=record.id,
                kind="transfer",
                body={"to": COLLEAGUE, "summary": summary, "sentence": sentence},
                asked_by="ada@example.com",
                asked_at=datetime.now(UTC),
            )
        )
        done = await until(
            lambda: self.store.command(PROJECT, command.id),
            lambda found: found is not None and found.done_at is not None,
        )
        assert done is not None
        assert done.failure == "", done.failure

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
        answer = await self._http.post(
            f"{self.simulators.elevenlabs_url}/v1/convai/agents/create",
            json=render_agent(WISHED_AGENT).body,
            headers={"xi-api-key": self.simulators.elevenlabs_key},
        )
        return ExternalId(answer.raise_for_status().json()["agent_id"])

    async def _store(self, agent_id: ExternalId) -> None:
        """What Git wants, and that the agent is as it wants."""
        await self.store.register(
            ProjectRecord(name=PROJECT, repository="https://git.example.com/team/acme.git")
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
        wishes = [wished(WISHED_AGENT), wished(number)]
        await self.store.store_tree(source, wishes, {}, self._manifest())
        await self.store.put_status(deployed(WISHED_AGENT, agent_id), ())

    def _manifest(self) -> JsonObject:
        prefix = secret_prefix(PROJECT)
        accounts: JsonObject = {
            "elevenlabs": {"apiKey": {"env": f"{prefix}KEY"}},
            "twilio": {
                "accountSid": {"env": f"{prefix}SID"},
                "authToken": {"env": f"{prefix}TOKEN"},
            },
        }
        said: JsonObject = {"apology": APOLOGY, **self.calls}
        return project_manifest(PROJECT, enforced(ENVIRONMENT), accounts=accounts, calls=said)


def words_of(shown: Json) -> list[str]:
    """What somebody was told by the carrier's own voice."""
    return [note["words"] for note in shown["events"] if note["event"] == "says"]


async def until(ask: Callable[[], Awaitable[Found]], holds: Callable[[Found], bool]) -> Found:
    """What is answered once something holds of it. Raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds(found := await ask()):  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.05)
    return found


PROMPT = 'You answer the phone. Be brief. If the caller asks when you open, say "At nine."'
WISHED_AGENT = DesiredAgent(
    project=PROJECT,
    environment=ENVIRONMENT,
    name=AGENT,
    digest=DIGEST,
    display_name="Front desk",
    prompt=PROMPT,
    first_message=GREETING,
    context={"support_email": SUPPORT_EMAIL},
    elevenlabs={
        "conversation_config": {
            "asr": {"user_input_audio_format": "ulaw_8000"},
            "tts": {"agent_output_audio_format": "ulaw_8000"},
        }
    },
)
