"""Documents of every kind, pages, counts and the past outlive the process; older folders open."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.server import DEFAULT_ELEVENLABS_KEY, SimulatorOptions, serve_simulators

pytestmark = pytest.mark.slow

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"
DOCUMENTS = "/v1/convai/knowledge-base"
ANSWERS_WITHIN_S = 60.0
PAGE = "https://shop.example.com/hours"


def options(folder: Path) -> SimulatorOptions:
    return SimulatorOptions(elevenlabs_port=0, twilio_port=0, state_dir=folder)


def client(url: str) -> httpx.AsyncClient:
    headers = {"xi-api-key": DEFAULT_ELEVENLABS_KEY}
    return httpx.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=ANSWERS_WITHIN_S
    )


async def make_documents(http: httpx.AsyncClient) -> list[str]:
    await http.post("/_sim/pages", json={"url": PAGE, "html": "<p>nine to five</p>"})
    made = [
        await http.post(f"{DOCUMENTS}/url", json={"url": PAGE}),
        await http.post(f"{DOCUMENTS}/file", files={"file": ("a.pdf", b"\x00\x01")}),
        await http.post(f"{DOCUMENTS}/text", json={"text": "Open."}),
    ]
    return [answer.json()["id"] for answer in made]


async def test_documents_and_counts_survive(tmp_path: Path) -> None:
    async with serve_simulators(options(tmp_path)) as first, client(first.elevenlabs_url) as http:
        ids = await make_documents(http)
        await http.delete(f"{DOCUMENTS}/{ids[2]}")
        before = [(await http.get(f"{DOCUMENTS}/{name}")).json() for name in ids[:2]]
        counted = (await http.get("/_sim/counters")).json()["objects"]
    async with serve_simulators(options(tmp_path)) as again, client(again.elevenlabs_url) as http:
        after = [(await http.get(f"{DOCUMENTS}/{name}")).json() for name in ids[:2]]
        assert after == before
        assert (await http.get("/_sim/counters")).json()["objects"] == counted
        assert counted["documents"]["by_id"][ids[2]]["deleted"] == 1
        refreshed = await http.post(f"{DOCUMENTS}/{ids[0]}/refresh")
        assert refreshed.json()["extracted_inner_html"] == "<p>nine to five</p>"


async def test_what_was_written_before_the_start_is_the_past_of_a_later_write(
    tmp_path: Path,
) -> None:
    body: Json = {"name": "old", "conversation_config": {}}
    async with serve_simulators(options(tmp_path)) as first, client(first.elevenlabs_url) as http:
        agent_id = (await http.post(f"{AGENTS}/create", json=body)).json()["agent_id"]
    async with serve_simulators(options(tmp_path)) as again, client(again.elevenlabs_url) as http:
        await http.post("/_sim/fetch-lag", json={"reads": 1})
        await http.patch(f"{AGENTS}/{agent_id}", json={"name": "new"})
        names = [(await http.get(f"{AGENTS}/{agent_id}")).json()["name"] for _ in range(2)]
        assert names == ["old", "new"]


async def test_a_folder_from_before_pages_and_files_still_opens(tmp_path: Path) -> None:
    async with serve_simulators(options(tmp_path)) as first, client(first.elevenlabs_url) as http:
        document_id = (await make_documents(http))[2]
        expected = (await http.get(f"{DOCUMENTS}/{document_id}")).json()
    journal = sqlite3.connect(tmp_path / "elevenlabs.sqlite")
    with journal:
        (text,) = journal.execute("SELECT body FROM records WHERE id = ?", [document_id]).fetchone()
        known = {"type", "is_html", "size_bytes"}
        older = {name: value for name, value in json.loads(text).items() if name not in known}
        row = (json.dumps(older), document_id)
        journal.execute("UPDATE records SET body = ? WHERE id = ?", row)
    journal.close()
    async with serve_simulators(options(tmp_path)) as again, client(again.elevenlabs_url) as http:
        assert (await http.get(f"{DOCUMENTS}/{document_id}")).json() == expected
        assert len((await http.get(DOCUMENTS)).json()["documents"]) == 3


async def test_webhooks_settings_and_expected_calls_survive(tmp_path: Path) -> None:
    settings = "/v1/convai/settings"
    hook = {"auth_type": "hmac", "name": "ours", "webhook_url": "http://127.0.0.1:9"}
    async with serve_simulators(options(tmp_path)) as first, client(first.elevenlabs_url) as http:
        made = await http.post("/v1/workspace/webhooks", json={"settings": hook})
        chosen = {"post_call_webhook_id": made.json()["webhook_id"], "events": ["audio"]}
        before = (await http.patch(settings, json={"webhooks": chosen})).json()
        body: Json = {"name": "agent", "conversation_config": {}}
        agent_id = (await http.post(f"{AGENTS}/create", json=body)).json()["agent_id"]
        call = {"agent_id": agent_id, "from_number": "+15005550100", "to_number": "+15005550006"}
        answer = await http.post("/v1/convai/twilio/register-call", json=call)
        assert answer.status_code == 200
    async with serve_simulators(options(tmp_path)) as again, client(again.elevenlabs_url) as http:
        assert (await http.get(settings)).json() == before
        listed = (await http.get("/v1/workspace/webhooks")).json()["webhooks"]
        assert [one["webhook_id"] for one in listed] == [chosen["post_call_webhook_id"]]
        rows = (await http.get("/v1/convai/conversations")).json()["conversations"]
        assert [row["status"] for row in rows] == ["failed"]
