"""An environment is looked over as often as wished, or as often as the account can carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.budgets import Allowance, sweep_interval

ROOMY = Allowance(requests_per_second=400, concurrency=20)


def test_a_fleet_the_account_carries_is_looked_over_as_wished() -> None:
    found = sweep_interval(300, agents=1_000, environments=1, allowance=ROOMY)
    assert (found.interval_s, found.words) == (300, "")


def test_a_fleet_too_large_for_the_rate_is_looked_over_less_often_and_says_so() -> None:
    slow = Allowance(requests_per_second=2, concurrency=20)
    found = sweep_interval(300, agents=10_000, environments=1, allowance=slow)
    assert found.interval_s == 10_100
    assert "every 10100 s instead of 300 s" in found.words
    assert "50%" in found.words


def test_few_calls_at_once_bound_a_sweep_as_a_rate_does() -> None:
    narrow = Allowance(requests_per_second=1_000, concurrency=1)
    assert sweep_interval(60, agents=1_000, environments=1, allowance=narrow).interval_s == 505


def test_environments_share_what_a_sweep_may_use() -> None:
    slow = Allowance(requests_per_second=2, concurrency=20)
    alone = sweep_interval(1, agents=100, environments=1, allowance=slow)
    shared = sweep_interval(1, agents=100, environments=3, allowance=slow)
    assert shared.interval_s == pytest.approx(3 * alone.interval_s, abs=3)


@given(
    st.floats(1, 86_400),
    st.integers(0, 20_000),
    st.integers(1, 20),
    st.floats(0.01, 1_000),
    st.integers(1, 1_000),
)
def test_a_sweep_never_takes_more_than_half(
    wished_s: float, agents: int, environments: int, rate: float, concurrency: int
) -> None:
    allowance = Allowance(requests_per_second=rate, concurrency=concurrency)
    found = sweep_interval(wished_s, agents=agents, environments=environments, allowance=allowance)
    assert found.interval_s >= wished_s
    calls = (agents + agents / 100) * environments
    assert calls <= 0.5 * allowance.calls_per_second * found.interval_s + 1e-6
    assert bool(found.words) == (found.interval_s > wished_s)
