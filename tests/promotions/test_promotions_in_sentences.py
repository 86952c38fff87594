"""What people read of a promotion: how it stands, what to type next, what became of each phase."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.model.promotions.records import PhaseEntry, PromotionRecord, TestsRun
from trunkline.model.promotions.telling import (
    failing_lines,
    headline,
    next_command,
    phase_lines,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FAILED = TestsRun(run_id="run-1", outcome="failed", lines=("a.yaml:3: x", "a.yaml:3: x", "b:1"))


def record(**values: Any) -> PromotionRecord:
    said = {"project": "acme", "environment": "production", "agent": "front-desk", "number": 3}
    return PromotionRecord.model_validate({**said, **values})


def ended(state: str, **values: Any) -> PromotionRecord:
    return record(phase="Ended", state=state, **values)


@pytest.mark.parametrize(
    ("promotion", "words", "command"),
    [
        (
            record(phase="Approval", message="waiting for 1 of 1 approvals"),
            "front-desk to production: Approval, waiting for 1 of 1 approvals",
            "trunkline approve front-desk -e production",
        ),
        (record(phase="Soak"), "front-desk to production: Soak", ""),
        (
            record(kind="rollback", restores=2, phase="Settling"),
            "front-desk back to v2 in production: Settling",
            "",
        ),
        (ended("Done", version=4), "front-desk v4 is released to production", ""),
        (
            ended("Done", version=4, reason="VerificationInconclusive", message="no answer"),
            "front-desk v4 is released to production, but VerificationInconclusive: no answer",
            "",
        ),
        (
            ended("Done", kind="rollback", restores=2, version=5),
            "front-desk runs v2 again in production, as v5",
            "",
        ),
        (
            ended("RolledBack", version=4, rolled_back_to=3, reason="VerificationFailed"),
            "front-desk v4 was rolled back to v3 in production: VerificationFailed",
            "trunkline hold front-desk -e production --release",
        ),
        (
            ended("Failed", reason="TestsFailed", message="1 failed", gate=FAILED),
            "the promotion of front-desk to production was not released: TestsFailed: 1 failed",
            "trunkline test show run-1",
        ),
        (
            ended("Rejected", rejected_by="ada", message="too long"),
            "the promotion of front-desk to production was rejected by ada: too long",
            'trunkline promote front-desk -e production -m "…"',
        ),
        (
            ended("Superseded"),
            "the promotion of front-desk to production was superseded by a newer commit",
            'trunkline promote front-desk -e production -m "…"',
        ),
        (
            ended("Failed", kind="rollback", restores=2),
            "the rollback of front-desk to production was not released",
            'trunkline rollback front-desk -e production --reason "…"',
        ),
    ],
)
def test_how_it_stands_and_what_to_type(
    promotion: PromotionRecord, words: str, command: str
) -> None:
    assert (headline(promotion), next_command(promotion)) == (words, command)


def test_failing_lines_are_told_once_and_only_of_runs_that_did_not_pass() -> None:
    passed = TestsRun(run_id="run-0", outcome="passed", lines=("flaky.yaml:1: once",))
    told = failing_lines(record(gate=passed, checks=(FAILED,), verification=FAILED))
    assert told == ("a.yaml:3: x", "b:1")


def test_what_could_not_be_found_out_is_not_listed_as_failing() -> None:
    unclear = TestsRun(run_id="run-2", outcome="inconclusive", lines=("c.yaml:2: no judge",))
    assert failing_lines(record(gate=unclear, verification=FAILED)) == ("a.yaml:3: x", "b:1")
    assert failing_lines(record(gate=unclear)) == ()


def test_phases_tell_what_was_what_is_and_what_comes() -> None:
    timeline = (
        PhaseEntry(phase="Starting", began_at=NOW, ended_at=NOW + timedelta(seconds=2)),
        PhaseEntry(
            phase="Gate",
            began_at=NOW + timedelta(seconds=2),
            ended_at=NOW + timedelta(seconds=12),
            message="inconclusive",
        ),
        PhaseEntry(phase="Soak", began_at=NOW + timedelta(seconds=12)),
    )
    found = phase_lines(
        record(phase="Soak", timeline=timeline, message="3 s left"), NOW + timedelta(seconds=20)
    )
    told = [(line.phase, line.state, line.took_s) for line in found]
    assert told[:4] == [
        ("Starting", "done", 2.0),
        ("Gate", "done", 10.0),
        ("Soak", "now", 8.0),
        ("Approval", "next", None),
    ]
    assert found[1].message == "inconclusive"
    assert {line.phase for line in found} & {"RollingBack", "Ended"} == set()


def test_a_rollback_has_no_gate_to_come() -> None:
    found = phase_lines(record(kind="rollback", phase="Starting", restores=1), NOW)
    assert [line.phase for line in found] == ["Starting", "Releasing", "Settling"]


def test_of_what_has_ended_nothing_comes_any_more() -> None:
    timeline = (PhaseEntry(phase="Starting", began_at=NOW, ended_at=NOW),)
    assert [line.state for line in phase_lines(ended("Aborted", timeline=timeline), NOW)] == [
        "done"
    ]
