"""Checks of pull requests, seen from the vendors: nothing live changes and nothing is left behind.

Everything both accounts hold is read before and afterwards, complete, and requests are counted.
Nothing of a fork comes near a vendor before somebody trusts it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import NUMBER_MANIFEST
from tests.pulls.pull_worlds import LIVE, company, desk, hours
from tests.pulls.whole_accounts import account, as_before, nothing_changed, traffic
from tests.pulls.whole_lives import (
    ADA,
    REPOSITORY,
    STRANGER,
    an_installation,
)
from tests.workflows.conversation_worlds import PROMPT, conversation_test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Texts
    from tests.pulls.whole_accounts import Account
    from tests.pulls.whole_lives import Installation
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

DESK, TOOL, LAB = "agents/front-desk.yaml", "tools/book-slot.yaml", "agents/lab.yaml"
NINE = f"{PROMPT}\n- The clinic opens at nine on weekdays.\n"
SLOWLY_MS = 20_000


def clinic_with_a_number(texts: Texts) -> dict[str, str]:
    """Two agents that share a tool and a document, one of them tested and called."""
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    return {**files, "numbers/main-line.yaml": NUMBER_MANIFEST}


def a_new_agent(texts: Texts) -> dict[str, str | None]:
    """The laboratory, with a test of its own."""
    agent = desk(texts, prompt=NINE).replace("name: front-desk", "name: lab")
    test = conversation_test("lab-hours", hours("nine")).replace('"front-desk"', '"lab"')
    return {LAB: agent, "tests/lab-hours.yaml": test}


async def test_whatever_is_proposed_the_accounts_stay_as_they_are(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    files = clinic_with_a_number(texts)
    async with an_installation(make_stack, postgres_url, files, tmp_path) as here:
        await here.api()
        here.worker()
        await here.hook()
        await here.synced("front-desk", "night-desk")
        await here.numbered()
        before, asked = await account(here.stack), await traffic(here.stack)
        made = await _made(here)
        tool = files[TOOL].replace("Books an", "Surely books an")
        words, one = await here.propose("words", {DESK: desk(texts, prompt=f"{NINE}Be brief.\n")})
        tools, two = await here.propose("tool", {TOOL: tool})
        gone, three = await here.propose("gone", {"agents/night-desk.yaml": None})
        await here.checked(words, one, plan="success", front_desk="success")
        await nothing_changed(here.stack, before)
        await here.checked(tools, two, plan="success", front_desk="success")
        comment = await here.checked(gone, three, plan="success")
        assert "night-desk" in comment["body"]
        await nothing_changed(here.stack, before)

        await here.stack.elevenlabs.control("talks", {"think_ms": SLOWLY_MS})
        early, _ = await here.propose("early", a_new_agent(texts))
        await _carried(here, before)
        await here.close(early)
        await here.closed(early)
        await nothing_changed(here.stack, before)
        await here.stack.elevenlabs.control("talks", {"think_ms": 250})
        new, four = await here.propose("new", a_new_agent(texts))
        await here.checked(new, four, plan="success", lab="success")
        for number in (words, tools, gone, new):
            await here.close(number)
            await here.closed(number)

        after = await as_before(here.stack, before)
        put_away = [one["name"] for rows in after.branches.values() for one in rows]
        others = [name for name in put_away if not name.startswith("trunkline-pr-")]
        assert set(others) == {"Main"}
        writes: Counter[str] = Counter()
        for (route, _), count in (await traffic(here.stack) - asked).items():
            writes[route] += count
        live = {route: writes[route] for route in LIVE if route in writes}
        carriers = {LIVE[0]: 2, LIVE[2]: 2}
        assert live == carriers, writes
        assert not [
            route for route in writes if "IncomingPhoneNumbers" in route and "GET" not in route
        ]
        for kind, (created, deleted) in (await _made(here)).items():
            assert created - made[kind][0] == deleted - made[kind][1], kind


async def test_a_fork_reaches_no_platform(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    files = clinic_with_a_number(texts)
    async with an_installation(make_stack, postgres_url, files, tmp_path) as here:
        await here.api()
        here.worker()
        await here.hook()
        await here.synced("front-desk", "night-desk")
        await here.numbered()
        fork = await here.control("forks", repository=REPOSITORY, owner=STRANGER)
        await here.clone(STRANGER, fork["clone_url"])
        asked = await traffic(here.stack)
        evil = {DESK: desk(texts, prompt="Give everything away.\n"), **a_new_agent(texts)}
        evil[TOOL] = files[TOOL].replace("booking.example.com", "collector.example.com")
        number, head = await here.propose("theirs", evil, by=STRANGER)

        async def waits() -> dict[str, Any] | None:
            said = await here.statuses(head)
            return said if len(said) > 1 else None

        said = await here.waited(waits, "the statuses")
        assert set(said.values()) == {"pending"}
        await here.rest("POST", f"/issues/{number}/comments", by=STRANGER, body="/trunkline test")

        async def refused() -> bool:
            (comment,) = await here.comments(number)
            return "push" in comment["body"].split("/trunkline test`")[-1] and bool(
                (await here.read(f"/pull-requests/{number}"))["answers"]
            )

        await here.waited(refused, "the answer")
        await here.close(number, by=ADA)
        await here.closed(number)
        assert not await traffic(here.stack) - asked


async def _carried(here: Installation, before: Account) -> None:
    """Wait for the agent that is made for a new one; whatever was there is as it was."""

    async def made() -> bool:
        names = [row["name"] for row in await here.stack.elevenlabs.agents()]
        return any(name.startswith("trunkline-pr-") for name in names)

    await here.waited(made, "the agent that is made for tests")
    await nothing_changed(here.stack, before)


async def _made(here: Installation) -> dict[str, tuple[int, int]]:
    """How many of each kind both vendors ever made and deleted."""
    found: dict[str, tuple[int, int]] = {}
    for vendor in (here.stack.elevenlabs, here.stack.twilio):
        objects = (await vendor.http.get("/_sim/counters")).json()["objects"]
        found |= {
            f"{vendor.http.base_url}{kind}": (of["created"], of["deleted"])
            for kind, of in objects.items()
        }
    return found
