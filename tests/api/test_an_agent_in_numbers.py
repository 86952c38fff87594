"""Releases, lead time, tests, manual results and drift of an agent, of all and per version."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.agent_stats import count_drift, count_manual, count_tests, tally
from trunkline.model.ids import Digest, Revision
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import EventRecord
from trunkline.model.releases import ReleaseRecord
from trunkline.model.testing.results import Outcome, TestResult

FIRST, SECOND = Digest("sha256:" + "11" * 32), Digest("sha256:" + "22" * 32)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Released = Callable[..., Coroutine[None, None, ReleaseRecord]]


def result(outcome: Outcome, digest: str = FIRST, cost_usd: float = 0.01) -> TestResult:
    return TestResult(
        name="greets",
        agent="front-desk",
        environment="testing",
        outcome=outcome,
        agent_digest=digest,
        cost_usd=cost_usd,
    )


def event(number: int, reason: str, minutes: float) -> EventRecord:
    at = NOON + timedelta(minutes=minutes)
    return EventRecord(project="acme", reason=reason, message="", id=number, at=at)


@pytest.mark.usefixtures("promotable")
async def test_each_version_has_its_own_numbers(
    viewer: httpx.AsyncClient, operator: httpx.AsyncClient, released: Released
) -> None:
    await released(1, FIRST)
    await released(2, SECOND)
    await released(3, FIRST, restores=1)
    call = {"duration": 60, "rating": 4, "status": "passed", "environment": "testing"}
    await operator.post("agents/front-desk/test-results", json=call)
    answer = await viewer.get("agents/front-desk/stats", params={"environment": "testing"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["releases"], answer.json()["manual"]["results"]) == (0, 1)


@pytest.mark.usefixtures("promotable")
async def test_an_agent_nobody_knows_has_none(viewer: httpx.AsyncClient) -> None:
    assert (await viewer.get("agents/nobody/stats")).status_code == 404
    elsewhere = await viewer.get("agents/front-desk/stats", params={"environment": "production"})
    assert elsewhere.status_code == 404


@pytest.mark.usefixtures("promotable")
async def test_drift_of_the_store_is_counted(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    for reason in ("ChangedOutsideGit", "DriftResolved", "ChangedOutsideGit"):
        found = EventRecord(
            project=project, environment="testing", name="front-desk", reason=reason, message=""
        )
        await store.add_events([found])
    drift = (await viewer.get("agents/front-desk/stats")).json()["drift"]
    assert drift["times"] == 2
    assert drift["since"]


def test_results_count_for_the_version_they_are_about() -> None:
    releases = [
        ReleaseRecord(
            project="acme",
            environment="production",
            agent="front-desk",
            version=version,
            revision=Revision("3f0c" * 10),
            digest=digest,
            changes="",
            promoted_by="ada",
            restores=restores,
            released_at=NOON + timedelta(hours=version),
        )
        for version, digest, restores in ((3, FIRST, 1), (2, SECOND, None), (1, FIRST, None))
    ]
    promotions = [
        PromotionRecord(
            project="acme",
            environment="production",
            agent="front-desk",
            number=version,
            version=version,
            created_at=NOON + timedelta(hours=version, minutes=-minutes),
        )
        for version, minutes in ((2, 30), (1, 10))
    ]
    found = tally(
        version=3,
        releases=releases,
        promotions=promotions,
        tests=[result("passed"), result("failed"), result("inconclusive", SECOND)],
        manual=[],
        events=[],
        now=NOON,
    )
    assert (found.version, found.releases, found.rollbacks) == (3, 3, 1)
    assert found.last_released_at == NOON + timedelta(hours=3)
    assert found.lead_time_median_s == 20 * 60
    assert [each.lead_time_s for each in found.versions] == [None, 1800.0, 600.0]
    assert [each.tests.pass_rate for each in found.versions] == [0.5, None, 0.5]
    assert [each.tests.tests for each in found.versions] == [2, 1, 2]
    assert found.tests.tests == 3


def test_drift_is_from_the_first_word_of_it_to_its_end() -> None:
    told = [
        event(1, "ChangedOutsideGit", 0),
        event(2, "Drifted", 2),
        event(3, "DriftResolved", 10),
        event(4, "Synced", 11),
        event(5, "Drifted", 20),
    ]
    counted = count_drift(list(reversed(told)), NOON + timedelta(minutes=25))
    assert (counted.times, counted.total_s) == (2, 15 * 60)
    assert counted.since == counted.last_at == NOON + timedelta(minutes=20)
    assert count_drift([], NOON).times == 0


def test_nothing_is_no_rate() -> None:
    assert count_tests([]).pass_rate is None
    assert count_tests([result("inconclusive")]).pass_rate is None
    assert count_tests([result("passed"), result("failed")]).cost_usd == 0.02
    assert count_manual([]).rating is None
