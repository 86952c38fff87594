"""After a write: what did not persist, what cannot go, what somebody else did meanwhile."""

from typing import Any

from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.model.base import JsonObject
from trunkline.model.ids import ExternalId
from trunkline.model.observed import ObservedAgent
from trunkline.model.writes import (
    foreign_changes,
    resolve_references,
    settled_entry,
    unremovable,
    unresolved_references,
    update_patch,
    verify_read_back,
)

VARIABLES = "conversation_config.agent.dynamic_variables.dynamic_variable_placeholders"


def read(body: JsonObject, *, name: str = "Front desk", tags: tuple[str, ...] = ()) -> Any:
    return ObservedAgent(
        external_id=ExternalId("agent_1"),
        name=name,
        tags=tags,
        version_id="agtvrsn_1",
        branch_id="agtbrch_1",
        body=body,
    )


def variables(values: JsonObject) -> JsonObject:
    placeholders: JsonObject = {"dynamic_variable_placeholders": values}
    return {"conversation_config": {"agent": {"dynamic_variables": placeholders}}}


def test_a_written_path_that_did_not_persist_is_named() -> None:
    patch: JsonObject = {"conversation_config": {"tts": {"speed": 0.9, "stability": 0.5}}}
    answered = read({"conversation_config": {"tts": {"speed": 1.0, "stability": 0.5}}})
    [failed] = verify_read_back(patch, answered, RULES)
    assert (failed.path, failed.old, failed.new) == ("conversation_config.tts.speed", 1.0, 0.9)


def test_a_written_name_and_tag_are_verified_too() -> None:
    patch: JsonObject = {"name": "New desk", "tags": ["ours"]}
    failed = verify_read_back(patch, read({}, tags=("theirs",)), RULES)
    assert [change.path for change in failed] == ["name", "tags"]
    assert verify_read_back(patch, read({}, name="New desk", tags=("x", "ours")), RULES) == ()


def test_a_map_key_kept_as_null_is_no_failure_and_is_said() -> None:
    patch = variables({"company": None, "town": None})
    answered = read(variables({"company": None}))
    assert verify_read_back(patch, answered, RULES) == ()
    assert unremovable(patch, answered, RULES) == (f"{VARIABLES}.company",)


def test_a_null_in_a_field_is_not_a_key_that_could_not_go() -> None:
    patch: JsonObject = {"platform_settings": {"alerting": None}}
    assert unremovable(patch, read({"platform_settings": {"alerting": None}}), RULES) == ()


def test_a_map_key_that_is_still_there_is_a_failure() -> None:
    patch = variables({"company": None})
    failed = verify_read_back(patch, read(variables({"company": "ACME"})), RULES)
    assert [change.path for change in failed] == [f"{VARIABLES}.company"]


def test_what_somebody_else_committed_is_listed_owned_or_not() -> None:
    base = read({"conversation_config": {"tts": {"speed": 1.0}, "vad": {"x": 1}}}, tags=("a",))
    between = read({"conversation_config": {"tts": {"speed": 1.2}, "vad": {"x": 1}}}, tags=("b",))
    changed = foreign_changes(base, between, RULES)
    assert [(c.operation, c.path, c.old, c.new) for c in changed] == [
        ("~", "conversation_config.tts.speed", 1.0, 1.2),
        ("~", "tags", ["a"], ["b"]),
    ]


def test_noise_between_two_readings_is_nobodys_edit() -> None:
    tools: JsonObject = {"tool_ids": ["a", "b"], "tools": [{"name": "x"}], "timezone": None}
    other: JsonObject = {"tool_ids": ["b", "a"], "tools": [], "timezone": ""}
    base = read({"conversation_config": {"agent": {"prompt": tools}}, "metadata": {"at": 1}})
    between = read({"conversation_config": {"agent": {"prompt": other}}, "metadata": {"at": 2}})
    assert foreign_changes(base, between, RULES) == ()


def test_references_are_replaced_where_known() -> None:
    body: JsonObject = {"ids": ["trunkline-ref:tool/a@1", "trunkline-ref:tool/b@2", "plain"]}
    resolved = resolve_references(body, {"trunkline-ref:tool/a@1": "tool_1"})
    assert resolved == {"ids": ["tool_1", "trunkline-ref:tool/b@2", "plain"]}
    assert unresolved_references(resolved) == ("trunkline-ref:tool/b@2",)


def test_a_patch_holds_changed_leaves_only_and_arrays_whole(
    make_agent: Any, make_world: Any
) -> None:
    criteria = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
    world = make_world()
    world.apply(make_agent())
    desired = make_agent(
        language="de", elevenlabs={"platform_settings": {"evaluation": {"criteria": criteria}}}
    )
    [step] = world.plan(desired).steps
    patch = update_patch(step, render_agent(desired), {}, nonce=world.entry.nonce, observed_tags=())
    assert patch == {
        "conversation_config": {"agent": {"language": "de"}},
        "platform_settings": {"evaluation": {"criteria": criteria}},
    }


def test_a_settled_row_is_stored_only_if_it_says_more(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    desired = make_agent()
    world.apply(desired)
    rendering = render_agent(desired)
    assert settled_entry(world.entry, rendering, world.bindings, desired) == world.entry
    other = make_agent(language="de")
    assert settled_entry(world.entry, render_agent(other), {}, other) != world.entry
