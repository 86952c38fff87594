"""Lists learn of a write later than a fetch by id does, by time or by number of reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World


def test_a_new_agent_is_read_at_once_and_listed_later(world: World) -> None:
    world.steer("list-lag", {"seconds": 60})
    agent_id = world.new_agent("late", tags=["mine"])
    assert world.read_agent(agent_id)["name"] == "late"
    assert world.listed_names(tags="mine") == []
    world.steer("clock", {"advance_s": 61})
    assert world.listed_names(tags="mine") == ["late"]


def test_a_changed_agent_is_listed_as_it_was(world: World) -> None:
    agent_id = world.new_agent("before", tags=["old"])
    world.steer("list-lag", {"seconds": 60})
    world.patch_agent(agent_id, {"name": "after", "tags": ["new"]})
    assert world.listed_names(tags="old") == ["before"]
    assert world.listed_names(tags="new") == []
    world.steer("clock", {"advance_s": 61})
    assert world.listed_names(tags="old") == []
    assert world.listed_names(tags="new") == ["after"]


def test_a_deleted_agent_stays_listed_for_a_while(world: World) -> None:
    agent_id = world.new_agent("gone")
    world.steer("list-lag", {"seconds": 60})
    world.call("DELETE", f"/v1/convai/agents/{agent_id}")
    assert world.call("GET", f"/v1/convai/agents/{agent_id}").status_code == 404
    assert world.listed_names() == ["gone"]
    world.steer("clock", {"advance_s": 61})
    assert world.listed_names() == []


@pytest.mark.parametrize("reads", [1, 3])
def test_a_number_of_reads_does_not_show_it(world: World, reads: int) -> None:
    world.steer("list-lag", {"reads": reads})
    world.new_agent("late")
    for _ in range(reads):
        assert world.listed_names() == []
    assert world.listed_names() == ["late"]


def test_changes_arrive_in_order_when_the_lag_is_lifted(world: World) -> None:
    world.steer("list-lag", {"seconds": 60})
    agent_id = world.new_agent("first")
    world.steer("list-lag")
    world.patch_agent(agent_id, {"name": "second"})
    assert world.listed_names() == []
    world.steer("clock", {"advance_s": 61})
    assert world.listed_names() == ["second"]


def test_tools_and_documents_lag_as_well(world: World) -> None:
    world.steer("list-lag", {"seconds": 60})
    tool = {"tool_config": {"type": "client", "name": "look", "description": "d"}}
    world.call("POST", "/v1/convai/tools", json=tool)
    world.call("POST", "/v1/convai/knowledge-base/text", json={"text": "t", "name": "n"})
    assert world.call("GET", "/v1/convai/tools").json()["tools"] == []
    assert world.call("GET", "/v1/convai/knowledge-base").json()["documents"] == []
    world.steer("clock", {"advance_s": 61})
    assert len(world.call("GET", "/v1/convai/tools").json()["tools"]) == 1
    assert len(world.call("GET", "/v1/convai/knowledge-base").json()["documents"]) == 1
