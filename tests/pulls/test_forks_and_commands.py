"""Whose word counts: forks wait for a maintainer, commands do what their writers may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.conftest import PROJECT_MANIFEST
from tests.pulls.pull_worlds import (
    LIVE,
    MAINTAINER,
    STRANGER,
    company,
    desk,
    hours,
    proposing,
)
from tests.workflows.conftest import eventually
from tests.workflows.conversation_worlds import PROMPT, conversation_test
from trunkline.adapters.signing import Ed25519Keys
from trunkline.adapters.signing.ed25519 import new_private_key
from trunkline.model.pulls.commands import ForgePerson

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.pulls.pull_worlds import PullWorld
    from tests.workflows.conftest import MakeStack
    from trunkline.model.pull_requests import PullRequestRecord

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

NINE = f"{PROMPT}\n- The clinic opens at nine on weekdays.\n"
COMMENTS = "/api/v3/repos/{owner}/{repo}/issues/{number}/comments"
LAST_LOOK_S = 3.0
"""Whoever says something later than that begins a look of their own."""


async def answered(pulls: PullWorld, number: int, count: int) -> PullRequestRecord:
    async def look() -> PullRequestRecord | None:
        found = await pulls.record(number)
        return found if found is not None and len(found.replies) == count else None

    found: PullRequestRecord = await eventually(look, what="the answer")
    return found


async def test_a_fork_waits_for_somebody_who_trusts_its_commit(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        await pulls.remember()
        edit = {"agents/front-desk.yaml": desk(texts, prompt=NINE + "Be brief.\n")}
        number = await pulls.propose("brief", edit, by=STRANGER)
        await pulls.look(number)

        async def waits() -> PullRequestRecord | None:
            found = await pulls.record(number)
            told = found is not None and found.said and found.plan == "waiting"
            return found if told else None

        waiting: PullRequestRecord = await eventually(waits)
        assert waiting.is_fork
        assert [one.state for one in waiting.agents] == ["waiting"]
        assert await pulls.writes() == {}
        await pulls.say(number, "/trunkline test", by=STRANGER)
        await pulls.look(number)
        refused = await answered(pulls, number, 1)
        assert not refused.replies[0].done
        assert refused.trusted_head is None
        assert await pulls.writes() == {}

        await pulls.say(number, f"/trunkline test {waiting.head}", by=MAINTAINER)
        await pulls.look(number)
        trusted = await pulls.checked(number)
        assert trusted.trusted_head == trusted.head
        assert trusted.agents[0].state == "passed"
        assert not set(await pulls.writes()) & set(LIVE)

        moved = await pulls.push(
            "brief",
            {"agents/front-desk.yaml": desk(texts, prompt=NINE + "Be rude.\n")},
            by=STRANGER,
            fork=STRANGER,
        )
        await pulls.look(number)

        async def waits_again() -> PullRequestRecord | None:
            found = await pulls.record(number)
            return found if found is not None and found.head == moved and found.agents else None

        again: PullRequestRecord = await eventually(waits_again)
        assert (again.trusted_head, again.agents[0].state) == (None, "waiting")
        audit = await pulls.stack.store.audit(project="acme", limit=50)
        said = {
            (row.action, row.details["login"], row.details["refused"])
            for row in audit
            if row.action.startswith("pull-request.")
        }
        assert said == {
            ("pull-request.test", STRANGER, True),
            ("pull-request.test", MAINTAINER, False),
        }


class ClockBehind:
    """A server's clock that is an hour slow."""

    def now(self) -> datetime:
        """The time an hour ago."""
        return datetime.now(UTC) - timedelta(hours=1)


async def test_a_word_found_with_a_new_head_is_older_whatever_the_clocks_say(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    stack = replace(await make_stack(files, unhurried=True), clock=ClockBehind())
    async with proposing(stack, files) as pulls, pulls.stack.working():
        edit = {"agents/front-desk.yaml": desk(texts, prompt=NINE + "Be rude.\n")}
        number = await pulls.propose("rude", edit, by=STRANGER)
        await pulls.say(number, "/trunkline test", by=MAINTAINER)
        await pulls.look(number)
        found = await answered(pulls, number, 1)
        assert (found.replies[0].done, found.trusted_head) == (False, None)


async def test_a_word_during_the_last_look_at_a_closed_one_is_heard(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    stack = await make_stack(files, unhurried=True)
    async with proposing(stack, files) as pulls, pulls.stack.working():
        assert (await pulls.stack.sync()).state == "Succeeded"
        broken = desk(texts, prompt=NINE).replace("firstMessage:", "firstMesage:")
        number = await pulls.propose("broken", {"agents/front-desk.yaml": broken})
        await pulls.look(number)
        await pulls.checked(number)
        await pulls.close(number)
        await pulls.look(number)
        await pulls.ended(number)
        held = {"kind": "slow", "method": "GET", "route": COMMENTS, "times": 1}
        await pulls.control("faults", faults=[{**held, "seconds": LAST_LOOK_S}])
        await pulls.look(number)

        async def comments_are_read() -> bool:
            [fault] = (await pulls.forge.get("/_sim/faults")).json()["faults"]
            return bool(fault["fired"] == 1)

        await eventually(comments_are_read, what="the last look")
        await pulls.say(number, "/trunkline plan")
        await pulls.look(number)
        assert not (await answered(pulls, number, 1)).replies[0].done


async def test_a_person_promotes_after_the_merge_and_a_login_does_not(
    make_stack: MakeStack, texts: Texts
) -> None:
    keys = Ed25519Keys(new_private_key())
    project = PROJECT_MANIFEST.format(mode="enforce", drift="heal") + (
        "    - { name: production, source: releases, promotion: { from: testing } }\n"
        f"  signing: {{ publicKeys: [ '{keys.public_key}' ] }}\n"
    )
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    files |= {"trunkline.yaml": project}
    stack = replace(await make_stack(files, unhurried=True), keys=keys)
    ada = ForgePerson(person="ada@example.com", role="operator")
    async with proposing(stack, files) as pulls, pulls.deciding(**{MAINTAINER: ada}):
        assert (await pulls.stack.sync()).state == "Succeeded"
        edit = {"agents/front-desk.yaml": desk(texts, prompt=NINE + "Be brief.\n")}
        number = await pulls.propose("brief", edit)
        await pulls.look(number)
        await pulls.checked(number)
        order = "/trunkline promote front-desk --to production Answers briefly"
        await pulls.say(number, order)
        await pulls.look(number)
        early = await answered(pulls, number, 1)
        assert "after the merge" in early.replies[0].words
        await pulls.merge(number)
        await pulls.look(number)
        await pulls.ended(number)
        for login, count in ((STRANGER, 2), (MAINTAINER, 3)):
            await pulls.say(number, order, by=login)
            await pulls.look(number)
            said = await answered(pulls, number, count)
        assert [one.done for one in said.replies] == [False, False, True], said.replies
        opened = await pulls.stack.store.promotions("acme", limit=10)
        assert [(one.agent, one.requested_by, one.changes) for one in opened] == [
            ("front-desk", "ada@example.com", "Answers briefly")
        ]
        assert opened[0].id in said.replies[2].words
        rows = await pulls.stack.store.audit(project="acme", action="promotion.start", limit=10)
        assert [(row.actor, row.role) for row in rows] == [("ada@example.com", "operator")]
        assert len(await pulls.comments(number)) == 1
