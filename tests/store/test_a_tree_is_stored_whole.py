"""A valid commit becomes wishes in one transaction; only what changed has to be declared."""

import asyncio

import psycopg
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.conditions import Condition
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.ids import Digest, Revision
from trunkline.model.limits import STORE_BATCH_MAX_BYTES
from trunkline.model.records import SourceState, WishRecord

FIRST = Revision("1" * 40)
SECOND = Revision("2" * 40)
THIRD = Revision("3" * 40)
MANIFEST: JsonObject = {"metadata": {"name": "acme"}, "spec": {"b": 1, "a": 2}}


def state(revision: Revision) -> SourceState:
    ready = Condition(type="Ready", status="True", reason="Applied")
    return SourceState(
        project="acme",
        seen_revision=revision,
        applied_revision=revision,
        author="Ada",
        subject="Greet\0 warmly",
        conditions=(ready,),
    )


def wish(
    name: str,
    revision: Revision,
    *,
    digest: str = "d1",
    environment: str = "testing",
    line: int = 1,
    size: int = 0,
) -> WishRecord:
    return WishRecord(
        project="acme",
        environment=environment,
        kind="agent",
        name=name,
        wish_digest=Digest(digest),
        revision=revision,
        body={"name": name, "prompt": "x" * size, "positions": {"spec": f"a.yaml:{line}:1"}},
    )


async def tree(store: PostgresStore, revision: Revision, *wishes: WishRecord) -> int:
    return await store.store_tree(state(revision), wishes, {}, MANIFEST)


async def names(store: PostgresStore) -> list[str]:
    return [one.name for one in await store.undeclared("acme", 100)]


async def test_everything_in_a_first_tree_is_undeclared(store: PostgresStore) -> None:
    assert await tree(store, FIRST, wish("b", FIRST), wish("a", FIRST)) == 2
    assert await names(store) == ["a", "b"]
    assert await store.source("acme") == state(FIRST).model_copy(
        update={"subject": "Greet\ufffd warmly"}
    )
    assert await store.project_manifest("acme") == MANIFEST
    assert await store.project_manifest("other") is None


async def test_storing_the_same_tree_again_changes_nothing(store: PostgresStore) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    await store.mark_declared(await store.undeclared("acme", 10))
    assert await tree(store, SECOND, wish("a", SECOND)) == 0
    assert await names(store) == []
    kept = await store.wish("acme", "testing", "agent", "a")
    assert kept is not None
    assert kept.revision == FIRST


async def test_only_changed_new_and_gone_wishes_are_undeclared(store: PostgresStore) -> None:
    first = [wish(name, FIRST) for name in ("same", "changed", "gone")]
    await tree(store, FIRST, *first)
    await store.mark_declared(first)
    second = [
        wish("same", SECOND),
        wish("changed", SECOND, digest="d2"),
        wish("new", SECOND),
    ]
    assert await tree(store, SECOND, *second) == 3
    found = {one.name: one for one in await store.undeclared("acme", 10)}
    assert set(found) == {"changed", "gone", "new"}
    assert found["gone"].removed
    assert found["gone"].body == first[2].body
    assert found["gone"].revision == SECOND


async def test_a_wish_that_comes_back_unchanged_is_told_again(store: PostgresStore) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    await tree(store, SECOND)
    await store.mark_declared(await store.undeclared("acme", 10))
    assert await tree(store, THIRD, wish("a", THIRD)) == 1
    (back,) = await store.undeclared("acme", 10)
    assert back == wish("a", THIRD)


async def test_moved_lines_refresh_the_body_and_wake_nobody(store: PostgresStore) -> None:
    await tree(store, FIRST, wish("a", FIRST, line=1))
    await store.mark_declared(await store.undeclared("acme", 10))
    assert await tree(store, SECOND, wish("a", SECOND, line=7)) == 0
    assert await names(store) == []
    moved = await store.wish("acme", "testing", "agent", "a")
    assert moved is not None
    assert moved.body["positions"] == {"spec": "a.yaml:7:1"}


