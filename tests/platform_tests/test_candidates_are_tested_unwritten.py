"""A configuration is tested before it is anywhere, and what is live stays as it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from activities.platform_testing import PlatformTarget
from tests.platform_tests.deployment import HOURS, LIVE_PROMPT, Deployment, script, wish

if TYPE_CHECKING:
    from tests.platform_tests.conftest import Vendor
    from trunkline.adapters.postgres import PostgresStore

CREATE_TEST = "POST /v1/convai/agent-testing/create"
RUN_TESTS = "POST /v1/convai/agents/{agent_id}/run-tests"
CANDIDATE = LIVE_PROMPT.replace("nine", "eight")
ORDER = "Can you find my order? Its number is 4711."
EIGHT = {"turns": [{"say": HOURS, "expect": [{"says": "eight"}]}]}


@pytest.fixture
async def deployed(vendor: Vendor, store: PostgresStore) -> Deployment:
    """The garden centre's agent, live."""
    made = Deployment(vendor, store, await vendor.voice())
    await made.deploy(wish())
    return made


async def what_is_live(deployed: Deployment) -> dict[str, Any]:
    """Everything callers could notice, as the vendor's own client reads it."""
    official = deployed.vendor.official.conversational_ai
    agent = await asyncio.to_thread(official.agents.get, deployed.agent_id)
    branches = await asyncio.to_thread(official.agents.branches.list, deployed.agent_id)
    tools = await asyncio.to_thread(official.tools.list)
    return {
        "agent": agent.model_dump(mode="json"),
        "traffic": {one.name: one.current_live_percentage for one in branches.results},
        "tools": sorted(tool.id for tool in tools.tools),
    }


async def test_a_candidate_is_tested_with_no_write_to_any_agent(deployed: Deployment) -> None:
    before, asked = await what_is_live(deployed), await deployed.vendor.asked()
    hours, eight = script(), script("says-eight", **EIGHT)
    found = await deployed.run(wish(CANDIDATE), hours, eight)
    assert [run.outcome for run in found.runs["says-eight"]] == ["passed"]
    assert [run.outcome for run in found.runs["says-hours"]] == ["failed"]
    assert await deployed.written_since(asked) == {CREATE_TEST: 2, RUN_TESTS: 1}
    assert await what_is_live(deployed) == before
    assert found.versions == frozenset()


async def test_on_a_branch_without_traffic_nothing_live_changes(deployed: Deployment) -> None:
    branches = deployed.voice.branches
    main = (await branches.branches(deployed.agent_id))[0]
    before, asked = await what_is_live(deployed), await deployed.vendor.asked()
    branch = await branches.create_branch(
        deployed.agent_id,
        parent_version_id=main.version_id,
        name="candidate",
        description="tested",
        patch=await deployed.body(wish(CANDIDATE)),
        timeout_s=60.0,
    )
    target = PlatformTarget("branch", branch.id)
    found = await deployed.run(wish(CANDIDATE), script("says-eight", **EIGHT), target=target)
    assert [run.outcome for run in found.runs["says-eight"]] == ["passed"]
    assert found.versions == {branch.version_id}
    created = "POST /v1/convai/agents/{agent_id}/branches"
    wrote = await deployed.written_since(asked)
    assert wrote == {created: 1, CREATE_TEST: 1, RUN_TESTS: 1}
    await branches.archive_branch(deployed.agent_id, branch.id, timeout_s=60.0)
    assert await what_is_live(deployed) == before
    assert before["traffic"] == {"Main": 100.0}


async def test_a_version_of_the_past_is_tested_as_it_was(deployed: Deployment) -> None:
    first = (await deployed.voice.agent(deployed.agent_id)).version_id
    await deployed.voice.update_agent(
        deployed.agent_id, await deployed.body(wish(CANDIDATE)), description="later", timeout_s=60.0
    )
    asked = await deployed.vendor.asked()
    found = await deployed.run(wish(), script(), target=PlatformTarget("version", first))
    assert [run.outcome for run in found.runs["says-hours"]] == ["passed"]
    assert await deployed.written_since(asked) == {CREATE_TEST: 1, RUN_TESTS: 1}


async def test_what_a_candidate_adds_is_made_once_and_the_agent_not_written(
    deployed: Deployment,
) -> None:
    tool = wish().tools[0]
    changed = tool.model_copy(
        update={"digest": f"sha256:{'b' * 64}", "description": "Finds orders and deliveries"}
    )
    calls = {"turns": [{"say": ORDER, "expect": [{"calls": "find_order"}]}]}
    asked = await deployed.vendor.asked()
    candidate = wish(tools=(changed,))
    found = await deployed.run(candidate, script("looks-up", **calls))
    await deployed.run(candidate, script("looks-up", **calls))
    assert await deployed.written_since(asked) == {
        "POST /v1/convai/tools": 1,
        CREATE_TEST: 1,
        RUN_TESTS: 2,
    }
    assert [run.outcome for run in found.runs["looks-up"]] == ["passed"]
