"""An admin of one project tries every way to read or touch something of another, and finds nothing.

The project in the path is their own throughout; the ids, names and cursors are the other's.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.imports import ImportReport
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import OperationRecord, StatusRecord
from trunkline.model.releases import ReleaseRecord
from trunkline.model.testing.results import TestRunReport
from trunkline.services.access import AccessService

pytestmark = pytest.mark.slow
Token = Callable[[str], str]
BY_ID: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "/plans/plan-0001", None),
    ("POST", "/plans/plan-0001/apply", {"digest": "sha256:" + "5e" * 32}),
    ("GET", "/operations/plan-0001", None),
    ("GET", "/operations/import-0001", None),
    ("GET", "/imports/import-0001", None),
    ("GET", "/imports/import-0001/manifests", None),
    ("GET", "/promotions/production.front-desk.1", None),
    ("POST", "/promotions/production.front-desk.1/approve", {}),
    ("POST", "/promotions/production.front-desk.1/reject", {"reason": "no"}),
    ("POST", "/promotions/production.front-desk.1/abort", {"reason": "no"}),
    ("GET", "/test-runs/run-0001", None),
    ("GET", "/test-runs/run-0001/junit.xml", None),
    ("DELETE", "/test-runs/run-0001", None),
    ("GET", "/agents/front-desk", None),
    ("GET", "/agents/front-desk/description", None),
    ("GET", "/agents/front-desk/why", None),
    ("GET", "/agents/front-desk/diff?waitS=0", None),
    ("POST", "/agents/front-desk/sync", {}),
    ("POST", "/agents/front-desk/suspend", {"reason": "mine"}),
    ("POST", "/agents/front-desk/disable", {"reason": "mine"}),
    ("GET", "/numbers/main-line/description", None),
    ("GET", "/numbers/main-line/route", None),
    ("GET", "/numbers/+15005550006/route", None),
)
LISTS = (
    "/agents",
    "/numbers",
    "/events",
    "/promotions",
    "/test-runs",
    "/interventions",
    "/adoptions?environment=testing",
)


@pytest.fixture
async def treasure(
    project: str,
    store: PostgresStore,
    promotable: None,  # noqa: ARG001 - what it stored is built on
    rules: PromotionRules,  # noqa: ARG001 - as above
    released: Callable[..., Coroutine[None, None, ReleaseRecord]],
) -> None:
    """One of everything, in a project of somebody else."""
    said = {"project": project, "environment": "production", "agent": "front-desk", "number": 1}
    await store.open_promotion(PromotionRecord.model_validate({**said, "origin": "testing"}))
    await store.open_run(
        TestRunReport(id="run-0001", project=project, environment="testing", agents=("front-desk",))
    )
    await store.open_operation(
        OperationRecord(id="import-0001", project=project, kind="import", requested_by="ada")
    )
    await store.put_import(
        "import-0001", project, "testing", (), ImportReport(environment="testing", agents=0)
    )
    await released(1, "sha256:" + "5e" * 32)


@pytest.fixture
def thief(address: str, token: Token) -> httpx.AsyncClient:
    """An admin of the other project."""
    headers = {"Authorization": f"Bearer {token('foreign_admin')}"}
    return httpx.AsyncClient(base_url=address, headers=headers, timeout=60)


@pytest.mark.usefixtures("treasure")
async def test_what_is_known_by_an_id_is_not_there(
    thief: httpx.AsyncClient, project: str, foreign_project: str, token: Token
) -> None:
    owner = {"Authorization": f"Bearer {token('admin')}"}
    wrong = []
    async with thief:
        for method, path, body in BY_ID:
            asked = await thief.request(method, f"/v1/projects/{foreign_project}{path}", json=body)
            if asked.status_code != 404 or project in asked.text:
                wrong.append((method, path, asked.status_code, asked.text[:200]))
            if method == "GET" and not path.endswith("/route"):
                theirs = await thief.get(f"/v1/projects/{project}{path}", headers=owner)
                if theirs.status_code == 404:
                    wrong.append((method, path, 404, "not even there for its owner"))
    assert not wrong


@pytest.mark.usefixtures("treasure")
async def test_lists_hold_nothing_of_others(
    thief: httpx.AsyncClient, project: str, foreign_project: str, token: Token
) -> None:
    owner = {"Authorization": f"Bearer {token('admin')}"}
    async with thief:
        for path in LISTS:
            asked = await thief.get(f"/v1/projects/{foreign_project}{path}")
            assert asked.status_code in {200, 400}, (path, asked.text)
            assert project not in asked.text, path
            assert asked.json().get("items", []) == [], path
            assert (await thief.get(f"/v1/projects/{project}{path}")).status_code == 404, path
        for path in ("/v1/projects", "/v1/tokens", "/v1/audit", "/v1/doctor", "/v1/me"):
            asked = await thief.get(path)
            assert asked.status_code == 200, (path, asked.text)
            assert project not in asked.text, path
            assert project in (await thief.get(path, headers=owner)).text or path != "/v1/projects"


@pytest.mark.usefixtures("treasure")
async def test_a_cursor_of_others_opens_nothing(
    thief: httpx.AsyncClient, store: PostgresStore, project: str, foreign_project: str, token: Token
) -> None:
    owner = {"Authorization": f"Bearer {token('admin')}"}
    second = StatusRecord(project=project, environment="testing", kind="agent", name="back-office")
    await store.put_status(second, [])
    async with thief:
        for path in ("/agents", "/events"):
            page = await thief.get(f"/v1/projects/{project}{path}?limit=1", headers=owner)
            cursor = page.json()["nextCursor"]
            if cursor is None:
                continue
            asked = await thief.get(
                f"/v1/projects/{foreign_project}{path}", params={"cursor": cursor}
            )
            assert asked.status_code in {200, 400}
            assert project not in asked.text
        for path in ("/v1/tokens", "/v1/audit"):
            page = await thief.get(path, params={"limit": 1}, headers=owner)
            cursor = page.json()["nextCursor"]
            asked = await thief.get(path, params={"cursor": cursor} if cursor else {})
            assert asked.status_code == 200
            assert project not in asked.text


async def test_tokens_of_others_cannot_be_touched(
    thief: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    access = AccessService(store)
    theirs = (await access.issue("ada@example.com", "viewer", project=project)).record.id
    everywhere = (await access.issue("bob@example.com", "viewer")).record.id
    async with thief:
        for token_id in (theirs, everywhere, "token-0", "session-0"):
            gone = await thief.delete(f"/v1/tokens/{token_id}")
            turned = await thief.post(f"/v1/tokens/{token_id}/rotate")
            assert (gone.status_code, turned.status_code) == (404, 404)
        made = await thief.post(
            "/v1/tokens", json={"person": "me", "role": "admin", "project": project}
        )
        assert made.status_code == 404
    assert await store.token_by_id(theirs) is not None
