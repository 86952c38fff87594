"""A wish is settled once a status says that this very wish is in place and healthy."""

from typing import Any

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.conditions import Condition
from trunkline.model.ids import Digest, Revision
from trunkline.model.records import SourceState, StatusRecord, WishRecord

OLD = Revision("1" * 40)
NEW = Revision("2" * 40)
IN_PLACE = {"sync": "Synced", "health": "Healthy", "revision": NEW}


async def wish(store: PostgresStore, *names: str) -> None:
    ready = Condition(type="Ready", status="True", reason="Applied")
    state = SourceState(
        project="acme", seen_revision=NEW, applied_revision=NEW, conditions=(ready,)
    )
    wishes = [
        WishRecord(
            project="acme",
            environment="testing",
            kind="agent",
            name=name,
            wish_digest=Digest("d"),
            revision=NEW,
            body={"name": name},
        )
        for name in names
    ]
    await store.store_tree(state, wishes, {}, {})


async def stand(store: PostgresStore, name: str, **words: Any) -> None:
    place = {"project": "acme", "environment": "testing", "kind": "agent", "name": name}
    await store.put_status(StatusRecord.model_validate({**place, **words}), [])


async def unsettled(store: PostgresStore, **filters: Any) -> list[str]:
    return [one.name for one in await store.unsettled("acme", limit=10, **filters)]


async def test_a_wish_nobody_has_concluded_yet_is_unsettled(store: PostgresStore) -> None:
    await wish(store, "front-desk")
    assert await unsettled(store) == ["front-desk"]


async def test_a_wish_in_place_and_healthy_is_settled(store: PostgresStore) -> None:
    await wish(store, "front-desk", "night-desk")
    await stand(store, "front-desk", **IN_PLACE)
    await stand(store, "night-desk", **{**IN_PLACE, "health": "Suspended"})
    assert await unsettled(store) == []


async def test_a_status_of_an_older_wish_settles_nothing(store: PostgresStore) -> None:
    await wish(store, "front-desk")
    await stand(store, "front-desk", **{**IN_PLACE, "revision": OLD})
    assert await unsettled(store) == ["front-desk"]


async def test_what_is_out_of_sync_or_unhealthy_is_unsettled(store: PostgresStore) -> None:
    await wish(store, "a", "b", "c")
    await stand(store, "a", **{**IN_PLACE, "sync": "OutOfSync"})
    await stand(store, "b", **{**IN_PLACE, "health": "Degraded"})
    await stand(store, "c", **IN_PLACE)
    assert await unsettled(store) == ["a", "b"]


async def test_unsettled_wishes_come_in_pages_and_by_environment(store: PostgresStore) -> None:
    await wish(store, "a", "b", "c")
    page = await store.unsettled("acme", "testing", limit=2)
    assert [one.name for one in page] == ["a", "b"]
    assert await unsettled(store, after="testing/agent/b") == ["c"]
    assert await unsettled(store, environment="production") == []
