"""Figures of repeated runs: exact where exactness is cheap, named by their method where it matters.

Percentiles are nearest-rank: the smallest value that at least that share of all values does not
exceed. It is always a value that was measured, also of very few.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from trunkline.model.testing.results import Interval

NORMAL_QUANTILE_95: Final = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution, for two-sided 95 %."""


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The nearest-rank percentile; None of nothing. ``percent`` is from 1 to 100."""
    if not values:
        return None
    rank = -(-percent * len(values) // 100)
    return sorted(values)[rank - 1]


def wilson_interval(
    passed: int, runs: int, *, quantile: float = NORMAL_QUANTILE_95
) -> Interval | None:
    """Where the true pass rate lies with 95 % confidence (Wilson's score interval, without
    continuity correction), or with that of another ``quantile``; None if nothing ran.
    """
    if runs == 0:
        return None
    squared = quantile**2
    rate = passed / runs
    centre = (rate + squared / (2 * runs)) / (1 + squared / runs)
    spread = math.sqrt(rate * (1 - rate) / runs + squared / (4 * runs**2))
    half = quantile * spread / (1 + squared / runs)
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == runs else min(1.0, centre + half)
    return Interval(low=low, high=high)


def difference_interval(
    passed: int,
    runs: int,
    other_passed: int,
    other_runs: int,
    *,
    quantile: float = NORMAL_QUANTILE_95,
) -> Interval | None:
    """Where the difference of two true pass rates lies, the first less the other, with 95 %
    confidence or that of ``quantile``; None if one of them never ran.

    Method 10 of R. G. Newcombe, Interval estimation for the difference between independent
    proportions, Statistics in Medicine 17 (1998): the square roots of the summed squares of how far
    Wilson's limits of both rates are away from them.
    """
    own = wilson_interval(passed, runs, quantile=quantile)
    other = wilson_interval(other_passed, other_runs, quantile=quantile)
    if own is None or other is None:
        return None
    rate, other_rate = passed / runs, other_passed / other_runs
    difference = rate - other_rate
    return Interval(
        low=difference - math.hypot(rate - own.low, other.high - other_rate),
        high=difference + math.hypot(own.high - rate, other_rate - other.low),
    )


def pass_probability(pass_rate: float | Fraction, runs: int, needed: int) -> float:
    """How likely ``needed`` of ``runs`` independent runs pass, if each passes at ``pass_rate``: the
    tail of the binomial distribution, summed exactly and rounded once at the end.
    """
    rate = Fraction(pass_rate)
    tail = sum(
        (
            math.comb(runs, passed) * rate**passed * (1 - rate) ** (runs - passed)
            for passed in range(needed, runs + 1)
        ),
        start=Fraction(0),
    )
    return float(tail)
