"""The GATE column says how far a promotion is in a few words, at the moment it is read."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.model.promotions.gates import (
    PromotionGate,
    gate_of,
    gate_words,
    gated_status,
    time_left,
)
from trunkline.model.promotions.records import GivenApproval, PromotionRecord
from trunkline.model.records import StatusRow

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def gate(**values: object) -> PromotionGate:
    said = {"environment": "production", "origin": "testing", "agent": "front-desk", "number": 1}
    return PromotionGate.model_validate({**said, **values})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Starting"),
        ({"phase": "Gate"}, "Testing"),
        ({"phase": "Soak", "waits_until": NOW + timedelta(seconds=170)}, "Soak 3m left"),
        ({"phase": "Soak", "waits_until": NOW - timedelta(seconds=1)}, "Soak"),
        ({"phase": "Approval", "approvals": 1, "approvals_needed": 2}, "Approval 1/2"),
        ({"phase": "Window", "waits_until": NOW + timedelta(hours=20)}, "Window in 20h"),
        ({"phase": "Window"}, "Window"),
        ({"phase": "Releasing"}, "Releasing"),
        ({"phase": "Releasing", "stalled": True}, "Releasing stalled"),
        ({"phase": "Rollout", "rollout_percent": 12.5}, "Rollout 12.5%"),
        ({"phase": "RollingBack"}, "RollingBack"),
        ({"phase": "Ended", "state": "Done"}, "Passed"),
        ({"phase": "Ended", "state": "Failed", "stalled": True}, "Failed"),
        ({"phase": "Ended", "state": "RolledBack"}, "RolledBack"),
    ],
)
def test_every_phase_has_its_words(values: dict[str, object], words: str) -> None:
    assert gate_words(gate(**values), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, ""), (0.2, "1s"), (60, "60s"), (61, "2m"), (3_601, "2h"), (172_801, "3d")],
)
def test_what_is_left_is_rounded_up(seconds: float, words: str) -> None:
    assert time_left(NOW + timedelta(seconds=seconds), NOW) == words


def test_a_gate_is_what_its_promotion_says() -> None:
    approval = GivenApproval(person="ada", role="approver", at=NOW, audit_id=1)
    record = PromotionRecord(
        project="acme",
        environment="production",
        agent="front-desk",
        number=4,
        phase="Approval",
        approvals=(approval,),
        approvals_needed=2,
        origin="testing",
    )
    assert gate_words(gate_of(record), NOW) == "Approval 1/2"


def row(environment: str, name: str = "front-desk") -> StatusRow:
    return StatusRow(
        project="acme",
        environment=environment,
        kind="agent",
        name=name,
        created_at=NOW,
        changed_at=NOW,
    )


def test_a_row_shows_what_comes_in_before_what_goes_out() -> None:
    into = gate(environment="testing", origin="draft", phase="Gate")
    out_of = gate(phase="Approval", approvals_needed=1)
    assert gated_status(row("testing"), [out_of, into], NOW).gate == "Testing"
    assert gated_status(row("testing"), [out_of], NOW).gate == "Approval 0/1"
    assert gated_status(row("production"), [out_of], NOW).gate == "Approval 0/1"
    assert gated_status(row("staging"), [out_of], NOW).gate == ""
    assert gated_status(row("testing", "night-desk"), [out_of], NOW).gate == ""


def test_what_went_out_well_is_no_news_where_it_came_from() -> None:
    done = gate(phase="Ended", state="Done")
    assert gated_status(row("testing"), [done], NOW).gate == ""
    assert gated_status(row("production"), [done], NOW).gate == "Passed"
