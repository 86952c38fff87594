"""A bad hour, from one seed: requests fail in every way, people edit by hand, pushes go on.

Once it is over everything is as Git wants it: one object per identity, the ledger tells what is
there, the next plan is empty, and nothing was ever deleted. ``TRUNKLINE_FAULT_SEED`` replays one.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

SEED = int(os.environ.get("TRUNKLINE_FAULT_SEED", "7"))
AGENTS = 12
PUSHES = 4
LAG_S = 0.4
LAG_BOUND_S = 5.0
"""However long the platform itself is held up: what is found before is found at once."""
LATE_S = 0.5
HANG_S = 1.3
SHARE = 0.006
TOOL, DOCUMENT = "tools/book-slot.yaml", "knowledge/opening-hours.yaml"
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop-before"},
    {"kind": "drop-after"},
    {"kind": "status-before", "status": 500},
    {"kind": "status-after", "status": 503},
    {"kind": "status-before", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "truncate"},
    {"kind": "malformed"},
    {"kind": "hang-before", "seconds": HANG_S},
    {"kind": "hang-after", "seconds": HANG_S},
    {"kind": "delayed", "method": "POST", "seconds": LATE_S},
)


class BadHour:
    """What happens, drawn from the seed."""

    def __init__(self, stack: Stack, texts: Texts, files: dict[str, str]) -> None:
        self._stack = stack
        self._texts = texts
        self._files = files
        self._dice = random.Random(SEED)  # noqa: S311 - repeatable dice, no secret

    async def begin(self) -> None:
        """Lists lag and requests fail from now on."""
        for vendor in (self._stack.elevenlabs, self._stack.twilio):
            faults = [{**fault, "probability": SHARE} for fault in FAULTS]
            await vendor.control("faults", {"faults": faults, "seed": SEED})
        await self._stack.elevenlabs.control("list-lag", {"seconds": LAG_S})

    async def end(self) -> None:
        """Everything is well again."""
        await self._stack.elevenlabs.healthy()
        await self._stack.twilio.healthy()

    async def push(self, index: int) -> None:
        """Somebody pushes, somebody else edits by hand, and a sweep comes by."""
        edits = {
            f"agents/agent-{n:02d}.yaml": self._texts.agent(
                f"agent-{n:02d}", greeting=f"Push {index}", whole=n % 2 == 0
            )
            for n in self._dice.sample(range(AGENTS), 3)
        }
        changed, word = self._dice.choice([(TOOL, "Books"), (DOCUMENT, "nine")])
        edits[changed] = self._files[changed].replace(word, f"{word} {index}")
        self._stack.push(edits, f"Push {index}")
        await self._stack.refresh()
        known = await self._stack.store.entries("acme", "testing", "agent")
        there = sorted(entry.external_id for entry in known if entry.external_id is not None)
        for external_id in self._dice.sample(there, min(2, len(there))):
            await self._stack.elevenlabs.control(
                "edit",
                {
                    "agent_id": external_id,
                    "when": self._dice.choice(["now", "before-next-patch"]),
                    "body": {"conversation_config": {"tts": {"speed": 1.1}}},
                },
            )


async def _marks(stack: Stack) -> Counter[str]:
    """How many objects carry each mark of ours, over everything the platform holds."""
    http = stack.elevenlabs.http
    marks: Counter[str] = Counter()
    for agent in await stack.elevenlabs.agents():
        marks.update(tag for tag in agent["tags"] if tag.startswith("trunkline:"))
    tools = (await http.get("/v1/convai/tools", params={"page_size": "100"})).json()["tools"]
    for tool in tools:
        variables = tool["tool_config"]["dynamic_variables"]["dynamic_variable_placeholders"]
        marks[f"tool {variables['trunkline_owner']}"] += 1
    listed = (await http.get("/v1/convai/knowledge-base", params={"page_size": "100"})).json()
    marks.update(f"document {document['name']}" for document in listed["documents"])
    secrets = (await http.get("/v1/convai/secrets")).json()["secrets"]
    marks.update(f"secret {secret['name']}" for secret in secrets)
    numbers = (await http.get("/v1/convai/phone-numbers")).json()
    marks.update(f"number {number['phone_number']}" for number in numbers)
    return marks


async def test_after_a_bad_hour_everything_is_there_once_and_as_wished(
    make_stack: MakeStack, texts: Texts
) -> None:
    whole = texts.whole()
    files = {path: whole[path] for path in (TOOL, DOCUMENT)}
    line = whole["numbers/main-line.yaml"].replace("front-desk", "agent-00")
    agents = {
        f"agents/agent-{n:02d}.yaml": texts.agent(f"agent-{n:02d}", whole=n % 2 == 0)
        for n in range(AGENTS)
    }
    stack = await make_stack(
        {**files, **agents, "trunkline.yaml": texts.project(), "numbers/main-line.yaml": line}
    )
    stack.timing = stack.timing.model_copy(update={"list_lag_bound_s": LAG_BOUND_S})
    hour = BadHour(stack, texts, files)
    await hour.begin()
    async with stack.working():
        await stack.refresh()
        for index in range(PUSHES):
            await hour.push(index)
            await stack.sync()
        await hour.end()

        async def well() -> bool:
            return (await stack.sync(hard=True)).state == "Succeeded"

        await stack.until(well)
        await stack.elevenlabs.control("list-lag", {})
        doubled = {mark: count for mark, count in (await _marks(stack)).items() if count > 1}
        assert doubled == {}
        entries = await stack.store.entries("acme", "testing", "agent")
        listed = {agent["agent_id"] for agent in await stack.elevenlabs.agents()}
        assert {entry.external_id for entry in entries} == listed
        assert len(listed) == AGENTS
        rows = await stack.store.statuses("acme", limit=100)
        assert {(row.sync, row.health) for row in rows} == {("Synced", "Healthy")}
        operation = await stack.plan()
        stored = await stack.store.plan(str(operation.plan_id))
        assert stored is not None
        assert stored.plan.empty
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        assert [route for route in counters if route.startswith("DELETE /v1")] == []
