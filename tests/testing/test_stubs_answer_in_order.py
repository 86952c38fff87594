"""Which prepared answer a call gets."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trunkline.model.testing.desks import Desk
from trunkline.model.testing.stubs import Answer, choose, desk_call

MakeDesk = Callable[..., Desk]
NOON = datetime(2026, 6, 12, 12, tzinfo=UTC)


def _replies(desk: Desk, *arguments: dict[str, Any]) -> list[Any]:
    given = []
    for number, args in enumerate(arguments):
        answer = choose(desk.stubs, list(arguments[:number]), "tool", args)
        given.append(answer.answer if answer.stubbed else "unstubbed")
    return given


def test_a_call_nothing_was_prepared_for_is_unstubbed(make_desk: MakeDesk) -> None:
    desk = make_desk({"other": [{"reply": 1}]})
    assert choose(desk.stubs, [], "tool", {}) == Answer(stubbed=False)


def test_one_stub_answers_every_call(make_desk: MakeDesk) -> None:
    assert _replies(make_desk({"tool": [{"reply": 1}]}), {}, {}, {}) == [1, 1, 1]


def test_several_stubs_answer_one_after_the_other_and_the_last_stays(make_desk: MakeDesk) -> None:
    desk = make_desk({"tool": [{"reply": 1}, {"reply": 2}, {"reply": 3}]})
    assert _replies(desk, {}, {}, {}, {}) == [1, 2, 3, 3]


def test_the_first_that_fits_answers_any_number_of_times(make_desk: MakeDesk) -> None:
    stubs = [
        {"when": {"args": {"slot": "ten"}}, "reply": "first"},
        {"when": {"args": {"slot": {"like": "TEN"}}}, "reply": "second"},
        {"reply": "else"},
    ]
    ten, nine = {"slot": "ten"}, {"slot": "nine"}
    assert _replies(make_desk({"tool": stubs}), ten, ten, nine, {"slot": "Ten"}, {}) == [
        "first",
        "first",
        "else",
        "second",
        "else",
    ]


def test_a_conditional_stub_does_not_use_up_the_others(make_desk: MakeDesk) -> None:
    stubs = [{"reply": 1}, {"when": {"args": {"a": 1}}, "reply": "a"}, {"reply": 2}]
    assert _replies(make_desk({"tool": stubs}), {"a": 1}, {"a": 1}, {}, {"a": 1}) == [
        1,
        "a",
        2,
        "a",
    ]


def test_nothing_fits_where_all_are_conditional(make_desk: MakeDesk) -> None:
    desk = make_desk({"tool": [{"when": {"args": {"a": 1}}, "reply": 1}]})
    assert _replies(desk, {"a": 2}, {}, {"a": 1.0}) == ["unstubbed", "unstubbed", 1]


def test_faults_and_pauses_are_told(make_desk: MakeDesk) -> None:
    desk = make_desk({"tool": [{"fail": "http503", "after": "1500ms"}]})
    answer = choose(desk.stubs, [], "tool", {})
    assert (answer.stubbed, answer.fail, answer.after_ms) == (True, "http503", 1500)


def test_a_reply_of_null_survives_the_way_through_json(make_desk: MakeDesk) -> None:
    desk = make_desk({"tool": [{"reply": None, "after": "1s"}, {"fail": "timeout"}]})
    again = Desk.model_validate_json(desk.model_dump_json())
    assert again == desk
    assert choose(again.stubs, [], "tool", {}).fail is None
    assert choose(again.stubs, [{}], "tool", {}).fail == "timeout"


def test_the_desk_counts_calls_of_each_tool_by_itself(make_desk: MakeDesk) -> None:
    desk = make_desk({"a": [{"reply": 1}, {"reply": 2}], "b": [{"reply": 3}]})
    calls = [desk_call(desk, [], "a", {}, NOON)]
    calls.append(desk_call(desk, calls, "b", {}, NOON))
    calls.append(desk_call(desk, calls, "a", {}, NOON))
    assert [(call.ordinal, call.answer) for call in calls] == [(1, 1), (2, 3), (3, 2)]
