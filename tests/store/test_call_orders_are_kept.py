"""One order for each key of a project, and numbers nobody may call."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.orders import CallOrder, DoNotCall
from trunkline.model.errors import NotFound

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ORDER = CallOrder(
    id="order-1",
    project="acme",
    environment="production",
    agent="front-desk",
    to_number="+15005550001",
    from_number="main-line",
    idempotency_key="k1",
    asked_by="ada",
    asked_at=NOW,
)


async def test_the_same_key_is_the_same_order(store: PostgresStore) -> None:
    wishes = [ORDER.model_copy(update={"id": f"order-{n}"}) for n in range(8)]
    answers = await asyncio.gather(*(store.put_order(wish) for wish in wishes))
    assert len({one.id for one in answers}) == 1
    assert await store.put_order(ORDER.model_copy(update={"project": "beta"})) != answers[0]


async def test_no_change_of_an_order_is_lost(store: PostgresStore) -> None:
    await store.put_order(ORDER)

    def one_more(known: CallOrder) -> CallOrder:
        return known.model_copy(update={"calls": (*known.calls, f"call_{len(known.calls)}")})

    await asyncio.gather(*(store.change_order("acme", "order-1", one_more) for _ in range(10)))
    found = await store.order("acme", "order-1")
    assert found is not None
    assert found.calls == tuple(f"call_{n}" for n in range(10))
    with pytest.raises(NotFound):
        await store.change_order("acme", "order-2", one_more)


async def test_orders_come_newest_first_in_pages(store: PostgresStore) -> None:
    for n in range(4):
        moved = {"id": f"order-{n}", "idempotency_key": f"k{n}"}
        later = {"asked_at": NOW + timedelta(minutes=n // 2)}
        await store.put_order(ORDER.model_copy(update=moved | later))
    first = await store.orders("acme", limit=3)
    assert [one.id for one in first] == ["order-2", "order-3", "order-0"]
    rest = await store.orders("acme", before=(first[-1].asked_at, first[-1].id), limit=3)
    assert [one.id for one in rest] == ["order-1"]
    for name in ("order-0", "order-2"):
        await store.change_order(
            "acme", name, lambda known: known.model_copy(update={"state": "Done"})
        )
    still = await store.orders("acme", open_only=True, limit=3)
    assert [one.id for one in still] == ["order-3", "order-1"]


async def test_a_number_stays_off_until_it_is_taken_off_the_list(store: PostgresStore) -> None:
    entry = DoNotCall(
        project="acme", number="+15005550001", reason="asked \0", added_by="ada", added_at=NOW
    )
    for reason in ("asked \0", "again"):
        await store.put_do_not_call(entry.model_copy(update={"reason": reason}))
    await store.put_do_not_call(entry.model_copy(update={"number": "+15005550002"}))
    found = await store.do_not_call("acme", "+15005550001")
    assert found == entry.model_copy(update={"reason": "asked \ufffd"})
    assert await store.do_not_call("beta", "+15005550001") is None
    page = await store.do_not_call_page("acme", after="+15005550001", limit=5)
    assert [one.number for one in page] == ["+15005550002"]
    assert await store.remove_do_not_call("acme", "+15005550001")
    assert not await store.remove_do_not_call("acme", "+15005550001")
