"""A phone number follows one wish at a time; every other wish for it is told who has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from activities.names import DECLARE_SIGNAL, STATUS_QUERY
from activities.types import Conclusion, Subject, Wish
from trunkline.model.conditions import find
from trunkline.model.ids import number_workflow_id

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import StatusRow

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LINE = "numbers/main-line.yaml"
NUMBER = "+15005550006"
OTHER_NUMBER = "+15005550007"


async def _reached(stack: Stack) -> list[str | None]:
    """The agents the platform's numbers are assigned to."""
    listed = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    return [(number["assigned_agent"] or {}).get("agent_id") for number in listed]


async def _agent_id(stack: Stack, name: str = "front-desk") -> str | None:
    row = await stack.status(name)
    return row.external_id if row is not None else None


def _is_owned_elsewhere(row: StatusRow) -> bool:
    stalled = find(row.conditions, "Stalled")
    return stalled is not None and stalled.reason == "NumberOwnedElsewhere"


async def test_a_second_project_is_told_who_has_the_number_and_gets_it_when_it_is_free(
    make_stack: MakeStack, texts: Texts
) -> None:
    first = await make_stack(texts.whole(), unhurried=True)
    plain = {path: text for path, text in texts.whole().items() if path.startswith("num")}
    second = await first.neighbour(
        "globex",
        {
            **plain,
            "trunkline.yaml": texts.project(),
            "agents/front-desk.yaml": texts.agent("front-desk"),
        },
    )
    async with first.working():
        assert (await first.sync()).state == "Succeeded"
        operation = await second.sync()
        assert {item.name: item.state for item in operation.items} == {
            "front-desk": "Succeeded",
            "main-line": "Failed",
        }
        row = await second.status("main-line", "number")
        assert row is not None
        assert _is_owned_elsewhere(row)
        assert "project acme, environment testing" in row.message
        assert "another number" in row.message
        assert await _reached(first) == [await _agent_id(first)]
        plan = await second.plan()
        stored = await second.store.plan(str(plan.plan_id))
        assert stored is not None
        assert [obstacle.reason for obstacle in stored.plan.obstacles] == ["NumberOwnedElsewhere"]
        assert (await second.sweep()).drifted == 0

        first.push({LINE: None})
        assert (await first.sync()).state == "Succeeded"
        await second.settled("main-line", lambda r: r.sync == "Synced", "number")
        assert await _reached(first) == [await _agent_id(second)]
        row = await first.settled("main-line", lambda r: r.conditions[0].reason == "Kept", "number")
        assert (await first.sweep()).drifted == 0

        first.push({LINE: texts.whole()[LINE]})
        operation = await first.sync()
        assert operation.state == "Failed"
        assert await _reached(first) == [await _agent_id(second)]
        handle = first.client.get_workflow_handle(
            number_workflow_id(first.simulators.twilio_account_sid, NUMBER)
        )
        await first.record(handle, "number", "given-to-another-project")


async def test_a_number_under_a_new_name_stays_with_its_agent(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    line = texts.whole()[LINE]
    async with stack.working():
        await stack.sync()
        before = await _reached(stack)
        for old, new in (("main-line", "front-line"), ("front-line", "a-line")):
            stack.push(
                {
                    f"numbers/{old}.yaml": None,
                    f"numbers/{new}.yaml": line.replace("main-line", new),
                }
            )
            await stack.elevenlabs.http.delete("/_sim/counters")
            operation = await stack.sync()
            assert operation.state == "Succeeded", operation
            counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
            assert [route for route in counters if not route.startswith("GET")] == []
            row = await stack.status(new, "number")
            assert row is not None
            assert row.sync == "Synced"
            gone = await stack.settled(old, lambda r: r.conditions[0].reason == "Kept", "number")
            assert gone.message.startswith("removed from Git")
        assert await _reached(stack) == before


async def test_a_signal_of_a_former_owner_that_comes_late_takes_nothing_away(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    line = texts.whole()[LINE].replace("main-line", "front-line")
    sid = stack.simulators.twilio_account_sid
    handle = stack.client.get_workflow_handle(number_workflow_id(sid, NUMBER))
    async with stack.working():
        await stack.sync()
        stack.push({LINE: None, "numbers/front-line.yaml": line})
        await stack.sync()
        place = {"project": "acme", "environment": "testing", "account": sid, "number": NUMBER}
        former = Subject(kind="number", name="main-line", **place)
        current = Subject(kind="number", name="front-line", **place)
        for subject in (current, former):
            await handle.signal(DECLARE_SIGNAL, Wish(subject=subject))

        async def settled() -> bool:
            shown = await handle.query(STATUS_QUERY, result_type=Conclusion)
            return not shown.gone and any(c.reason == "AsWished" for c in shown.conditions)

        await stack.until(settled)
        owner = await stack.store.number_owner(sid, NUMBER)
        assert owner is not None
        assert owner.name == "front-line"
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert await _reached(stack) == [await _agent_id(stack)]


async def test_a_wish_that_names_another_number_lets_the_first_one_go(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    line = texts.whole()[LINE]
    sid = stack.simulators.twilio_account_sid
    async with stack.working():
        await stack.sync()
        stack.push({LINE: line.replace(NUMBER, OTHER_NUMBER)})
        operation = await stack.sync()
        assert operation.state == "Failed"
        row = await stack.status("main-line", "number")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "NumberNotInAccount"

        async def let_go() -> bool:
            return await stack.store.number_owner(sid, NUMBER) is None

        await stack.until(let_go)
        old = stack.client.get_workflow_handle(number_workflow_id(sid, NUMBER))
        await old.result()
        stack.push({LINE: line})
        assert (await stack.sync()).state == "Succeeded"
