"""Renames, deletions by others, drafts: one agent stays one agent."""

from typing import Any

from trunkline.adapters.elevenlabs.rendering import render_agent
from trunkline.model.planner import drift_only, renamed_entry
from trunkline.model.writes import applied_after, identity_tags


def test_a_renamed_agent_keeps_its_id(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent(name="reception"))
    world.edit({"tags": [*world.observed.tags, "vip"]})
    desired = make_agent(name="front-desk", renamed_from="reception", display_name="New desk")
    world.entry = renamed_entry(world.entry, desired)
    plan = world.apply(desired)
    [step] = plan.steps
    assert (step.action, step.external_id) == ("update", "agent_1")
    assert {change.path for change in step.changes} == {"name", "tags"}
    assert world.entry.name == "front-desk"
    assert world.observed.name == "New desk"
    assert set(world.observed.tags) == {
        "trunkline:acme/testing/front-desk",
        "trunkline-nonce:00aa11bb22cc33dd",
        "vip",
    }
    assert world.plan(desired).empty


def test_a_renamed_agent_is_looked_for_under_both_names(make_agent: Any) -> None:
    assert identity_tags(make_agent()) == ("trunkline:acme/testing/front-desk",)
    assert identity_tags(make_agent(renamed_from="reception")) == (
        "trunkline:acme/testing/front-desk",
        "trunkline:acme/testing/reception",
    )


def test_an_agent_somebody_deleted_is_created_again(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    world.observed = None
    plan = world.plan(make_agent())
    assert [step.action for step in plan.steps] == ["create"]
    assert plan.notes == ("agent front-desk: deleted outside of Git; it is created again",)
    assert drift_only(plan)


def test_a_draft_is_deployed_nowhere(make_agent: Any, make_world: Any) -> None:
    plan = make_world().plan(make_agent(lifecycle="draft"))
    assert plan.empty
    assert plan.notes == ("agent front-desk: draft, deployed nowhere",)


def test_a_deployed_agent_that_became_a_draft_is_kept(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    plan = world.plan(make_agent(lifecycle="draft"))
    assert plan.empty
    assert [kept.external_id for kept in plan.kept] == ["agent_1"]


def test_an_inactive_agent_is_deployed(make_agent: Any, make_world: Any) -> None:
    plan = make_world().plan(make_agent(lifecycle="inactive"))
    assert [step.action for step in plan.steps] == ["create"]


def test_the_nonce_is_remembered_with_the_tags(make_agent: Any) -> None:
    remembered = applied_after(render_agent(make_agent()), {}, nonce="00ff")
    assert remembered["tags"] == ["trunkline:acme/testing/front-desk", "trunkline-nonce:00ff"]


def test_what_has_no_field_is_said_and_not_written(make_agent: Any, make_world: Any) -> None:
    voice = {"style": 0.3, "speakerBoost": True}
    plan = make_world().plan(make_agent(voice=voice))
    assert plan.notes == (
        "agent front-desk: unsupported, not written: voice.style",
        "agent front-desk: unsupported, not written: voice.speakerBoost",
    )


def test_a_plan_that_is_too_large_says_so(
    make_agent: Any, make_document: Any, make_world: Any
) -> None:
    documents = tuple(make_document(f"document-{n}") for n in range(201))
    plan = make_world().plan(make_agent(documents=documents))
    assert plan.steps == ()
    assert [obstacle.reason for obstacle in plan.obstacles] == ["PlanTooLarge"]
