"""A tool that two released agents share is changed for one of them: the other never notices.

Its objects on the platform are the same ones with the same content, and it says and does the same,
before the one agent's release, after it, and after that was taken back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.talking import talk
from tests.workflows.promotion_crowds import AGENTS, BEN, OP, PATIENCE_S, TOOL, Crowd, crowd
from tests.workflows.promotion_invariants import ENVIRONMENT, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.promotions.records import PromotionRecord

pytestmark = [pytest.mark.stack, pytest.mark.slow]

CHANGED, OTHER = AGENTS[:2]
CONVAI = "/v1/convai"
SAID = (
    "I would like to book an appointment slot for Monday at 10:00.",
    "Are you open on Sundays?",
)


@dataclass(frozen=True)
class Seen:
    """An agent of production as callers and its account's owner see it."""

    agent: dict[str, Any]
    tools: tuple[dict[str, Any], ...]
    documents: tuple[dict[str, Any], ...]
    deployments: tuple[dict[str, Any], ...]
    heard: tuple[str, ...]

    @property
    def tool_ids(self) -> list[str]:
        """Ids of the tools it points at."""
        return [str(tool["id"]) for tool in self.tools]


async def _seen(here: Crowd, name: str) -> Seen:
    entry = await here.stack.store.entry(PROJECT, ENVIRONMENT, "agent", name)
    assert entry is not None
    assert entry.external_id is not None
    http = here.stack.elevenlabs.http

    async def read(path: str) -> dict[str, Any]:
        answer = await http.get(f"{CONVAI}/{path}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    agent = await read(f"agents/{entry.external_id}")
    prompt = agent["conversation_config"]["agent"]["prompt"]
    signed = await read(f"conversation/get-signed-url?agent_id={entry.external_id}")
    made = await read(f"agents/{entry.external_id}/deployments")
    return Seen(
        agent=agent,
        tools=tuple([await read(f"tools/{one}") for one in sorted(prompt["tool_ids"])]),
        documents=tuple(
            [await read(f"knowledge-base/{one['id']}") for one in prompt["knowledge_base"]]
        ),
        deployments=tuple(made["results"]),
        heard=await asyncio.to_thread(_heard, str(signed["signed_url"])),
    )


def _heard(url: str) -> tuple[str, ...]:
    """What the agent says and which tools it asks for, in a conversation on Main."""
    with talk(url) as line:
        replies = [line.reply()]
        for words in SAID:
            line.say(words)
            replies.append(line.reply())
        asked = [
            str(message["agent_tool_request"]["tool_name"])
            for message in line.heard
            if message["type"] == "agent_tool_request"
        ]
    return (*replies, *asked)


async def _released(here: Crowd, name: str) -> PromotionRecord:
    record = await here.promote(name, "Books visits and not only appointments")
    await here.until(record, lambda now: now.phase == "Approval" or not now.is_open)
    await here.approve(record, BEN)
    over = await here.until(record, lambda now: not now.is_open)
    assert over.state == "Done", over.message
    await here.settled(name)
    return over


async def test_the_other_agent_is_and_does_the_same_before_and_after_the_rollback(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    agents = (CHANGED, OTHER)
    async with crowd(make_stack, texts, postgres_url, tmp_path, agents=agents) as here:
        await here.stack.sync(timeout_s=PATIENCE_S)
        await asyncio.gather(*(_released(here, name) for name in agents))
        first, before = await _seen(here, CHANGED), await _seen(here, OTHER)
        assert first.tool_ids == before.tool_ids
        assert "book_slot" in before.heard
        text = here.files[TOOL].replace("Books an appointment", "Books a visit")
        await here.push({TOOL: text})
        await here.stack.sync(timeout_s=PATIENCE_S)
        assert await _seen(here, OTHER) == before
        assert (await _released(here, CHANGED)).version == 2
        changed = await _seen(here, CHANGED)
        assert set(changed.tool_ids).isdisjoint(before.tool_ids)
        assert "Books a visit" in str(changed.tools)
        assert await _seen(here, OTHER) == before
        back = await here.services.promotions.rollback(
            here.by(OP, "operator"),
            PROJECT,
            CHANGED,
            environment=ENVIRONMENT,
            to=1,
            reason="callers complained",
        )
        over = await here.until(back, lambda now: not now.is_open)
        assert (over.state, over.version) == ("Done", 3), over.message
        await here.settled(CHANGED)
        again = await _seen(here, CHANGED)
        assert (again.tools, again.documents, again.heard) == (
            first.tools,
            first.documents,
            first.heard,
        )
        assert await _seen(here, OTHER) == before
        await here.step("the end")
