"""Every refusal is a problem document with a stable type, where it hurts, and a request id."""

from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest

from tests.notifications.worlds import eventually
from trunkline.model import limits


def assert_problem(answer: httpx.Response, status: int, name: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:trunkline:problem:{name}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["requestId"] == answer.headers["x-request-id"]


async def test_a_body_that_is_no_json(viewer: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await viewer.post("plans", content=b"{oops", headers=headers)
    assert_problem(answer, 400, "malformed-json")


async def test_a_body_that_does_not_fit_says_where(viewer: httpx.AsyncClient) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({}, "body.environment"),
        ({"environment": "Testing"}, "body.environment"),
        ({"environment": "testing", "agent": []}, "body.agent"),
        ({"environment": "testing", "agents": ["a\x00b"]}, "body.agents.0"),
        ({"environment": "testing", "agents": ["a"] * 501}, "body.agents"),
        ({"environment": "testing", "hardRefresh": "perhaps"}, "body.hardRefresh"),
    ]
    for body, where in wrong:
        answer = await viewer.post("plans", json=body)
        assert_problem(answer, 422, "invalid-request")
        assert [part["where"] for part in answer.json()["errors"]] == [where]


async def test_a_query_out_of_bounds_says_where(viewer: httpx.AsyncClient) -> None:
    wrong = ("limit=0", "limit=201", "limit=x", "label=team", "environment=..")
    for query in (*wrong, "cursor=" + "a" * 513):
        answer = await viewer.get(f"agents?{query}")
        assert_problem(answer, 422, "invalid-request")
        name = query.partition("=")[0]
        assert answer.json()["errors"][0]["where"].startswith(f"query.{name}")


async def test_a_cursor_that_is_not_ours(viewer: httpx.AsyncClient) -> None:
    for cursor in ("%21%21", "YQ", "AAAA", "YmVmb3JlOng"):
        for path in ("agents", "events"):
            assert_problem(await viewer.get(f"{path}?cursor={cursor}"), 400, "invalid-input")


@pytest.mark.usefixtures("fleet")
async def test_an_environment_the_project_does_not_have(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.post("plans", json={"environment": "staging"})
    assert_problem(answer, 400, "invalid-input")
    assert "testing, production" in answer.json()["hint"]


@pytest.mark.usefixtures("fleet")
async def test_what_is_not_there(viewer: httpx.AsyncClient) -> None:
    for path in (
        "agents/nobody",
        "agents/nobody/diff",
        "agents/front-desk?environment=production",
        "plans/plan-9999",
        "operations/plan-9999",
    ):
        assert_problem(await viewer.get(path), 404, "not-found")


@pytest.mark.usefixtures("fleet")
async def test_an_agent_nobody_knows_cannot_be_synced_or_planned(
    viewer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    assert_problem(await admin.post("agents/nobody/sync"), 404, "not-found")
    plan = await viewer.post("plans", json={"environment": "testing", "agents": ["nobody"]})
    assert_problem(plan, 404, "not-found")


async def test_paths_and_methods_that_do_not_exist(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get("/v2/agents"), 404, "not-found")
    assert_problem(await http.delete("/v1/projects"), 405, "method-not-allowed")


async def test_a_body_beyond_the_bound_announced_or_not(viewer: httpx.AsyncClient) -> None:
    size = limits.API_BODY_MAX_BYTES + 1
    announced = await viewer.post("sync", content=b"x" * size)
    assert_problem(announced, 413, "content-too-large")

    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(0, size, 65_536):
            yield b"x" * 65_536

    assert_problem(await viewer.post("sync", content=streamed()), 413, "content-too-large")


async def test_a_request_id_goes_in_and_out(http: httpx.AsyncClient) -> None:
    given = await http.get("/healthz", headers={"X-Request-ID": "call-42"})
    assert given.headers["x-request-id"] == "call-42"
    made = await http.get("/healthz", headers={"X-Request-ID": "no good"})
    assert made.headers["x-request-id"] not in {"", "no good"}


async def test_a_store_without_tables_is_said_and_not_a_trace(
    http: httpx.AsyncClient, viewer: httpx.AsyncClient, postgres_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("DROP SCHEMA public CASCADE")
    answer = await viewer.get("agents")
    assert_problem(answer, 503, "store-unavailable")
    assert answer.headers["Retry-After"]
    assert "Traceback" not in answer.text

    async def temporal_is_ready() -> bool:
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        said = {check["name"]: check["ready"] for check in ready.json()["checks"]}
        assert said["store"] is False
        return said["temporal"] is True

    await eventually(temporal_is_ready, what="Temporal alone is ready")


async def test_a_method_that_is_not_offered_is_told_those_that_are(
    viewer: httpx.AsyncClient, http: httpx.AsyncClient, project: str
) -> None:
    for path, offered in (
        ("agents/front-desk/hold", "DELETE, POST"),
        ("promotions", "GET, HEAD"),
    ):
        answer = await viewer.request("PUT", path)
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"] == offered
    answer = await http.patch(f"/v1/projects/{project}/agents")
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert (await http.delete("/metrics")).headers["Allow"] == "GET, HEAD"


async def test_a_time_is_a_text_with_a_zone(admin: httpx.AsyncClient) -> None:
    origin = str(admin.base_url.copy_with(path="/v1/audit"))
    for wrong in ("0.5", "1772442900", "2026-03-02", "2026-03-02T09:15:00"):
        answer = await admin.get(origin, params={"since": wrong})
        assert_problem(answer, 422, "invalid-request")
    order = {"environment": "testing", "reason": "holidays", "until": 1_772_442_900}
    assert_problem(await admin.post("suspend", json=order), 422, "invalid-request")
    right = await admin.get(origin, params={"since": "2026-03-02T09:15:00Z"})
    assert right.status_code == 200
