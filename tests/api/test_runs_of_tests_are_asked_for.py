"""Runs of tests over HTTP: who may start them, what is listed, what is said of wrong ones."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import httpx
import psycopg
from temporalio.client import Client

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport

Token = Callable[[str], str]


def person(token: Token, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(who)}"}


def report(project: str, run_id: str, **more: object) -> TestRunReport:
    return TestRunReport.model_validate(
        {"id": run_id, "project": project, "environment": "testing", **more}
    )


def failed(name: str) -> TestResult:
    run = RunResult(number=1, outcome="failed", reason="NotSaid", message="said nothing")
    return TestResult(
        name=name,
        agent="front-desk",
        environment="testing",
        outcome="failed",
        reason="NotSaid",
        runs=(run,),
    )


async def test_an_operator_starts_a_run_and_everybody_reads_it(
    http: httpx.AsyncClient, project: str, token: Token, temporal: Client, store: PostgresStore
) -> None:
    place = f"/v1/projects/{project}"
    order = {"tags": ["smoke"], "repeat": 2, "mode": "text"}
    answer = await http.post(
        f"{place}/agents/front-desk/test-runs", json=order, headers=person(token, "operator")
    )
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert answer.headers["Location"] == started["href"] == f"{place}/test-runs/{started['id']}"
    assert started["state"] == "Running"
    workflow = await temporal.get_workflow_handle(f"test-run/{project}/{started['id']}").describe()
    assert workflow.workflow_type == "TestRunWorkflow"
    read = await http.get(started["href"], headers=person(token, "viewer"))
    assert (read.json()["agents"], read.json()["requestedBy"]) == (
        ["front-desk"],
        "operator@example.com",
    )
    rows = await store.audit(limit=10)
    assert [(row.action, row.subject) for row in rows if row.action.startswith("test.")] == [
        ("test.run", "front-desk")
    ]


async def test_who_may_not_run_tests_is_told(
    http: httpx.AsyncClient, project: str, token: Token, store: PostgresStore
) -> None:
    place = f"/v1/projects/{project}/test-runs"
    viewer, foreign = person(token, "viewer"), person(token, "foreign_admin")
    assert (await http.post(place, json={})).status_code == 401
    assert (await http.post(place, json={}, headers=viewer)).status_code == 403
    assert (await http.post(place, json={}, headers=foreign)).status_code == 404
    await store.open_run(report(project, "mine"))
    assert (await http.delete(f"{place}/mine", headers=viewer)).status_code == 403
    assert (await http.get(f"{place}/mine", headers=foreign)).status_code == 404


async def test_a_run_of_another_project_is_not_there(
    http: httpx.AsyncClient, project: str, foreign_project: str, token: Token, store: PostgresStore
) -> None:
    await store.open_run(report(foreign_project, "theirs"))
    place, admin = f"/v1/projects/{project}/test-runs", person(token, "admin")
    for path in (f"{place}/theirs", f"{place}/theirs/junit.xml", f"{place}/nothing"):
        answer = await http.get(path, headers=admin)
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "urn:trunkline:problem:not-found",
        )
    assert (await http.delete(f"{place}/theirs", headers=admin)).status_code == 404
    assert (await http.get(place, headers=admin)).json()["items"] == []


async def test_wrong_orders_are_refused(
    http: httpx.AsyncClient, project: str, token: Token
) -> None:
    place, operator = f"/v1/projects/{project}/test-runs", person(token, "operator")
    for order, status in (
        ({"environment": "nowhere"}, 400),
        ({"compare": "nowhere"}, 400),
        ({"repeat": 0}, 422),
        ({"repeat": 51}, 422),
        ({"mode": "letter"}, 422),
        ({"runner": "nobody"}, 422),
        ({"agents": ["UPPER"]}, 422),
        ({"branch": "a b"}, 422),
        ({"suite": "all"}, 422),
    ):
        answer = await http.post(place, json=order, headers=operator)
        assert answer.status_code == status, (order, answer.text)


async def test_runs_are_listed_in_pages_newest_first(
    http: httpx.AsyncClient, project: str, token: Token, store: PostgresStore
) -> None:
    for number in range(3):
        await store.open_run(report(project, f"run-{number}", agents=["front-desk"]))
    place, viewer = f"/v1/projects/{project}/test-runs", person(token, "viewer")
    first = (await http.get(place, params={"limit": 2}, headers=viewer)).json()
    rest = (
        await http.get(place, params={"limit": 2, "cursor": first["nextCursor"]}, headers=viewer)
    ).json()
    assert [row["id"] for row in (*first["items"], *rest["items"])] == ["run-2", "run-1", "run-0"]
    assert rest["nextCursor"] is None
    none = await http.get(place, params={"agent": "night-desk"}, headers=viewer)
    assert none.json()["items"] == []


async def test_a_run_is_junit_too(
    http: httpx.AsyncClient, project: str, token: Token, store: PostgresStore
) -> None:
    await store.open_run(report(project, "one"))
    await store.put_result("one", failed("books"))
    await store.finish_run(report(project, "one", state="Finished", outcome="failed"))
    place = f"/v1/projects/{project}/test-runs/one/junit.xml"
    answer = await http.get(place, headers=person(token, "viewer"))
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.text)  # noqa: S314 - our own document
    assert (root.get("tests"), root.get("failures")) == ("1", "1")


async def test_a_run_nobody_works_on_any_more_can_be_ended(
    http: httpx.AsyncClient, project: str, token: Token, store: PostgresStore
) -> None:
    await store.open_run(report(project, "lost"))
    place = f"/v1/projects/{project}/test-runs/lost"
    answer = await http.delete(place, headers=person(token, "operator"))
    assert (answer.status_code, answer.json()["state"]) == (202, "Cancelled")


async def test_a_removed_project_takes_its_runs_along(
    http: httpx.AsyncClient, project: str, token: Token, store: PostgresStore, database_url: str
) -> None:
    await store.open_run(report(project, "one"))
    await store.put_result("one", failed("books"))
    await store.remove(project)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute("SELECT count(*) FROM test_results")
        assert await cursor.fetchone() == (0,)
    gone = await http.get(f"/v1/projects/{project}/test-runs/one", headers=person(token, "admin"))
    assert gone.status_code in (403, 404)
