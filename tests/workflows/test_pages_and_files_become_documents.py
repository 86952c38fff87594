"""A page the vendor fetches and a file that is uploaded: made once, whatever happens to answers."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.ledger import Attempt

pytestmark = [pytest.mark.stack, pytest.mark.slow]

DOCUMENTS = "/v1/convai/knowledge-base"
PAGE = "https://shop.example.com/faq"
PDF = b"%PDF-1.7\r\n" + bytes(range(256)) + b"\r\n%%EOF"
HEAD = "apiVersion: trunkline/v1alpha1\nkind: KnowledgeDocument\nmetadata: "
USED = "  knowledge: [ menu, faq ]\n"


def tree(texts: Texts, menu: bytes = PDF) -> dict[str, str | bytes]:
    """Two agents that share a file and a page."""
    return {
        "trunkline.yaml": texts.project(),
        "agents/front-desk.yaml": texts.agent("front-desk", extra=USED),
        "agents/night-desk.yaml": texts.agent("night-desk", extra=USED),
        "knowledge/faq.yaml": f"{HEAD}{{ name: faq }}\n"
        f"spec: {{ title: FAQ, source: {{ url: {PAGE} }} }}\n",
        "knowledge/menu.yaml": f"{HEAD}{{ name: menu }}\n"
        "spec: { title: Menu, source: { file: menu.pdf, upload: true } }\n",
        "knowledge/menu.pdf": menu,
    }


async def documents(stack: Stack) -> list[dict[str, Any]]:
    """What the account holds, oldest first."""
    params = {"page_size": "100", "sort_by": "created_at", "sort_direction": "asc"}
    answer = (await stack.elevenlabs.http.get(DOCUMENTS, params=params)).json()
    found: list[dict[str, Any]] = answer["documents"]
    return found


async def test_lost_answers_of_a_file_and_a_page_make_one_of_each(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(tree(texts), unhurried=True)
    await stack.elevenlabs.control("list-lag", {"seconds": 0.6})
    await stack.elevenlabs.faults(
        *(
            {"kind": "drop-after", "method": "POST", "route": f"{DOCUMENTS}/{kind}"}
            for kind in ("file", "url")
        )
    )
    async with stack.working():
        operation = await stack.sync(timeout_s=90)
        assert operation.state == "Succeeded", operation
        await stack.elevenlabs.control("list-lag", {})
        seen = (await stack.elevenlabs.http.get("/_sim/requests")).json()["requests"]
        lost = {each["route"] for each in seen if each["fault"] == "drop-after"}
        assert lost == {f"{DOCUMENTS}/file", f"{DOCUMENTS}/url"}
        made = {each["type"]: each for each in await documents(stack)}
        assert sorted(made) == ["file", "url"]
        assert await stack.elevenlabs.count(f"POST {DOCUMENTS}/file") == 1
        assert await stack.elevenlabs.count(f"POST {DOCUMENTS}/url") == 1
        assert made["file"]["name"].startswith("Menu #trunkline:acme/testing/menu@")
        said = await stack.elevenlabs.http.get(f"{DOCUMENTS}/{made['file']['id']}/content")
        digest = hashlib.sha256(PDF).hexdigest()
        assert said.text == f"menu.pdf: {len(PDF)} bytes, SHA-256 {digest}"
        page = (await stack.elevenlabs.http.get(f"{DOCUMENTS}/{made['url']['id']}")).json()
        assert page["url"] == PAGE

        async def planned_empty() -> bool:
            stored = await stack.store.plan(str((await stack.plan()).plan_id))
            assert stored is not None
            return stored.plan.empty

        assert await stack.until(planned_empty)


@pytest.mark.parametrize("kind", ["file", "url"])
async def test_a_file_and_a_page_have_a_time_of_their_own_to_travel(
    kind: str, make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(tree(texts), unhurried=True)
    stack.timing = stack.timing.model_copy(update={"document_timeout_s": 3.5})
    route = f"{DOCUMENTS}/{kind}"
    await stack.elevenlabs.faults({"kind": "drop-before", "method": "POST", "route": route})
    voice = await stack.accounts.voice("acme", "testing")

    async def attempt() -> Attempt | None:
        claims = await stack.store.claims(voice.account, "acme", "testing")
        return next((claim.attempt for claim in claims if claim.attempt is not None), None)

    async with stack.working():
        await stack.refresh()

        async def lost() -> bool:
            return await stack.elevenlabs.count(f"POST {route}") > 0

        await stack.until(lost)
        tried = await stack.until(attempt)
        assert tried.deadline_at - tried.started_at == timedelta(seconds=3.5)


async def test_a_refused_page_stalls_its_agents_with_the_line_of_the_document(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(tree(texts), unhurried=True)
    await stack.elevenlabs.faults(
        {"kind": "status-before", "status": 400, "method": "POST", "route": f"{DOCUMENTS}/url"}
    )
    async with stack.working():
        assert (await stack.sync(timeout_s=60)).state == "Failed"
        row = await stack.status("front-desk")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "Rejected"
        assert "document faq (knowledge/faq.yaml:3:19): " in stalled.message
        assert await stack.elevenlabs.agents() == []
