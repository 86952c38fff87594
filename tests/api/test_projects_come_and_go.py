"""Projects are registered and forgotten by admins; what they own is never left by accident."""

import json
import uuid
from collections.abc import Callable, Coroutine

import httpx
import psycopg
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.projects import PROJECT_TABLES
from trunkline.model.base import JsonObject
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import LedgerEntry
from trunkline.model.records import ProjectRecord

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
Token = Callable[[str], str]

REPOSITORY = "https://git.example.com/team/agents.git"
KEPT = {"audit", "operation_items"}
"""Tables with rows about a project that a removal leaves, or reaches by another key."""


@pytest.fixture
def name() -> str:
    """A project nobody registered yet."""
    return f"new{uuid.uuid4().hex[:8]}"


def person(token: Token, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(who)}"}


def order(name: str, **more: object) -> JsonObject:
    return {"name": name, "repository": REPOSITORY, **more}  # type: ignore[dict-item]


def owned(project: str) -> LedgerEntry:
    return LedgerEntry(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        account="elevenlabs-1",
        external_id=ExternalId("agent_1"),
    )


async def test_an_added_project_is_registered_awake_and_audited(
    http: httpx.AsyncClient, token: Token, name: str, temporal: Client
) -> None:
    admin = person(token, "admin")
    body = order(name, branch="stable", pollIntervalS=30, reason="the new region")
    made = await http.post("/v1/projects", json=body, headers=admin)
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["branch"]) == (name, "stable")
    workflow = await temporal.get_workflow_handle(f"project/{name}").describe()
    assert workflow.status == WorkflowExecutionStatus.RUNNING
    again = await http.post("/v1/projects", json=body, headers=admin)
    assert again.status_code == 201
    rows = (await http.get(f"/v1/audit?project={name}", headers=admin)).json()["items"]
    assert [(row["action"], row["reason"]) for row in rows] == [
        ("project.add", "the new region"),
        ("project.add", "the new region"),
    ]


async def test_what_cannot_be_registered_is_refused_and_says_why(
    http: httpx.AsyncClient, token: Token, name: str, store: PostgresStore
) -> None:
    admin = person(token, "admin")
    await store.register(ProjectRecord(name=name, repository=REPOSITORY))
    other = "https://git.example.com/other/agents.git"
    taken = await http.post(
        "/v1/projects", json={**order(name), "repository": other}, headers=admin
    )
    beside = await http.post("/v1/projects", json=order(f"{name}-eu"), headers=admin)
    local = await http.post(
        "/v1/projects", json={**order(f"x{name}"), "repository": "file:///etc"}, headers=admin
    )
    program = await http.post(
        "/v1/projects", json={**order(f"x{name}"), "repository": "ext::sh -c id"}, headers=admin
    )
    assert (taken.status_code, beside.status_code) == (409, 400)
    assert "projects remove" in taken.json()["hint"]
    assert "secrets" in beside.json()["detail"]
    assert (local.status_code, program.status_code) == (400, 400)
    assert await store.project(f"x{name}") is None


@pytest.mark.parametrize("who", ["viewer", "operator", "approver", "foreign_admin"])
async def test_only_an_admin_of_every_project_adds_and_removes(
    http: httpx.AsyncClient, token: Token, name: str, foreign_project: str, who: str
) -> None:
    added = await http.post("/v1/projects", json=order(name), headers=person(token, who))
    gone = await http.delete(f"/v1/projects/{foreign_project}", headers=person(token, who))
    assert (added.status_code, gone.status_code) == (403, 403)


async def test_a_project_that_owns_objects_is_not_removed_by_accident(
    http: httpx.AsyncClient, token: Token, project: str, store: PostgresStore
) -> None:
    await store.put(owned(project))
    refused = await http.delete(f"/v1/projects/{project}", headers=person(token, "admin"))
    assert refused.status_code == 409
    assert "still owns 1 object on" in refused.json()["detail"]
    assert "--keep-objects" in refused.json()["hint"]
    assert await store.project(project) is not None
    kept = await http.delete(
        f"/v1/projects/{project}?keepObjects=true&reason=renamed", headers=person(token, "admin")
    )
    assert kept.json()["objectsKept"] == 1
    assert await store.entry(project, "testing", "agent", "front-desk") is None


@pytest.mark.slow
async def test_a_renamed_project_finds_its_way_out(
    command: Command, name: str, store: PostgresStore, temporal: Client
) -> None:
    """The old row's secrets would begin like the new one's, so it must go first."""
    code, out, err = await command("projects", "add", name, REPOSITORY, who="admin")
    assert (code, out) == (0, f"project {name} is registered\n"), err
    await store.put(owned(name))
    code, _, err = await command("projects", "add", f"{name}-eu", REPOSITORY, who="admin")
    assert code == 1
    assert f"cannot stand beside project {name}" in err
    code, _, err = await command("projects", "remove", name, who="admin")
    assert code == 4
    assert "--keep-objects" in err
    code, out, err = await command("projects", "remove", name, "--keep-objects", who="admin")
    assert (code, out) == (0, f"project {name} is removed\n")
    assert "1 objects go on" in err
    workflow = await temporal.get_workflow_handle(f"project/{name}").describe()
    assert workflow.status == WorkflowExecutionStatus.TERMINATED
    code, _, err = await command("projects", "add", f"{name}-eu", REPOSITORY, who="admin")
    assert code == 0, err


@pytest.mark.usefixtures("fleet")
async def test_nothing_of_a_removed_project_is_left_but_the_audit_log(
    http: httpx.AsyncClient,
    token: Token,
    project: str,
    store: PostgresStore,
    database_url: str,
) -> None:
    await store.put(owned(project))
    done = await http.delete(
        f"/v1/projects/{project}?keepObjects=true", headers=person(token, "admin")
    )
    assert done.status_code == 200, done.text
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'project'"
            " AND table_schema = 'public'"
        )
        tables = {row[0] for row in await cursor.fetchall()}
        assert tables - KEPT == set(PROJECT_TABLES)
        for table in sorted(tables - KEPT):
            cursor = await connection.execute(
                f"SELECT count(*) FROM {table} WHERE project = %s",  # noqa: S608 - listed above
                (project,),
            )
            assert await cursor.fetchone() == (0,), table
    rows = (await http.get("/v1/audit", headers=person(token, "admin"))).json()["items"]
    assert rows[0]["action"] == "project.remove"
    assert rows[0]["details"]["objectsKept"] == 1
    shown = await http.get(f"/v1/projects/{project}", headers=person(token, "admin"))
    assert shown.status_code == 404


@pytest.mark.slow
async def test_projects_are_listed_and_shown(command: Command, project: str) -> None:
    code, out, _ = await command("projects", "list")
    assert code == 0
    assert out.splitlines()[0].split() == [
        *("NAME", "GIT", "REVISION", "BRANCH", "ENVIRONMENTS", "REPOSITORY")
    ]
    assert f"{project} " in out
    _, names, _ = await command("projects", "list", "-o", "name")
    assert project in names.splitlines()
    _, shown, _ = await command("projects", "show", project)
    assert "Repository:     https://git.example.com/team/" in shown
    _, as_json, _ = await command("projects", "show", project, "-o", "json")
    assert json.loads(as_json)["source"] is None
