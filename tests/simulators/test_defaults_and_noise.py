"""A read shows every default, and the noise real answers have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]


def leaves(tree: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def at(tree: Json, path: tuple[str, ...]) -> Any:
    value: Any = tree
    for name in path:
        value = value[name]
    return value


def tools(world: World, count: int) -> list[str]:
    ids = []
    for position in range(count):
        config = {"type": "client", "name": f"tool_{position}", "description": "d"}
        response = world.call("POST", "/v1/convai/tools", json={"tool_config": config})
        ids.append(response.json()["id"])
    return ids


def with_tools(tool_ids: list[str]) -> Json:
    return {"agent": {"prompt": {"tool_ids": tool_ids}}}


def test_every_default_is_filled_in(world: World) -> None:
    text = files("simulators.elevenlabs").joinpath("agent_defaults.json").read_text("utf-8")
    agent = world.read_agent(world.new_agent())
    defaults = dict(leaves(json.loads(text)))
    assert len(defaults) > 250
    for path, value in defaults.items():
        found = at(agent, path)
        assert found == value or (value == {} and isinstance(found, dict)), path


def test_tool_order_is_not_kept_and_tools_are_expanded(world: World) -> None:
    ids = tools(world, 8)
    prompt = world.read_agent(world.new_agent(conversation_config=with_tools(ids)))[
        "conversation_config"
    ]["agent"]["prompt"]
    assert prompt["tool_ids"] != ids
    assert sorted(prompt["tool_ids"]) == sorted(ids)
    assert sorted(tool["name"] for tool in prompt["tools"]) == [f"tool_{n}" for n in range(8)]


def test_the_same_version_reads_the_same_twice(world: World) -> None:
    agent_id = world.new_agent(conversation_config=with_tools(tools(world, 8)))
    assert world.read_agent(agent_id) == world.read_agent(agent_id)


def test_an_empty_text_may_read_back_as_null(world: World) -> None:
    settings = {"widget": {"action_text": ""}}
    noisy = world.read_agent(world.new_agent(platform_settings=settings))
    assert noisy["platform_settings"]["widget"]["action_text"] is None
    world.steer("noise", {"enabled": False})
    ids = tools(world, 8)
    quiet = world.read_agent(
        world.new_agent(platform_settings=settings, conversation_config=with_tools(ids))
    )
    assert quiet["platform_settings"]["widget"]["action_text"] == ""
    assert quiet["conversation_config"]["agent"]["prompt"]["tool_ids"] == ids
    assert set(noisy) - set(quiet) != set()


@pytest.mark.parametrize("number", [1, 0, 0.25])
def test_numbers_come_back_as_fractions(world: World, number: float) -> None:
    agent_id = world.new_agent(conversation_config={"tts": {"stability": number}})
    stability = world.read_agent(agent_id)["conversation_config"]["tts"]["stability"]
    assert (stability, type(stability)) == (number, float)
