"""An account read and derived as an import does it, without Temporal or a store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from simulators.server import RunningSimulators
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire
from trunkline.cli.importing import files_of
from trunkline.model.importing import imported
from trunkline.model.imports import (
    Account,
    DerivedNumber,
    ImportedManifest,
    ImportReport,
    KnownInGit,
    label_names,
)

RATES = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)


@asynccontextmanager
async def platform_of(running: RunningSimulators) -> AsyncIterator[ElevenLabsPlatform]:
    """The simulated account through the product's own adapter."""
    wire = Wire("ElevenLabs", running.elevenlabs_url)
    client = ElevenLabsClient(wire, running.elevenlabs_key, Pace(RATES), read_timeout_s=60)
    try:
        yield ElevenLabsPlatform(client, account="account", listing_timeout_s=60)
    finally:
        await wire.close()


async def account_of(
    platform: ElevenLabsPlatform, *, numbers: tuple[DerivedNumber, ...] = ()
) -> Account:
    """Everything in the account, derived."""
    inventory = platform.inventory
    summaries = [summary async for page in platform.agents() for summary in page]
    summaries.sort(key=lambda each: (each.created_at_s, each.name))
    agents = [await platform.agent(summary.external_id) for summary in summaries]
    tools = await inventory.tools()
    documents = await inventory.documents()
    texts = {
        document.external_id: await inventory.document_text(document.external_id)
        for document in documents
        if document.kind in ("text", "file")
    }
    return Account(
        agents=tuple(inventory.derive_agent(agent) for agent in agents),
        tools=tuple(inventory.derive_tool(tool) for tool in tools),
        documents=tuple(
            inventory.derive_document(document, texts.get(document.external_id))
            for document in documents
        ),
        numbers=numbers,
        secret_names={s.external_id: s.name for s in await inventory.secrets()},
        agent_names=label_names(((s.external_id, s.name) for s in summaries), otherwise="agent"),
        tool_names=label_names(((t.external_id, t.function) for t in tools), otherwise="tool"),
        document_names=label_names(
            ((d.external_id, d.title) for d in documents), otherwise="document"
        ),
    )


def tree_of(account: Account) -> tuple[dict[str, str], ImportReport]:
    """The files of an import, and its report."""
    manifests, report = imported(account, project="acme", environment="testing", known=KnownInGit())
    return files(manifests), report


def files(manifests: tuple[ImportedManifest, ...]) -> dict[str, str]:
    """Path to text."""
    found: dict[str, str] = {}
    for manifest in manifests:
        found.update(files_of(manifest, has_schema=False))
    return found
