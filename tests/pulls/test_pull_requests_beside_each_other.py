"""Two proposals for one agent have results of their own; one that wanders ends and goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.pulls.pull_worlds import MAINTAINER, REPOSITORY, company, proposing
from tests.workflows.conftest import eventually
from tests.workflows.conversation_worlds import PROMPT, conversation_test, opens

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.pulls.pull_worlds import PullWorld
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_S = 180.0


async def edit(pulls: PullWorld, number: int, **changes: Any) -> None:
    """As somebody at the forge does, through its own API."""
    answer = await pulls.forge.patch(
        f"{pulls.api_url}/repos/{REPOSITORY}/pulls/{number}",
        json=changes,
        headers={"Authorization": f"Bearer {pulls.bot}"},
    )
    assert answer.is_success, answer.text


async def test_two_of_one_agent_and_one_that_is_led_elsewhere_and_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=PROMPT, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        tool = files["tools/book-slot.yaml"]
        first, second = [
            await pulls.propose(
                word.lower(), {"tools/book-slot.yaml": tool.replace("Books an", f"{word} books an")}
            )
            for word in ("Surely", "Quickly")
        ]
        for number in (first, second):
            await pulls.look(number)
        rows = await asyncio.gather(
            *(pulls.checked(number, timeout_s=PATIENCE_S) for number in (first, second))
        )
        assert [[one.state for one in row.agents] for row in rows] == [["passed"], ["passed"]]
        assert len({one.run_id for row in rows for one in row.agents}) == 2
        for number, word, other in ((first, "Surely", "Quickly"), (second, "Quickly", "Surely")):
            [comment] = await pulls.comments(number)
            assert word in comment
            assert other not in comment

        await pulls.push("side", {"notes.md": "another branch"})
        await edit(pulls, first, base="side")
        await pulls.look(first)
        await pulls.ended(first, timeout_s=PATIENCE_S)
        away = await pulls.record(first)
        assert away is not None
        assert (away.state, away.objects_gone) == ("closed", True)

        await edit(pulls, first, base="main")
        await pulls.push("surely", {"tools/book-slot.yaml": tool.replace("Books an", "Books one")})
        await pulls.control(
            "pull-requests/edit", repository=REPOSITORY, number=first, by=MAINTAINER, draft=True
        )
        await pulls.look(first)
        back = await pulls.checked(first, (await head_of(pulls, first)), timeout_s=PATIENCE_S)
        assert (back.state, [one.state for one in back.agents]) == ("open", ["passed"])
        assert len(await pulls.comments(first)) == 1

        await pulls.control(
            "pull-requests/merge",
            repository=REPOSITORY,
            number=second,
            by=MAINTAINER,
            method="squash",
        )
        for number in (first, second):
            await pulls.look(number)
        await pulls.ended(second, timeout_s=PATIENCE_S)
        merged = await pulls.record(second)
        assert merged is not None
        assert merged.state == "merged"
        await pulls.say(first, "/trunkline plan")
        await pulls.look(first)
        await told_of_conflict(pulls, first)
        await pulls.close(first)
        await pulls.look(first)
        await pulls.ended(first, timeout_s=PATIENCE_S)
        await pulls.nothing_left()
        assert len(await pulls.comments(first)) == 1


async def head_of(pulls: PullWorld, number: int) -> str:
    """The commit that is proposed, as the forge has it."""
    listed = (await pulls.forge.get("/_sim/pull-requests")).json()["pull_requests"]
    return next(str(one["head_sha"]) for one in listed if one["number"] == number)


async def told_of_conflict(pulls: PullWorld, number: int) -> None:
    """Wait until row and comment say that the head does not fit the branch any more."""

    async def look() -> bool:
        found = await pulls.record(number)
        [comment] = await pulls.comments(number)
        return found is not None and found.plan == "refused" and "conflict" in comment.lower()

    await eventually(look, timeout_s=PATIENCE_S, what="the conflict")
