"""``why`` asked of a running installation, with causes made for real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller, Place

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.why import Explanation, Link

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALICE = Caller(Principal("alice@example.com", "operator"), "request-1")
HERE = Place("acme", "testing")


async def why(stack: Stack, name: str = "agent-0000") -> Explanation:
    services = build_services(stack.store, stack.client, timing=stack.timing)
    return await services.why.why("acme", name, environment=None)


def link(found: Explanation, name: str) -> Link:
    return next(each for each in found.links if each.name == name)


async def test_from_a_commit_nobody_can_read_to_a_vendor_that_refuses(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    async with stack.working():
        await stack.sync()
        found = await why(stack)
        assert found.blocking == ()
        assert {each.state for each in found.links} == {"ok"}
        bad = texts.agent("agent-0000").replace("speed: 1.0", "speed: fast")
        stack.push({"agents/agent-0000.yaml": bad})
        await stack.sync()
        found = await why(stack)
        assert found.blocking == ("validity",)
        assert "agents/agent-0000.yaml:8:" in link(found, "validity").words
        assert "stays in force" in link(found, "validity").words
        await stack.elevenlabs.faults(
            {
                "kind": "status-before",
                "method": "PATCH",
                "route": "/v1/convai/agents/{agent_id}",
                "status": 422,
                "body": {"detail": [{"loc": ["body", "name"], "msg": "no", "type": "value_error"}]},
            }
        )
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Bye")})
        await stack.sync()
        await stack.settled("agent-0000", lambda r: r.conditions[0].reason == "Rejected")
        found = await why(stack)
        assert found.blocking == ("vendor",)
        assert link(found, "vendor").words.startswith("Rejected: agents/agent-0000.yaml:5:")
        assert link(found, "vendor").next_look_at is not None


async def test_what_people_said_and_what_a_number_waits_for(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.whole(), "trunkline.yaml": texts.project(mode="approve")}, unhurried=True
    )
    people = build_services(stack.store, stack.client, timing=stack.timing).control
    async with stack.working():
        await stack.sync()
        await stack.settled("front-desk", lambda r: r.conditions[0].reason == "ApprovalNeeded")
        found = await why(stack, "front-desk")
        assert found.blocking == ("mode",)
        assert link(found, "mode").remedy == "trunkline apply --environment testing"
        found = await why(stack, "main-line")
        assert (found.kind, found.blocking) == ("number", ("dependency",))
        assert link(found, "dependency").next_look_at is not None
        await people.suspend(ALICE, HERE, reason="audit")
        found = await why(stack, "front-desk")
        assert found.blocking == ("mode", "suspension")
        assert link(found, "vendor").state == "not-reached"
    found = await why(stack, "night-desk")
    assert "mode" in found.blocking
