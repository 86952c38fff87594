"""Rolling back over HTTP: to which version, against what, and what is refused in which words."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.releases import ReleaseRecord

Released = Callable[..., Awaitable[ReleaseRecord]]
ONE, TWO, THREE = (f"sha256:{letter * 64}" for letter in "abc")
REASON = {"reason": "it gives wrong prices"}


@pytest.mark.usefixtures("promotable")
async def test_what_was_never_released_cannot_be_taken_back(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("agents/front-desk/rollback", json=REASON)
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("front-desk was never released to production")
    assert answer.json()["hint"].endswith("trunkline disable front-desk -e production")
    blank = await operator.post("agents/front-desk/rollback", json={"reason": " "})
    assert blank.status_code == 400


@pytest.mark.usefixtures("promotable")
async def test_it_goes_to_the_newest_before_that_was_something_else(
    operator: httpx.AsyncClient, store: PostgresStore, project: str, released: Released
) -> None:
    await released(1, ONE)
    await released(2, TWO)
    await released(3, TWO)
    answer = await operator.post("agents/front-desk/rollback", json=REASON)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["kind"], body["restores"], body["digest"]) == ("rollback", 1, ONE)
    assert answer.headers["Location"] == body["href"]
    [row] = await store.audit(project=project, action="promotion.rollback", limit=5)
    assert (row.reason, row.details["restores"]) == (REASON["reason"], 1)
    twice = await operator.post("agents/front-desk/rollback", json=REASON)
    assert twice.status_code == 409
    assert "is being rolled back to v1 in production already" in twice.json()["detail"]


@pytest.mark.usefixtures("promotable")
async def test_a_second_rollback_goes_further_back_and_never_forth(
    operator: httpx.AsyncClient, released: Released
) -> None:
    await released(1, ONE)
    await released(2, TWO)
    await released(3, ONE, restores=1)
    answer = await operator.post("agents/front-desk/rollback", json=REASON)
    assert answer.status_code == 409
    assert "Before v1 of front-desk nothing else was released" in answer.json()["detail"]
    named = await operator.post("agents/front-desk/rollback", json={**REASON, "to": 2})
    assert (named.status_code, named.json()["restores"]) == (202, 2)


@pytest.mark.usefixtures("promotable")
async def test_a_version_that_is_none_or_runs_already_is_refused(
    operator: httpx.AsyncClient, released: Released
) -> None:
    await released(1, ONE)
    await released(2, TWO)
    unknown = await operator.post("agents/front-desk/rollback", json={**REASON, "to": 9})
    assert (unknown.status_code, unknown.json()["detail"]) == (
        *(404, "There is no v9 of front-desk in production"),
    )
    assert "The newest is v2" in unknown.json()["hint"]
    same = await operator.post("agents/front-desk/rollback", json={**REASON, "to": 2})
    assert (same.status_code, same.json()["detail"]) == (
        *(409, "production runs what v2 of front-desk is already"),
    )
    zero = await operator.post("agents/front-desk/rollback", json={**REASON, "to": 0})
    assert zero.status_code == 422


@pytest.mark.usefixtures("promotable")
async def test_a_promotion_in_the_way_ends_and_says_so(
    operator: httpx.AsyncClient, store: PostgresStore, project: str, released: Released
) -> None:
    await released(1, ONE)
    await released(2, TWO)
    open_one = PromotionRecord(
        project=project, environment="production", agent="front-desk", number=0, phase="Soak"
    )
    standing = await store.open_promotion(open_one)
    answer = await operator.post("agents/front-desk/rollback", json=REASON)
    assert answer.status_code == 202, answer.text
    ended = await store.promotion(project, standing.id)
    assert ended is not None
    assert (ended.state, ended.abort_requested_by) == ("Aborted", "operator@example.com")
    assert ended.message == "rolled back by operator@example.com"
    rows = await store.audit(project=project, limit=2)
    assert [row.action for row in rows] == ["promotion.rollback", "promotion.abort"]
    assert rows[1].details["promotion"] == standing.id
