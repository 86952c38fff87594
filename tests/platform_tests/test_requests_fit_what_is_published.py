"""Tests, runs and branches as they are asked for, held against the vendor's published document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from activities.platform_testing import PlatformTarget
from tests.platform_tests.conftest import PATIENCE_S, RATES, Vendor
from tests.platform_tests.deployment import HOURS, Deployment, script, wish
from tests.simulators.departures import elevenlabs, problems
from tests.simulators.recording import recording
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials

if TYPE_CHECKING:
    from pathlib import Path

    from trunkline.adapters.postgres import PostgresStore

pytestmark = pytest.mark.slow

ARGUMENTS = {
    "number": 4711,
    "name": {"like": "Maya", "matches": "^M"},
    "note": {"judge": "is polite"},
    "any": {"anything": True},
}
SPECS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "scripted",
        {
            "history": [{"agent": "Hello."}, {"caller": "Hi."}],
            "variables": {"name": "Maya", "count": 2},
            "turns": [
                {
                    "say": HOURS,
                    "expect": [
                        {"says": {"contains": "nine", "notLike": "ten"}},
                        {"judge": "is polite"},
                        {"noCall": "end_call"},
                        {"calls": {"name": "find_order", "args": ARGUMENTS}},
                    ],
                }
            ],
        },
    ),
    (
        "improvised",
        {
            "caller": {"persona": "A nurse", "language": "en"},
            "turns": [{"asCaller": "Ask for order 4711", "maxTurns": 2}],
            "tools": {
                "find_order": [
                    {"when": {"args": {"number": {"anyOf": ["4711"]}}}, "reply": {"sent": True}},
                    {"fail": "error"},
                ]
            },
            "finally": [{"goal": "knows where it is"}],
        },
    ),
)


async def _nothing(_project: str) -> None:
    return None


async def test_every_request_and_answer_fits(
    vendor: Vendor, store: PostgresStore, tmp_path: Path
) -> None:
    running = vendor.running
    with recording(running.elevenlabs_url) as (url, asked):
        options = AccountOptions(
            elevenlabs_url=url,
            twilio_url=running.twilio_url,
            elevenlabs_rates=RATES,
            twilio_rates=RATES,
            read_timeout_s=PATIENCE_S,
            listing_timeout_s=PATIENCE_S * 2,
        )
        environment = {
            "ELEVENLABS_API_KEY": running.elevenlabs_key,
            "TWILIO_ACCOUNT_SID": running.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": running.twilio_auth_token,
        }
        credentials = Credentials(
            first_project="acme", environment=environment, secrets_folder=tmp_path
        )
        accounts = ProjectAccounts(options, credentials, _nothing)
        recorded = Vendor(running, accounts, vendor.official, vendor.http)
        deployed = Deployment(recorded, store, await recorded.voice())
        desired = wish(builtin_tools=("end_call",))
        await deployed.deploy(desired)
        scripts = [script(name, **spec) for name, spec in SPECS]
        await deployed.run(desired, *scripts)
        branches = deployed.voice.branches
        main = (await branches.branches(deployed.agent_id))[0]
        branch = await branches.create_branch(
            deployed.agent_id,
            parent_version_id=main.version_id,
            name="candidate",
            description="tested",
            patch=await deployed.body(desired),
            timeout_s=PATIENCE_S,
        )
        prompt: Any = {"conversation_config": {"agent": {"prompt": {"prompt": "Hum."}}}}
        await branches.update_branch(
            deployed.agent_id, branch.id, prompt, description="second", timeout_s=PATIENCE_S
        )
        await deployed.run(desired, scripts[0], target=PlatformTarget("branch", branch.id))
        for shares in ({main.id: 75.5, branch.id: 24.5}, {main.id: 100.0}):
            await branches.split_traffic(deployed.agent_id, shares, timeout_s=PATIENCE_S)
        await branches.archive_branch(deployed.agent_id, branch.id, timeout_s=PATIENCE_S)
        for marked in await deployed.voice.tests.marked_tests():
            await deployed.voice.tests.unmark_test(marked.external_id, timeout_s=PATIENCE_S)
            await deployed.voice.tests.delete_test(marked.external_id, timeout_s=PATIENCE_S)
        await accounts.close()
    assert {one.status for one in asked} == {200}
    assert any("/run-tests" in one.path for one in asked)
    assert {"PUT", "DELETE"} <= {one.method for one in asked}
    assert problems(elevenlabs(), asked) == []
