"""What counts as a difference, and what is one platform's spelling of the same thing."""

import pytest

from trunkline.model.base import Json, JsonObject
from trunkline.model.diffs import Comparator, count_leaves, leaves, tree_of
from trunkline.model.rendering import ComparisonRules

RULES = ComparisonRules(
    sets=("tool_ids", "nodes.*.extra_tool_ids"),
    contains=("tags",),
    identified={"criteria": "id"},
    maps=("variables",),
    ignored=("tools",),
    defaults={"llm": "m1", "turn": {"timeout": 7}},
)


def paths(desired: JsonObject, observed: JsonObject) -> list[str]:
    return [difference.path for difference in Comparator(RULES).differences(desired, observed)]


@pytest.mark.parametrize("empty", ["", None, [], {}])
@pytest.mark.parametrize("other", ["", None, [], {}])
def test_every_emptiness_is_the_same(empty: Json, other: Json) -> None:
    assert paths({"a": empty}, {"a": other}) == []


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_an_absent_key_is_empty(empty: Json) -> None:
    assert paths({"a": empty}, {}) == []


@pytest.mark.parametrize(("desired", "observed"), [(False, None), (0, ""), (None, False), ("", 0)])
def test_false_and_zero_are_values(desired: Json, observed: Json) -> None:
    assert paths({"a": desired}, {"a": observed}) == ["a"]


def test_numbers_compare_by_value() -> None:
    assert paths({"a": 0, "b": 1.0, "c": 7}, {"a": 0.0, "b": 1, "c": 7.5}) == ["c"]


def test_true_is_not_one() -> None:
    assert paths({"a": True, "b": 0}, {"a": 1, "b": False}) == ["a", "b"]


def test_line_endings_are_no_difference_and_every_other_character_is() -> None:
    assert paths({"a": "x\r\ny"}, {"a": "x\ny"}) == []
    assert paths({"a": "x\ny "}, {"a": "x\ny"}) == ["a"]


def test_sets_have_no_order_and_no_repetition() -> None:
    assert paths({"tool_ids": ["a", "b"]}, {"tool_ids": ["b", "a", "a"]}) == []
    assert paths({"tool_ids": ["a"]}, {"tool_ids": ["a", "b"]}) == ["tool_ids"]


def test_a_star_in_a_rule_stands_for_one_key() -> None:
    desired: JsonObject = {"nodes": {"n1": {"extra_tool_ids": ["a", "b"]}}}
    assert paths(desired, {"nodes": {"n1": {"extra_tool_ids": ["b", "a"]}}}) == []


def test_other_lists_keep_their_order() -> None:
    assert paths({"steps": ["a", "b"]}, {"steps": ["b", "a"]}) == ["steps"]


def test_of_tags_only_ours_count() -> None:
    assert paths({"tags": ["ours"]}, {"tags": ["theirs", "ours"]}) == []
    assert paths({"tags": ["ours"]}, {"tags": ["theirs"]}) == ["tags"]


def test_identified_elements_are_matched_by_id_and_named_in_the_path() -> None:
    desired: JsonObject = {"criteria": [{"id": "a", "goal": "x"}, {"id": "b", "goal": "y"}]}
    observed: JsonObject = {"criteria": [{"id": "b", "goal": "z", "llm": "m"}, {"id": "c"}]}
    assert paths(desired, observed) == ["criteria[id=a]", "criteria[id=b].goal", "criteria[id=c]"]


def test_identified_elements_have_no_order() -> None:
    desired: JsonObject = {"criteria": [{"id": "a"}, {"id": "b"}]}
    assert paths(desired, {"criteria": [{"id": "b"}, {"id": "a", "more": 1}]}) == []


def test_what_the_platform_adds_is_no_difference() -> None:
    assert paths({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}) == []
    assert paths({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}) == []


def test_read_only_parts_are_not_compared() -> None:
    assert paths({"tools": ["expanded"]}, {"tools": []}) == []


def test_a_wished_null_accepts_the_default_of_the_platform() -> None:
    assert paths({"llm": None, "turn": None}, {"llm": "m1", "turn": {"timeout": 7}}) == []
    assert paths({"llm": None}, {"llm": "m2"}) == ["llm"]


def test_an_object_where_a_null_was_is_all_new() -> None:
    assert paths({"a": {"b": 1, "c": ""}}, {"a": None}) == ["a.b"]


def test_leaves_and_tree_are_inverse() -> None:
    tree: JsonObject = {"a": {"b.c": [1], 'd"': {}}, "e": None, "f": {"*": {"": 0}}}
    assert tree_of(leaves(tree)) == tree
    assert count_leaves(tree) == len(leaves(tree)) == 4


def test_two_readings_differ_in_what_anybody_changed() -> None:
    before: JsonObject = {"a": 1, "m": {"x": 1, "y": 2}, "tags": ["t"], "tools": [1], "n": None}
    after: JsonObject = {"a": 2, "m": {"x": 1}, "tags": ["t", "u"], "tools": [], "n": {"k": 3}}
    changed = Comparator(RULES).changed(before, after)
    assert [(c.operation, c.path) for c in changed] == [
        ("~", "a"),
        ("-", "m.y"),
        ("+", "n.k"),
        ("~", "tags"),
    ]
