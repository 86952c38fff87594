"""What an import writes of a document is enough to make the document again elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.importing.reading import account_of, platform_of, tree_of
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.model.ids import content_mark
from trunkline.model.planner import plan_agent
from trunkline.model.resolution import Wishlist, wishes

DOCUMENTS = "/v1/convai/knowledge-base"
ANSWER_TIMEOUT_S = 60.0
PAGE = "http://shop.example.com/faq?lang=en"
PDF = b"%PDF-1.7\r\n\x00\xff\xfe"
PROJECT = (
    "apiVersion: trunkline/v1alpha1\nkind: Project\nmetadata: { name: acme }\n"
    "spec: { environments: [ { name: testing } ] }\n"
)


async def test_a_text_a_page_and_a_file_are_made_again(tmp_path: Path) -> None:
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0)
    async with serve_simulators(options) as running, platform_of(running) as platform:
        await filled(running)
        tree, report = tree_of(await account_of(platform))
        assert report.skipped == ()
        found = await asyncio.to_thread(wished, tmp_path, tree)
        [agent] = found.agents
        plan = plan_agent(agent, render_agent(agent), RULES, entry=None, observed=None)
        assert plan.obstacles == ()
        assert [step.name for step in plan.steps if step.subject == "document"] == [
            "faq",
            "hours",
            "menu",
        ]
        made = {each.name: await again(platform, found, each.name) for each in agent.documents}
    assert made["hours"] == ("text", None, "Nine to five")
    assert made["faq"][:2] == ("url", PAGE)
    assert made["menu"][0] == "file"
    assert made["menu"][2].startswith(f"menu.pdf: {len(PDF)} bytes, SHA-256 ")


async def filled(running: RunningSimulators) -> None:
    """An agent of others that uses a document of each kind."""
    headers = {"xi-api-key": running.elevenlabs_key}
    async with httpx.AsyncClient(
        base_url=running.elevenlabs_url, headers=headers, timeout=ANSWER_TIMEOUT_S
    ) as http:
        bodies: dict[str, Any] = {
            "text": {"json": {"name": "Hours", "text": "Nine to five"}},
            "url": {"json": {"name": "FAQ", "url": PAGE}},
            "file": {"data": {"name": "Menu"}, "files": {"file": ("menu.pdf", PDF)}},
        }
        used = []
        for kind, body in bodies.items():
            answer = await http.request("POST", f"{DOCUMENTS}/{kind}", **body)
            used.append({"type": kind, **{k: answer.json()[k] for k in ("id", "name")}})
        prompt = {"prompt": "You answer.", "knowledge_base": used}
        config = {"conversation_config": {"agent": {"prompt": prompt}}, "name": "Desk"}
        (await http.post("/v1/convai/agents/create", json=config)).raise_for_status()


def wished(folder: Path, tree: dict[str, str]) -> Wishlist:
    """What the imported files want beside a project."""
    for path, text in {**tree, "trunkline.yaml": PROJECT}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    return wishes(load(DirectoryTree(folder), caches=Caches()))


async def again(
    platform: ElevenLabsPlatform, found: Wishlist, name: str
) -> tuple[str, str | None, str]:
    """Kind, address and text of a document made from its wish."""
    document = next(each for each in found.agents[0].documents if each.name == name)
    digest = document.content_digest
    external_id = await platform.create_document(
        document,
        mark=content_mark("acme", "testing", name, document.digest),
        content=found.contents[digest] if digest is not None else b"",
        timeout_s=ANSWER_TIMEOUT_S,
    )
    observed = await platform.inventory.document(external_id)
    return observed.kind, observed.url, await platform.inventory.document_text(external_id)
