"""From an account of others to an empty plan: import, push, take over, plan."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from activities.names import IMPORT_WORKFLOW, WORKFLOW_QUEUE
from activities.types import ImportInput, RefreshRequest
from tests.importing.others import Others, fill
from trunkline.cli.importing import files_of
from trunkline.manifests import DirectoryTree, review
from trunkline.model.imports import ImportedManifest, ImportReport
from trunkline.model.interventions import Intervention
from trunkline.model.records import OperationRecord

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

NUMBER = "+15005550006"
SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
"""How much of the full count a run takes."""
SECRETS = (
    "TRUNKLINE_SECRET_ACME_BOOKING_KEY",
    "TRUNKLINE_SECRET_ACME_BOOKING_KEY_OLD",
    "TRUNKLINE_SECRET_ACME_CRM_TOKEN",
)


async def bring_in(
    stack: Stack, *agent_ids: str
) -> tuple[tuple[ImportedManifest, ...], ImportReport]:
    """Import and wait for it."""
    operation_id = f"import-{uuid4().hex}"
    await stack.store.open_operation(
        OperationRecord(id=operation_id, project=stack.project, kind="import", requested_by="test")
    )
    handle = await stack.client.start_workflow(
        IMPORT_WORKFLOW,
        ImportInput(
            operation_id=operation_id,
            project=stack.project,
            environment="testing",
            agent_ids=agent_ids,
            timing=stack.timing,
        ),
        id=f"import/{operation_id}",
        task_queue=WORKFLOW_QUEUE,
    )
    ended = await stack.ended(operation_id, timeout_s=400)
    assert ended.state == "Succeeded", ended.message
    await handle.result()
    await stack.record(handle, "import", "some-agents" if agent_ids else "whole-account")
    report = await stack.store.import_report(operation_id)
    assert report is not None
    manifests = await stack.store.imported_manifests(operation_id, after=0, limit=5000)
    return manifests, report


def texts_of(manifests: tuple[ImportedManifest, ...]) -> dict[str, str]:
    """Path to text of everything an import brought."""
    files: dict[str, str] = {}
    for manifest in manifests:
        files.update(files_of(manifest, has_schema=False))
    return files


async def filled(stack: Stack, count: int) -> Others:
    """The account, filled by its owner; its secrets are known to the server."""
    for name in SECRETS:
        stack.secrets[name] = f"value of {name}"
    running = stack.simulators
    return await asyncio.to_thread(fill, running.elevenlabs_url, running.elevenlabs_key, count)


async def writes(stack: Stack) -> dict[str, int]:
    """Requests since the counters were emptied that change something."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    return {route: n for route, n in counters.items() if not route.startswith("GET")}


async def whole_journey(stack: Stack, texts: Texts, folder: Path, count: int) -> None:
    """Import so many agents, push them, and see that nothing is left to do."""
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        others = await filled(stack, count)
        await stack.elevenlabs.http.delete("/_sim/counters")
        manifests, report = await bring_in(stack)
        assert await writes(stack) == {}
        assert report.agents == count
        assert set(report.secrets) == set(SECRETS)
        files = texts_of(manifests)
        files["trunkline.yaml"] = texts.project()
        for path, text in files.items():
            await asyncio.to_thread(_put, folder / path, text)
        found = await asyncio.to_thread(review, DirectoryTree(folder))
        assert found.problems == ()
        stack.push(dict(files), "Imported")
        operation = await stack.sync(timeout_s=400)
        failed = [item for item in operation.items if item.state != "Succeeded"]
        assert (operation.state, failed) == ("Succeeded", [])
        made = await writes(stack)
        assert not [route for route in made if route.startswith(("POST", "DELETE"))], made
        assert made["PATCH /v1/convai/agents/{agent_id}"] == count
        listed = await stack.elevenlabs.agents()
        assert sorted(agent["agent_id"] for agent in listed) == sorted(others.agents)
        assert all(any(t.startswith("trunkline:acme/testing/") for t in a["tags"]) for a in listed)
        kept = [agent for agent in listed if "customer" in agent["tags"]]
        assert len(kept) == count // 2
        planned = await stack.plan()
        assert planned.plan_id is not None, planned.message
        stored = await stack.store.plan(planned.plan_id)
        assert stored is not None
        assert stored.plan.steps == ()
        assert stored.plan.obstacles == ()
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sync(hard=True, timeout_s=400)).state == "Succeeded"
        assert await writes(stack) == {}
        again, second = await bring_in(stack)
        assert again == ()
        assert len(second.skipped) == count


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_few_agents_of_others_become_ours_and_nothing_is_made(
    make_stack: MakeStack, texts: Texts, tmp_path: Path
) -> None:
    stack = await make_stack({"trunkline.yaml": texts.project()}, unhurried=True)
    await whole_journey(stack, texts, tmp_path, 12)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_three_hundred_varied_agents_become_ours_and_nothing_is_made(
    make_stack: MakeStack, texts: Texts, tmp_path: Path
) -> None:
    stack = await make_stack({"trunkline.yaml": texts.project()}, unhurried=True)
    await whole_journey(stack, texts, tmp_path, max(20, round(300 * SHARE)))