async def test_a_newer_wish_stays_undeclared(store: PostgresStore) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    told = await store.undeclared("acme", 10)
    await tree(store, SECOND, wish("a", SECOND, digest="d2"))
    await store.mark_declared(told)
    assert await names(store) == ["a"]


async def test_a_removal_stays_undeclared_when_the_wish_before_it_was_told(
    store: PostgresStore,
) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    told = await store.undeclared("acme", 10)
    await tree(store, SECOND)
    await store.mark_declared(told)
    assert await names(store) == ["a"]


async def test_a_removal_at_an_unknown_revision_stays_undeclared(store: PostgresStore) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    told = await store.undeclared("acme", 10)
    nameless = state(SECOND).model_copy(update={"applied_revision": None})
    await store.store_tree(nameless, [], {}, MANIFEST)
    await store.mark_declared(told)
    (gone,) = await store.undeclared("acme", 10)
    assert (gone.removed, gone.revision) == (True, FIRST)


async def test_a_wish_that_came_back_is_not_told_by_what_was_told_before(
    store: PostgresStore,
) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    told = await store.undeclared("acme", 10)
    await tree(store, SECOND)
    await tree(store, THIRD, wish("a", THIRD))
    await store.mark_declared(told)
    assert await names(store) == ["a"]


async def test_another_project_is_not_touched(store: PostgresStore) -> None:
    other = wish("a", FIRST).model_copy(update={"project": "other"})
    await store.store_tree(
        state(FIRST).model_copy(update={"project": "other"}), [other], {}, MANIFEST
    )
    await tree(store, FIRST)
    assert await store.wish("other", "testing", "agent", "a") == other


async def test_a_body_keeps_the_order_of_its_keys(store: PostgresStore) -> None:
    body: JsonObject = {"zeta": 1, "a": {"y": 1.0, "x": [3, 1, 2]}, "nul": "\0", "word": "grüß"}
    one = wish("a", FIRST).model_copy(update={"body": body})
    await tree(store, FIRST, one)
    read = await store.wish("acme", "testing", "agent", "a")
    assert read is not None
    assert read.body == body
    assert list(read.body) == ["zeta", "a", "nul", "word"]
    assert list(read.body["a"]) == ["y", "x"]  # type: ignore[arg-type]


async def test_wishes_are_paged_in_key_order(store: PostgresStore) -> None:
    wishes = [
        wish(name, FIRST, environment=environment)
        for environment in ("testing", "production")
        for name in ("b", "a-b", "a", "c")
    ]
    await tree(store, FIRST, *wishes)
    seen: list[str] = []
    after = ""
    while page := await store.wishes("acme", after=after, limit=3):
        seen += [f"{one.environment}/{one.kind}/{one.name}" for one in page]
        after = seen[-1]
    order = ["a", "a-b", "b", "c"]
    assert seen == [f"{e}/agent/{n}" for e in ("production", "testing") for n in order]
    testing = await store.wishes("acme", "testing", limit=10)
    assert [one.name for one in testing] == order


async def test_a_key_that_is_none_and_a_page_without_bound_are_refused(
    store: PostgresStore,
) -> None:
    with pytest.raises(InvalidInput, match="not a key"):
        await store.wishes("acme", after="testing", limit=3)
    with pytest.raises(InvalidInput, match="1 to 10000 rows"):
        await store.wishes("acme", limit=10_001)


