"""A platform that keeps a removed key with an empty value: said once, then left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack


async def test_a_null_that_is_stored_is_said_once_and_never_written_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    variables = "  variables: { company: ACME, city: Graz }\n"
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk", extra=variables)},
        unhurried=True,
    )
    await stack.elevenlabs.control("null-handling", {"mode": "store"})
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        fewer = texts.agent("front-desk", extra="  variables: { company: ACME }\n")
        stack.push({"agents/a.yaml": fewer})
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        (event,) = await stack.events("CannotBeRemoved", "front-desk")
        assert "dynamic_variable_placeholders.city" in event.message
        await stack.elevenlabs.http.delete("/_sim/counters")
        plan = await stack.plan()
        stored = await stack.store.plan(str(plan.plan_id))
        assert stored is not None
        assert stored.plan.empty
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert (await stack.sweep()).drifted == 0
        stack.push({"agents/a.yaml": fewer.replace("Hello", "Good day")})
        assert (await stack.sync()).state == "Succeeded"
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        writes = {route: n for route, n in counters.items() if not route.startswith("GET")}
        assert writes == {"PATCH /v1/convai/agents/{agent_id}": 1}
        assert len(await stack.events("CannotBeRemoved", "front-desk")) == 1
