"""401 without a valid token, 404 for a project that is not theirs, 403 for a role too low."""

import itertools
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Route = tuple[str, str, dict[str, Any] | None]

READS: tuple[Route, ...] = (
    ("GET", "", None),
    ("GET", "/agents", None),
    ("GET", "/agents/front-desk", None),
    ("GET", "/agents/front-desk/events", None),
    ("GET", "/agents/front-desk/diff?waitS=0", None),
    ("GET", "/agents/front-desk/description", None),
    ("GET", "/agents/front-desk/history", None),
    ("GET", "/numbers/main-line/description", None),
    ("GET", "/numbers", None),
    ("GET", "/events", None),
    ("GET", "/events?after=0", None),
    ("GET", "/plans/plan-0001", None),
    ("GET", "/operations/plan-0001", None),
    ("POST", "/plans", {"environment": "testing"}),
)
WRITES: tuple[Route, ...] = (
    ("POST", "/sync", {}),
    ("POST", "/agents/front-desk/sync", {"environment": "testing"}),
)
Ask = Callable[..., Any]


@pytest.fixture
def ask(http: httpx.AsyncClient, token: Callable[[str], str]) -> Ask:
    async def send(route: Route, project: str, who: str) -> httpx.Response:
        method, path, body = route
        return await http.request(
            method,
            f"/v1/projects/{project}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token(who)}"},
        )

    return send


@pytest.mark.usefixtures("fleet")
async def test_viewers_and_admins_may_read(ask: Ask, project: str) -> None:
    for route in READS:
        for who in ("viewer", "admin"):
            answer = await ask(route, project, who)
            assert answer.status_code in {200, 202}, (route, who, answer.text)


@pytest.mark.usefixtures("fleet")
async def test_operators_and_admins_may_write(ask: Ask, project: str) -> None:
    for route in WRITES:
        for who in ("operator", "admin"):
            answer = await ask(route, project, who)
            assert answer.status_code == 202, (route, who, answer.text)


@pytest.mark.usefixtures("fleet")
async def test_viewers_and_approvers_may_not_write(ask: Ask, project: str) -> None:
    for route, who in itertools.product(WRITES, ("viewer", "approver")):
        answer = await ask(route, project, who)
        assert answer.status_code == 403, route
        assert answer.json()["type"] == "urn:trunkline:problem:forbidden"
        assert "operator" in answer.json()["detail"]


@pytest.mark.usefixtures("fleet")
async def test_a_project_of_somebody_else_looks_unknown(ask: Ask, project: str) -> None:
    for route in READS + WRITES:
        foreign = await ask(route, project, "foreign_admin")
        unknown = await ask(route, "no-such-project", "foreign_admin")
        assert foreign.status_code == unknown.status_code == 404, route
        assert foreign.json()["type"] == unknown.json()["type"] == "urn:trunkline:problem:not-found"
        detail = foreign.json()["detail"].replace(project, "no-such-project")
        assert detail == unknown.json()["detail"]


async def test_nobody_gets_in_without_a_token(http: httpx.AsyncClient, project: str) -> None:
    forged = {"Authorization": "Bearer tl_" + "a" * 43}
    for method, path, body in READS + WRITES:
        for headers in ({}, forged, {"Authorization": "Basic eA=="}):
            answer = await http.request(
                method, f"/v1/projects/{project}{path}", json=body, headers=headers
            )
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"


class TestLists:
    async def test_projects_are_those_the_token_reaches(
        self, http: httpx.AsyncClient, token: Callable[[str], str], foreign_project: str
    ) -> None:
        listed = {}
        for who in ("viewer", "foreign_admin"):
            headers = {"Authorization": f"Bearer {token(who)}"}
            answer = await http.get("/v1/projects", headers=headers)
            listed[who] = [item["name"] for item in answer.json()["items"]]
        assert len(listed["viewer"]) == 2
        assert listed["foreign_admin"] == [foreign_project]

    @pytest.mark.usefixtures("fleet")
    async def test_the_audit_log_is_for_admins_and_shows_their_projects(
        self, http: httpx.AsyncClient, ask: Ask, token: Callable[[str], str], project: str
    ) -> None:
        await ask(("POST", "/sync", {"reason": "after the outage"}), project, "operator")
        seen = {}
        for who in ("viewer", "operator", "admin", "foreign_admin"):
            headers = {"Authorization": f"Bearer {token(who)}"}
            seen[who] = await http.get("/v1/audit", headers=headers)
        assert seen["viewer"].status_code == seen["operator"].status_code == 403
        assert seen["foreign_admin"].json()["items"] == []
        [row] = seen["admin"].json()["items"]
        assert (row["actor"], row["action"]) == ("operator@example.com", "sync.create")
        assert (row["project"], row["reason"]) == (project, "after the outage")
        assert row["requestId"]
