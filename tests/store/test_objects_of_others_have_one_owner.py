"""Who takes an object of others over first has it, until nothing of ours knows it any more."""

import asyncio

import psycopg

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import ExternalId
from trunkline.model.imports import ImportedManifest, ImportReport
from trunkline.model.ledger import LedgerEntry, ObjectOwner
from trunkline.model.records import OperationRecord


def owner(project: str) -> ObjectOwner:
    return ObjectOwner(
        account="account",
        kind="agent",
        external_id=ExternalId("agent_1"),
        project=project,
        environment="testing",
        name="front-desk",
    )


async def test_of_many_who_want_an_object_one_has_it(store: PostgresStore) -> None:
    wanted = [owner(f"project-{n}") for n in range(8)]
    has = await asyncio.gather(*(store.own_object(each) for each in wanted))
    assert len(set(has)) == 1
    assert has[0] in wanted
    assert await store.own_object(has[0]) == has[0]


async def test_an_owner_that_left_long_ago_lets_the_next_one_have_it(
    store: PostgresStore, postgres_url: str
) -> None:
    first, second = owner("first"), owner("second")
    assert await store.own_object(first) == first
    await _years_pass(postgres_url)
    entry = LedgerEntry(
        project="first",
        environment="testing",
        kind="agent",
        name="front-desk",
        account="account",
        external_id=ExternalId("agent_1"),
    )
    await store.put(entry)
    assert await store.own_object(second) == first
    await store.forget(entry)
    assert await store.own_object(second) == second
    assert await store.own_object(first) == second


async def test_the_next_import_of_an_environment_takes_the_place_of_the_last(
    store: PostgresStore,
) -> None:
    manifest = ImportedManifest(
        kind="Tool", name="a", path="tools/a.yaml", external_id="tool_1", document={"b": 1, "a": 2}
    )
    for number in range(2):
        operation = OperationRecord(
            id=f"import-{number}", project="acme", kind="import", requested_by="ada"
        )
        await store.open_operation(operation)
        await store.put_import(
            operation.id, "acme", "testing", [manifest], ImportReport(environment="testing")
        )
    assert await store.import_report("import-0") is None
    assert await store.imported_manifests("import-0", after=0, limit=10) == ()
    found = await store.imported_manifests("import-1", after=0, limit=10)
    assert found == (manifest,)
    assert list(found[0].document) == ["b", "a"]
    assert await store.imported_manifests("import-1", after=1, limit=10) == ()


async def _years_pass(database_url: str) -> None:

    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE object_owners SET taken_at = taken_at - interval '1 year'")
