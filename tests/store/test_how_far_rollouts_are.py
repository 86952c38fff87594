"""A rollout's row: rounds and promotions write their own part of it, and it never goes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trunkline.model.releases import RolloutState

if TYPE_CHECKING:
    from trunkline.adapters.postgres import PostgresStore

PLACE = ("acme", "production", "front-desk")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def state(version: int, **fields: object) -> RolloutState:
    place = dict(zip(("project", "environment", "agent"), PLACE, strict=True))
    return RolloutState.model_validate({**place, "version": version, **fields})


async def test_what_a_promotion_said_outlives_what_rounds_write(store: PostgresStore) -> None:
    assert await store.rollout(*PLACE) is None
    began = state(7, phase="Shifting", step=0, step_began_at=NOON, percent=10.0)
    await store.put_rollout(began)
    assert await store.rollout(*PLACE) == began
    await store.check_rollout(*PLACE, 7, 0)
    await store.abort_rollout(*PLACE, 7, "smoke failed")
    await store.abort_rollout(*PLACE, 7, "and again")
    await store.put_rollout(state(7, phase="Aborting", checked_step=5, abort_reason="not mine"))
    assert await store.rollout(*PLACE) == state(
        7, phase="Aborting", checked_step=0, abort_reason="smoke failed"
    )


async def test_a_newer_version_begins_anew_and_an_older_one_changes_nothing(
    store: PostgresStore,
) -> None:
    await store.put_rollout(state(7, step=1))
    await store.check_rollout(*PLACE, 7, 1)
    await store.abort_rollout(*PLACE, 7, "smoke failed")
    await store.put_rollout(state(8))
    assert await store.rollout(*PLACE) == state(8)
    await store.put_rollout(state(7, phase="Done"))
    await store.check_rollout(*PLACE, 7, 1)
    await store.abort_rollout(*PLACE, 7, "late")
    assert await store.rollout(*PLACE) == state(8)


async def test_an_abort_may_come_before_the_rounds_wrote_anything(store: PostgresStore) -> None:
    await store.check_rollout(*PLACE, 7, 0)
    assert await store.rollout(*PLACE) is None
    await store.abort_rollout(*PLACE, 7, "not after all")
    assert await store.rollout(*PLACE) == state(7, abort_reason="not after all")
    await store.abort_rollout(*PLACE, 9, "nor this")
    assert await store.rollout(*PLACE) == state(9, abort_reason="nor this")


async def test_a_check_is_never_taken_back(store: PostgresStore) -> None:
    await store.put_rollout(state(7, step=1))
    await store.check_rollout(*PLACE, 7, 1)
    await store.check_rollout(*PLACE, 7, 0)
    found = await store.rollout(*PLACE)
    assert found is not None
    assert found.checked_step == 1
