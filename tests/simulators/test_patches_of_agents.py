"""A patch merges objects, replaces lists, and treats null by what the field is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]


def placeholders(agent: Json) -> Json:
    variables: Json = agent["conversation_config"]["agent"]["dynamic_variables"]
    found: Json = variables["dynamic_variable_placeholders"]
    return found


def with_placeholders(**values: object) -> Json:
    return {
        "conversation_config": {
            "agent": {"dynamic_variables": {"dynamic_variable_placeholders": values}}
        }
    }


def test_a_single_leaf_leaves_its_neighbours_alone(world: World) -> None:
    agent_id = world.new_agent(
        conversation_config={
            "agent": {"first_message": "Hello", "prompt": {"prompt": "Be kind.", "max_tokens": 9}},
            "tts": {"stability": 0.7},
        }
    )
    before = world.read_agent(agent_id)
    after = world.patch_agent(
        agent_id, {"conversation_config": {"agent": {"prompt": {"temperature": 0.4}}}}
    )
    expected = before["conversation_config"]
    expected["agent"]["prompt"]["temperature"] = 0.4
    assert after["conversation_config"] == expected
    assert after["platform_settings"] == before["platform_settings"]


def test_a_list_is_replaced_whole(world: World) -> None:
    agent_id = world.new_agent(conversation_config={"asr": {"keywords": ["one", "two"]}})
    after = world.patch_agent(agent_id, {"conversation_config": {"asr": {"keywords": ["two"]}}})
    assert after["conversation_config"]["asr"]["keywords"] == ["two"]


def test_procedures_are_replaced_as_a_map(world: World) -> None:
    agent_id = world.new_agent()
    first = {"a": {"procedure_id": "a", "version_id": "1", "name": "first"}}
    response = world.call("PATCH", f"/v1/convai/agents/{agent_id}", json={"procedures": first})
    assert set(response.json()["procedures"]) == {"a"}
    assert world.patch_agent(agent_id, {"procedures": {}})["procedures"] == {}


def test_null_deletes_a_key_of_a_map(world: World) -> None:
    agent_id = world.new_agent(**with_placeholders(company="ACME", city="London"))
    after = world.patch_agent(agent_id, with_placeholders(city=None))
    assert placeholders(after) == {"company": "ACME"}


def test_null_deletes_presets_data_and_nodes(world: World) -> None:
    node = {"type": "end", "position": {"x": 0, "y": 0}}
    agent_id = world.new_agent(
        conversation_config={
            "language_presets": {"de": {"overrides": {"agent": {"first_message": "Hallo"}}}}
        },
        platform_settings={"data_collection": {"city": {"type": "string", "description": "c"}}},
        workflow={"nodes": {"one": node, "two": node}},
    )
    after = world.patch_agent(
        agent_id,
        {
            "conversation_config": {"language_presets": {"de": None}},
            "platform_settings": {"data_collection": {"city": None}},
            "workflow": {"nodes": {"one": None}},
        },
    )
    assert after["conversation_config"]["language_presets"] == {}
    assert after["platform_settings"]["data_collection"] == {}
    assert list(after["workflow"]["nodes"]) == ["two"]


def test_null_is_stored_in_a_map_when_switched_so(world: World) -> None:
    world.steer("null-handling", {"mode": "store"})
    agent_id = world.new_agent(**with_placeholders(company="ACME", city="London"))
    response = world.call(
        "PATCH", f"/v1/convai/agents/{agent_id}", json=with_placeholders(city=None)
    )
    assert response.status_code == 200
    assert placeholders(response.json()) == {"company": "ACME", "city": None}


def test_null_of_a_field_is_null_or_the_default(world: World) -> None:
    agent_id = world.new_agent(
        conversation_config={"turn": {"initial_wait_time": 3, "turn_timeout": 12}}
    )
    after = world.patch_agent(
        agent_id,
        {"conversation_config": {"turn": {"initial_wait_time": None, "turn_timeout": None}}},
    )
    turn = after["conversation_config"]["turn"]
    assert turn["initial_wait_time"] is None
    assert turn["turn_timeout"] == 7


def test_a_built_in_tool_is_set_whole_then_patched_then_removed(world: World) -> None:
    def built_in(value: object) -> Json:
        return {
            "conversation_config": {"agent": {"prompt": {"built_in_tools": {"end_call": value}}}}
        }

    agent_id = world.new_agent()
    tool = {"name": "end_call", "params": {"system_tool_type": "end_call"}}
    world.patch_agent(agent_id, built_in(tool))
    after = world.patch_agent(agent_id, built_in({"description": "Hang up"}))
    prompt = after["conversation_config"]["agent"]["prompt"]
    assert prompt["built_in_tools"]["end_call"]["description"] == "Hang up"
    assert [item["name"] for item in prompt["tools"]] == ["end_call"]
    gone = world.patch_agent(agent_id, built_in(None))["conversation_config"]["agent"]["prompt"]
    assert gone["built_in_tools"]["end_call"] is None
    assert gone["tools"] == []


@pytest.mark.parametrize("field", ["surprise", "conversation"])
def test_unknown_keys_are_dropped(world: World, field: str) -> None:
    agent_id = world.new_agent()
    before = world.read_agent(agent_id)["conversation_config"]
    after = world.patch_agent(agent_id, {"conversation_config": {field: {"surprise": 1}}})
    assert after["conversation_config"] == before
