"""Telling people, put together from settings: how messages leave, and who looks for news.

Part of the worker's composition; nothing here decides who is told of what.
"""

import asyncio
import os
from collections.abc import Sequence

from temporalio.client import Client

from activities.clocks import SystemClock
from activities.names import NOTIFICATION_QUEUE
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.notifying import (
    AddressGuard,
    NotifierOptions,
    RecipientNotifier,
    mail_options,
)
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.listening import NewsListener
from trunkline.services.deliveries import Deliveries
from trunkline.services.telling import NewsTeller
from trunkline.settings import Settings
from trunkline.telemetry import hide, redacted

EVENTS_CHANNEL = "trunkline_events"
"""PostgreSQL tells the name of the project there whenever events are added."""


def notifier(settings: Settings) -> RecipientNotifier:
    """How messages leave this installation. Raises InvalidSettings."""
    url = settings.smtp_url
    mail = mail_options(url.get_secret_value(), settings.mail_from) if url is not None else None
    options = NotifierOptions(
        guard=AddressGuard(settings.notify_allow.split(",")),
        mail=mail,
        public_url=settings.public_url or "",
    )
    credentials = Credentials(
        first_project=settings.project, environment=os.environ, handed_out=hide
    )
    return RecipientNotifier(options, credentials.secret, redact=redacted)


def tells(queues: Sequence[str]) -> bool:
    """True if a worker of these queues looks for news as well."""
    return not queues or NOTIFICATION_QUEUE in queues


async def tell(
    settings: Settings, store: PostgresStore, client: Client, stopping: asyncio.Event
) -> None:
    """Have people told of what happens, until the event is set."""
    teller = NewsTeller(store, Deliveries(client, store), SystemClock())
    async with NewsListener(settings.database(), EVENTS_CHANNEL) as listener:
        await teller.run(listener, stopping)