@pytest.mark.slow
async def test_a_number_that_rings_at_an_imported_agent_goes_on_ringing_there(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack({"trunkline.yaml": texts.project()}, unhurried=True)
    http = stack.elevenlabs.http
    body = {"name": "Desk", "conversation_config": {"agent": {"first_message": "Hello"}}}
    agent_id = (await http.post("/v1/convai/agents/create", json=body)).json()["agent_id"]
    number = {
        "provider": "twilio",
        "phone_number": NUMBER,
        "label": "Main line",
        "sid": stack.secrets["TWILIO_ACCOUNT_SID"],
        "token": stack.secrets["TWILIO_AUTH_TOKEN"],
        "agent_id": agent_id,
    }
    answer = await http.post("/v1/convai/phone-numbers", json=number)
    assert answer.status_code == 200, answer.text
    async with stack.working():
        await stack.sync()
        manifests, report = await bring_in(stack)
        assert (report.numbers, report.skipped) == (1, ())
        assert texts_of(manifests)["numbers/main-line.yaml"].endswith("agent: desk\n")
        stack.push(dict(texts_of(manifests)), "Imported")
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.settled("main-line", lambda row: row.sync == "Synced", "number")
        assert row.numbers == (NUMBER,)
        planned = await stack.plan()
        stored = await stack.store.plan(str(planned.plan_id))
        assert stored is not None
        assert (stored.plan.steps, stored.plan.obstacles) == ((), ())


@pytest.mark.slow
async def test_one_agent_is_imported_under_the_name_a_whole_import_gives_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack({"trunkline.yaml": texts.project()}, unhurried=True)
    ids: list[str] = []
    for _ in range(3):
        body = {"name": "Desk", "conversation_config": {}}
        answer = await stack.elevenlabs.http.post("/v1/convai/agents/create", json=body)
        ids.append(answer.json()["agent_id"])
    async with stack.working():
        await stack.sync()
        whole, _ = await bring_in(stack)
        one, report = await bring_in(stack, ids[1])
        assert report.agents == 1
        assert [each for each in whole if each.external_id == ids[1]] == list(one)
        assert sorted(each.name for each in whole) == ["desk", "desk-2", "desk-3"]


@pytest.mark.slow
async def test_an_agent_nobody_knows_ends_the_import_with_words(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack({"trunkline.yaml": texts.project()}, unhurried=True)
    async with stack.working():
        await stack.sync()
        operation_id = f"import-{uuid4().hex}"
        await stack.store.open_operation(
            OperationRecord(
                id=operation_id, project=stack.project, kind="import", requested_by="test"
            )
        )
        handle = await stack.client.start_workflow(
            IMPORT_WORKFLOW,
            ImportInput(
                operation_id=operation_id,
                project=stack.project,
                environment="testing",
                agent_ids=("agent_nobody",),
                timing=stack.timing,
            ),
            id=f"import/{operation_id}",
            task_queue=WORKFLOW_QUEUE,
        )
        ended = await stack.ended(operation_id)
        await handle.result()
        await stack.record(handle, "import", "no-such-agent")
        assert ended.state == "Failed"
        assert "agent_nobody" in ended.message


@pytest.mark.slow
async def test_a_tool_with_an_open_credential_is_made_anew_once_a_person_agrees(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack({"trunkline.yaml": texts.project()}, unhurried=True)
    http = stack.elevenlabs.http
    schema = {
        "url": "https://booking.example.com/slots",
        "method": "POST",
        "request_headers": {"Authorization": "Bearer abcdefghijk"},
    }
    config = {"type": "webhook", "name": "book", "description": "Books", "api_schema": schema}
    tool = (await http.post("/v1/convai/tools", json={"tool_config": config})).json()["id"]
    body = {
        "name": "Desk",
        "conversation_config": {"agent": {"prompt": {"prompt": "Hi", "tool_ids": [tool]}}},
    }
    agent_id = (await http.post("/v1/convai/agents/create", json=body)).json()["agent_id"]
    async with stack.working():
        await stack.sync()
        manifests, report = await bring_in(stack)
        assert "abcdefghijk" not in str(manifests)
        assert report.secrets == ("TRUNKLINE_SECRET_ACME_BOOK_AUTHORIZATION",)
        assert [note.name for note in report.warnings] == ["book"]
        stack.secrets[report.secrets[0]] = "Bearer abcdefghijk"
        stack.push(dict(texts_of(manifests)), "Imported")
        assert (await stack.sync()).state != "Succeeded"
        held = await stack.status("desk")
        assert held is not None
        assert "tool book: api_schema.request_headers" in held.message
        await stack.store.put_intervention(
            Intervention(
                project="acme",
                environment="testing",
                kind="agent",
                name="desk",
                verb="adopt",
                reason="",
                by="operator@example.com",
                at=datetime.now(UTC),
                details={"externalId": agent_id, "allowChanges": True},
            )
        )
        await stack.refresh(RefreshRequest(environment="testing", names=("desk",)))
        await stack.settled("desk", lambda row: row.sync == "Synced")
        prompt = (await stack.elevenlabs.agent(agent_id))["conversation_config"]["agent"]["prompt"]
        assert len(prompt["tool_ids"]) == 1
        assert prompt["tool_ids"] != [tool]
        assert (await http.get(f"/v1/convai/tools/{tool}")).json()["tool_config"]["name"] == "book"
        planned = await stack.plan()
        stored = await stack.store.plan(str(planned.plan_id))
        assert stored is not None
        assert stored.plan.steps == ()
