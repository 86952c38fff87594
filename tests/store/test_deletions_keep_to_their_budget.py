"""Deletions are written down within a budget however many ask at once; nothing forgets early."""

import asyncio
from datetime import UTC, datetime, timedelta

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.ledger import LedgerEntry
from trunkline.model.plans import Plan
from trunkline.model.pruning import Deletion
from trunkline.model.records import PlanRecord, ProjectRecord, SourceState, WishRecord

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REVISIONS = [Revision(letter * 40) for letter in "abc"]
DIGEST = Digest("sha256:" + "5e" * 32)


def deletion(name: str, *, at: datetime = NOW, permitted: bool = False) -> Deletion:
    return Deletion(
        account="account",
        project="acme",
        environment="testing",
        kind="agent",
        name=name,
        external_id=ExternalId(f"id-of-{name}"),
        permitted=permitted,
        intended_at=at,
    )


def wish(name: str, revision: Revision, **body: object) -> WishRecord:
    return WishRecord.model_validate(
        {
            "project": "acme",
            "environment": "testing",
            "kind": "agent",
            "name": name,
            "wish_digest": DIGEST,
            "revision": revision,
            "body": {"tools": [], "documents": [], **body},
        }
    )


def entry(name: str) -> LedgerEntry:
    return LedgerEntry(
        project="acme",
        environment="testing",
        kind="agent",
        name=name,
        account="account",
        nonce="nonce",
        external_id=ExternalId(f"id-of-{name}"),
    )


async def store_tree(store: PostgresStore, revision: Revision, *wishes: WishRecord) -> None:
    state = SourceState(project="acme", seen_revision=revision, applied_revision=revision)
    await store.store_tree(state, wishes, {}, {})


async def test_of_many_who_ask_at_once_only_the_budget_may(store: PostgresStore) -> None:
    asked = [deletion(f"agent-{index}") for index in range(12)]
    granted = await asyncio.gather(*(store.intend(one, at_most=5) for one in asked))
    assert sum(granted) == 5
    again = await asyncio.gather(*(store.intend(one, at_most=5) for one in asked))
    assert again == granted
    since = NOW - timedelta(days=1)
    assert len(await store.deletions("acme", "testing", since=since)) == 5


async def test_permitted_ones_and_those_of_yesterday_use_up_nothing(store: PostgresStore) -> None:
    assert await store.intend(deletion("old", at=NOW - timedelta(days=2)), at_most=1)
    assert await store.intend(deletion("named", permitted=True), at_most=1)
    assert await store.intend(deletion("first"), at_most=1)
    assert not await store.intend(deletion("second"), at_most=1)
    assert await store.intend(deletion("second", permitted=True), at_most=1)


async def test_a_tombstone_is_of_one_removal_and_goes_when_the_wish_is_back(
    store: PostgresStore,
) -> None:
    first, second, third = REVISIONS
    await store.put(entry("desk"))
    await store_tree(store, first, wish("desk", first))
    await store_tree(store, second)
    (row,) = await store.gone("acme", "testing")
    assert (row.removed_at, row.buried_at, row.moved_to) == (second, None, None)
    await store.mark("acme", "testing", NOW)
    await store.mark("acme", "testing", NOW + timedelta(hours=1))
    (row,) = await store.gone("acme", "testing")
    assert row.buried_at == NOW
    await store_tree(store, third, wish("desk", third))
    assert await store.gone("acme", "testing") == ()
    await store_tree(store, first)
    (row,) = await store.gone("acme", "testing")
    assert row.buried_at is None
    await store_tree(store, third, wish("desk", third))
    await store.revive("acme", "testing")
    back = await store.entry("acme", "testing", "agent", "desk")
    assert back is not None
    assert back.tombstone is None


async def test_a_rename_is_known_by_the_standing_wish(store: PostgresStore) -> None:
    first, second, _ = REVISIONS
    await store.put(entry("front-desk"))
    await store_tree(store, first, wish("front-desk", first))
    await store_tree(store, second, wish("reception", second, renamedFrom="front-desk"))
    (row,) = await store.gone("acme", "testing")
    assert row.moved_to == "reception"


async def test_a_removed_wish_is_forgotten_only_as_long_as_it_is_removed(
    store: PostgresStore,
) -> None:
    first, second, third = REVISIONS
    await store_tree(store, first, wish("desk", first))
    await store_tree(store, second)
    removed = await store.wish("acme", "testing", "agent", "desk")
    assert removed is not None
    await store_tree(store, third, wish("desk", third))
    assert not await store.bury(removed, [])
    await store_tree(store, first)
    gone = await store.wish("acme", "testing", "agent", "desk")
    assert gone is not None
    assert await store.bury(gone, [])
    assert await store.wish("acme", "testing", "agent", "desk") is None


async def test_old_plans_and_contents_go_but_what_is_named_or_newest_stays(
    store: PostgresStore,
) -> None:
    first = REVISIONS[0]
    await store.register(ProjectRecord(name="acme", repository="https://git.example.com/acme"))
    state = SourceState(project="acme", seen_revision=first, applied_revision=first)
    documents = [{"name": "hours", "digest": DIGEST, "contentDigest": "named"}]
    kept = wish("desk", first, documents=documents)
    await store.store_tree(state, [kept], {"named": b"nine to five", "stray": b"forgotten"}, {})
    for name in ("older", "newest"):
        plan = Plan(project="acme", environment="testing", digest=DIGEST)
        await store.put_plan(
            PlanRecord(id=name, project="acme", environment="testing", revision=first, plan=plan)
        )
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert await store.forget_past(soon - timedelta(days=1), limit=10) == 0
    assert await store.forget_past(soon, limit=10) == 2
    assert await store.plan("older") is None
    assert await store.plan("newest") is not None
    assert await store.content("named") == b"nine to five"
    assert await store.forget_past(soon, limit=10) == 0
