"""The interval that decides whether an agent has changed, against what others computed by it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.testing.figures import difference_interval, wilson_interval

NEWCOMBE_TABLE_II = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
]
"""Method 10 in table II of Newcombe (1998)."""

COUNTS = st.integers(1, 60).flatmap(lambda runs: st.tuples(st.integers(0, runs), st.just(runs)))
QUANTILES = st.floats(0.5, 4.0)


@pytest.mark.parametrize(("a", "m", "b", "n", "low", "high"), NEWCOMBE_TABLE_II)
def test_the_published_examples_come_out(
    a: int, m: int, b: int, n: int, low: float, high: float
) -> None:
    found = difference_interval(a, m, b, n)
    assert found is not None
    assert found.low == pytest.approx(low, abs=0.00005)
    assert found.high == pytest.approx(high, abs=0.00005)


def test_what_never_ran_has_no_interval() -> None:
    assert difference_interval(0, 0, 1, 1) is None
    assert difference_interval(1, 1, 0, 0) is None


@given(first=COUNTS, second=COUNTS, quantile=QUANTILES)
def test_the_interval_holds_the_difference_and_stays_within_what_rates_can_be(
    first: tuple[int, int], second: tuple[int, int], quantile: float
) -> None:
    found = difference_interval(*first, *second, quantile=quantile)
    assert found is not None
    difference = first[0] / first[1] - second[0] / second[1]
    assert found.low - 1e-9 <= difference <= found.high + 1e-9
    assert -1 - 1e-9 <= found.low <= found.high <= 1 + 1e-9


@given(first=COUNTS, second=COUNTS, quantile=QUANTILES)
def test_exchanging_the_two_turns_the_interval_round(
    first: tuple[int, int], second: tuple[int, int], quantile: float
) -> None:
    one = difference_interval(*first, *second, quantile=quantile)
    other = difference_interval(*second, *first, quantile=quantile)
    assert one is not None
    assert other is not None
    assert math.isclose(one.low, -other.high, abs_tol=1e-9)
    assert math.isclose(one.high, -other.low, abs_tol=1e-9)


@given(first=COUNTS, second=COUNTS, quantile=QUANTILES)
def test_more_confidence_makes_it_no_narrower(
    first: tuple[int, int], second: tuple[int, int], quantile: float
) -> None:
    narrow = difference_interval(*first, *second, quantile=quantile)
    wide = difference_interval(*first, *second, quantile=quantile + 0.25)
    assert narrow is not None
    assert wide is not None
    assert wide.low <= narrow.low + 1e-9
    assert wide.high >= narrow.high - 1e-9


@given(counts=COUNTS, more=COUNTS)
def test_an_interval_of_one_rate_is_as_it_was_without_a_quantile(
    counts: tuple[int, int], more: tuple[int, int]
) -> None:
    assert wilson_interval(*counts) == wilson_interval(*counts, quantile=1.959963984540054)
    assert wilson_interval(*more) is not None
