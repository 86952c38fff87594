"""What the reconciler asks of both vendors, held against the documents they publish."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.simulators.departures import elevenlabs, problems, twilio
from tests.simulators.recording import recording
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.rate_limits import Rates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

RATES = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)


@asynccontextmanager
async def behind(stack: Stack, elevenlabs_url: str, twilio_url: str) -> AsyncIterator[Stack]:
    """The same installation, reaching the vendors at other addresses."""
    accounts = ProjectAccounts(
        AccountOptions(
            elevenlabs_url=elevenlabs_url,
            twilio_url=twilio_url,
            elevenlabs_rates=RATES,
            twilio_rates=RATES,
        ),
        Credentials(first_project="acme", environment=stack.secrets),
        stack.store.project_manifest,
        shared=stack.store,
        statuses=stack.store,
    )
    try:
        yield replace(stack, accounts=accounts)
    finally:
        await accounts.close()


DOCUMENT = "apiVersion: trunkline/v1alpha1\nkind: KnowledgeDocument\n"
DOCUMENTS: dict[str, str | bytes] = {
    "knowledge/faq.yaml": f"{DOCUMENT}metadata: {{ name: faq }}\n"
    "spec: { title: FAQ, source: { url: https://shop.example.com/faq } }\n",
    "knowledge/menu.yaml": f"{DOCUMENT}metadata: {{ name: menu }}\n"
    "spec: { title: Menu, source: { file: menu.pdf, upload: true } }\n",
    "knowledge/menu.pdf": b"%PDF-1.7\r\n\x00\xff\xfe\r\n%%EOF",
}


async def test_uploading_files_and_naming_pages_fit(make_stack: MakeStack, texts: Texts) -> None:
    desk = texts.agent("front-desk", extra="  knowledge: [ faq, menu ]\n")
    direct = await make_stack(
        {**texts.fleet(0), "agents/desk.yaml": desk, **DOCUMENTS}, unhurried=True
    )
    with recording(direct.simulators.elevenlabs_url) as (url, asked):
        twilio_url = direct.simulators.twilio_url
        async with behind(direct, url, twilio_url) as stack, stack.working():
            assert (await stack.sync()).state == "Succeeded"
    writes = {one.path: one.request_media for one in asked if one.request}
    assert writes["/v1/convai/knowledge-base/url"] == "application/json"
    assert writes["/v1/convai/knowledge-base/file"] == "multipart/form-data"
    assert problems(elevenlabs(), asked) == []


async def test_creating_changing_and_healing_fit(make_stack: MakeStack, texts: Texts) -> None:
    direct = await make_stack(texts.whole(), unhurried=True)
    with (
        recording(direct.simulators.elevenlabs_url) as (elevenlabs_url, asked),
        recording(direct.simulators.twilio_url) as (twilio_url, asked_of_twilio),
    ):
        async with behind(direct, elevenlabs_url, twilio_url) as stack, stack.working():
            assert (await stack.sync()).state == "Succeeded"
            front = await stack.status("front-desk")
            assert front is not None
            stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Hi")})
            assert (await stack.sync()).state == "Succeeded"
            theirs = {"conversation_config": {"agent": {"first_message": "theirs"}}}
            edit = {"agent_id": front.external_id, "body": theirs}
            await stack.elevenlabs.control("edit", edit)
            assert (await stack.sync(hard=True)).state == "Succeeded"
    writes = {f"{one.method} {one.path.rpartition('/')[0]}" for one in asked if one.request}
    assert {"POST /v1/convai/agents", "PATCH /v1/convai/agents"} <= writes
    assert asked_of_twilio
    assert problems(elevenlabs(), asked) == []
    assert problems(twilio(), asked_of_twilio) == []
