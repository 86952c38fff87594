"""However items are added and ended, an operation ends exactly once and with the right word."""

import asyncio

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Digest, Revision
from trunkline.model.plans import Change, Plan, Step
from trunkline.model.records import (
    OperationItem,
    OperationRecord,
    OperationState,
    PlanRecord,
)

ID = "op-1"


def item(name: str, state: OperationState = "Running", message: str = "") -> OperationItem:
    return OperationItem(
        environment="testing", kind="agent", name=name, state=state, message=message
    )


async def opened(store: PostgresStore, *names: str) -> None:
    await store.open_operation(
        OperationRecord(id=ID, project="acme", kind="sync", requested_by="ada")
    )
    await store.add_items(ID, [item(name) for name in names])


async def read(store: PostgresStore) -> OperationRecord:
    found = await store.operation(ID)
    assert found is not None
    return found


async def test_it_ends_with_the_last_item_after_it_was_sealed(store: PostgresStore) -> None:
    await opened(store, "a", "b")
    await store.finish_item(ID, item("a", "Succeeded"))
    await store.seal_operation(ID, "2 agents")
    running = await read(store)
    assert (running.state, running.done, running.total) == ("Running", 1, 2)
    assert running.finished_at is None
    await store.finish_item(ID, item("b", "Succeeded", "updated"))
    ended = await read(store)
    assert (ended.state, ended.done, ended.message) == ("Succeeded", 2, "2 agents")
    assert ended.finished_at is not None
    assert ended.items == (item("a", "Succeeded"), item("b", "Succeeded", "updated"))


async def test_it_stays_open_while_more_items_may_come(store: PostgresStore) -> None:
    await opened(store, "a")
    await store.finish_item(ID, item("a", "Succeeded"))
    assert (await read(store)).state == "Running"
    await store.add_items(ID, [item("b")])
    await store.seal_operation(ID, "")
    assert (await read(store)).state == "Running"


async def test_with_nothing_to_wait_for_sealing_ends_it(store: PostgresStore) -> None:
    await opened(store)
    await store.seal_operation(ID, "nothing to do")
    ended = await read(store)
    assert (ended.state, ended.message, ended.total) == ("Succeeded", "nothing to do", 0)


@pytest.mark.parametrize(
    ("endings", "state"),
    [
        (("Succeeded", "Failed", "Error"), "Failed"),
        (("Succeeded", "Error", "Succeeded"), "Error"),
        (("Succeeded", "Succeeded", "Succeeded"), "Succeeded"),
    ],
)
async def test_a_definite_failure_outweighs_an_unknown_outcome(
    store: PostgresStore, endings: tuple[OperationState, ...], state: OperationState
) -> None:
    await opened(store, "a", "b", "c")
    await store.seal_operation(ID, "sealed")
    for name, ending in zip("abc", endings, strict=True):
        await store.finish_item(ID, item(name, ending))
    ended = await read(store)
    failed = sum(ending != "Succeeded" for ending in endings)
    assert ended.state == state
    assert ended.message == (f"{failed} of 3 did not succeed" if failed else "sealed")


async def test_items_ending_and_sealing_at_once_end_it_once(store: PostgresStore) -> None:
    names = [f"a{n}" for n in range(40)]
    await opened(store, *names)
    await asyncio.gather(
        *(store.finish_item(ID, item(name, "Succeeded")) for name in names),
        *(store.finish_item(ID, item(name, "Succeeded")) for name in names),
        store.seal_operation(ID, "all"),
        store.add_items(ID, [item(name) for name in names]),
    )
    ended = await read(store)
    assert (ended.state, ended.done, ended.total) == ("Succeeded", 40, 40)


async def test_an_item_that_ended_before_it_was_announced_counts_once(
    store: PostgresStore,
) -> None:
    await opened(store)
    await store.finish_item(ID, item("early", "Succeeded"))
    await store.add_items(ID, [item("early"), item("late")])
    await store.finish_item(ID, item("late", "Succeeded"))
    await store.seal_operation(ID, "")
    ended = await read(store)
    assert (ended.state, ended.done, ended.total) == ("Succeeded", 2, 2)


async def test_an_ending_is_not_taken_back(store: PostgresStore) -> None:
    await opened(store, "a")
    await store.finish_item(ID, item("a", "Failed", "refused"))
    await store.finish_item(ID, item("a", "Succeeded"))
    await store.finish_operation(ID, "Error", "gave up")
    await store.finish_operation(ID, "Succeeded", "late")
    await store.open_operation(
        OperationRecord(id=ID, project="acme", kind="sync", requested_by="eve")
    )
    ended = await read(store)
    assert (ended.state, ended.message, ended.requested_by) == ("Error", "gave up", "ada")
    assert ended.items == (item("a", "Failed", "refused"),)


async def test_reports_to_an_operation_that_is_gone_harm_nobody(store: PostgresStore) -> None:
    await store.add_items("gone", [item("a")])
    await store.finish_item("gone", item("a", "Succeeded"))
    await store.seal_operation("gone", "")
    await store.finish_operation("gone", "Succeeded", "")
    assert await store.operation("gone") is None


async def test_an_item_still_running_is_no_ending(store: PostgresStore) -> None:
    await opened(store, "a")
    with pytest.raises(InvalidInput, match="not ended"):
        await store.finish_item(ID, item("a"))


async def test_a_plan_reads_back_as_it_was_stored(store: PostgresStore) -> None:
    change = Change(operation="~", path='a["x.y"]', old={"z": 1, "a": 2.5}, new="\0")
    step = Step(action="update", subject="agent", name="a", key="a", changes=(change,))
    plan = Plan(project="acme", environment="testing", digest=Digest("sha256:aa"), steps=(step,))
    record = PlanRecord(
        id="p1", project="acme", environment="testing", revision=Revision("1" * 40), plan=plan
    )
    await store.put_plan(record)
    await store.put_plan(record)
    found = await store.plan("p1")
    assert found is not None
    assert found.model_copy(update={"created_at": None}) == record
    assert found.created_at is not None
    assert await store.plan("p2") is None
    await opened(store)
    await store.finish_operation(ID, "Succeeded", "planned", plan_id="p1")
    assert (await read(store)).plan_id == "p1"
