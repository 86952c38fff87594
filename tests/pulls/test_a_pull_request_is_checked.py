"""A proposal is planned and tested, said in one comment and in statuses; nothing live changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pulls.pull_worlds import LIVE, company, desk, hours, proposing
from tests.workflows.conversation_worlds import PROMPT, conversation_test

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

NINE = f"{PROMPT}\n- The clinic opens at nine on weekdays.\n"
EIGHT = NINE.replace("nine", "eight")


async def test_a_changed_prompt_is_planned_and_tested_unwritten(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        await pulls.remember()
        number = await pulls.propose(
            "earlier", {"agents/front-desk.yaml": desk(texts, prompt=EIGHT)}
        )
        await pulls.look(number)
        first = await pulls.checked(number)
        assert first.agents[0].state == "failed", first
        assert await pulls.statuses(first.head) == {
            "trunkline/plan": "success",
            "trunkline/tests/front-desk": "failure",
        }
        [comment] = await pulls.comments(number)
        assert "newly failing" in comment
        assert "[-nine-]{+eight+}" in comment
        writes = await pulls.writes()
        assert not set(writes) & set(LIVE), writes

        head = await pulls.push(
            "earlier", {"agents/front-desk.yaml": desk(texts, prompt=NINE + "Be brief.\n")}
        )
        await pulls.look(number)
        second = await pulls.checked(number, head)
        assert second.agents[0].state == "passed", second
        assert len(await pulls.comments(number)) == 1
        await pulls.close(number)
        await pulls.look(number)
        await pulls.ended(number)
        await pulls.keep(number, "pushed-again")
        await pulls.nothing_left()
        closed = await pulls.record(number)
        assert closed is not None
        assert (closed.state, closed.objects_gone) == ("closed", True)
        assert not set(await pulls.writes()) & set(LIVE)
