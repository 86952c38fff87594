"""Adopt, wait, create or say that it is unresolved: each decision by its facts."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.model.creation import (
    ATTEMPTS_MAX,
    Adopt,
    Create,
    Found,
    LookUp,
    Unresolved,
    Wait,
    decide,
    decide_claim,
    open_attempt,
    remaining_s,
    settles_at,
)
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, Claim

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BOUND_S = 30.0
FIRST = open_attempt(None, NOW, 10.0)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def looked(seconds: float, *found: Found, complete: bool = True) -> LookUp:
    return LookUp(found=found, complete=complete, began_at=at(seconds))


def test_nothing_there_and_nothing_sent_is_the_first_create() -> None:
    assert decide(None, looked(0), lag_bound_s=BOUND_S) == Create(number=1)


def test_an_incomplete_look_up_never_allows_a_first_create() -> None:
    decision = decide(None, looked(0, complete=False), lag_bound_s=BOUND_S)
    assert isinstance(decision, Wait)
    assert decision.until == at(3)


@pytest.mark.parametrize("attempt", [None, FIRST])
@pytest.mark.parametrize("complete", [True, False])
def test_what_is_found_is_adopted_and_the_oldest_wins(
    attempt: Attempt | None, complete: bool
) -> None:
    found = [
        Found(ExternalId("b"), 7),
        Found(ExternalId("c"), 5),
        Found(ExternalId("a"), 7),
    ]
    decision = decide(attempt, looked(0, *found, complete=complete), lag_bound_s=BOUND_S)
    assert decision == Adopt(ExternalId("c"), (ExternalId("a"), ExternalId("b")))


@pytest.mark.parametrize(("began_s", "until_s"), [(0, 3), (20, 23), (39, 40), (39.999, 40)])
def test_until_deadline_and_bound_have_passed_it_waits(began_s: float, until_s: float) -> None:
    decision = decide(FIRST, looked(began_s), lag_bound_s=BOUND_S)
    assert isinstance(decision, Wait)
    assert decision.until == at(until_s)


def test_a_look_up_that_began_in_time_proves_the_attempt_void() -> None:
    assert settles_at(FIRST, BOUND_S) == at(40)
    assert decide(FIRST, looked(40), lag_bound_s=BOUND_S) == Create(number=2)


def test_an_incomplete_look_up_beyond_the_bound_is_unresolved_and_still_looking() -> None:
    decision = decide(FIRST, looked(50, complete=False), lag_bound_s=BOUND_S)
    assert isinstance(decision, Unresolved)
    assert decision.next_look_at == at(53)


def test_after_too_many_attempts_it_is_unresolved_and_rests_before_another() -> None:
    last = FIRST.model_copy(update={"number": ATTEMPTS_MAX})
    assert isinstance(decide(last, looked(500), lag_bound_s=BOUND_S), Unresolved)
    assert decide(last, looked(640), lag_bound_s=BOUND_S) == Create(number=ATTEMPTS_MAX + 1)
    found = looked(900, Found(ExternalId("a"), 1))
    assert decide(last, found, lag_bound_s=BOUND_S) == Adopt(ExternalId("a"))


def test_an_attempt_is_never_sent_after_its_deadline() -> None:
    assert remaining_s(FIRST, at(4)) == 6.0
    assert remaining_s(FIRST, at(10)) == 0.0
    assert remaining_s(FIRST, at(99)) == 0.0


def test_attempts_count_up() -> None:
    second = open_attempt(FIRST, at(41), 10.0)
    assert (second.number, second.started_at, second.deadline_at) == (2, at(41), at(51))


def claim(**facts: object) -> Claim:
    said = {
        "account": "a",
        "project": "acme",
        "environment": "testing",
        "kind": "tool",
        "name": "book-slot",
        "digest": "sha256:0",
        "claimant": "agent/acme/testing/other",
    }
    return Claim.model_validate({**said, **facts})


def test_a_settled_claim_needs_no_look_up() -> None:
    settled = claim(external_id="tool_1")
    decision = decide_claim(settled, looked(0, complete=False), lag_bound_s=BOUND_S)
    assert decision == Adopt(ExternalId("tool_1"))


def test_a_claim_nobody_holds_is_made() -> None:
    assert decide_claim(None, looked(0), lag_bound_s=BOUND_S) == Create(number=1)


def test_a_living_claimant_is_waited_for() -> None:
    decision = decide_claim(claim(attempt=FIRST), looked(1), lag_bound_s=BOUND_S)
    assert isinstance(decision, Wait)


def test_a_dead_claimants_claim_passes_on_after_deadline_and_bound() -> None:
    decision = decide_claim(claim(attempt=FIRST), looked(40), lag_bound_s=BOUND_S)
    assert decision == Create(number=2)


def test_a_claim_without_an_attempt_sent_nothing_and_passes_on() -> None:
    assert decide_claim(claim(), looked(0), lag_bound_s=BOUND_S) == Create(number=1)


def test_what_a_dead_claimant_made_is_adopted() -> None:
    decision = decide_claim(
        claim(attempt=FIRST), looked(2, Found(ExternalId("tool_1"), 1)), lag_bound_s=BOUND_S
    )
    assert decision == Adopt(ExternalId("tool_1"))
