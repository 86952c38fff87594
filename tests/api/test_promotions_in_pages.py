"""Reading promotions: lists with filters, one with what goes on around it, GATE, describe, why."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PhaseEntry, PromotionRecord, TestsRun
from trunkline.model.records import StatusRecord
from trunkline.model.releases import ReleaseRecord, RolloutState
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport

Released = Callable[..., Awaitable[ReleaseRecord]]
NOW = datetime.now(UTC)
DIGEST = Digest("sha256:" + "5e" * 32)


def promotion(project: str, **values: Any) -> PromotionRecord:
    said = {"environment": "production", "agent": "front-desk", "number": 0, "origin": "testing"}
    return PromotionRecord.model_validate({"project": project, **said, **values})


async def test_lists_are_filtered_and_paged(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, foreign_project: str
) -> None:
    for minutes, (agent, environment, state) in enumerate(
        [
            ("front-desk", "production", "Failed"),
            ("front-desk", "production", "Done"),
            ("night-desk", "production", "Open"),
            ("front-desk", "staging", "Open"),
        ]
    ):
        at = NOW + timedelta(minutes=minutes)
        await store.open_promotion(
            promotion(project, agent=agent, environment=environment, state=state, created_at=at)
        )
    await store.open_promotion(promotion(foreign_project, agent="other"))

    async def ids(**query: str | int) -> list[str]:
        answer = await viewer.get("promotions", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    every = [
        *("staging.front-desk.1", "production.night-desk.1"),
        *("production.front-desk.2", "production.front-desk.1"),
    ]
    assert await ids() == every
    assert await ids(open="true") == every[:2]
    assert await ids(agent="front-desk", environment="production") == every[2:]
    page = (await viewer.get("promotions", params={"limit": 3})).json()
    rest = (await viewer.get("promotions", params={"cursor": page["nextCursor"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == every
    assert rest["nextCursor"] is None
    assert (await viewer.get("promotions", params={"cursor": "bmV4dA"})).status_code == 400
    assert (await viewer.get("promotions/production.other.1")).status_code == 404


async def test_one_shows_its_tests_its_rollout_and_manual_results(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, rules: PromotionRules
) -> None:
    run = RunResult(number=1, outcome="passed")
    tests = tuple(
        TestResult(
            name=name, agent="front-desk", environment="production", outcome="passed", runs=runs
        )
        for name, runs in (("books", (run,)), ("cancels", ()))
    )
    await store.open_run(
        TestRunReport(
            id="run-1", project=project, environment="production", expected=3, tests=tests
        )
    )
    manual = rules.promotion.tests.model_copy(update={"manual": 2})
    asked = rules.promotion.model_copy(update={"tests": manual})
    await store.put_rules(
        project, "production", rules.model_copy(update={"promotion": asked, "pending": "weaker"})
    )
    record = await store.open_promotion(
        promotion(
            project,
            phase="Rollout",
            version=4,
            digest=DIGEST,
            gate=TestsRun(run_id="run-1", outcome="passed"),
            timeline=(PhaseEntry(phase="Starting", began_at=NOW, ended_at=NOW),),
        )
    )
    rollout = RolloutState(
        project=project,
        environment="production",
        agent="front-desk",
        version=4,
        phase="Shifting",
        percent=10,
    )
    await store.put_rollout(rollout)
    body = (await viewer.get(f"promotions/{record.id}")).json()
    assert body["tests"]["expected"] == 3
    assert (body["rollout"]["percent"], body["rollout"]["phase"]) == (10, "Shifting")
    assert body["manual"] == {"needed": 2, "passed": 0}
    assert body["rulesPending"] == "weaker"
    states = {phase["phase"]: phase["state"] for phase in body["phases"]}
    assert (states["Starting"], states["Rollout"], states["Verifying"]) == ("done", "now", "next")
    assert "RollingBack" not in states


@pytest.mark.usefixtures("promotable")
async def test_the_gate_is_laid_over_both_ends_when_it_is_read(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    async def gate() -> str:
        listed = (await viewer.get("agents")).json()["items"]
        found: str = (await viewer.get("agents/front-desk")).json()["gate"]
        assert [item["gate"] for item in listed] == [found]
        return found

    assert await gate() == ""
    record = await store.open_promotion(
        promotion(project, phase="Soak", waits_until=datetime.now(UTC) + timedelta(minutes=170))
    )
    assert await gate() == "Soak 3h left"
    await store.put_promotion(
        record.model_copy(update={"phase": "Approval", "approvals_needed": 2})
    )
    assert await gate() == "Approval 0/2"
    ended = record.model_copy(update={"phase": "Ended", "state": "Failed"})
    await store.put_promotion(ended)
    assert await gate() == "Failed"


@pytest.mark.usefixtures("promotable")
async def test_why_names_what_a_promotion_waits_for(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, released: Released
) -> None:
    await released(1, DIGEST, hold="the fair is on")
    waiting = promotion(
        project, phase="Approval", approvals_needed=1, message="waiting for 1 of 1 approvals"
    )
    record = await store.open_promotion(waiting)
    found = (await viewer.get("agents/front-desk/why", params={"environment": "production"})).json()
    link = found["links"][-1]
    assert (link["name"], link["state"]) == ("promotion", "blocking")
    assert "Approval, waiting for 1 of 1 approvals" in link["words"]
    assert "automatic promotions are held: the fair is on" in link["words"]
    assert link["remedy"] == "trunkline approve front-desk -e production"
    assert "promotion" in found["blocking"]
    origin = (await viewer.get("agents/front-desk/why", params={"environment": "testing"})).json()
    assert origin["links"][-1]["state"] == "ok"
    failed = record.model_copy(
        update={
            "phase": "Ended",
            "state": "Failed",
            "reason": "TestsFailed",
            "gate": TestsRun(run_id="run-7", outcome="failed", lines=("t.yaml:9: wanted Biscuit",)),
        }
    )
    await store.put_promotion(failed)
    found = (await viewer.get("agents/front-desk/why", params={"environment": "production"})).json()
    assert "t.yaml:9: wanted Biscuit" in found["links"][-1]["words"]
    assert found["links"][-1]["remedy"] == "trunkline test show run-7"


@pytest.mark.usefixtures("promotable")
async def test_a_description_shows_release_rules_and_promotion(
    viewer: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    released: Released,
    command: Callable[..., Awaitable[tuple[int, str, str]]],
) -> None:
    await released(1, DIGEST, hold="the fair is on")
    row = await store.status(project, "testing", "agent", "front-desk")
    assert row is not None
    live = row.model_dump(by_alias=False, exclude={"created_at", "changed_at"})
    await store.put_status(StatusRecord(**{**live, "environment": "production"}), [])
    await store.open_promotion(promotion(project, phase="Window"))
    query = {"environment": "production"}
    body = (await viewer.get("agents/front-desk/description", params=query)).json()["released"]
    assert (body["appliedVersion"], body["hold"], body["heldBy"]) == (1, "the fair is on", "ada")
    assert body["promotion"]["phase"] == "Window"
    assert body["rules"]["promotion"]["approvals"]["count"] == 1
    code, out, err = await command("describe", "front-desk", "-e", "production")
    assert code == 0, err
    for words in ("Held:", "the fair is on (by ada)", "1 by approver, not by an author", "Window"):
        assert words in out
