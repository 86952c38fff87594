"""A mark beside decisions of people: whose row it is laid over, what it holds, and until when."""

from datetime import UTC, datetime

import pytest

from trunkline.model.behaviour import (
    BEHAVIOUR_DRIFTED,
    behaviour_mark,
    drift_event,
    recovery_event,
)
from trunkline.model.conditions import Condition
from trunkline.model.decided_status import decided_status
from trunkline.model.ids import Digest
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.facts import Facts
from trunkline.model.promotions.guards import refusals
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import StatusRow
from trunkline.model.releases import ReleaseStanding
from trunkline.model.testing.baselines import Baseline, Retest

CLOSURE = Digest("sha256:" + "5e" * 32)
OTHER = Digest("sha256:" + "6f" * 32)
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
MARK = behaviour_mark(
    Baseline(project="acme", environment="production", agent="front-desk", digest=OTHER),
    Retest(run_ids=("one", "two"), outcome="worse", message="books passes 0 of 5", lines=("a",)),
    closure=CLOSURE,
    version=7,
    at=NOW,
)


def row(**more: object) -> StatusRow:
    """The released agent as its rounds left it."""
    said = {
        "project": "acme",
        "environment": "production",
        "kind": "agent",
        "name": "front-desk",
        "sync": "Synced",
        "health": "Healthy",
        "digest": CLOSURE,
        "conditions": (Condition(type="Ready", status="True", reason="AsWished"),),
        "created_at": NOW,
        "changed_at": NOW,
    }
    return StatusRow.model_validate({**said, **more})


def test_the_row_is_degraded_and_says_why() -> None:
    found = decided_status(row(), (MARK,))
    assert (found.health, found.sync) == ("Degraded", "Synced")
    assert found.conditions[0].reason == BEHAVIOUR_DRIFTED
    assert "books passes 0 of 5" in found.message


@pytest.mark.parametrize(
    "other",
    [
        {"digest": OTHER},
        {"environment": "testing"},
        {"name": "night-desk"},
        {"kind": "number"},
        {"health": "Missing"},
    ],
)
def test_other_rows_are_as_they_were(other: dict[str, object]) -> None:
    assert decided_status(row(**other), (MARK,)) == row(**other)


def test_what_is_wrong_otherwise_keeps_its_words() -> None:
    stalled = Condition(type="Ready", status="False", reason="Rejected", message="refused")
    found = decided_status(row(conditions=(stalled,), message="refused"), (MARK,))
    assert (found.health, found.message) == ("Degraded", "refused")


def test_a_suspension_goes_before_it() -> None:
    suspended = Intervention(
        project="acme",
        environment="production",
        verb="suspend",
        reason="a holiday",
        by="op@example.com",
        at=NOW,
    )
    assert decided_status(row(), (MARK, suspended)).health == "Suspended"


def test_it_stops_promotions_nobody_asked_for_and_no_others() -> None:
    held = {each.reason for each in refusals(promotion(automatic=True), facts(CLOSURE))}
    assert BEHAVIOUR_DRIFTED in held
    asked = {each.reason for each in refusals(promotion(automatic=False), facts(CLOSURE))}
    assert BEHAVIOUR_DRIFTED not in asked
    newer = {each.reason for each in refusals(promotion(automatic=True), facts(OTHER))}
    assert BEHAVIOUR_DRIFTED not in newer


def promotion(*, automatic: bool) -> PromotionRecord:
    """One that is about to begin."""
    return PromotionRecord(
        project="acme",
        environment="production",
        agent="front-desk",
        number=1,
        origin="testing",
        automatic=automatic,
        changes="Shorter greeting",
    )


def facts(running: Digest) -> Facts:
    """The mark, and what runs in production."""
    spec = ReleaseSpec.model_validate(
        {
            "environment": "production",
            "version": 7,
            "revision": "3f" * 20,
            "digest": running,
            "changes": "Shorter greeting",
            "promotedBy": "author",
        }
    )
    standing = ReleaseStanding(
        project="acme", environment="production", agent="front-desk", seen=spec, applied=spec
    )
    return Facts(standing=standing, interventions=(MARK,))


def test_events_name_what_failed_and_since_when() -> None:
    drifted, recovered = drift_event(MARK), recovery_event(MARK, "as it was")
    assert (drifted.type, drifted.details["lines"]) == ("Warning", ["a"])
    assert (recovered.type, recovered.details["since"]) == ("Normal", NOW.isoformat())
