"""DORA's four measures and the gates in numbers, counted from what promotions left in the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jsonschema
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.cli.schemas import schemas
from trunkline.model.ids import Revision
from trunkline.model.promotions.records import CommitAuthor, PhaseEntry, PromotionRecord
from trunkline.services.metrics import MetricsService

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
COMMIT = Revision("4f" * 20)


def promotion(project: str, agent: str, hours_ago: float, **more: Any) -> PromotionRecord:
    """One that was released half an hour after it was asked for, of a commit an hour older."""
    released_at = datetime.now(UTC) - timedelta(hours=hours_ago)
    asked_at = released_at - timedelta(minutes=30)
    values: dict[str, Any] = {
        "project": project,
        "environment": "production",
        "agent": agent,
        "number": 0,
        "phase": "Ended",
        "state": "Done",
        "version": 2,
        "settled_version": 1,
        "release_commit": COMMIT,
        "authors": (
            CommitAuthor(email="old@example.com", at=released_at - timedelta(days=9)),
            CommitAuthor(email="new@example.com", at=released_at - timedelta(hours=1)),
        ),
        "timeline": (
            PhaseEntry(phase="Gate", began_at=asked_at, ended_at=asked_at),
            PhaseEntry(phase="Releasing", began_at=asked_at, ended_at=released_at),
        ),
        "created_at": asked_at,
        "finished_at": released_at + timedelta(minutes=10),
    }
    return PromotionRecord(**{**values, **more})


async def test_the_four_measures_are_read_from_promotions(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    path = "/dora"
    answer = await viewer.get(path, params={"environment": "production"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["deployments"] == 0
    assert answer.json()["leadTimeS"] is None
    ended: dict[str, dict[str, Any]] = {
        "front-desk": {},
        "night-desk": {"state": "RolledBack"},
        "never-released": {"state": "Failed", "release_commit": None, "version": 0},
    }
    for agent, more in ended.items():
        await store.open_promotion(promotion(project, agent, 5, **more))
    await store.open_promotion(promotion(project, "old-desk", 24 * 40))
    found = (await viewer.get(path)).json()
    assert (found["environment"], found["days"]) == ("production", 30)
    assert (found["deployments"], found["failed"], found["changeFailureRate"]) == (2, 1, 0.5)
    assert found["leadTimeS"] == pytest.approx(3600)
    assert found["restoreTimeS"] == pytest.approx(600)
    wider = (await viewer.get(path, params={"days": 60})).json()
    assert (wider["deployments"], wider["measured"]) == (3, 3)


async def test_gates_are_counted_by_phase_state_and_age(store: PostgresStore, project: str) -> None:
    now = datetime.now(UTC)
    waiting: dict[str, Any] = {
        "phase": "Approval",
        "state": "Open",
        "release_commit": None,
        "finished_at": None,
        "gate_passed_at": now - timedelta(minutes=20),
        "created_at": now - timedelta(hours=1),
    }
    await store.open_promotion(promotion(project, "waiting-desk", 1, **waiting))
    await store.open_promotion(promotion(project, "done-desk", 2))
    content, _ = await MetricsService(store).exposition()
    lines = [line for line in content.decode().splitlines() if f'project="{project}"' in line]
    told = {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines}
    by_phase = [line for line in lines if line.startswith("trunkline_promotions_open")]
    assert any('phase="Approval"' in line and line.endswith(" 1.0") for line in by_phase)
    assert told["trunkline_promotion_age_seconds"] == pytest.approx(3600, abs=120)
    assert told["trunkline_gate_evidence_age_seconds"] == pytest.approx(1200, abs=120)
    assert any('state="Done"' in line for line in lines)
    assert "done-desk" not in content.decode()


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"environment": "testing"}, 409),
        ({"environment": "nowhere"}, 400),
        ({"days": "0"}, 422),
        ({"days": "4000"}, 422),
    ],
)
async def test_what_cannot_be_measured_is_refused(
    viewer: httpx.AsyncClient, params: dict[str, str], status: int
) -> None:
    answer = await viewer.get("/dora", params=params)
    assert answer.status_code == status, answer.text


async def test_the_command_says_the_four_measures(
    command: Command, store: PostgresStore, project: str
) -> None:
    code, printed, _ = await command("dora", "--environment", "production")
    assert code == 0
    assert printed.count("not measured yet") == 3
    ended: dict[str, dict[str, Any]] = {"front-desk": {}, "night-desk": {"state": "RolledBack"}}
    for agent, more in ended.items():
        await store.open_promotion(promotion(project, agent, 5, **more))
    code, printed, _ = await command("dora", "-e", "production", "--days", "10")
    shown = dict(line.split(":", 1) for line in printed.splitlines())
    assert shown["Deployments"].strip() == "2, 0.2 a day"
    assert shown["Lead time"].strip() == "60m (median of 2)"
    assert shown["Failures"].strip() == "50.0% (1 of 2)"
    code, printed, _ = await command("dora", "-e", "production", "-o", "json")
    document = json.loads(printed)
    jsonschema.validate(document, schemas()["Delivery"])
    assert (code, document["days"], document["changeFailureRate"]) == (0, 30, 0.5)
    code, _, said = await command("dora", "--days", "0")
    assert code == 64, said
