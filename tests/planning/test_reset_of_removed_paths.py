"""A path that left Git goes back once: to what was there before, else to the default, else away."""

from typing import Any

from trunkline.model.desired import DesiredModel, DesiredVoice

TTS = "conversation_config.tts"
PRESETS = "conversation_config.language_presets"


def resets(plan: Any) -> list[tuple[str, str, object]]:
    return [
        (change.operation, change.path, change.new)
        for step in plan.steps
        for change in step.changes
        if change.origin == "reset"
    ]


def test_the_default_of_the_platform_comes_back(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(voice=DesiredVoice(stability=0.9), max_duration_s=60))
    assert resets(world.apply(make_agent())) == [
        ("~", "conversation_config.conversation.max_duration_seconds", 600),
        ("~", f"{TTS}.stability", 0.5),
    ]
    assert world.plan(make_agent()).empty


def test_what_was_there_before_we_wrote_comes_back(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.edit({"conversation_config": {"tts": {"speed": 1.1}}})
    world.apply(make_agent(voice=DesiredVoice(speed=0.8)))
    assert resets(world.apply(make_agent())) == [("~", f"{TTS}.speed", 1.1)]


def test_a_key_of_a_map_is_deleted(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(variables={"company": "ACME", "town": "Bonn"}))
    plan = world.apply(make_agent(variables={"town": "Bonn"}))
    path = "conversation_config.agent.dynamic_variables.dynamic_variable_placeholders.company"
    assert resets(plan) == [("-", path, None)]
    placeholders = world.observed.body["conversation_config"]["agent"]["dynamic_variables"]
    assert placeholders == {"dynamic_variable_placeholders": {"town": "Bonn"}}


def test_an_object_we_made_in_a_map_goes_as_a_whole(make_agent: Any, make_world: Any) -> None:
    preset = {"overrides": {"agent": {"first_message": "Hallo", "language": "de"}}}
    world = make_world()
    hatch = {"conversation_config": {"language_presets": {"de": preset, "fr": preset}}}
    world.apply(make_agent(elevenlabs=hatch))
    less = {"conversation_config": {"language_presets": {"fr": preset}}}
    assert resets(world.apply(make_agent(elevenlabs=less))) == [("-", f"{PRESETS}.de", None)]


def test_an_object_somebody_else_made_in_a_map_stays(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    theirs = {"overrides": {"agent": {"language": "de"}}}
    world.edit({"conversation_config": {"language_presets": {"de": theirs}}})
    ours = {"overrides": {"agent": {"first_message": "Hallo"}}}
    hatch = {"conversation_config": {"language_presets": {"de": ours}}}
    world.apply(make_agent(elevenlabs=hatch))
    assert resets(world.apply(make_agent())) == [
        ("-", f"{PRESETS}.de.overrides.agent.first_message", None)
    ]
    left = world.observed.body["conversation_config"]["language_presets"]["de"]
    assert left["overrides"]["agent"]["language"] == "de"


def test_a_builtin_tool_goes_back_to_null(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(builtin_tools=("end_call",)))
    path = "conversation_config.agent.prompt.built_in_tools.end_call"
    assert resets(world.apply(make_agent())) == [("-", path, None)]
    assert world.plan(make_agent()).empty


def test_the_last_tool_leaves_an_empty_list(
    make_agent: Any, make_tool: Any, make_world: Any
) -> None:
    world = make_world()
    world.apply(make_agent(tools=(make_tool(),)))
    assert resets(world.apply(make_agent())) == [
        ("~", "conversation_config.agent.prompt.tool_ids", [])
    ]


def test_a_value_that_is_already_the_target_is_no_change(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(max_duration_s=600))
    plan = world.apply(make_agent())
    assert plan.empty
    world.edit({"conversation_config": {"conversation": {"max_duration_seconds": 30}}})
    assert world.plan(make_agent()).empty


def test_a_path_without_a_known_default_is_left_and_said_once(
    make_agent: Any, make_world: Any
) -> None:
    hatch = {"platform_settings": {"field_of_next_month": 5}}
    world = make_world()
    world.apply(make_agent(elevenlabs=hatch))
    plan = world.apply(make_agent())
    assert plan.empty
    [note] = plan.notes
    assert note.endswith(
        "left as it is, no default is known: platform_settings.field_of_next_month"
    )
    assert world.plan(make_agent()).notes == ()


def test_a_finer_or_coarser_wish_is_not_reset(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(elevenlabs={"platform_settings": {"alerting": None}}))
    fine = {"platform_settings": {"alerting": {"monitor_configs": {"m": {"enabled": True}}}}}
    assert resets(world.apply(make_agent(elevenlabs=fine))) == []
    coarse = {"platform_settings": {"alerting": None}}
    assert resets(world.apply(make_agent(elevenlabs=coarse))) == []


def test_a_map_key_the_platform_keeps_as_null_is_said_once(
    make_agent: Any, make_world: Any
) -> None:
    world = make_world()
    world.apply(make_agent(variables={"company": "ACME"}))
    dynamic = {"dynamic_variable_placeholders": {"company": None}}
    world.reshape(
        lambda tree: {
            **tree,
            "conversation_config": {
                **tree["conversation_config"],
                "agent": {**tree["conversation_config"]["agent"], "dynamic_variables": dynamic},
            },
        }
    )
    plan = world.apply(make_agent())
    assert plan.empty
    assert [note for note in plan.notes if "cannot be removed" in note]
    assert world.plan(make_agent()).notes == ()


def test_a_rebuilt_ledger_learns_no_defaults_from_our_own_values(
    make_agent: Any, make_world: Any
) -> None:
    wish = make_agent(model=DesiredModel(temperature=0.4))
    world = make_world()
    world.apply(wish)
    world.entry = world.entry.model_copy(update={"applied": {}, "defaults": {}})
    world.apply(wish.model_copy(update={"language": "de"}))
    assert world.entry.defaults == {}
    plan = world.apply(make_agent(language="de"))
    assert resets(plan) == [("~", "conversation_config.agent.prompt.temperature", 0)]
