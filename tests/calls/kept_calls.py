"""A project with one agent and one number, both simulators, and the activities that keep calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from temporalio.testing import ActivityEnvironment

from activities.call_keeping.ports import KeepingPorts
from activities.call_keeping.reading import NativeCallReading
from activities.call_keeping.tending import CallTending
from activities.call_types import CallKeepingInput, CallsKept
from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.calls.rows import DIGEST, REVISION, project_manifest, wished
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.redaction import redactor
from trunkline.model.calls.records import CallRecord
from trunkline.model.desired import DesiredNumber
from trunkline.model.ids import (
    AgentName,
    EnvironmentName,
    ExternalId,
    ProjectName,
)
from trunkline.model.ledger import LedgerEntry
from trunkline.model.records import ProjectRecord, SourceState, StatusRecord

PROJECT, ENVIRONMENT, AGENT = "acme", "production", "front-desk"
NUMBER, CALLER = "+15005550006", "+14155550100"


class MovedClock:
    """Now, and however much later a test says it is."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Kept:
    """Everything a test of keeping calls touches."""

    store: PostgresStore
    accounts: ProjectAccounts
    simulators: RunningSimulators
    elevenlabs: httpx.AsyncClient
    twilio: httpx.AsyncClient
    agent_id: str = ""
    version_id: str = ""
    clock: MovedClock = field(default_factory=MovedClock)

    @property
    def account(self) -> str:
        """The carrier's account."""
        return self.simulators.twilio_account_sid

    def ports(self) -> KeepingPorts:
        """What the activities are given."""
        return KeepingPorts(
            calls=self.store,
            carriers=self.accounts,
            natives=self.accounts,
            wishes=self.store,
            ledger=self.store,
            statuses=self.store,
            releases=self.store,
            clock=self.clock,
            redact=redactor,
        )

    async def read(self) -> CallsKept:
        """One look at what the platform carried."""
        return await _run(NativeCallReading(self.ports()).read_native_calls)

    async def tend(self) -> CallsKept:
        """One round over what is over, or should be."""
        return await _run(CallTending(self.ports()).tend_calls)

    async def forget(self) -> CallsKept:
        """Delete what is old."""
        return await _run(CallTending(self.ports()).forget_calls)

    async def configure(self, *, routing: str = "native", **rules: Any) -> None:
        """Let the manifest in force say this of calls, and route the number so."""
        manifest = project_manifest(PROJECT, {"name": ENVIRONMENT}, calls=rules)
        number = DesiredNumber.model_validate(
            {
                "project": ProjectName(PROJECT),
                "environment": EnvironmentName(ENVIRONMENT),
                "name": "main-line",
                "digest": DIGEST,
                "number": NUMBER,
                "routing": routing,
                "agent": AgentName(AGENT),
            }
        )
        await self.store.register(ProjectRecord(name=PROJECT, repository="https://git.example/a"))
        state = SourceState(project=PROJECT, seen_revision=REVISION, applied_revision=REVISION)
        await self.store.store_tree(state, (wished(number),), {}, manifest)

    async def deploy(self) -> None:
        """The agent as reconciling it would have left it."""
        made = await self._asked("/v1/convai/agents/create", {"conversation_config": {}})
        self.agent_id = made["agent_id"]
        found = await self.elevenlabs.get(f"/v1/convai/agents/{self.agent_id}")
        self.version_id = found.json()["version_id"]
        place: dict[str, Any] = {
            "project": PROJECT,
            "environment": ENVIRONMENT,
            "kind": "agent",
            "name": AGENT,
        }
        await self.store.put(
            LedgerEntry(
                **place,
                account="workspace",
                external_id=ExternalId(self.agent_id),
                digest=DIGEST,
                version_id=self.version_id,
            )
        )
        status = StatusRecord(**place, version=7, revision=REVISION, digest=DIGEST)
        await self.store.put_status(status, ())

    async def converse(self, **said: Any) -> str:
        """A phone call the platform carried; answers its conversation."""
        known = {
            "agent_id": self.agent_id,
            "version_id": self.version_id,
            "seconds_ago": 90,
            "duration_s": 60,
            "phone_call": phone_call(),
        }
        answer = await self._asked("/_sim/conversations", {**known, **said})
        return str(answer["conversation_id"])

    async def place(self, *, answers: str = "answered", stay_s: int = 0, twiml: str = "") -> str:
        """A call of the carrier; answers its id once it is on its way."""
        person = {"number": CALLER, "answers": answers, "after_ms": 20}
        done = await self.twilio.post("/_sim/people", json=person)
        done.raise_for_status()
        waits = f"<Pause length='{stay_s}'/>" if stay_s else "<Hangup/>"
        placed = await self.twilio.post(
            f"/2010-04-01/Accounts/{self.account}/Calls.json",
            data={
                "To": CALLER,
                "From": NUMBER,
                "Twiml": twiml or f"<Response>{waits}</Response>",
            },
        )
        placed.raise_for_status()
        return str(placed.json()["sid"])

    async def carrier_says(self, sid: str) -> str:
        """How far a call is at the carrier."""
        found = await self.twilio.get(f"/2010-04-01/Accounts/{self.account}/Calls/{sid}.json")
        return str(found.json()["status"])

    async def call(self, call_id: str) -> CallRecord:
        """One record."""
        found = await self.store.call(PROJECT, call_id)
        assert found is not None
        return found

    async def _asked(self, path: str, body: Any) -> dict[str, Any]:
        answer = await self.elevenlabs.post(path, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


def phone_call(**more: Any) -> dict[str, Any]:
    """How a conversation came by telephone, as the platform says it."""
    return {
        "type": "twilio",
        "direction": "inbound",
        "phone_number_id": "phnum_1",
        "agent_number": NUMBER,
        "external_number": CALLER,
        "stream_sid": "MZ" + "0" * 32,
        "call_sid": "CA" + "1" * 32,
        **more,
    }


def turn(role: str, message: str, second: int, **more: Any) -> dict[str, Any]:
    """One turn of the platform's transcript."""
    return {
        "role": role,
        "message": message,
        "time_in_call_secs": second,
        "interrupted": False,
        "tool_calls": [],
        "tool_results": [],
        **more,
    }


@asynccontextmanager
async def kept_calls(database_url: str) -> AsyncIterator[Kept]:
    """The world until the block ends."""
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0, twilio_numbers=(NUMBER,))
    async with serve_simulators(options) as running, PostgresStore(database_url) as store:
        secrets = {
            "ELEVENLABS_API_KEY": running.elevenlabs_key,
            "TWILIO_ACCOUNT_SID": running.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": running.twilio_auth_token,
        }
        accounts = ProjectAccounts(
            AccountOptions(
                elevenlabs_url=running.elevenlabs_url,
                twilio_url=running.twilio_url,
                read_timeout_s=60.0,
                listing_timeout_s=60.0,
            ),
            Credentials(first_project=PROJECT, environment=secrets),
            store.project_manifest,
        )
        key = {"xi-api-key": running.elevenlabs_key}
        basic = (running.twilio_account_sid, running.twilio_auth_token)
        async with (
            httpx.AsyncClient(
                base_url=running.elevenlabs_url, headers=key, timeout=60
            ) as elevenlabs,
            httpx.AsyncClient(base_url=running.twilio_url, auth=basic, timeout=60) as twilio,
        ):
            world = Kept(store, accounts, running, elevenlabs, twilio)
            await world.configure()
            await world.deploy()
            try:
                yield world
            finally:
                await accounts.close()


async def _run(work: Callable[[CallKeepingInput], Awaitable[CallsKept]]) -> CallsKept:
    found: CallsKept = await ActivityEnvironment().run(work, CallKeepingInput(project=PROJECT))
    return found
