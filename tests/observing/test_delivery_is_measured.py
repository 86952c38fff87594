"""DORA's four measures, counted from promotions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.model.delivery import Released, delivery

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def released(version: int, days_ago: float, **more: Any) -> Released:
    """A deployment of the receptionist, an hour after its commit."""
    at = NOW - timedelta(days=days_ago)
    values: dict[str, Any] = {
        "project": "acme",
        "environment": "production",
        "agent": "front-desk",
        "kind": "promote",
        "state": "Done",
        "version": version,
        "replaced": version - 1,
        "released_at": at,
        "committed_at": at - timedelta(hours=1),
        "finished_at": at + timedelta(minutes=10),
    }
    return Released(**{**values, **more})


def measured(*rows: Released, days: int = 30) -> dict[str, Any]:
    return delivery("acme", "production", rows, days=days, now=NOW).model_dump(by_alias=False)


def test_without_deployments_nothing_was_measured() -> None:
    found = measured()
    assert (found["deployments"], found["deployments_per_day"]) == (0, 0.0)
    assert {found[name] for name in ("lead_time_s", "change_failure_rate", "restore_time_s")} == {
        None
    }


def test_deployments_are_counted_within_the_window_and_environment_only() -> None:
    rows = [released(1, 40), released(2, 20), released(3, 10), released(4, 5)]
    rows.append(released(9, 5, environment="staging"))
    rows.append(released(9, 5, project="other"))
    found = measured(*rows)
    assert found["deployments"] == 3
    assert found["deployments_per_day"] == 0.1
    assert measured(*rows, days=7)["deployments"] == 1


def test_the_lead_time_is_the_median_from_commit_to_release() -> None:
    rows = [
        released(1, 20, committed_at=NOW - timedelta(days=20, hours=2)),
        released(2, 10),
        released(3, 5, committed_at=NOW - timedelta(days=15)),
    ]
    found = measured(*rows)
    assert (found["lead_time_s"], found["measured"]) == (7200.0, 3)


@pytest.mark.parametrize("committed_at", [None, NOW + timedelta(days=1)])
def test_a_commit_without_a_believable_time_has_no_lead_time(
    committed_at: datetime | None,
) -> None:
    found = measured(released(1, 5, committed_at=committed_at), released(2, 4))
    assert (found["deployments"], found["measured"], found["lead_time_s"]) == (2, 1, 3600.0)


def test_a_deployment_that_went_back_by_itself_failed_and_was_restored() -> None:
    found = measured(
        released(1, 20),
        released(2, 10, state="RolledBack", finished_at=NOW - timedelta(days=10, minutes=-25)),
    )
    assert (found["failed"], found["change_failure_rate"]) == (1, 0.5)
    assert (found["restored"], found["restore_time_s"]) == (1, 1500.0)


def test_a_rollback_by_a_person_is_no_deployment_but_the_repair_of_one() -> None:
    bad = released(5, 10)
    repair = released(6, 9, kind="rollback", replaced=5, committed_at=None)
    late = released(7, 8, kind="rollback", replaced=5, committed_at=None)
    found = measured(released(4, 20), bad, late, repair)
    assert found["deployments"] == 2
    assert (found["failed"], found["change_failure_rate"]) == (1, 0.5)
    assert found["restore_time_s"] == timedelta(days=1).total_seconds()


def test_a_rollback_of_another_agent_says_nothing_about_this_one() -> None:
    repair = released(6, 9, kind="rollback", replaced=5, agent="night-desk")
    assert measured(released(5, 10), repair)["failed"] == 0


def test_what_is_not_repaired_yet_counts_as_failed_without_a_time() -> None:
    found = measured(released(2, 1, state="RolledBack", finished_at=None))
    assert (found["failed"], found["restored"], found["restore_time_s"]) == (1, 0, None)
