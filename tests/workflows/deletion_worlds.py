"""Installations that may delete, and what was deleted in them; for the tests beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.model.ids import prune_workflow_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Texts
    from tests.workflows.conftest import Stack
    from trunkline.model.records import EventRecord

PROJECT_FILE = "trunkline.yaml"
AT_ONCE = "enabled: true, delay: 0s, maxCount: 5"
AGENTS = "DELETE /v1/convai/agents/{agent_id}"


def project(texts: Texts, prune: str, *, mode: str = "enforce") -> str:
    """The company's project with these rules of deletion."""
    return f"{texts.project(mode=mode)}      prune: {{ {prune} }}\n"


def fleet(texts: Texts, count: int, prune: str = AT_ONCE) -> dict[str, str]:
    """So many agents of the simplest kind, in an environment with these rules."""
    return {**texts.fleet(count), PROJECT_FILE: project(texts, prune)}


def whole(texts: Texts, prune: str = AT_ONCE) -> dict[str, str]:
    """Two agents, a tool, a secret, a document and a number, with these rules."""
    return {**texts.whole(), PROJECT_FILE: project(texts, prune)}


def without(*numbers: int) -> Mapping[str, None]:
    """An edit that removes these agents of a fleet."""
    return {f"agents/agent-{number:04d}.yaml": None for number in numbers}


async def deletes(stack: Stack) -> dict[str, int]:
    """Every deletion that was sent to the voice platform, by route."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    return {route: n for route, n in counters.items() if route.startswith("DELETE")}


async def left(stack: Stack) -> set[str]:
    """Display names of the agents on the platform."""
    return {agent["name"] for agent in await stack.elevenlabs.agents()}


async def looked(stack: Stack) -> None:
    """Wait until the workflow of deletions has ended by itself: it has nothing to wait for."""
    handle = stack.client.get_workflow_handle(prune_workflow_id(stack.project, "testing"))
    await handle.result()


async def held(stack: Stack, name: str, reason: str) -> str:
    """The message of an agent's status once it is held or kept for that reason."""
    row = await stack.settled(name, lambda row: any(c.reason == reason for c in row.conditions))
    return row.message


async def happened(stack: Stack, reason: str, name: str | None = None) -> list[EventRecord]:
    """The events with a reason, once there are any."""

    async def look() -> list[EventRecord] | None:
        return await stack.events(reason, name) or None

    found: list[EventRecord] = await stack.until(look)
    return found
