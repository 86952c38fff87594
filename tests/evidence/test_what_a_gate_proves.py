"""Evidence names everything that makes it void, and a run that proves nothing makes none."""

from datetime import timedelta
from typing import Any

import pytest

from tests.evidence.worlds import DIGEST, ENDED_AT, RENDERED, World
from trunkline.model.errors import PromotionRefused
from trunkline.model.evidence import (
    Evidence,
    evidence_body,
    gate_evidence,
    gate_problem,
    parse_evidence,
    release_evidence,
)
from trunkline.model.manual_results import ManualResult
from trunkline.model.promotions.records import CommitAuthor
from trunkline.model.testing.results import RunResult

EXPIRES_AT = ENDED_AT + timedelta(hours=24)


def gate(world: World) -> Evidence:
    return gate_evidence(world.report, world.record, expires_at=EXPIRES_AT)


def test_evidence_names_what_was_tested_by_whom_and_what_differed(world: World) -> None:
    assert evidence_body(gate(world)) == {
        "schema": "trunkline/evidence/v1",
        "project": "acme",
        "agent": "front-desk",
        "from": "testing",
        "target": "production",
        "promotion": "production.front-desk.3",
        "digest": DIGEST,
        "renderedDigest": RENDERED,
        "suiteDigest": "sha256:" + "c" * 64,
        "testRun": "run-1",
        "tests": [
            {
                "name": name,
                "digest": "sha256:" + "d" * 64,
                "required": True,
                "outcome": "passed",
                "passed": 2,
                "runs": 2,
                "judge": "plain/1",
            }
            for name in ("greets", "knows-hours")
        ],
        "judges": ["plain/1"],
        "allowedDifferences": ["tools[0].url", "webhook"],
        "gateEndedAt": "2026-03-02T12:00:00Z",
        "issuedAt": "2026-03-02T12:00:00Z",
        "expiresAt": "2026-03-03T12:00:00Z",
    }


def test_the_release_adds_who_agreed_who_made_it_and_who_called(world: World) -> None:
    call = ManualResult(
        id="manual-1",
        project="acme",
        agent="front-desk",
        environment="testing",
        stage="testing",
        version=0,
        digest=DIGEST,
        duration=60,
        rating=5,
        status="passed",
        tested_at=ENDED_AT,
        tested_by="caller",
    )
    proof = release_evidence(gate(world), world.record, issued_at=ENDED_AT, manual=[call])
    body = evidence_body(proof)
    assert body["approvals"] == [
        {"person": "approver", "role": "approver", "at": "2026-03-02T12:00:00Z", "audit": 7}
    ]
    assert body["authors"] == [{"email": "author@example.com", "person": "author"}]
    assert body["manual"] == [{"id": "manual-1", "person": "caller", "at": "2026-03-02T12:00:00Z"}]
    assert parse_evidence(body) == proof


def test_evidence_outlives_its_way_through_a_store(world: World) -> None:
    assert parse_evidence(evidence_body(gate(world))) == gate(world)


def test_evidence_counts_up_to_its_last_moment(world: World) -> None:
    release_evidence(gate(world), world.record, issued_at=EXPIRES_AT)
    late = EXPIRES_AT + timedelta(milliseconds=1)
    with pytest.raises(PromotionRefused, match="expired at 2026-03-03 12:00:00 UTC"):
        release_evidence(gate(world), world.record, issued_at=late)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "Running", "outcome": None}, "it is running"),
        ({"state": "Blocked"}, "it is blocked"),
        ({"outcome": "failed"}, "it ended failed"),
        ({"outcome": "inconclusive"}, "it ended inconclusive"),
        ({"outcome": None}, "it ended without an outcome"),
        ({"project": "other"}, "it is about other/production, not acme/production"),
        ({"environment": "testing"}, "it is about acme/testing, not acme/production"),
        ({"tests": ()}, "no required test was carried out"),
    ],
)
def test_a_run_that_proves_nothing(world: World, changes: dict[str, Any], words: str) -> None:
    world.report = world.report.model_copy(update=changes)
    assert gate_problem(world.report, world.record) == words
    with pytest.raises(PromotionRefused, match="this run of tests is no evidence"):
        gate(world)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent": "night-desk"}, "greets tests night-desk, not front-desk"),
        ({"agent_digest": "sha256:" + "0" * 64}, "greets spoke to another configuration"),
        ({"rendered_digest": "sha256:" + "0" * 64}, "greets spoke to another rendering"),
        ({"outcome": "failed"}, "the required test greets ended failed, 2 of 2 runs passed"),
        ({"runs": ()}, "the required test greets ended passed, 0 of 0 runs passed"),
        ({"required": False}, "no required test was carried out"),
    ],
)
def test_a_test_that_proves_nothing(world: World, changes: dict[str, Any], words: str) -> None:
    result = world.result("greets", **changes)
    world.report = world.report.model_copy(update={"tests": (result,)})
    assert words in gate_problem(world.report, world.record)


def test_every_judge_that_had_a_word_is_named(world: World) -> None:
    runs = (
        RunResult(number=1, outcome="passed", judge="plain/1"),
        RunResult(number=2, outcome="passed", judge="model/9"),
    )
    mixed = world.result("greets", runs=runs, judge="")
    silent = world.result("silent", judge="", runs=(RunResult(number=1, outcome="passed"),))
    world.report = world.report.model_copy(update={"tests": (mixed, silent)})
    found = gate(world)
    assert found.judges == ("model/9", "plain/1")
    assert [each.judge for each in found.tests] == ["model/9,plain/1", ""]


def test_what_cannot_be_written_down_is_refused_and_not_cut(world: World) -> None:
    crowd = tuple(CommitAuthor(email=f"{n}@example.com") for n in range(501))
    record = world.record.model_copy(update={"authors": crowd})
    with pytest.raises(PromotionRefused, match="cannot be written down as evidence: authors"):
        release_evidence(gate(world), record, issued_at=ENDED_AT)
