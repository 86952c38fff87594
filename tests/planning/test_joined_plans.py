"""An environment's plan: shared objects once, in order of dependence, whatever came first."""

import random
from typing import Any

import pytest

from trunkline.model.ids import ExternalId
from trunkline.model.planner import join_plans, kept_agent
from trunkline.model.plans import Kept, Plan


@pytest.fixture
def plans(make_agent: Any, make_tool: Any, make_world: Any) -> list[Plan]:
    def of(name: str, **fields: Any) -> Plan:
        world = make_world()
        world.entry = world.entry.model_copy(update={"name": name})
        made: Plan = world.plan(make_agent(name=name, **fields))
        return made

    tool = make_tool()
    return [of("zoe", tools=(tool,)), of("adam", tools=(tool,)), of("mia", builtin_tools=())]


def joined(plans: list[Plan], **options: Any) -> Plan:
    return join_plans(plans, project="acme", environment="testing", **options)


def test_a_shared_tool_is_made_once_and_before_every_agent(plans: list[Plan]) -> None:
    assert [(step.subject, step.key) for step in joined(plans).steps][2:] == [
        ("agent", "adam"),
        ("agent", "mia"),
        ("agent", "zoe"),
    ]
    assert [step.subject for step in joined(plans).steps][:2] == ["secret", "tool"]


def test_the_order_of_the_parts_does_not_matter(plans: list[Plan]) -> None:
    whole = joined(plans)
    for seed in range(5):
        shuffled = list(plans)
        random.Random(seed).shuffle(shuffled)  # noqa: S311
        assert joined(shuffled) == whole


def test_what_is_kept_does_not_make_a_plan(make_world: Any) -> None:
    entry = make_world().entry.model_copy(update={"external_id": ExternalId("agent_7")})
    kept = kept_agent("old-desk", entry)
    plan = joined([], kept=kept)
    assert plan.empty
    assert plan.kept == (
        Kept(
            subject="agent",
            name="old-desk",
            external_id=ExternalId("agent_7"),
            reason="pruning is not enabled",
        ),
    )
    assert kept_agent("never-made", None) == ()


def test_an_approval_names_exactly_one_plan(plans: list[Plan]) -> None:
    assert joined(plans).digest == joined(list(plans)).digest
    assert joined(plans[:2]).digest != joined(plans).digest


def test_unchanged_subjects_are_counted(make_agent: Any, make_world: Any) -> None:
    world = make_world()
    world.apply(make_agent())
    unchanged = world.plan(make_agent())
    assert joined([unchanged, unchanged]).unchanged == 2
