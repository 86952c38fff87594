"""Branches are made, changed and put away without anybody touching what callers reach."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.errors import Conflict, OutcomeUnknown, Rejected, RemoteMissing
from trunkline.model.ids import ExternalId

if TYPE_CHECKING:
    from tests.platform_tests.conftest import Vendor
    from trunkline.adapters.elevenlabs.branches import ElevenLabsBranches
    from trunkline.model.branches import Branch

IN_TIME_S = 60.0


def prompt(text: str) -> dict[str, Any]:
    return {"conversation_config": {"agent": {"prompt": {"prompt": text}}}}


async def seen(vendor: Vendor, agent_id: str, **where: str) -> tuple[str, str]:
    """Prompt and version of an agent as the vendor's own client reads it."""
    read = await asyncio.to_thread(vendor.official.conversational_ai.agents.get, agent_id, **where)
    config = read.conversation_config.agent
    assert config is not None
    assert config.prompt is not None
    return str(config.prompt.prompt), str(read.version_id)


async def begun(
    vendor: Vendor, *, name: str = "candidate", text: str = "You answer in rhymes."
) -> tuple[ElevenLabsBranches, ExternalId, Branch]:
    """An agent with one branch."""
    voice = await vendor.voice()
    agent_id = await vendor.new_agent()
    tip = (await voice.agent(agent_id)).version_id
    branch = await voice.branches.create_branch(
        agent_id,
        parent_version_id=tip,
        name=name,
        description="tested",
        patch=prompt(text),
        timeout_s=IN_TIME_S,
    )
    return voice.branches, agent_id, branch


