"""Heads that are not valid are told what is wrong, with file and line; new agents get carriers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.pulls.pull_worlds import company, desk, hours, proposing
from tests.workflows.conversation_worlds import PROMPT, conversation_test, opens

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_problems_are_listed_and_gone_once_they_are_mended(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=PROMPT, nine=conversation_test("nine", hours("nine")))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        await pulls.remember()
        broken = desk(texts, prompt=PROMPT).replace("firstMessage:", "firstMesage:")
        number = await pulls.propose("broken", {"agents/front-desk.yaml": broken})
        await pulls.look(number)
        refused = await pulls.checked(number)
        assert refused.plan == "refused"
        assert await pulls.statuses(refused.head) == {"trunkline/plan": "failure"}
        [comment] = await pulls.comments(number)
        assert re.search(r"agents/front-desk\.yaml:\d+:\d+: .*firstMesage", comment), comment
        assert await pulls.writes() == {}
        head = await pulls.push("broken", {"agents/front-desk.yaml": None})
        await pulls.look(number)
        gone = await pulls.checked(number, head)
        [comment] = await pulls.comments(number)
        assert gone.plan == "refused", comment
        assert "front-desk" in comment


async def test_a_new_agent_is_tested_on_one_made_for_that_and_deleted(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=PROMPT, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        before = await pulls.stack.elevenlabs.agents()
        test = conversation_test("lab", opens()).replace("front-desk", "lab-desk")
        agent = desk(texts, prompt=PROMPT).replace("front-desk", "lab-desk")
        document = files["knowledge/opening-hours.yaml"]
        number = await pulls.propose(
            "lab",
            {
                "agents/lab-desk.yaml": agent.replace("opening-hours", "lab-hours"),
                "tests/lab.yaml": test,
                "knowledge/lab-hours.yaml": document.replace("opening-hours", "lab-hours").replace(
                    "nine to five", "ten to four"
                ),
            },
        )
        await pulls.look(number)
        found = await pulls.checked(number)
        [comment] = await pulls.comments(number)
        assert found.agents[0].state == "passed", comment
        assert "| new |" in comment
        await pulls.nothing_left()
        after = await pulls.stack.elevenlabs.agents()
        assert [one["agent_id"] for one in after] == [one["agent_id"] for one in before]
        live = await pulls.stack.elevenlabs.agent(await pulls.world.agent_id())
        assert live["name"] == "Front desk"
