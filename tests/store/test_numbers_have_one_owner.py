"""A number of an account has one owner, until its wish no longer stands."""

import asyncio

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest, Revision
from trunkline.model.ledger import LedgerEntry, NumberOwner
from trunkline.model.records import SourceState, WishRecord

NUMBER = "+15005550006"
RACERS = 20


def owner(project: str, *, number: str = NUMBER, account: str = "AC1") -> NumberOwner:
    return NumberOwner(
        account=account, number=number, project=project, environment="testing", name="main-line"
    )


async def wishes(store: PostgresStore, project: str, *numbers: str) -> None:
    """The tree of a project, with a number of that name or none."""
    records = [
        WishRecord(
            project=project,
            environment="testing",
            kind="number",
            name="main-line",
            wish_digest=Digest(f"sha256:{number}"),
            revision=Revision("a" * 40),
            body={"number": number, "digest": "sha256:0"},
        )
        for number in numbers
    ]
    await store.store_tree(SourceState(project=project), records, {}, {})


async def test_of_many_one_gets_the_number_and_all_learn_who(store: PostgresStore) -> None:
    projects = [f"project-{n}" for n in range(RACERS)]
    for project in projects:
        await wishes(store, project, NUMBER)
    answers = await asyncio.gather(*(store.own_number(owner(project)) for project in projects))
    assert len(set(answers)) == 1
    assert await store.number_owner("AC1", NUMBER) == answers[0]
    assert [one.project for one in await store.wishes_for_number(NUMBER)] == sorted(projects)


async def test_a_wish_that_is_gone_or_names_another_number_gives_way(store: PostgresStore) -> None:
    await wishes(store, "acme", NUMBER)
    await wishes(store, "globex", NUMBER)
    first, second = owner("acme"), owner("globex")
    assert await store.own_number(first) == first
    assert await store.own_number(second) == first
    await wishes(store, "acme", "+15005550007")
    assert await store.number_owner("AC1", NUMBER) is None
    assert await store.own_number(second) == second
    assert await store.numbers_owned("acme", "testing", "main-line") == ()
    await wishes(store, "globex")
    assert await store.own_number(first) == first


async def test_letting_go_never_takes_from_somebody_else(store: PostgresStore) -> None:
    await wishes(store, "acme", NUMBER)
    first = owner("acme")
    await store.own_number(first)
    await store.disown_number(owner("globex"))
    assert await store.number_owner("AC1", NUMBER) == first
    await store.disown_number(first)
    assert await store.number_owner("AC1", NUMBER) is None


async def test_accounts_do_not_share_numbers(store: PostgresStore) -> None:
    await wishes(store, "acme", NUMBER)
    await wishes(store, "globex", NUMBER)
    first, second = owner("acme"), owner("globex", account="AC2")
    assert await store.own_number(first) == first
    assert await store.own_number(second) == second


async def test_a_row_gets_a_new_name_in_one_step_and_only_once(store: PostgresStore) -> None:
    row = LedgerEntry(
        project="acme",
        environment="testing",
        kind="agent",
        name="front-desk",
        account="AC1",
        nonce="first",
        external_id="agent_1",
    )
    await store.put(row)
    renamed = await store.rename(row, "reception")
    assert renamed == row.model_copy(update={"name": "reception"})
    assert await store.entry("acme", "testing", "agent", "front-desk") is None
    again = row.model_copy(update={"nonce": "second", "external_id": "agent_2"})
    await store.put(again)
    assert await store.rename(again, "reception") == renamed
    assert await store.entry("acme", "testing", "agent", "front-desk") == again
