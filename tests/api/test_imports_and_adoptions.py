"""Imports over HTTP and on the command line: who may, what is written where, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.ids import Digest, ExternalId
from trunkline.model.imports import ImportedManifest, ImportNote, ImportReport
from trunkline.model.ledger import LedgerEntry
from trunkline.model.records import SourceState, WishRecord

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
pytestmark = pytest.mark.slow

MANIFEST = ImportedManifest(
    kind="Agent",
    name="front-desk",
    path="agents/front-desk/agent.yaml",
    external_id="agent_1",
    document={
        "apiVersion": "trunkline/v1alpha1",
        "kind": "Agent",
        "metadata": {"name": "front-desk", "adopt": {"testing": "agent_1"}},
        "spec": {"displayName": "Front desk", "prompt": {"file": "prompt.md"}},
    },
    files={"prompt.md": "Be kind.\n"},
)
REPORT = ImportReport(
    environment="testing",
    agents=1,
    skipped=(ImportNote(kind="Agent", external_id="agent_2", name="Old", message="archived"),),
    secrets=("TRUNKLINE_SECRET_ACME_BOOKING",),
)


async def bring(
    store: PostgresStore,
    project: str,
    operation_id: str,
    *manifests: ImportedManifest,
) -> None:
    """What a worker does for an import."""
    await store.put_import(operation_id, project, "testing", manifests or (MANIFEST,), REPORT)
    await store.finish_operation(operation_id, "Succeeded", "1 agent")


async def imported_by_cli(
    command: Command, store: PostgresStore, project: str, *arguments: str
) -> tuple[int, str, str]:
    """Run ``trunkline import`` while somebody brings what it waits for."""
    running = asyncio.create_task(
        command("import", "--environment", "testing", *arguments, who="operator")
    )
    done: set[str] = set()
    while not running.done():
        for record in await store.audit(limit=20):
            operation = str(record.details.get("operation"))
            if record.action == "import.create" and record.project == project:
                found = await store.operation(operation)
                if found is not None and found.state == "Running" and operation not in done:
                    done.add(operation)
                    await bring(store, project, operation)
        await asyncio.sleep(0.05)
    return await running


@pytest.mark.usefixtures("fleet")
async def test_a_viewer_may_neither_import_nor_take_over(viewer: httpx.AsyncClient) -> None:
    for path in ("imports", "adoptions"):
        answer = await viewer.post(path, json={"environment": "testing"})
        assert answer.status_code == 403, answer.text


@pytest.mark.usefixtures("fleet")
async def test_an_import_is_read_page_by_page(
    admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    started = await admin.post("imports", json={"environment": "testing"})
    assert started.status_code == 202, started.text
    operation = started.json()["id"]
    early = await admin.get(f"imports/{operation}")
    assert early.status_code == 404
    several = [
        MANIFEST.model_copy(update={"name": f"a-{n}", "path": f"agents/a-{n}/agent.yaml"})
        for n in range(5)
    ]
    await bring(store, project, operation, *several)
    report = (await admin.get(f"imports/{operation}")).json()
    assert report["skipped"][0]["externalId"] == "agent_2"
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await admin.get(f"imports/{operation}/manifests", params=params)).json()
        names.extend(item["name"] for item in page["items"])
        cursor = page["nextCursor"]
    assert names == [f"a-{n}" for n in range(5)]


@pytest.mark.usefixtures("fleet")
async def test_what_cannot_be_asked_is_said(admin: httpx.AsyncClient) -> None:
    wrong = await admin.post("imports", json={"environment": "moon"})
    assert (wrong.status_code, "moon" in wrong.json()["detail"]) == (400, True)
    unknown = await admin.post("adoptions", json={"environment": "testing", "names": ["nobody"]})
    assert unknown.status_code == 404
    silent = await admin.post("adoptions", json={"environment": "testing", "names": ["front-desk"]})
    assert silent.status_code == 400
    assert "--agent ID=front-desk" in silent.json()["hint"]


@pytest.mark.usefixtures("fleet")
async def test_taking_over_writes_a_persons_word_down_and_twice_is_once(
    admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    state = await store.source(project)
    wish = await store.wish(project, "testing", "agent", "front-desk")
    manifest = await store.project_manifest(project)
    assert state is not None
    assert wish is not None
    assert manifest is not None
    await _wants(store, state, wish, manifest)
    listed = (await admin.get("adoptions", params={"environment": "testing"})).json()
    assert listed["items"] == [{"name": "front-desk", "externalId": "agent_1"}]
    for _ in range(2):
        answer = await admin.post(
            "adoptions", json={"environment": "testing", "allowChanges": True}
        )
        assert answer.status_code == 202, answer.text
    said = await store.interventions(project, "testing")
    assert [(one.verb, one.name, one.details) for one in said] == [
        ("adopt", "front-desk", {"externalId": "agent_1", "allowChanges": True})
    ]
    entry = LedgerEntry(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        account="a",
        external_id=ExternalId("agent_1"),
    )
    await store.put(entry)
    assert (await admin.get("adoptions", params={"environment": "testing"})).json()["items"] == []
    done = (await admin.post("adoptions", json={"environment": "testing"})).json()
    assert done["state"] == "Succeeded"
    other = await admin.post(
        "adoptions", json={"environment": "testing", "agents": {"agent_9": "front-desk"}}
    )
    assert other.status_code == 400


async def _wants(
    store: PostgresStore, state: SourceState, wish: WishRecord, manifest: JsonObject
) -> None:
    other = Digest(f"sha256:{'6f' * 32}")
    changed = wish.model_copy(update={"body": {"adopt": "agent_1"}, "wish_digest": other})
    await store.store_tree(state, [changed], {}, manifest)


@pytest.mark.usefixtures("fleet")
async def test_the_command_writes_files_and_never_over_others(
    command: Command, store: PostgresStore, project: str, tmp_path: Path
) -> None:
    folder = tmp_path / "manifests"
    code, out, err = await imported_by_cli(command, store, project, "--into", str(folder))
    told = [line for line in err.splitlines() if not line.startswith("Importing testing")]
    assert (code, told[0]) == (0, "Skipped:"), err
    assert str(folder / "agents/front-desk/agent.yaml") in out
    assert "TRUNKLINE_SECRET_ACME_BOOKING" in err
    prompt = folder / "agents/front-desk/prompt.md"
    assert prompt.read_text() == "Be kind.\n"
    prompt.write_text("Ours.\n")
    code, _, err = await imported_by_cli(command, store, project, "--into", str(folder))
    assert code == 1
    assert "nothing was written" in err
    assert "agents/front-desk/prompt.md" in err
    assert prompt.read_text() == "Ours.\n"
    code, out, err = await imported_by_cli(
        command, store, project, "--into", str(folder), "--force", "-o", "json"
    )
    assert code == 0, err
    assert f"overwritten: {prompt}" in err
    assert prompt.read_text() == "Be kind.\n"
    document = json.loads(out)
    assert document["imported"][0]["files"] == [
        "agents/front-desk/agent.yaml",
        "agents/front-desk/prompt.md",
    ]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("environment", "takes_over"),
    [
        ("testing", "trunkline adopt --environment testing"),
        ("production", "trunkline promote AGENT --environment production, for each of them"),
    ],
)
async def test_the_command_says_what_makes_them_ours(
    command: Command,
    store: PostgresStore,
    project: str,
    tmp_path: Path,
    environment: str,
    takes_over: str,
) -> None:
    code, _, err = await imported_by_cli(
        command, store, project, "--environment", environment, "--into", str(tmp_path)
    )
    assert code == 0, err
    assert "Imported 1 agent, 0 tools, 0 documents, 0 numbers." in err.splitlines()
    assert err.splitlines()[-1].endswith(f"; {takes_over}")


@pytest.mark.usefixtures("fleet")
async def test_taking_over_asks_and_needs_somebody_to_answer(command: Command) -> None:
    code, out, _ = await command("adopt", "--environment", "testing", "--yes", who="operator")
    assert (code, "Nothing to take over" in out) == (0, True)
    code, _, err = await command(
        "adopt", "--environment", "testing", "--agent", "agent_1", who="operator"
    )
    assert (code, "ID=NAME" in err) == (64, True)
    code, _, err = await command(
        "adopt", "--environment", "testing", "--agent", "agent_1=front-desk", who="operator"
    )
    assert (code, "--yes" in err) == (64, True)
