"""A store, a Temporal server, workers that deliver and a teller that looks, with short times."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.names import NOTIFICATION_QUEUE, WORKFLOW_QUEUE
from activities.notification_types import Patience
from activities.notifications import NotificationActivities
from activities.types import Timing
from tests.replay.portable import portable
from trunkline.adapters.notifying import (
    AddressGuard,
    MailOptions,
    NotifierOptions,
    RecipientNotifier,
)
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.listening import NewsListener
from trunkline.model.errors import InvalidSettings
from trunkline.model.ids import Revision, notification_workflow_id
from trunkline.model.kinds.project import Project
from trunkline.model.notifications.quiet import Quiet
from trunkline.model.notifications.records import NotificationRecord
from trunkline.model.records import EventRecord, ProjectRecord, SourceState
from trunkline.services.deliveries import Deliveries
from trunkline.services.telling import NewsTeller
from trunkline.worker import workflow_runner

PROJECT = "acme"
REVISION = Revision("3f0c" * 10)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"TRUNKLINE_SECRET_ACME_HOOK": SECRET}
PATIENCE = Patience(
    try_timeout_s=60.0,
    heartbeat_timeout_s=60.0,
    interval_s=0.05,
    interval_max_s=0.2,
    lifetime_s=600.0,
)
"""Soon tried again, and nothing is sent twice because a busy machine was late."""
TIMING = Timing(store_timeout_s=60.0, retry_initial_s=0.05)
HISTORIES = Path(__file__).parent.parent / "replay" / "histories" / "next" / "notifications"
RECORDING = "TRUNKLINE_RECORD_HISTORIES"


async def eventually(
    look: Callable[[], Awaitable[Any]], *, timeout_s: float = 120.0, what: str = "it"
) -> Any:
    """The first answer that is something; fails after the deadline."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        answer = await look()
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"{what} did not happen within {timeout_s} s")
        await asyncio.sleep(0.02)


def secret_of(project: str, name: str) -> str:
    """The secrets of the tests' project."""
    if name not in SECRETS:
        raise InvalidSettings(f"project {project} has no secret {name} on this server")
    return SECRETS[name]


def project_of(*notifications: dict[str, Any]) -> Project:
    """The tests' project with these notifications."""
    return Project.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": PROJECT},
            "spec": {
                "environments": [{"name": "testing"}],
                "notifications": list(notifications),
            },
        }
    )


class MovedClock:
    """Now, and however much later a test says it is."""

    def __init__(self) -> None:
        self.ahead = datetime.now(UTC) - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """Everything a test of telling touches."""

    store: PostgresStore
    client: Client
    database_url: str
    clock: MovedClock = field(default_factory=MovedClock)
    mail: MailOptions | None = None
    quiet: Quiet = field(default_factory=Quiet)
    patience: Patience = PATIENCE
    public_url: str = "https://trunkline.example.com"

    async def configure(self, *notifications: dict[str, Any]) -> None:
        """Let the manifest in force say this."""
        await self.store.register(ProjectRecord(name=PROJECT, repository="https://git.example/a"))
        project = project_of(*notifications).model_dump(mode="json", by_alias=True)
        state = SourceState(project=PROJECT, applied_revision=REVISION, seen_revision=REVISION)
        await self.store.store_tree(state, (), {}, project)
        await self.store.notification_cursor(PROJECT)

    async def happen(
        self,
        reason: str,
        *,
        message: str = "",
        name: str = "front-desk",
        good: bool = False,
    ) -> None:
        """An event of an agent."""
        event = EventRecord(
            project=PROJECT,
            environment="testing",
            name=name,
            type="Normal" if good else "Warning",
            reason=reason,
            message=message or reason,
        )
        await self.store.add_events([event])

    def notifier(self) -> RecipientNotifier:
        """How messages leave; loopback is allowed."""
        options = NotifierOptions(
            guard=AddressGuard(["127.0.0.1"]),
            mail=self.mail,
            public_url=self.public_url,
            timeout_s=60.0,
        )
        return RecipientNotifier(options, secret_of)

    def teller(self, **times: float) -> NewsTeller:
        """Somebody who looks for news."""
        deliveries = Deliveries(self.client, self.store, patience=self.patience, timing=TIMING)
        return NewsTeller(self.store, deliveries, self.clock, quiet=self.quiet, **times)

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Workers that deliver until the block ends."""
        room = NotificationActivities(self.store, self.store, self.store, self.notifier())
        from workflows.notifications import NotificationWorkflow  # noqa: PLC0415 - sandboxed

        async with (
            Worker(
                self.client,
                task_queue=WORKFLOW_QUEUE,
                workflows=[NotificationWorkflow],
                activities=[room.conclude_notification],
                workflow_runner=workflow_runner(),
            ),
            Worker(
                self.client,
                task_queue=NOTIFICATION_QUEUE,
                activities=[room.deliver_notification],
            ),
        ):
            yield

    @asynccontextmanager
    async def telling(self, **times: float) -> AsyncIterator[NewsTeller]:
        """A teller that listens and looks until the block ends."""
        stopping = asyncio.Event()
        teller = self.teller(**{"poll_s": 1.0, "pause_s": 0.05, **times})
        async with NewsListener(self.database_url, "trunkline_events") as listener:
            running = asyncio.create_task(teller.run(listener, stopping))
            try:
                yield teller
            finally:
                stopping.set()
                await running

    async def messages(self, *states: str) -> tuple[NotificationRecord, ...]:
        """Messages, oldest first, in one of these states if any is named."""
        rows = await self.store.notifications(PROJECT, limit=500)
        return tuple(row for row in reversed(rows) if not states or row.state in states)

    async def settled(self, count: int) -> tuple[NotificationRecord, ...]:
        """So many messages that are no longer on their way."""

        async def look() -> Any:
            ended = await self.messages("delivered", "refused", "unanswered")
            return ended if len(ended) >= count else None

        ended: tuple[NotificationRecord, ...] = await eventually(
            look, what=f"{count} messages ended"
        )
        return ended

    async def record(self, row: NotificationRecord, scenario: str) -> None:
        """Keep the history of a delivery for the replay gate, if this run is a recording."""
        if not os.environ.get(RECORDING):
            return
        handle = self.client.get_workflow_handle(
            notification_workflow_id(PROJECT, row.batch, row.recipient)
        )
        await handle.result()
        history = (await handle.fetch_history()).to_json_dict()
        HISTORIES.mkdir(parents=True, exist_ok=True)
        (HISTORIES / f"{scenario}.json").write_text(json.dumps(portable(history)))
