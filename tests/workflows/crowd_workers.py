"""The worker of a crowd of promotions, in a process of its own that can be killed at any moment.

It is what ``trunkline worker`` is, with the short waits of tests, which no setting offers.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.clocks import SystemClock
from tests.workflows.conftest import BREAKER, FAST, PACE, PROJECT, STORED
from tests.workflows.own_repositories import OneRepository
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.signing import Ed25519Keys
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.worker import WorkerPorts, build_workers

if TYPE_CHECKING:
    from tests.workflows.conftest import Stack

WORDS_MAX_CHARACTERS = 6_000
ROOT = Path(__file__).resolve().parent.parent.parent


class CrowdWorker:
    """One worker at a time; ``kills`` counts how often it was killed, ``log`` is what they say."""

    def __init__(self, stack: Stack, database_url: str, log: Path) -> None:
        self.log = log
        self._given = {
            "database": database_url,
            "temporal": stack.client.service_client.config.target_host,
            "namespace": stack.client.namespace,
            "cache": str(stack.cache),
            "elevenlabs": stack.simulators.elevenlabs_url,
            "twilio": stack.simulators.twilio_url,
            "public": stack.public_url,
            "secrets": stack.secrets,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ended = True
        self.kills = 0

    def start(self) -> None:
        """Begin to work."""
        command = (sys.executable, "-m", "tests.workflows.crowd_workers")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._given).encode())
        self._process.stdin.close()
        self._is_ended = False

    def kill(self) -> None:
        """End it in whatever it does, and begin again."""
        self.stop()
        self.kills += 1
        self.start()

    def lives(self) -> bool:
        """False if it ended by itself, and not because somebody here ends it just now."""
        return self._is_ended or (self._process is not None and self._process.poll() is None)

    def last_words(self) -> str:
        """The end of what workers said."""
        return self.log.read_text("utf-8", "replace")[-WORDS_MAX_CHARACTERS:]

    def stop(self) -> None:
        """End it in whatever it does."""
        assert self._process is not None
        self._is_ended = True
        self._process.kill()
        self._process.wait()


async def work(given: dict[str, Any]) -> None:
    """Serve every queue until killed."""
    client = await Client.connect(
        given["temporal"], namespace=given["namespace"], data_converter=pydantic_data_converter
    )
    async with AsyncExitStack() as parts:
        store = await parts.enter_async_context(PostgresStore(given["database"]))
        options = AccountOptions(
            elevenlabs_url=given["elevenlabs"],
            twilio_url=given["twilio"],
            elevenlabs_rates=FAST,
            twilio_rates=FAST,
            breaker=BREAKER,
            read_timeout_s=1.0,
            listing_timeout_s=3.0,
        )
        secrets = given["secrets"]
        accounts = ProjectAccounts(
            options,
            Credentials(first_project=PROJECT, environment=secrets),
            store.project_manifest,
            shared=store,
            statuses=store,
        )
        parts.push_async_callback(accounts.close)
        stored: dict[str, Any] = dict.fromkeys(STORED, store)
        repositories = OneRepository(store, Path(given["cache"]))
        ports = WorkerPorts(
            sources=repositories,
            repositories=repositories,
            **stored,
            accounts=accounts,
            carriers=accounts,
            natives=accounts,
            clock=SystemClock(),
            judges=InstalledJudges(JudgeOptions(), answers=store),
            studio=SpeechStudio,
            public_url=given["public"],
            keys=Ed25519Keys(secrets["TRUNKLINE_SIGNING_KEY"]),
            pace=PACE,
        )
        for worker in build_workers(client, ports):
            await parts.enter_async_context(worker)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(json.load(sys.stdin)))
