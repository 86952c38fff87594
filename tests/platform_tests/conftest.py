"""Both simulators, one account of ours on them, and the vendor's own client beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from elevenlabs import ElevenLabs

from simulators.server import RunningSimulators
from tests.simulator_threads import simulators_in_thread
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.adapters.rate_limits import Rates
from trunkline.model.ids import ExternalId

Json = dict[str, Any]
RATES = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)
PATIENCE_S = 60.0
"""How long an answer may take that is certain to come."""


@dataclass(frozen=True)
class Vendor:
    """The simulated vendor: what we see of it, what its own client sees, and what it counted."""

    running: RunningSimulators
    accounts: ProjectAccounts
    official: ElevenLabs
    http: httpx.AsyncClient

    async def voice(self) -> ElevenLabsPlatform:
        """Our side of the account."""
        return await self.accounts.voice("acme", "testing")

    async def new_agent(self, **body: Any) -> ExternalId:
        """An agent somebody made, with a prompt unless the body says more."""
        prompt = {"agent": {"prompt": {"prompt": "You answer the phone."}}}
        made = {"name": "front desk", "conversation_config": prompt, **body}
        return await (await self.voice()).create_agent(made, timeout_s=PATIENCE_S)

    async def asked(self) -> Counter[str]:
        """How often each route was asked so far, as ``METHOD /path``."""
        answer = await self.http.get(f"{self.running.elevenlabs_url}/_sim/counters")
        return Counter(answer.json()["requests"])

    async def does(self, control: str, body: Json) -> Any:
        """Use the simulator's control plane."""
        answer = await self.http.post(f"{self.running.elevenlabs_url}/_sim/{control}", json=body)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="session")
def running_simulators() -> Iterator[RunningSimulators]:
    """Simulators for all tests of this room; each test begins by resetting them."""
    with simulators_in_thread() as started:
        yield started


@pytest.fixture
async def vendor(running_simulators: RunningSimulators, tmp_path: Path) -> AsyncIterator[Vendor]:
    """The vendor as on its first start."""
    running = running_simulators
    environment = {
        "ELEVENLABS_API_KEY": running.elevenlabs_key,
        "TWILIO_ACCOUNT_SID": running.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": running.twilio_auth_token,
    }
    options = AccountOptions(
        elevenlabs_url=running.elevenlabs_url,
        twilio_url=running.twilio_url,
        elevenlabs_rates=RATES,
        twilio_rates=RATES,
        read_timeout_s=PATIENCE_S,
        listing_timeout_s=PATIENCE_S * 2,
    )
    credentials = Credentials(
        first_project="acme", environment=environment, secrets_folder=tmp_path
    )
    accounts = ProjectAccounts(options, credentials, _no_manifest)
    with httpx.Client(base_url=running.elevenlabs_url, timeout=PATIENCE_S) as plain:
        official = ElevenLabs(
            base_url=running.elevenlabs_url, api_key=running.elevenlabs_key, httpx_client=plain
        )
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
            made = Vendor(running, accounts, official, http)
            await made.does("reset", {})
            yield made
            await accounts.close()


async def _no_manifest(_project: str) -> None:
    return None
