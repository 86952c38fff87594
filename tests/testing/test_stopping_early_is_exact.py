"""Runs that are left out could not have changed the verdict, whatever they had been."""

import math
import random
from collections.abc import Iterator
from fractions import Fraction

import pytest

from trunkline.model.testing.figures import pass_probability, percentile, wilson_interval
from trunkline.model.testing.repeats import decided
from trunkline.model.testing.results import Outcome

OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "inconclusive")
RUNS_MAX = 10


def _full(outcomes: list[Outcome], needed: int) -> Outcome:
    """The verdict of all runs, by what it means: whatever the unclear ones had been."""
    passed = outcomes.count("passed")
    unclear = outcomes.count("inconclusive")
    possible = {passed + extra >= needed for extra in range(unclear + 1)}
    if len(possible) > 1:
        return "inconclusive"
    return "passed" if possible == {True} else "failed"


def _disagreements(runs: int, needed: int) -> Iterator[list[Outcome]]:
    """Sequences whose verdict differs from what was decided on the way to them."""
    stack: list[tuple[list[Outcome], Outcome | None]] = [([], None)]
    while stack:
        outcomes, told = stack.pop()
        verdict = decided(outcomes, runs, needed)
        if told is not None and verdict != told:
            yield outcomes
        if len(outcomes) == runs:
            if verdict != _full(outcomes, needed):
                yield outcomes
            continue
        stack += [([*outcomes, each], told or verdict) for each in OUTCOMES]


@pytest.mark.parametrize("runs", range(1, RUNS_MAX))
def test_every_sequence_has_the_verdict_it_was_stopped_with(runs: int) -> None:
    for needed in range(1, runs + 1):
        assert list(_disagreements(runs, needed)) == []


@pytest.mark.slow
def test_every_sequence_of_ten_has_the_verdict_it_was_stopped_with() -> None:
    for needed in range(1, RUNS_MAX + 1):
        assert list(_disagreements(RUNS_MAX, needed)) == []


def test_it_stops_as_soon_as_it_can() -> None:
    for runs in range(1, 7):
        for needed in range(1, runs + 1):
            stack: list[list[Outcome]] = [[]]
            while stack:
                outcomes = stack.pop()
                if decided(outcomes, runs, needed) is None:
                    ends = {_full([*outcomes, *rest], needed) for rest in _rests(runs, outcomes)}
                    assert len(ends) > 1
                    stack += [[*outcomes, each] for each in OUTCOMES]


def _rests(runs: int, outcomes: list[Outcome]) -> Iterator[list[Outcome]]:
    left = runs - len(outcomes)
    return ([each] * left for each in OUTCOMES)


@pytest.mark.parametrize(
    ("runs", "needed"), [(n, k) for n in (1, 2, 3, 5, 10, 50) for k in range(1, n + 1)]
)
def test_the_pass_probability_is_the_exact_tail(runs: int, needed: int) -> None:
    for rate in (Fraction(0), Fraction(1, 3), Fraction(7, 10), Fraction(95, 100), Fraction(1)):
        exact = 1 - sum(
            (
                Fraction(math.comb(runs, k)) * rate**k * (1 - rate) ** (runs - k)
                for k in range(needed)
            ),
            start=Fraction(0),
        )
        assert abs(Fraction(pass_probability(rate, runs, needed)) - exact) < Fraction(1, 10**9)
        assert abs(Fraction(pass_probability(float(rate), runs, needed)) - exact) < 1e-9


@pytest.mark.parametrize(
    ("runs", "needed", "rate", "percent"),
    [(1, 1, 0.95, 95.0), (3, 2, 0.70, 78.4), (5, 4, 0.95, 97.7), (10, 9, 0.70, 14.9)],
)
def test_known_operating_points(runs: int, needed: int, rate: float, percent: float) -> None:
    assert round(pass_probability(rate, runs, needed) * 100, 1) == percent


def test_the_interval_holds_the_rate_and_stays_between_nothing_and_all() -> None:
    assert wilson_interval(0, 0) is None
    for runs in range(1, 51):
        for passed in range(runs + 1):
            interval = wilson_interval(passed, runs)
            assert interval is not None
            assert 0 <= interval.low <= passed / runs <= interval.high <= 1
    four_of_five = wilson_interval(4, 5)
    assert four_of_five is not None
    assert (round(four_of_five.low, 4), round(four_of_five.high, 4)) == (0.3755, 0.9638)


def test_a_percentile_is_the_smallest_value_that_covers_the_share() -> None:
    assert percentile([], 50) is None
    numbers = random.Random(7)  # noqa: S311 - figures for a test
    for size in range(1, 60):
        values = [numbers.randrange(1000) for _ in range(size)]
        for percent in (1, 50, 95, 99, 100):
            found = percentile(values, percent)
            assert found in values
            assert found is not None
            assert 100 * sum(v <= found for v in values) >= percent * size
            assert 100 * sum(v < found for v in values) < percent * size
