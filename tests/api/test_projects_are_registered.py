"""A registered project is awake at once, looks as often as it says, and hides its credential."""

import uuid
from collections.abc import Callable

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from activities.types import ProjectInput
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.errors import InvalidSettings
from trunkline.model.records import ProjectRecord
from trunkline.services.catalogue import build_services


async def test_registering_twice_changes_the_project_and_starts_one_workflow(
    store: PostgresStore,
    temporal: Client,
    http: httpx.AsyncClient,
    token: Callable[[str], str],
) -> None:
    name = f"new-{uuid.uuid4().hex[:8]}"
    services = build_services(store, temporal, task_queue=f"nobody-{name}")
    record = ProjectRecord(
        name=name,
        repository="https://robot:secret@git.example.com/Team/agents.git",
        poll_interval_s=7,
    )
    await services.projects.register(record)
    await services.projects.register(record.model_copy(update={"branch": "stable"}))
    handle = temporal.get_workflow_handle(f"project/{name}")
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    history = await handle.fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    [given] = await temporal.data_converter.decode(list(started.input.payloads), [ProjectInput])
    assert given.timing.poll_interval_s == 7
    headers = {"Authorization": f"Bearer {token('viewer')}"}
    shown = (await http.get(f"/v1/projects/{name}", headers=headers)).json()
    assert shown["branch"] == "stable"
    assert shown["repository"] == "https://git.example.com/Team/agents.git"
    assert shown["source"] is None


async def test_projects_that_would_read_each_others_secrets_are_refused(
    store: PostgresStore, temporal: Client
) -> None:
    name = f"new-{uuid.uuid4().hex[:8]}"
    services = build_services(store, temporal, task_queue=f"nobody-{name}")

    def record(name: str) -> ProjectRecord:
        return ProjectRecord(name=name, repository="https://git.example.com/a/b.git")

    await services.projects.register(record(name))
    await services.projects.register(record(f"{name}eu"))
    for other in (f"{name}-eu", name.rpartition("-")[0]):
        with pytest.raises(InvalidSettings) as refused:
            await services.projects.register(record(other))
        assert other in refused.value.message
        assert await store.project(other) is None


async def test_projects_come_in_pages(
    http: httpx.AsyncClient, token: Callable[[str], str], project: str, foreign_project: str
) -> None:
    headers = {"Authorization": f"Bearer {token('viewer')}"}
    names: list[str] = []
    query: dict[str, str | int] = {"limit": 1}
    while True:
        page = (await http.get("/v1/projects", params=query, headers=headers)).json()
        names += [item["name"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert names == sorted([project, foreign_project])
    wrong = await http.get("/v1/projects", params={"cursor": "~"}, headers=headers)
    assert wrong.status_code == 400
