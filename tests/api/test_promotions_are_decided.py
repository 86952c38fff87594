"""Approving, rejecting and aborting: what counts is the row of the audit log, written first."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest, Revision
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import CommitAuthor, PromotionRecord

ID = "production.front-desk.1"
DIGEST = Digest("sha256:" + "5e" * 32)
SUITE = "sha256:" + "a1" * 32
NOW = datetime.now(UTC)


@pytest.fixture
async def waiting(
    store: PostgresStore,
    project: str,
    promotable: None,  # noqa: ARG001 - what it stored is built on
) -> PromotionRecord:
    """A promotion that was tested and waits for somebody to agree; ``operator`` wrote it."""
    return await store.open_promotion(
        PromotionRecord(
            project=project,
            environment="production",
            agent="front-desk",
            number=0,
            phase="Approval",
            origin="testing",
            revision=Revision("3f0c" * 10),
            digest=DIGEST,
            suite_digest=SUITE,
            changes="Shorter greeting",
            requested_by="operator@example.com",
            authors=(CommitAuthor(email="OPERATOR@home.example"),),
            approvals_needed=1,
            created_at=NOW,
        )
    )


async def changed(store: PostgresStore, record: PromotionRecord, **values: Any) -> PromotionRecord:
    return await store.put_promotion(record.model_copy(update=values))


@pytest.mark.usefixtures("waiting")
async def test_an_approval_is_bound_to_digest_and_suite(
    approver: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    answer = await approver.post(f"promotions/{ID}/approve", json={"comment": "Two calls, fine"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == ID
    [row] = await store.audit(project=project, action="promotion.approve", limit=5)
    assert (row.actor, row.role, row.subject) == ("approver@example.com", "approver", "front-desk")
    assert row.details == {
        "promotion": ID,
        "environment": "production",
        "digest": DIGEST,
        "suite": SUITE,
        "comment": "Two calls, fine",
    }
    assert row.request_id == answer.headers["X-Request-ID"]
    record = await store.promotion(project, ID)
    assert record is not None
    assert record.approvals == ()


async def test_an_author_is_refused_under_every_address(
    approver: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    waiting: PromotionRecord,
) -> None:
    own = (CommitAuthor(email="Approver@Home.example"), *waiting.authors)
    await changed(store, waiting, authors=own)
    answer = await approver.post(f"promotions/{ID}/approve")
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("approver is an author of what is promoted")
    await changed(store, waiting, authors=(CommitAuthor(email="mallory@example.net"),))
    answer = await approver.post(f"promotions/{ID}/approve")
    assert answer.status_code == 403
    assert "mallory@example.net" in answer.json()["detail"]
    answer = await admin.post(f"promotions/{ID}/approve")
    assert answer.status_code == 403
    assert "approvals are by approver" in answer.json()["detail"]
    assert await store.audit(project=project, action="promotion.approve", limit=5) == ()


async def test_the_rules_say_which_roles_agree(
    operator: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    waiting: PromotionRecord,
    rules: PromotionRules,
) -> None:
    assert (await operator.post(f"promotions/{ID}/approve")).status_code == 403
    asked = rules.promotion.approvals.model_copy(
        update={"roles": ("operator",), "not_author": False}
    )
    wider = rules.promotion.model_copy(update={"approvals": asked})
    await store.put_rules(project, "production", rules.model_copy(update={"promotion": wider}))
    assert waiting.is_open
    assert (await operator.post(f"promotions/{ID}/approve")).status_code == 200


async def test_what_cannot_be_approved_says_why(
    approver: httpx.AsyncClient, store: PostgresStore, waiting: PromotionRecord
) -> None:
    assert (await approver.post("promotions/production.front-desk.9/approve")).status_code == 404
    await changed(store, waiting, suite_digest="", phase="Starting")
    answer = await approver.post(f"promotions/{ID}/approve")
    assert answer.status_code == 409
    assert "what is to be tested has not been read" in answer.json()["detail"]
    await changed(store, waiting, phase="Rollout", version=1)
    answer = await approver.post(f"promotions/{ID}/approve")
    assert (answer.status_code, "it is Rollout" in answer.json()["detail"]) == (409, True)
    answer = await approver.post(f"promotions/{ID}/reject", json={"reason": "too long"})
    assert (answer.status_code, answer.json()["hint"]) == (
        *(409, f"To go back: trunkline abort {ID}"),
    )
    await changed(store, waiting, phase="Ended", state="Failed", message="one test failed")
    for verb in ("approve", "reject", "abort"):
        answer = await approver.post(
            f"promotions/{ID}/{verb}", json={"reason": "no"} if verb != "approve" else {}
        )
        assert answer.status_code == 409
        assert "it has ended as Failed" in answer.json()["detail"]
        assert answer.json()["hint"] == "one test failed"


@pytest.mark.usefixtures("waiting")
async def test_a_rejection_and_an_abortion_need_a_reason_and_keep_it(
    approver: httpx.AsyncClient, operator: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    for verb in ("reject", "abort"):
        assert (await approver.post(f"promotions/{ID}/{verb}", json={})).status_code == 422
        blank = await approver.post(f"promotions/{ID}/{verb}", json={"reason": "  "})
        assert blank.status_code == 400
    answer = await approver.post(f"promotions/{ID}/reject", json={"reason": "The greeting is rude"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rejectedBy"] == "approver@example.com"
    answer = await operator.post(f"promotions/{ID}/abort", json={"reason": "wrong branch"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["abortRequestedBy"] == "operator@example.com"
    assert answer.json()["abortReason"] == "wrong branch"
    rows = await store.audit(project=project, limit=5)
    assert [(row.action, row.reason) for row in rows[:2]] == [
        ("promotion.abort", "wrong branch"),
        ("promotion.reject", "The greeting is rude"),
    ]
    assert all(row.details["promotion"] == ID for row in rows[:2])


async def test_what_is_said_changes_nothing_else_of_a_promotion(
    approver: httpx.AsyncClient, store: PostgresStore, project: str, waiting: PromotionRecord
) -> None:
    await changed(store, waiting, phase="Window", message="opens on Monday")
    await approver.post(f"promotions/{ID}/reject", json={"reason": "not on Monday"})
    record = await store.promotion(project, ID)
    assert record is not None
    assert (record.phase, record.message) == ("Window", "opens on Monday")
    assert record.rejected_by == "approver@example.com"