async def test_numbers_are_found_by_the_agent_they_point_at(store: PostgresStore) -> None:
    def number(name: str, agent: str | None, environment: str = "testing") -> WishRecord:
        return wish(name, FIRST, environment=environment).model_copy(
            update={"kind": "number", "body": {"agent": agent}}
        )

    desk = wish("desk", FIRST).model_copy(update={"body": {"agent": "desk", "nul": "\0"}})
    numbers = [number("b", "desk"), number("a", "desk"), number("c", "night"), number("d", None)]
    await tree(store, FIRST, desk, *numbers, number("e", "desk", "production"))
    found = await store.numbers_of("acme", "testing", "desk")
    assert [one.name for one in found] == ["a", "b"]
    await tree(store, SECOND, desk, numbers[0])
    assert [one.name for one in await store.numbers_of("acme", "testing", "desk")] == ["b"]


async def test_contents_are_kept_under_their_digest(store: PostgresStore) -> None:
    await store.store_tree(state(FIRST), [], {"d1": b"opening\0 hours", "d2": b""}, MANIFEST)
    await store.store_tree(
        state(SECOND), [], {"d1": b"opening\0 hours", "d3": b"\xff\xd8"}, MANIFEST
    )
    assert await store.content("d1") == b"opening\0 hours"
    assert await store.content("d2") == b""
    assert await store.content("d3") == b"\xff\xd8"
    with pytest.raises(NotFound, match="d4"):
        await store.content("d4")


async def test_contents_of_any_size_are_stored_together(store: PostgresStore) -> None:
    sizes = (1, STORE_BATCH_MAX_BYTES + 1, 2, STORE_BATCH_MAX_BYTES, 3)
    contents = {f"d{n}": bytes([n]) * size for n, size in enumerate(sizes)}
    await store.store_tree(state(FIRST), [], contents, MANIFEST)
    for digest, content in contents.items():
        assert await store.content(digest) == content


async def test_a_refused_body_leaves_the_last_tree_as_it_was(store: PostgresStore) -> None:
    await tree(store, FIRST, wish("a", FIRST))
    broken = wish("b", SECOND).model_copy(update={"body": {"temperature": float("nan")}})
    with pytest.raises(InvalidInput):
        await tree(store, SECOND, wish("a", SECOND, digest="d2"), broken)
    assert await names(store) == ["a"]
    source = await store.source("acme")
    assert source is not None
    assert source.applied_revision == FIRST


async def test_two_trees_at_once_leave_one_of_them_whole(store: PostgresStore) -> None:
    first = [wish(f"a{n}", FIRST, digest="one") for n in range(50)]
    second = [wish(f"a{n}", SECOND, digest="two") for n in range(25, 75)]
    await asyncio.gather(tree(store, FIRST, *first), tree(store, SECOND, *second))
    source = await store.source("acme")
    assert source is not None
    winner = first if source.applied_revision == FIRST else second
    alive = [one for one in await store.wishes("acme", limit=200) if not one.removed]
    assert sorted(one.name for one in alive) == sorted(one.name for one in winner)
    assert {one.wish_digest for one in alive} == {winner[0].wish_digest}


async def test_a_tree_waits_for_the_one_that_is_being_stored(
    store: PostgresStore, postgres_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended('tree/acme', 0))")
        storing = asyncio.create_task(tree(store, FIRST, wish("a", FIRST)))
        done, _ = await asyncio.wait([storing], timeout=0.3)
        assert not done
        await other.rollback()
        assert await storing == 1


@pytest.mark.slow
async def test_one_change_among_ten_thousand_wishes_declares_only_itself(
    store: PostgresStore,
) -> None:
    def fleet(changed: int) -> list[WishRecord]:
        return [
            wish(f"agent-{n}", FIRST, size=3_000, digest="new" if n == changed else "old")
            for n in range(10_000)
        ]

    assert await tree(store, FIRST, *fleet(-1)) == 10_000
    for batch in range(0, 10_000, 1_000):
        declared = await store.undeclared("acme", 1_000)
        assert len(declared) == 1_000, batch
        await store.mark_declared(declared)
    edited = fleet(7_777)
    assert await tree(store, SECOND, *edited) == 1
    assert await names(store) == ["agent-7777"]
