"""What no telephone call can test is inconclusive, with what to do, and nobody is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conversing.phone_worlds import (
    AGENT,
    ASKED,
    OPENING,
    PhoneWorld,
    clinic,
    phone_test,
    silent_world,
)

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

TOLD: dict[str, dict[str, Any]] = {
    "variables": {"variables": {"customer": "Maya"}},
    "clock": {"clock": "2026-06-12T09:00:00+01:00"},
    "history": {"history": [{"agent": "I have your number."}]},
    "compare": {"compare": {"to": "testing", "notWorseBy": {"passRate": 0.1}}},
    "inject": {"turns": [OPENING, {"inject": {"context": "Closed today."}}]},
}


async def _found(world: PhoneWorld, *names: str, **more: Any) -> dict[str, tuple[str, str]]:
    """Reason and words of every test, none of which came to anything else than inconclusive."""
    async with world.stack.working():
        report = await world.tested(*names, **more)
    assert {test.outcome for test in report.tests} == {"inconclusive"}
    assert await world.placed() == []
    return {test.name: (test.reason, test.message) for test in report.tests}


async def test_what_no_call_could_carry(make_stack: MakeStack, texts: Texts) -> None:
    tests = {name: phone_test(name, OPENING, **spec) for name, spec in TOLD.items()}
    async with silent_world(make_stack, clinic(texts, **tests)) as world:
        found = await _found(world)
    assert {reason for reason, _ in found.values()} == {"NotOverThePhone"}
    assert all(
        words.endswith("Test it in mode audio, or leave it out") for _, words in found.values()
    )


async def test_numbers_that_do_not_fit(make_stack: MakeStack, texts: Texts) -> None:
    tests = {
        "itself": phone_test("itself", OPENING, phone={"from": "main-line"}),
        "elsewhere": phone_test("elsewhere", OPENING, phone={"to": "test-line"}),
    }
    files = clinic(texts, allowed=("main-line", "test-line"), **tests)
    async with silent_world(make_stack, files) as world:
        found = await _found(world)
    assert {reason for reason, _ in found.values()} == {"PhoneNotAvailable"}
    words = "other than the one that is dialled, main-line; the test asks for main-line"
    assert words in found["itself"][1]
    assert f"that leads to {AGENT}" in found["elsewhere"][1]


async def test_what_is_not_deployed_is_on_no_number(make_stack: MakeStack, texts: Texts) -> None:
    test = phone_test("asks", OPENING, ASKED)
    async with silent_world(make_stack, clinic(texts, asks=test)) as world:
        proposed = await _found(world, owner="trunkline-pr-7")
        later = clinic(texts, prompt="You are somebody else.", asks=test)
        world.stack.push(later)
        committed = await _found(world)
    assert proposed["asks"][0] == committed["asks"][0] == "NotOnNumber"
    assert "once it is merged and deployed" in proposed["asks"][1]
    assert f"trunkline sync {AGENT}" in committed["asks"][1]


async def test_what_is_missing_of_the_line(make_stack: MakeStack, texts: Texts) -> None:
    files = clinic(texts, routing="native", allowed=(), asks=phone_test("asks", OPENING))
    async with silent_world(make_stack, files) as world:
        native = await _found(world)
        secrets = world.stack.secrets
        token = secrets.pop("TWILIO_AUTH_TOKEN")
        no_account = await _found(world)
        secrets["TWILIO_AUTH_TOKEN"] = token
        world.stack.public_url = None
        no_address = await _found(world)
    found = [native["asks"], no_account["asks"], no_address["asks"]]
    assert {reason for reason, _ in found} == {"PhoneNotAvailable"}
    assert "routing: native" in found[0][1]
    assert "no telephony account" in found[1][1]
    assert "TRUNKLINE_PUBLIC_URL" in found[2][1]


async def test_a_project_that_allows_no_number(make_stack: MakeStack, texts: Texts) -> None:
    files = clinic(texts, allowed=(), asks=phone_test("asks", OPENING))
    async with silent_world(make_stack, files) as world:
        found = await _found(world)
    assert found["asks"][0] == "PhoneNotAvailable"
    assert "spec.calls.testNumbers" in found["asks"][1]
