"""What a bad day leaves unknown is inconclusive with its reason, up to the command's exit code and
the pipeline's report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.held_ports import held_port
from tests.workflows.conversation_worlds import clinic, conversation_test, installed, opens
from trunkline.adapters.judges.room import JudgeOptions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from tests.workflows.conversation_worlds import World

pytestmark = pytest.mark.slow

ASKS = {
    "turns": [
        {"expect": [{"says": "hello"}]},
        {"say": "When are you open?", "expect": [{"says": "nine to five", "within": "2s"}]},
    ]
}
JUDGED = opens(**{"finally": [{"judge": "The agent greets the caller."}]})


async def nobody_knows(world: World, folder: Path, reason: str) -> str:
    """Run all tests by the command: nothing passed, nothing failed, and nothing stays; answers
    what the pipeline is told.
    """
    junit = folder / "report.xml"
    code, out, err = await world.command("test", "run", "--junit", str(junit))
    assert code == 3, (out, err)
    [case] = ET.fromstring(junit.read_text()).iter("testcase")  # noqa: S314 - our own
    told = [(child.tag, child.get("type")) for child in case if child.tag in ("error", "failure")]
    assert told == [("error", reason)], junit.read_text()
    await world.nothing_stays()
    error = case.find("error")
    assert error is not None
    return f"{error.get('message')} {error.text}"


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        pytest.param({"kind": "drop"}, "ConversationLost", "dropped", id="the socket is dropped"),
        pytest.param(
            {"kind": "malformed-json"}, "ConversationLost", "MalformedFrame", id="malformed json"
        ),
        pytest.param(
            {"kind": "malformed-frame"}, "ConversationLost", "MalformedFrame", id="malformed frame"
        ),
        pytest.param({"kind": "silent"}, "AgentSilent", "", id="the agent is silent"),
        pytest.param({"kind": "server-error"}, "ConversationLost", "1011", id="1011"),
        pytest.param({"kind": "operational"}, "ConversationLost", "1002", id="1002"),
        pytest.param(
            {"kind": "expired-signature", "after_events": 0},
            "ConversationRefused",
            "expired",
            id="the address has expired",
        ),
    ],
)
async def test_trouble_on_the_line_says_nothing_about_the_agent(
    make_stack: MakeStack,
    texts: Texts,
    tmp_path: Path,
    fault: dict[str, Any],
    reason: str,
    words: str,
) -> None:
    stack = await make_stack(clinic(texts, asks=conversation_test("asks", ASKS)), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        await stack.elevenlabs.control("talks", {"faults": [{"after_events": 2, **fault}]})
        assert words in await nobody_knows(world, tmp_path, reason)


async def test_an_agent_somebody_deleted_is_not_deployed(
    make_stack: MakeStack, texts: Texts
) -> None:
    """The ledger's id is wrong from now on."""
    stack = await make_stack(clinic(texts, asks=conversation_test("asks", ASKS)), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        agent_id = await world.agent_id()
        await stack.elevenlabs.control("edit", {"agent_id": agent_id, "delete": True})
        report = await world.tested()
        test = report["tests"][0]
        assert (test["outcome"], test["reason"]) == ("inconclusive", "AgentNotDeployed"), report
        assert not [tool for tool in await world.tools() if "/v1/tools/" in str(tool)]


async def test_a_judge_nobody_reaches_decides_nothing(
    make_stack: MakeStack, texts: Texts, tmp_path: Path
) -> None:
    stack = await make_stack(
        clinic(texts, judged=conversation_test("judged", JUDGED)), unhurried=True
    )
    with held_port() as port:
        stack.judge = JudgeOptions(url=f"http://127.0.0.1:{port}/v1", model="a-model")
        async with installed(stack) as world, stack.working():
            await stack.sync()
            assert "Judge" in await nobody_knows(world, tmp_path, "JudgeUnavailable")


async def test_a_judge_nobody_reaches_rescues_nobody(make_stack: MakeStack, texts: Texts) -> None:
    wrong = {**JUDGED, "turns": [{"expect": [{"says": {"notContains": "clinic"}}]}]}
    stack = await make_stack(
        clinic(texts, judged=conversation_test("judged", wrong)), unhurried=True
    )
    with held_port() as port:
        stack.judge = JudgeOptions(url=f"http://127.0.0.1:{port}/v1", model="a-model")
        async with installed(stack) as world, stack.working():
            await stack.sync()
            code, out, err = await world.command("test", "run")
            assert code == 1, (out, err)


async def test_a_platform_that_is_down_is_not_the_agents_fault(
    make_stack: MakeStack, texts: Texts, tmp_path: Path
) -> None:
    stack = await make_stack(clinic(texts, asks=conversation_test("asks", ASKS)), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        route = "/v1/convai/conversation/get-signed-url"
        await stack.elevenlabs.faults({"kind": "status-before", "status": 503, "route": route})
        await nobody_knows(world, tmp_path, "Unavailable")


async def test_an_address_that_leads_nowhere_is_not_the_agents_fault(
    make_stack: MakeStack, texts: Texts, tmp_path: Path
) -> None:
    say = "I would like to book an appointment slot for Monday at 10:00."
    books = {
        "tools": {"book_slot": [{"reply": {"booked": True}}]},
        "turns": [
            {"expect": [{"says": "hello"}]},
            {"say": say, "expect": [{"calls": "book_slot"}, {"says": {"matches": "(?i)book"}}]},
        ],
    }
    stack = await make_stack(clinic(texts, books=conversation_test("books", books)), unhurried=True)
    with held_port() as port:
        async with installed(stack) as world:
            stack.public_url = f"http://127.0.0.1:{port}"
            async with stack.working():
                await stack.sync()
                words = await nobody_knows(world, tmp_path, "ToolGatewayUnreachable")
                assert "TRUNKLINE_PUBLIC_URL" in words
