"""Promotions as rows: one open for an agent and environment, and nothing people said is lost."""

import asyncio

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.errors import Conflict, TrunklineError
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import EventRecord, StatusRecord


def promotion(agent: str = "front-desk", **more: object) -> PromotionRecord:
    return PromotionRecord.model_validate(
        {"project": "acme", "environment": "production", "agent": agent, "number": 0, **more}
    )


async def test_numbers_go_up_by_one_and_one_is_open(store: PostgresStore) -> None:
    first = await store.open_promotion(promotion(changes="Shorter greeting"))
    assert (first.number, first.id) == (1, "production.front-desk.1")
    with pytest.raises(Conflict, match=r"production\.front-desk\.1"):
        await store.open_promotion(promotion())
    assert (await store.open_promotion(promotion("night-desk"))).number == 1
    await store.put_promotion(first.model_copy(update={"state": "Failed", "phase": "Ended"}))
    assert (await store.open_promotion(promotion())).number == 2


async def test_of_many_at_once_one_is_opened(store: PostgresStore) -> None:
    async def attempt() -> bool:
        try:
            await store.open_promotion(promotion())
        except TrunklineError:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(8)))) == 1


async def test_a_lost_row_is_put_again_as_it_was(store: PostgresStore) -> None:
    first = await store.open_promotion(promotion(changes="Shorter greeting"))
    await store.remove("acme")
    assert await store.promotion("acme", first.id) is None
    again = await store.open_promotion(first)
    assert again.model_copy(update={"updated_at": first.updated_at}) == first


async def test_what_has_ended_is_not_opened_again(store: PostgresStore) -> None:
    first = await store.open_promotion(promotion())
    ended = first.model_copy(update={"state": "Aborted", "phase": "Ended"})
    await store.put_promotion(ended)
    answer = await store.put_promotion(first.model_copy(update={"phase": "Gate"}))
    assert (answer.state, answer.phase) == ("Aborted", "Ended")
    assert await store.open_promotion_of("acme", "production", "front-desk") is None
    last = await store.last_promotion_of("acme", "production", "front-desk")
    assert last is not None
    assert last.id == first.id


async def test_what_people_said_outlives_a_look_that_began_before(store: PostgresStore) -> None:
    before = await store.open_promotion(promotion())
    said = await store.say_of_promotion(
        "acme", before.id, abort_requested_by="op@example.com", abort_reason="wrong day"
    )
    assert said is not None
    await store.say_of_promotion("acme", before.id, abort_requested_by="other@example.com")
    looked = await store.put_promotion(before.model_copy(update={"phase": "Gate"}))
    assert (looked.phase, looked.abort_requested_by) == ("Gate", "op@example.com")
    assert looked.abort_reason == "wrong day"
    assert await store.say_of_promotion("acme", "production.nobody.1", rejected_by="a") is None


async def test_events_come_with_a_change_and_only_then(store: PostgresStore) -> None:
    record = await store.open_promotion(promotion())
    event = EventRecord(project="acme", reason="GatePassed", message="3 tests")
    moved = record.model_copy(update={"phase": "Gate"})
    await store.put_promotion(moved, [event])
    await store.put_promotion(moved, [event])
    assert len(await store.events("acme", limit=10)) == 1


async def test_pages_are_newest_first_and_filters_fit(store: PostgresStore) -> None:
    for agent in ("one", "two", "three"):
        await store.open_promotion(promotion(agent))
    two = await store.promotion("acme", "production.two.1")
    assert two is not None
    await store.put_promotion(two.model_copy(update={"state": "Done", "phase": "Ended"}))
    first = await store.promotions("acme", limit=2)
    assert [one.agent for one in first] == ["three", "two"]
    last = first[-1]
    assert last.created_at is not None
    rest = await store.promotions("acme", before=(last.created_at, last.id), limit=2)
    assert [one.agent for one in rest] == ["one"]
    assert [one.agent for one in await store.promotions("acme", open_only=True, limit=9)] == [
        "three",
        "one",
    ]
    assert [one.agent for one in await store.promotions("acme", agent="two", limit=9)] == ["two"]
    for agent in ("nobody", "one", "two"):
        status = StatusRecord(project="acme", environment="testing", kind="agent", name=agent)
        await store.put_status(status, [])
    gates = (await store.stored_statuses("acme", "agent", limit=9)).gates
    assert [(gate.agent, gate.state) for gate in gates] == [("one", "Open"), ("two", "Done")]
