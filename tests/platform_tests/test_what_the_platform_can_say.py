"""A conversation test becomes tests of the platform; whatever cannot is named by its path."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.platform_tests.deployment import HOURS, script, wish
from trunkline.adapters.elevenlabs.platform_tests import rendered_test
from trunkline.adapters.elevenlabs.testing.compiling import compile_test
from trunkline.adapters.elevenlabs.testing.conditions import parameter_checks, searching
from trunkline.model.errors import Rejected
from trunkline.model.kinds.matchers import Matcher
from trunkline.model.testing.platform_tests import CompiledTest, Examples

TOOL = f"trunkline-ref:tool/find-order@{'a' * 12}"
GREETING = {"role": "agent", "message": "Hello, this is the garden centre.", "time_in_call_secs": 0}
ASKED = {"role": "user", "message": HOURS, "time_in_call_secs": 1}


def compiled(examples: Examples | None = None, /, **spec: Any) -> CompiledTest:
    return compile_test(script(**spec).test, wish(), examples)


def one_turn(*expected: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"turns": [{"say": HOURS, "expect": list(expected)}], **more}


def left(found: CompiledTest) -> list[str]:
    return [one.path for one in found.left_out]


def test_a_judged_reply_becomes_a_reply_test() -> None:
    examples = Examples(good=tuple("123456"), bad=("Go away.",))
    found = compiled(examples, **one_turn({"judge": "says when they open"}))
    (test,) = found.tests
    assert (test.kind, test.source, test.check) == ("llm", "spec.turns[0].expect[0]", "judge")
    assert test.body["chat_history"] == [GREETING, ASKED]
    assert test.body["success_condition"] == "The reply says when they open"
    assert test.body["success_examples"] == [
        {"response": text, "type": "success"} for text in "12345"
    ]
    assert test.body["failure_examples"] == [{"response": "Go away.", "type": "failure"}]
    assert found.left_out == ()


def test_every_expectation_is_a_test_of_its_own() -> None:
    found = compiled(
        **one_turn(
            {"says": {"contains": "nine", "notMatches": "(?i)ten"}},
            {"judge": "Is polite."},
            {"calls": ["find_order", {"name": "end_call"}]},
        )
    )
    assert [test.kind for test in found.tests] == ["llm", "llm", "tool"]
    assert found.tests[0].body["success_condition"] == (
        'The reply contains exactly the text "nine".'
        ' The regular expression "(?i)ten" is not found in the reply.'
    )
    assert found.left_out[0].path == "spec.turns[0].expect[2]"
    assert "no tool end_call" in found.left_out[0].why


def test_history_and_variables_go_along() -> None:
    history = [{"caller": "Hi {{name}}."}, {"agent": "Hello."}]
    spec = one_turn({"says": "nine"}, history=history, variables={"name": "Maya"})
    (test,) = compiled(**spec).tests
    lines = test.body["chat_history"]
    assert isinstance(lines, list)
    assert [line["role"] for line in lines if isinstance(line, dict)] == ["user", "agent", "user"]
    assert test.body["dynamic_variables"] == {"name": "Maya"}


def test_variables_fill_what_is_said() -> None:
    spec = {
        "turns": [{"say": "I am {{name}}.", "expect": [{"says": "Maya"}]}],
        "variables": {"name": "Maya"},
    }
    (test,) = compiled(**spec).tests
    history = test.body["chat_history"]
    assert isinstance(history, list)
    assert history[-1] == {"role": "user", "message": "I am Maya.", "time_in_call_secs": 1}


def test_a_call_becomes_a_tool_test_and_its_arguments_checks() -> None:
    arguments = {
        "number": 4711,
        "name": {"like": "Maya"},
        "code": {"matches": "(?i)^[a-z]+$", "notContains": "x"},
        "note": {"judge": "is polite"},
        "any": {"anything": True},
        "day": {"anyOf": ["Mon.", "Tue."]},
        "open": True,
        "list": [1, 2],
    }
    spec = one_turn({"calls": {"name": "find_order", "args": arguments}})
    (test,) = compiled(**spec).tests
    assert test.kind == "tool"
    assert test.body["check_any_tool_matches"] is True
    rules = test.body["tool_call_parameters"]
    assert isinstance(rules, dict)
    assert rules["referenced_tool"] == {"id": TOOL, "type": "client"}
    parameters = rules["parameters"]
    assert isinstance(parameters, list)
    kinds = [
        (each["path"], each["eval"]["type"])
        for each in parameters
        if isinstance(each, dict) and isinstance(each["eval"], dict)
    ]
    assert kinds == [
        ("number", "exact"),
        ("name", "llm"),
        ("code", "regex"),
        ("code", "llm"),
        ("note", "llm"),
        ("any", "anything"),
        ("day", "regex"),
        ("open", "exact"),
        ("list", "llm"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"), [("x", "x"), (4711, "4711"), (2.0, "2"), (2.5, "2.5"), (True, "true")]
)
def test_plain_values_are_compared_as_text(value: object, expected: str) -> None:
    (check,) = parameter_checks("a", value)  # type: ignore[arg-type]
    assert check == {"path": "a", "eval": {"type": "exact", "expected_value": expected}}


@pytest.mark.parametrize("pattern", ["(?i)MAYA", "Maya", "^I am", "a\\.$", "b|Maya"])
def test_a_pattern_means_the_same_searched_and_matched(pattern: str) -> None:
    text = "I am\nMaya\nA."
    wanted = re.search(pattern, text) is not None
    wrapped = re.compile(searching(pattern))
    assert [bool(wrapped.search(text)), bool(wrapped.fullmatch(text))] == [wanted, wanted]


def test_a_text_in_an_argument_is_found_literally() -> None:
    (check,) = parameter_checks("a", Matcher(contains="a.b"))
    evaluation = check["eval"]
    assert isinstance(evaluation, dict)
    pattern = re.compile(str(evaluation["pattern"]))
    assert pattern.fullmatch("x a.b y")
    assert not pattern.fullmatch("x acb y")


def test_a_call_that_must_not_happen_is_verified_absent() -> None:
    found = compiled(**one_turn({"noCall": "find_order", "for": "3s"}))
    rules = found.tests[0].body["tool_call_parameters"]
    assert isinstance(rules, dict)
    assert rules["verify_absence"] is True
    assert found.tests[0].body["check_any_tool_matches"] is False
    assert left(found) == ["spec.turns[0].expect[0].for"]


def test_a_built_in_tool_is_referred_to_by_its_name() -> None:
    test = script(**one_turn({"calls": "end_call"})).test
    (made,) = compile_test(test, wish(builtin_tools=("end_call",))).tests
    rules = made.body["tool_call_parameters"]
    assert isinstance(rules, dict)
    assert rules["referenced_tool"] == {"id": "end_call", "type": "system"}


def test_times_and_later_turns_are_left_out_by_path() -> None:
    found = compiled(
        turns=[
            {"expect": [{"says": "Hello", "within": "2s"}]},
            {
                "say": HOURS,
                "expect": [
                    {"says": "nine", "within": "2s", "strict": True},
                    {"calls": ["find_order"], "order": "listed"},
                    {"says": "anything else"},
                ],
                "interrupt": {"by": "1s"},
            },
            {"say": "Thanks.", "expect": [{"judge": "says goodbye"}]},
            {"dtmf": "1#"},
            {"silence": "6s"},
            {"inject": {"context": "VIP"}},
            {"asCaller": "Thank them", "maxTurns": 2},
        ],
        always=[
            {"words": {"max": 60}},
            {"repliesWithin": {"p50": "1200ms"}},
            {"judge": "is polite"},
        ],
        limits={"turns": 4, "seconds": 60.0, "costUsd": 0.4},
        compare={"to": "production", "notWorseBy": {"passRate": 0.1}},
        clock="2026-06-12T09:00:00-04:00",
        judge={"votes": 3, "model": "m"},
        **{"finally": [{"callsTotal": {"find_order": 1}}, {"ends": {"by": "agent"}}]},
    )
    assert [test.source for test in found.tests] == [
        "spec.turns[1].expect[0]",
        "spec.turns[1].expect[1]",
    ]
    assert left(found) == [
        "spec.limits.seconds",
        "spec.limits.costUsd",
        "spec.clock",
        "spec.compare",
        "spec.judge.model",
        "spec.judge.votes",
        "spec.limits.turns",
        "spec.turns[0].expect[0]",
        "spec.turns[0].expect[0].within",
        "spec.turns[1].interrupt",
        "spec.turns[1].expect[0].within",
        "spec.turns[1].expect[0].strict",
        "spec.turns[1].expect[1].order",
        "spec.turns[1].expect[2]",
        "spec.turns[2].say",
        "spec.turns[2].expect[0]",
        "spec.turns[3].dtmf",
        "spec.turns[4].silence",
        "spec.turns[5].inject",
        "spec.turns[6].asCaller",
        "spec.always[0].words",
        "spec.always[1].repliesWithin",
        "spec.always[2]",
        "spec.finally[0]",
        "spec.finally[1]",
    ]
    assert all(one.why for one in found.left_out)


def test_what_holds_for_the_whole_holds_for_its_only_reply() -> None:
    found = compiled(
        **one_turn(
            always=[{"says": {"notContains": "robot"}}, {"noCall": "find_order"}],
            **{"finally": [{"goal": "the caller knows when they open"}, {"says": "nine"}]},
        )
    )
    assert [(test.source, test.kind) for test in found.tests] == [
        ("spec.always[0]", "llm"),
        ("spec.always[1]", "tool"),
        ("spec.finally[0]", "llm"),
        ("spec.finally[1]", "llm"),
    ]
    assert found.left_out == ()


def test_an_improvised_conversation_becomes_a_simulation() -> None:
    found = compiled(
        caller={"persona": "A tired nurse"},
        turns=[{"asCaller": "Ask for order 4711", "maxTurns": 4, "expect": [{"judge": "helps"}]}],
        always=[{"judge": "is polite"}, {"words": {"max": 60}}],
        tools={
            "find_order": [
                {"when": {"args": {"number": 4711}}, "reply": {"status": "sent"}, "after": "2s"},
                {"fail": "error"},
                {"fail": "timeout"},
                {"reply": "never reached"},
            ]
        },
        **{"finally": [{"goal": "knows where it is"}]},
    )
    (test,) = found.tests
    assert (test.kind, test.source) == ("simulation", "spec.turns[0].asCaller")
    assert test.body["simulation_max_turns"] == 4
    scenario = str(test.body["simulation_scenario"])
    assert scenario.startswith("A tired nurse")
    assert "Ask for order 4711" in scenario
    assert test.body["success_conditions"] == [
        "helps",
        "In every reply of the agent this holds: is polite",
        "knows where it is",
    ]
    assert test.body["tool_mock_config"] == {
        "mocking_strategy": "all",
        "fallback_strategy": "raise_error",
        "mocked_tool_ids": [TOOL],
    }
    condition = {"path": "number", "eval": {"type": "exact", "expected_value": "4711"}}
    assert test.body["tool_mock_overrides"] == {
        TOOL: [
            {
                "parameter_conditions": [condition],
                "mock_result": '{"status": "sent"}',
                "is_error": False,
            },
            {
                "parameter_conditions": [],
                "mock_result": '{"error": "the tool reports an error"}',
                "is_error": True,
            },
        ]
    }
    assert left(found) == [
        "spec.always[1]",
        "spec.tools.find_order[0].after",
        "spec.tools.find_order[2]",
        "spec.tools.find_order[3]",
    ]


def test_live_tools_are_called_and_only_stubs_mocked() -> None:
    spec = {"turns": [{"asCaller": "Talk"}], "finally": [{"goal": "is happy"}]}
    rules = compiled(**spec, tools={"live": True}).tests[0].body["tool_mock_config"]
    assert rules == {
        "mocking_strategy": "selected",
        "fallback_strategy": "call_real_tool",
        "mocked_tool_ids": [],
    }


def test_the_platforms_bounds_are_kept() -> None:
    goals = [{"goal": f"goal {number}"} for number in range(40)]
    spec: dict[str, Any] = {"turns": [{"asCaller": "Talk", "maxTurns": 80}], "finally": goals}
    found = compiled(**spec)
    conditions = found.tests[0].body["success_conditions"]
    assert isinstance(conditions, list)
    assert len(conditions) == 30
    assert found.tests[0].body["simulation_max_turns"] == 50
    assert left(found) == [
        *(f"spec.finally[{number}]" for number in range(30, 40)),
        "spec.turns[0].asCaller",
    ]


def test_a_history_that_is_too_long_makes_no_test() -> None:
    history = [{"caller": "Yes."}] * 200
    found = compiled(**one_turn({"says": "nine"}, history=history))
    assert found.tests == ()
    assert left(found) == ["spec.history", "spec.turns[0].expect[0]"]


def test_equal_content_is_equal_wherever_it_is_written() -> None:
    first, second = (compiled(**one_turn({"says": "nine"})).tests[0] for _ in range(2))
    other = compiled(**one_turn({"says": "ten"})).tests[0]
    assert first.digest == second.digest != other.digest
    changed = wish(first_message="Good morning.")
    again = compile_test(script(**one_turn({"says": "nine"})).test, changed).tests[0]
    assert again.digest != first.digest


def test_references_become_ids_when_a_test_is_made() -> None:
    spec = {"turns": [{"asCaller": "Talk"}], "finally": [{"goal": "is happy"}]}
    stubs = {"find_order": [{"reply": 1}]}
    (test,) = compiled(**spec, tools=stubs).tests
    body = rendered_test(test, mark="acme/testing/t@1", bindings={TOOL: "tool_1"})
    assert body["tool_mock_config"] == {
        "mocking_strategy": "all",
        "fallback_strategy": "raise_error",
        "mocked_tool_ids": ["tool_1"],
    }
    assert body["name"] == "says-hours (spec.turns[0].asCaller) #trunkline:acme/testing/t@1"
    overrides = body["tool_mock_overrides"]
    assert isinstance(overrides, dict)
    assert list(overrides) == ["tool_1"]
    with pytest.raises(Rejected, match="find-order"):
        rendered_test(test, mark="m", bindings={})
