"""Two environments on one account share nothing: not a name, not a tool, not a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller, Place

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALICE = Caller(Principal("alice@example.com", "operator"), "request-1")
SECOND = """\
    - name: staging
      source: head
      mode: enforce
      drift: { policy: heal, interval: 720h }
"""


async def agents_by_mark(stack: Stack) -> dict[str, dict[str, Any]]:
    found = {}
    for line in await stack.elevenlabs.agents():
        body = await stack.elevenlabs.agent(line["agent_id"])
        (mark,) = [tag for tag in body["tags"] if tag.startswith("trunkline:")]
        found[mark.removeprefix("trunkline:acme/")] = body
    return found


def objects_of(body: dict[str, Any]) -> set[str]:
    prompt = body["conversation_config"]["agent"]["prompt"]
    return {*prompt["tool_ids"], *(each["id"] for each in prompt["knowledge_base"])}


async def test_each_has_agents_tools_and_documents_of_its_own(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    files["trunkline.yaml"] += SECOND
    stack = await make_stack(files, unhurried=True)
    people = build_services(stack.store, stack.client, timing=stack.timing).control
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        found = await agents_by_mark(stack)
        assert set(found) == {
            f"{environment}/{name}"
            for environment in ("testing", "staging")
            for name in ("front-desk", "night-desk")
        }
        here, there = (objects_of(found[f"{e}/front-desk"]) for e in ("testing", "staging"))
        assert len(here) == len(there) == 2
        assert here.isdisjoint(there)
        assert here == objects_of(found["testing/night-desk"])
        await people.suspend(ALICE, Place("acme", "testing"), reason="only staging changes")
        quick = texts.agent("front-desk", whole=True).replace("speed: 1.0", "speed: 1.1")
        stack.push({"agents/front-desk.yaml": quick})
        await stack.sync()
        after = await agents_by_mark(stack)
        speeds = {mark: body["conversation_config"]["tts"]["speed"] for mark, body in after.items()}
        assert speeds["staging/front-desk"] == 1.1
        assert speeds["testing/front-desk"] == 1.0
        assert len(after) == len(found)


async def test_another_projects_agent_is_never_written_not_even_with_our_id(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    async with stack.working():
        await stack.sync()
        entry = await stack.store.entry("acme", "testing", "agent", "agent-0000")
        assert entry is not None
        answer = await stack.elevenlabs.http.post(
            "/v1/convai/agents/create",
            json={
                "name": "Theirs",
                "conversation_config": {},
                "tags": ["trunkline:globex/testing/agent-0000"],
            },
        )
        theirs = answer.json()["agent_id"]
        before = await stack.elevenlabs.agent(theirs)
        await stack.store.put(entry.model_copy(update={"external_id": theirs}))
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Bye")})
        await stack.sync()
        await stack.settled("agent-0000", lambda r: r.sync == "Synced")
        assert await stack.elevenlabs.agent(theirs) == before
