"""A vendor that serves nobody is one condition of its account, waited out without hammering it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import StatusRow

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
]

FLEET = 6


async def _account(stack: Stack) -> StatusRow | None:
    return await stack.status("elevenlabs", "account")


async def _down(stack: Stack, **fault: Any) -> StatusRow:
    await stack.elevenlabs.faults({"kind": "status-before", "route": None, **fault})

    async def stalled() -> StatusRow | None:
        row = await _account(stack)
        return row if row and find(row.conditions, "Stalled") else None

    await stack.refresh()
    found: StatusRow = await stack.until(stalled)
    return found


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (500, "AccountUnavailable", "ElevenLabs did not serve"),
        (429, "RateLimited", "ElevenLabs refused"),
    ],
)
async def test_an_outage_is_said_once_for_the_account_and_ends_by_itself(
    make_stack: MakeStack, texts: Texts, status: int, reason: str, words: str
) -> None:
    stack = await make_stack(texts.fleet(FLEET), unhurried=True)
    async with stack.working():
        row = await _down(stack, status=status, headers={"Retry-After": "0"})
        condition = find(row.conditions, "Stalled")
        assert condition is not None
        assert condition.reason == reason
        assert condition.message.startswith(words)
        changed_at = row.changed_at

        seen: list[tuple[float, int]] = []

        async def asked_less() -> bool:
            seen.append((time.monotonic(), await _requests(stack)))
            now_s, count = seen[-1]
            return any(at_s <= now_s - 1.0 and count - before <= 3 for at_s, before in seen)

        await stack.until(asked_less)
        unsent = "not sent: ElevenLabs"
        await stack.settled("agent-0000", lambda r: _reason(r) == reason and unsent in r.message)
        still = await _account(stack)
        assert still is not None
        assert still.changed_at == changed_at
        await stack.elevenlabs.healthy()
        assert (await stack.sync(timeout_s=60)).state == "Succeeded"
        served = await stack.until(lambda: _serving(stack))
        assert served.health == "Healthy"
        assert len(await stack.elevenlabs.agents()) == FLEET

        async def told() -> bool:
            return bool(await stack.events("AccountServing", "elevenlabs"))

        await stack.until(told)
        assert len(await stack.events("AccountServing", "elevenlabs")) == 1
        opened = await stack.events(reason, "elevenlabs")
        assert len(opened) == 1
        assert opened[0].details["failures"]
        assert str(opened[0].details["triedNextAt"]) > "2000"


async def _requests(stack: Stack) -> int:
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()
    return int(counters["total"])


async def _serving(stack: Stack) -> StatusRow | None:
    row = await _account(stack)
    return row if row and find(row.conditions, "Stalled") is None else None


def _reason(row: StatusRow) -> str:
    ready = find(row.conditions, "Ready")
    return ready.reason if ready is not None else ""


async def test_one_agent_the_vendor_cannot_serve_does_not_stop_the_others(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(FLEET), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.status("agent-0000")
        assert row is not None
        route = f"/v1/convai/agents/{row.external_id}"
        await stack.elevenlabs.faults({"kind": "status-before", "route": route, "status": 500})
        names = [f"agent-{index:04d}" for index in range(FLEET)]
        edits = {f"agents/{name}.yaml": texts.agent(name, greeting="Good day") for name in names}
        revision = stack.push(edits, "Greet otherwise")
        await stack.refresh()
        for name in names[1:]:
            await stack.settled(name, lambda r: (r.sync, r.revision) == ("Synced", revision))
        await stack.settled(names[0], lambda r: _reason(r) == "Unavailable")
        account = await _account(stack)
        assert account is None or find(account.conditions, "Stalled") is None