async def test_a_branch_brings_its_change_and_no_traffic(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    main, candidate = await branches.branches(agent_id)
    assert (main.name, main.main, main.live_percentage) == ("Main", True, 100.0)
    assert (candidate.name, candidate.main, candidate.live_percentage) == ("candidate", False, 0.0)
    assert candidate.description == "tested"
    assert await seen(vendor, agent_id) == ("You answer the phone.", main.version_id)
    told = await seen(vendor, agent_id, branch_id=branch.id)
    assert told == ("You answer in rhymes.", branch.version_id)


async def test_the_version_of_a_branch_is_the_newest_at_its_tip(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    version_id = await branches.update_branch(
        agent_id, branch.id, prompt("You hum."), description="second", timeout_s=IN_TIME_S
    )
    assert version_id != branch.version_id
    assert (await branches.branch(agent_id, branch.id)).version_id == version_id
    assert await seen(vendor, agent_id, branch_id=branch.id) == ("You hum.", version_id)
    assert (await seen(vendor, agent_id))[0] == "You answer the phone."


async def test_a_branch_is_made_once_by_its_name(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    main = (await branches.branches(agent_id))[0]
    again = await branches.create_branch(
        agent_id,
        parent_version_id=main.version_id,
        name="candidate",
        description="tested",
        patch=prompt("You answer in rhymes."),
        timeout_s=IN_TIME_S,
    )
    assert again == branch
    assert len(await branches.branches(agent_id)) == 2


async def test_a_branch_whose_answer_was_lost_is_found_by_its_name(vendor: Vendor) -> None:
    route = "/v1/convai/agents/{agent_id}/branches"
    fault = {"kind": "drop-after", "method": "POST", "route": route, "times": 1}
    await vendor.does("faults", {"faults": [fault]})
    branches, agent_id, branch = await begun(vendor, text="You hum.")
    assert await seen(vendor, agent_id, branch_id=branch.id) == ("You hum.", branch.version_id)
    assert [one.name for one in await branches.branches(agent_id)] == ["Main", "candidate"]


async def test_a_branch_that_may_have_been_made_is_in_doubt(vendor: Vendor) -> None:
    route = "/v1/convai/agents/{agent_id}/branches"
    fault = {"kind": "drop-before", "method": "POST", "route": route, "times": 1}
    await vendor.does("faults", {"faults": [fault]})
    with pytest.raises(OutcomeUnknown):
        await begun(vendor)


async def test_main_is_never_written(vendor: Vendor) -> None:
    branches, agent_id, _ = await begun(vendor)
    main = (await branches.branches(agent_id))[0]
    before = await seen(vendor, agent_id)
    with pytest.raises(Conflict, match="is Main"):
        await branches.update_branch(
            agent_id, main.id, prompt("oops"), description="x", timeout_s=IN_TIME_S
        )
    with pytest.raises(Conflict, match="is Main"):
        await branches.archive_branch(agent_id, main.id, timeout_s=IN_TIME_S)
    assert await seen(vendor, agent_id) == before


async def test_a_branch_put_away_frees_its_name_and_takes_no_change(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    await branches.archive_branch(agent_id, branch.id, timeout_s=IN_TIME_S)
    await branches.archive_branch(agent_id, branch.id, timeout_s=IN_TIME_S)
    assert [one.name for one in await branches.branches(agent_id)] == ["Main"]
    assert (await branches.branch(agent_id, branch.id)).archived
    with pytest.raises(Conflict, match="is archived"):
        await branches.update_branch(
            agent_id, branch.id, prompt("x"), description="x", timeout_s=IN_TIME_S
        )
    main = (await branches.branches(agent_id))[0]
    again = await branches.create_branch(
        agent_id,
        parent_version_id=main.version_id,
        name="candidate",
        description="tested",
        patch={},
        timeout_s=IN_TIME_S,
    )
    assert again.id != branch.id
    assert again.name == "candidate"


async def test_traffic_is_split_as_a_whole(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    main = (await branches.branches(agent_id))[0]
    now = await branches.split_traffic(
        agent_id, {main.id: 90.0, branch.id: 10.0}, timeout_s=IN_TIME_S
    )
    assert now == {main.id: 90.0, branch.id: 10.0}
    with pytest.raises(Conflict, match="serving 10 %"):
        await branches.archive_branch(agent_id, branch.id, timeout_s=IN_TIME_S)
    for shares in ({main.id: 50.0}, {main.id: 60.0, branch.id: 60.0}, {}):
        with pytest.raises(Rejected, match="not 100"):
            await branches.split_traffic(agent_id, shares, timeout_s=IN_TIME_S)
    listed = {one.id: one.live_percentage for one in await branches.branches(agent_id)}
    assert listed == {main.id: 90.0, branch.id: 10.0}


async def test_an_archived_branch_gets_no_traffic(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    main = (await branches.branches(agent_id))[0]
    await branches.archive_branch(agent_id, branch.id, timeout_s=IN_TIME_S)
    with pytest.raises(Conflict, match="no branch in use"):
        await branches.split_traffic(
            agent_id, {main.id: 90.0, branch.id: 10.0}, timeout_s=IN_TIME_S
        )
    assert (await branches.branches(agent_id))[0].live_percentage == 100.0


async def test_branches_of_nobody_are_missing(vendor: Vendor) -> None:
    voice = await vendor.voice()
    with pytest.raises(RemoteMissing):
        await voice.branches.branches(ExternalId("agent_nobody"))
    agent_id = await vendor.new_agent()
    with pytest.raises(RemoteMissing):
        await voice.branches.branch(agent_id, "agtbrch_nobody")
    await voice.branches.archive_branch(agent_id, "agtbrch_nobody", timeout_s=IN_TIME_S)
    with pytest.raises(Rejected, match="1 to 140"):
        await voice.branches.create_branch(
            agent_id,
            parent_version_id="agtvrsn_1",
            name="x" * 141,
            description="",
            patch={},
            timeout_s=IN_TIME_S,
        )


async def test_the_tip_of_a_branch_is_read_as_the_agent_it_would_be(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    tip = await branches.tip(agent_id, branch.id)
    assert (tip.external_id, tip.version_id, tip.branch_id) == (
        agent_id,
        branch.version_id,
        branch.id,
    )
    config: Any = tip.body["conversation_config"]
    assert config["agent"]["prompt"]["prompt"] == "You answer in rhymes."
    with pytest.raises(RemoteMissing):
        await branches.tip(agent_id, "agtbrch_0000000000000000000000000000")


async def test_an_archived_name_says_why_the_branch_was_put_away(vendor: Vendor) -> None:
    branches, agent_id, branch = await begun(vendor)
    assert await branches.archived_names(agent_id) == ()
    await branches.archive_branch(agent_id, branch.id, label="aborted", timeout_s=IN_TIME_S)
    (name,) = await branches.archived_names(agent_id)
    assert name.startswith("candidate.aborted~")
    assert [each.name for each in await branches.branches(agent_id)] == ["Main"]
