"""A plan tells a wish of Git from somebody else's edit."""

from typing import Any

from trunkline.model.planner import drift_only, has_drift

LANGUAGE = "conversation_config.agent.language"
FIRST = "conversation_config.agent.first_message"


def test_a_changed_wish_comes_from_git(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    plan = world.plan(make_agent(language="de"))
    [change] = plan.steps[0].changes
    assert (change.operation, change.path, change.old, change.new, change.origin) == (
        "~",
        LANGUAGE,
        "en",
        "de",
        "git",
    )
    assert not has_drift(plan)


def test_somebody_elses_edit_is_drift(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.edit({"conversation_config": {"agent": {"language": "fr"}}})
    plan = world.plan(make_agent())
    assert [(c.path, c.old, c.new, c.origin) for c in plan.steps[0].changes] == [
        (LANGUAGE, "fr", "en", "drift")
    ]
    assert drift_only(plan)


def test_an_edit_of_what_nobody_wished_for_is_nothing(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.edit({"conversation_config": {"agent": {"first_message": "Hi"}}})
    assert world.plan(make_agent()).empty


def test_both_changed_is_git_and_says_what_it_overwrites(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.edit({"conversation_config": {"agent": {"language": "fr"}}})
    plan = world.plan(make_agent(language="de"))
    assert plan.steps[0].changes[0].origin == "git"
    assert plan.notes == (f"agent front-desk: overwrites a change made outside of Git: {LANGUAGE}",)


def test_git_and_drift_in_one_plan_are_not_drift_only(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(first_message="Hello"))
    world.edit({"conversation_config": {"agent": {"language": "fr"}}})
    plan = world.plan(make_agent(first_message="Good day"))
    assert {c.path: c.origin for c in plan.steps[0].changes} == {LANGUAGE: "drift", FIRST: "git"}
    assert has_drift(plan)
    assert not drift_only(plan)


def test_an_extra_element_of_an_owned_list_is_drift(make_agent: Any, make_world: Any) -> None:
    criteria = [{"id": "greet", "name": "Greets"}]
    wish = make_agent(elevenlabs={"platform_settings": {"evaluation": {"criteria": criteria}}})
    world = make_world()
    world.apply(wish)
    more = [{"id": "extra", "name": "Extra"}, *criteria]
    world.edit({"platform_settings": {"evaluation": {"criteria": more}}})
    [change] = world.plan(wish).steps[0].changes
    assert change.path == "platform_settings.evaluation.criteria[id=extra]"
    assert (change.operation, change.origin) == ("-", "drift")
    world.apply(wish)
    assert world.patches[-1] == {"platform_settings": {"evaluation": {"criteria": criteria}}}


def test_ignored_drift_is_left_alone_and_a_wish_there_is_not(
    make_agent: Any, make_world: Any
) -> None:
    world = make_world()
    world.apply(make_agent())
    world.edit({"conversation_config": {"agent": {"language": "fr"}}})
    assert world.plan(make_agent(), drift_ignored=(LANGUAGE,)).empty
    assert not world.plan(make_agent(language="de"), drift_ignored=(LANGUAGE,)).empty


def test_a_lost_mark_is_put_back(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.edit({"tags": ["vip"]})
    assert [c.path for c in world.plan(make_agent()).steps[0].changes] == ["tags"]
    world.apply(make_agent())
    assert set(world.observed.tags) == {
        "vip",
        "trunkline:acme/testing/front-desk",
        "trunkline-nonce:00aa11bb22cc33dd",
    }


def test_without_a_ledger_differences_are_gits_wish(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.entry = world.entry.model_copy(update={"applied": {}, "rendered_digest": None})
    assert world.plan(make_agent()).empty
    world.edit({"conversation_config": {"agent": {"language": "fr"}}})
    assert world.plan(make_agent()).steps[0].changes[0].origin == "git"
