"""What a person approved is what may be written: nothing else, and not on another version."""

from typing import Any

from trunkline.model.approvals import approval, stale_words, uncovered
from trunkline.model.blast_radius import blast_radius, confirmation_text, radius_text
from trunkline.model.ids import ExternalId
from trunkline.model.planner import join_plans
from trunkline.model.plans import Plan, Step
from trunkline.model.shared_objects import strings_of


def joined(*plans: Plan) -> Plan:
    return join_plans(plans, project="acme", environment="testing")


def test_a_joined_plan_remembers_the_version_of_every_part(
    make_agent: Any, make_world: Any
) -> None:
    new = make_world().plan(make_agent(name="new-desk"))
    old = make_world()
    old.apply(make_agent())
    again = old.plan(make_agent(first_message="Good evening"))
    assert joined(new, again).parts == {
        "agent/front-desk": again.base_version_id,
        "agent/new-desk": "",
    }
    moved = again.model_copy(update={"parts": {"agent/front-desk": "another"}})
    assert joined(new, moved).digest != joined(new, again).digest


def test_exactly_what_was_approved_is_covered(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    seen = world.plan(make_agent(first_message="Good evening"))
    approved = approval("plan-1", joined(seen), by="bob")
    assert not uncovered(approved, seen, "agent", "front-desk")
    other = world.plan(make_agent(first_message="Good night"))
    (words,) = uncovered(approved, other, "agent", "front-desk")
    assert words.startswith("update agent front-desk: 1 attribute: ")
    assert words.endswith("conversation_config.agent.first_message changed meanwhile")
    more = world.plan(make_agent(first_message="Good evening", language="de"))
    assert uncovered(approved, more, "agent", "front-desk")
    stranger = make_world().plan(make_agent(name="night-desk"))
    assert uncovered(approved, stranger, "agent", "night-desk") == (
        "agent night-desk is no part of the approved plan",
    )


def test_a_version_somebody_else_made_is_not_covered(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    seen = world.plan(make_agent(first_message="Good evening"))
    approved = approval("plan-1", joined(seen), by="bob")
    moved = seen.model_copy(update={"base_version_id": "v-of-somebody"})
    (words,) = uncovered(approved, moved, "agent", "front-desk")
    assert words.endswith(f"it was {seen.base_version_id}, now it is v-of-somebody")


def test_the_rest_of_an_approved_plan_is_covered_when_half_of_it_is_written(
    make_agent: Any, make_tool: Any, make_world: Any
) -> None:
    seen = make_world().plan(make_agent(tools=(make_tool(),)))
    approved = approval("plan-1", joined(seen), by="bob")
    agent_step = seen.steps[-1]
    ids = {value: f"id-{index}" for index, value in enumerate(_placeholders(agent_step))}
    assert ids
    text = agent_step.model_dump_json()
    for placeholder, known in ids.items():
        text = text.replace(placeholder, known)
    later = seen.model_copy(update={"steps": (Step.model_validate_json(text),)})
    assert not uncovered(approved, later, "agent", "front-desk", ids)
    assert uncovered(approved, later, "agent", "front-desk")


def test_another_object_on_the_platform_is_another_plan(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    seen = world.plan(make_agent(first_message="Good evening"))
    approved = approval("plan-1", joined(seen), by="bob")
    step = seen.steps[0].model_copy(update={"external_id": ExternalId("agent_of_another")})
    swapped = seen.model_copy(update={"steps": (step,)})
    assert uncovered(approved, swapped, "agent", "front-desk") == (
        "agent front-desk is another object on the platform by now",
    )


def test_many_differences_are_said_shortly() -> None:
    assert stale_words(("a", "b", "c", "d")) == "a; b; c; and 1 more"


def test_the_blast_radius_is_named(make_agent: Any, make_tool: Any, make_world: Any) -> None:
    plan = joined(make_world().plan(make_agent(tools=(make_tool(),))))
    radius = blast_radius(plan.model_copy(update={"accounts": ("el-1",)}))
    secret = "secret TRUNKLINE_SECRET_ACME_BOOKING"
    assert radius.add == (secret, "tool book-slot", "agent front-desk")
    assert radius.change == radius.destroy == radius.numbers == ()
    assert confirmation_text(plan) == f"testing {len(plan.steps)}"
    text = radius_text(radius)
    assert "Enforcing testing on el-1 begins with 3 writes." in text
    assert "To add (3):\n  secret TRUNKLINE_SECRET_ACME_BOOKING\n" in text
    assert "To destroy: none\n" in text


def _placeholders(step: Step) -> list[str]:
    found = {each for change in step.changes for each in strings_of(change.new)}
    return sorted(text for text in found if text.startswith("trunkline-ref:"))
