"""After a plan is applied the next one is empty, whatever noise real answers carry."""

import os
import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.model.base import Json, JsonObject
from trunkline.model.diffs import leaves
from trunkline.model.paths import owning_leaf

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
FULL = 10_000
"""Configurations of each property when every count is in full; a hundred of them in a usual run."""
SETTINGS = settings(
    max_examples=FULL if SHARE >= 1 else round(FULL * SHARE / 10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def noisy(seed: int) -> Callable[[JsonObject], JsonObject]:
    """The same state as another answer might spell it: order, number types, extra keys."""
    rng = random.Random(seed)  # noqa: S311
    unordered = {*RULES.sets, *RULES.contains, *RULES.identified}

    def spell(value: Json, path: str) -> Json:
        if isinstance(value, dict):
            keys = list(value)
            rng.shuffle(keys)
            spelt: JsonObject = {
                key: spell(value[key], f"{path}.{key}" if path else key) for key in keys
            }
            data = path.endswith(("placeholders", "presets", "data_collection", "nodes", "edges"))
            return spelt if data else {**spelt, "field_of_next_month": rng.choice([None, 7])}
        if isinstance(value, list):
            items = [spell(item, f"{path}[]") for item in value]
            if path in unordered:
                rng.shuffle(items)
            return items
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return float(value) if rng.random() < 0.5 else value
        if value is None or value == "":
            return rng.choice([None, ""])
        return value

    def respell(tree: JsonObject) -> JsonObject:
        spelt = spell(tree, "")
        assert isinstance(spelt, dict)
        return {**spelt, "tags": [*(tree["tags"] or []), "vip"]}  # type: ignore[misc]

    return respell


@SETTINGS
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_plan_after_an_apply_is_empty(
    data: st.DataObject, seed: int, any_agent: Any, make_world: Any
) -> None:
    world = make_world()
    for desired in data.draw(st.lists(any_agent, min_size=1, max_size=4)):
        world.apply(desired)
        world.reshape(noisy(seed))
        plan = world.plan(desired)
        assert plan.steps == ()
        assert plan.unchanged == 1


@SETTINGS
@given(data=st.data())
def test_nothing_unowned_is_written(data: st.DataObject, any_agent: Any, make_world: Any) -> None:
    world = make_world()
    first, second = data.draw(any_agent), data.draw(any_agent)
    world.apply(first)
    world.edit({"platform_settings": {"widget": {"variant": "tiny"}}, "tags": ["vip"]})
    world.apply(second)
    owned = leaves(render_agent(first).body) | leaves(render_agent(second).body)
    for patch in world.patches:
        for path in leaves(patch):
            assert any(
                known == path or known.startswith((f"{path}.", f"{path}[")) for known in owned
            )
    assert world.observed.body["platform_settings"]["widget"]["variant"] == "tiny"
    assert "vip" in world.observed.tags


@SETTINGS
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_order_of_what_was_read_does_not_matter(
    data: st.DataObject, seed: int, any_agent: Any, make_world: Any
) -> None:
    world = make_world()
    before, desired = data.draw(any_agent), data.draw(any_agent)
    world.apply(before)
    rng = random.Random(seed)  # noqa: S311

    def shuffled(values: Any) -> Any:
        items = list(values)
        rng.shuffle(items)
        return items

    other = desired.model_copy(
        update={
            "tools": tuple(shuffled(desired.tools)),
            "documents": tuple(shuffled(desired.documents)),
            "builtin_tools": tuple(shuffled(desired.builtin_tools)),
            "variables": dict(shuffled(desired.variables.items())),
            "context": dict(shuffled(desired.context.items())),
        }
    )
    assert render_agent(other).digest == render_agent(desired).digest
    assert world.plan(other) == world.plan(desired)


@SETTINGS
@given(data=st.data())
def test_a_reset_happens_once(data: st.DataObject, any_agent: Any, make_world: Any) -> None:
    world = make_world()
    first, second = data.draw(any_agent), data.draw(any_agent)
    world.apply(first)
    reset = {
        owning_leaf(change.path)
        for step in world.apply(second).steps
        for change in step.changes
        if change.origin == "reset"
    }
    again = world.apply(second)
    assert not any(change.origin == "reset" for step in again.steps for change in step.changes)
    assert not reset & world.entry.applied.keys()
