"""Asking for production: who may, what is answered, what is stored, and every refusal in words."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest, Revision, promotion_workflow_id
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.records import StatusRecord
from trunkline.model.releases import ReleaseStanding

ORDER = {"stage": "production", "changes": "Asks for the name of the caller first"}
REVISION = "3f0c" * 10
DIGEST = Digest("sha256:" + "5e" * 32)
ID = "production.front-desk.1"


def detail(answer: httpx.Response) -> str:
    found: str = answer.json()["detail"]
    return found


@pytest.mark.usefixtures("promotable")
async def test_production_starts_a_promotion_and_answers_the_agent(
    operator: httpx.AsyncClient, store: PostgresStore, project: str, temporal: Client
) -> None:
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["name"], body["environment"]) == ("front-desk", "testing")
    assert body["deployment"] == {
        "stage": "testing",
        "version": 0,
        "lastDeployedAt": None,
        "deployedBy": "",
        "changelog": [],
    }
    href = f"/v1/projects/{project}/promotions/{ID}"
    started = {"id": ID, "href": href, "state": "Open", "phase": "Starting"}
    assert body["promotion"] == started
    assert answer.headers["Location"] == href
    record = await store.promotion(project, ID)
    assert record is not None
    assert (record.origin, record.changes) == ("testing", ORDER["changes"])
    assert (record.requested_by, record.approvals_needed) == ("operator@example.com", 1)
    [row] = await store.audit(project=project, action="promotion.start", limit=5)
    assert (row.actor, row.subject, row.reason) == (
        *("operator@example.com", "front-desk"),
        ORDER["changes"],
    )
    assert row.details["promotion"] == ID
    assert row.request_id == record.request_id == answer.headers["X-Request-ID"]
    handle = temporal.get_workflow_handle(
        promotion_workflow_id(project, "production", "front-desk", 1)
    )
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    again = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert again.status_code == 409
    assert f"{ID} of front-desk to production is open" in detail(again)
    assert again.json()["hint"] == f"Wait for it, or end it: trunkline abort {ID}"


@pytest.mark.usefixtures("promotable")
async def test_the_stage_may_be_called_status(operator: httpx.AsyncClient) -> None:
    order = {"status": "production", "changes": ORDER["changes"], "environment": "production"}
    assert (await operator.post("agents/front-desk/deploy", json=order)).status_code == 202


@pytest.mark.usefixtures("promotable")
async def test_roles_are_duties(
    http: httpx.AsyncClient, token: Callable[[str], str], project: str
) -> None:
    path = f"/v1/projects/{project}"
    reasoned = {"reason": "wrong prices"}
    routes: tuple[tuple[str, str, dict[str, Any], set[str]], ...] = (
        ("POST", "/agents/front-desk/deploy", {"stage": "draft"}, {"operator", "admin"}),
        ("POST", "/agents/front-desk/rollback", reasoned, {"operator", "admin"}),
        ("POST", "/agents/front-desk/hold", reasoned, {"operator", "admin"}),
        ("POST", f"/promotions/{ID}/approve", {}, {"approver"}),
        ("POST", f"/promotions/{ID}/reject", reasoned, {"approver", "admin"}),
        ("POST", f"/promotions/{ID}/abort", reasoned, {"operator", "approver", "admin"}),
        ("POST", "/agents/front-desk/deploy", ORDER, {"operator", "admin"}),
    )
    for method, route, body, allowed in routes:
        for who in ("viewer", "operator", "approver", "admin", "foreign_admin"):
            answer = await http.request(
                method,
                path + route,
                json=body,
                headers={"Authorization": f"Bearer {token(who)}"},
            )
            if who == "foreign_admin":
                assert answer.status_code == 404, (route, answer.text)
            elif who not in allowed and "approve" not in route:
                assert answer.status_code == 403, (route, who, answer.text)
                assert "needs the role" in detail(answer)
            else:
                assert answer.status_code != 403, (route, who, answer.text)


@pytest.mark.usefixtures("promotable")
async def test_changes_must_say_something(operator: httpx.AsyncClient) -> None:
    for changes in ("", "  ", "changes", "updated agent", "Front desk", "🎉"):
        order = {"stage": "production", "changes": changes}
        answer = await operator.post("agents/front-desk/deploy", json=order)
        assert answer.status_code == 400, (changes, answer.text)
        assert answer.json()["type"] == "urn:trunkline:problem:invalid-input"
        assert answer.json()["hint"]


async def status_with(store: PostgresStore, project: str, **values: object) -> None:
    row = await store.status(project, "testing", "agent", "front-desk")
    assert row is not None
    said = row.model_dump(by_alias=False, include=set(StatusRecord.model_fields))
    await store.put_status(StatusRecord.model_validate({**said, **values}), [])


@pytest.mark.usefixtures("promotable")
async def test_an_agent_that_is_not_there_is_not_promoted(
    operator: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    await status_with(store, project, external_id=None)
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert answer.status_code == 409
    assert detail(answer) == "Cannot deploy to production: agent not created in ElevenLabs"
    assert answer.json()["type"] == "urn:trunkline:problem:promotion-refused"
    assert answer.json()["hint"] == "trunkline sync front-desk -e testing"
    assert await store.promotions(project, limit=1) == ()
    unknown = await operator.post("agents/front-dest/deploy", json=ORDER)
    assert (unknown.status_code, unknown.json()["hint"]) == (404, "Did you mean front-desk?")


@pytest.mark.usefixtures("promotable")
async def test_what_somebody_holds_back_is_not_promoted(
    operator: httpx.AsyncClient, admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    place = {"environment": "testing", "reason": "audit"}
    assert (await admin.post("suspend", json=place)).status_code == 200
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert answer.status_code == 409
    assert "suspended by admin@example.com" in detail(answer)
    await admin.post("resume", json={"environment": "testing"})
    [known] = await store.audit(project=project, action="environment.suspend", limit=1)
    assert known.at is not None
    taken = Intervention(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        verb="disable",
        reason="wrong prices",
        by="ada",
        at=known.at,
    )
    await store.put_intervention(taken)
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert answer.status_code == 409
    assert detail(answer).endswith("disabled in testing by ada: wrong prices")


@pytest.mark.usefixtures("promotable")
async def test_what_runs_already_is_not_promoted_again(
    operator: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    spec = ReleaseSpec.model_validate(
        {
            "environment": "production",
            "version": 3,
            "revision": REVISION,
            "digest": DIGEST,
            "changes": "Shorter greeting",
            "promotedBy": "author@example.com",
        }
    )
    standing = ReleaseStanding(
        project=project,
        environment="production",
        agent="front-desk",
        seen=spec,
        applied=spec,
        applied_version=3,
    )
    await store.store_released(project, [standing], [], {}, revision=Revision("a" * 40))
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert answer.status_code == 409
    assert detail(answer) == (
        "Cannot deploy to production: exactly this configuration is v3 there already"
    )


@pytest.mark.usefixtures("promotable")
async def test_the_rules_in_force_decide(
    operator: httpx.AsyncClient, store: PostgresStore, project: str, rules: PromotionRules
) -> None:
    branch = await operator.post(
        "agents/front-desk/deploy", json={**ORDER, "environment": "testing"}
    )
    assert branch.status_code == 409
    assert "it follows the branch" in detail(branch)
    nowhere = await operator.post("agents/front-desk/deploy", json={**ORDER, "environment": "moon"})
    assert nowhere.status_code == 400
    await store.put_rules(project, "production", rules.model_copy(update={"public_keys": ()}))
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert answer.status_code == 409
    assert "is not among the public keys in force" in detail(answer)
    tests = rules.promotion.tests.model_copy(update={"manual": 2})
    stricter = rules.promotion.model_copy(update={"tests": tests})
    await store.put_rules(project, "production", rules.model_copy(update={"promotion": stricter}))
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert detail(answer) == (
        "Cannot deploy to production: 0 of 2 manual results of this configuration passed"
    )
    await store.drop_rules(project, "production")
    answer = await operator.post("agents/front-desk/deploy", json=ORDER)
    assert (answer.status_code, "no rules of promotion" in detail(answer)) == (409, True)


@pytest.mark.usefixtures("fleet")
async def test_a_stage_that_is_none_is_no_order(operator: httpx.AsyncClient) -> None:
    orders: tuple[dict[str, Any], ...] = (
        {"changes": "Shorter greeting"},
        {"stage": "live", "changes": "Shorter greeting"},
        {"stage": "draft", "status": "production"},
        {"stage": "production", "changes": 7},
        {"stage": "production", "changes": "Shorter greeting", "force": True},
    )
    for order in orders:
        answer = await operator.post("agents/front-desk/deploy", json=order)
        assert answer.status_code == 422, (order, answer.text)


class TestWithoutAKey:
    @pytest.fixture
    def installation(self, installation_without_key: Any) -> Any:
        return installation_without_key

    @pytest.mark.usefixtures("promotable")
    async def test_nothing_is_released(self, operator: httpx.AsyncClient) -> None:
        answer = await operator.post("agents/front-desk/deploy", json=ORDER)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:trunkline:problem:signing-key-missing"
        assert "TRUNKLINE_SIGNING_KEY" in answer.json()["hint"]


class TestWithoutTemporal:
    @pytest.fixture
    def installation(self, installation_without_temporal: Any) -> Any:
        return installation_without_temporal

    @pytest.mark.usefixtures("promotable")
    async def test_what_was_asked_for_is_kept(
        self, operator: httpx.AsyncClient, store: PostgresStore, project: str
    ) -> None:
        answer = await operator.post("agents/front-desk/deploy", json=ORDER)
        assert answer.status_code == 503
        assert detail(answer).startswith(f"What you said of {ID} is stored and counts")
        record = await store.promotion(project, ID)
        assert record is not None
        assert record.is_open
