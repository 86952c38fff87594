"""No commit widens its own budget: the former rules hold until a person agrees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.kinds.project import Environment
from trunkline.model.loosening import hold, loosened, rules_in_force, strictest
from trunkline.model.pruning import PruneRules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REVISION = "c" * 40
PLACE = {"project": "acme", "environment": "testing", "revision": REVISION, "now": NOW}

RULES = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        "max_count": st.none() | st.integers(0, 50),
        "max_percent": st.none() | st.integers(1, 100),
        "delay_s": st.sampled_from([0.0, 60.0, 3600.0, 172_800.0]),
    }
).map(PruneRules.model_validate)


def environment(source: str = "head", **prune: Any) -> Environment:
    """An environment with these rules of deletion."""
    return Environment.model_validate({"name": "testing", "source": source, "prune": prune})


@pytest.mark.parametrize(
    ("former", "new"),
    [
        ({"enabled": True, "maxCount": 1}, {"enabled": True, "maxCount": 2}),
        ({"enabled": True, "maxPercent": 20}, {"enabled": True, "maxPercent": 100}),
        ({"enabled": True, "maxCount": 1}, {"enabled": True, "maxPercent": 100}),
        ({"enabled": True, "maxCount": 1}, {"enabled": True}),
        ({"enabled": True}, {"enabled": True, "maxCount": 6}),
        ({"enabled": True, "maxCount": 5}, {"enabled": True, "maxCount": 5, "delay": "0s"}),
        ({"enabled": True, "maxCount": 1}, {"enabled": False, "maxCount": 100}),
    ],
)
def test_a_looser_bound_is_noticed(former: dict[str, Any], new: dict[str, Any]) -> None:
    ((name, was),) = loosened([environment(**former)], [environment(**new)])
    assert name == "testing"
    assert was.max_count == former.get("maxCount")


@pytest.mark.parametrize(
    ("former", "new"),
    [
        ({"enabled": True, "maxCount": 5}, {"enabled": True, "maxCount": 5}),
        ({"enabled": True, "maxCount": 5}, {"enabled": True, "maxCount": 1, "maxPercent": 5}),
        ({"enabled": True, "maxCount": 5}, {"enabled": True, "maxCount": 5, "delay": "2h"}),
        ({"enabled": True}, {"enabled": True, "maxCount": 5, "maxPercent": 20}),
        ({"enabled": False}, {"enabled": True}),
    ],
)
def test_a_stricter_or_equal_rule_counts_at_once(
    former: dict[str, Any], new: dict[str, Any]
) -> None:
    assert loosened([environment(**former)], [environment(**new)]) == ()


@pytest.mark.parametrize("former", [[], [environment()], [environment("releases")]])
def test_where_nothing_was_deleted_before_the_defaults_hold(former: list[Environment]) -> None:
    new = environment(enabled=True, maxCount=1000, delay="0s")
    ((_, was),) = loosened(former, [new])
    held = hold(was, None, **PLACE)  # type: ignore[arg-type]
    found = rules_in_force(PruneRules(enabled=True, max_count=1000, delay_s=0.0), [held], "testing")
    assert (found.max_count, found.max_percent, found.delay_s) == (5, 20, 3600.0)


def test_former_rules_hold_and_say_so() -> None:
    was = PruneRules(enabled=True, max_count=1, delay_s=60.0)
    held = hold(was, None, **PLACE)  # type: ignore[arg-type]
    assert held.expires_at is None
    found = rules_in_force(PruneRules(enabled=True, max_count=9, delay_s=0.0), [held], "testing")
    assert (found.max_count, found.delay_s) == (1, 60.0)
    assert "trunkline resume -e testing --prune" in found.note
    assert rules_in_force(was, [held], "production") == was
    stricter = PruneRules(enabled=True, max_count=0, delay_s=90.0)
    assert rules_in_force(stricter, [held], "testing") == stricter


def test_many_small_steps_loosen_no_more_than_one() -> None:
    first = hold(PruneRules(enabled=True, max_count=1), None, **PLACE)  # type: ignore[arg-type]
    second = hold(PruneRules(enabled=True, max_count=2), first, **PLACE)  # type: ignore[arg-type]
    found = rules_in_force(PruneRules(enabled=True, max_count=99), [second], "testing")
    assert found.max_count == 1


@given(one=RULES, other=RULES, managed=st.integers(0, 1000))
def test_the_strictest_rules_allow_what_both_allow(
    one: PruneRules, other: PruneRules, managed: int
) -> None:
    both = strictest(one, other)
    assert both.allowed(managed) == min(one.allowed(managed), other.allowed(managed))
    assert both.delay_s == max(one.delay_s, other.delay_s)
    assert both.enabled == one.enabled
