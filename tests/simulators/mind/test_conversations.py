"""How a mind opens, waits, chooses, asks again, resumes, and goes wrong on purpose."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulators.elevenlabs.mind import (
    CallTool,
    Misbehaviour,
    MissingVariables,
    Say,
    SwitchLanguage,
)
from tests.simulators.mind.agents import (
    FREE,
    NOW,
    RESERVED,
    Failure,
    bakery,
    calls,
    ends,
    garage,
    last,
    library,
    spoken,
    talk,
)

VAN = "My van needs new brakes. Could I come in on Tuesday?"


def test_the_first_message_has_its_variables() -> None:
    acts = bakery().mind().open({"shop": "Crust"}, NOW)

    assert acts == [Say("Crust, good morning.")]


def test_a_variable_without_a_value_is_named() -> None:
    agent = bakery()
    agent.placeholders = {}

    with pytest.raises(MissingVariables) as caught:
        agent.mind().open({}, NOW)

    assert caught.value.names == ("shop",)
    assert "shop" in str(caught.value)


def test_without_a_first_message_nothing_is_said_first() -> None:
    agent = bakery()
    agent.first_message = ""

    assert agent.mind().open({}, NOW) == []


@pytest.mark.parametrize(
    ("wish", "day"),
    [
        ("tomorrow", "2026-03-05"),
        ("on Tuesday", "2026-03-10"),
        ("on Wednesday", "2026-03-11"),
        ("on 2026-04-01", "2026-04-01"),
        ("on 1 April", "2026-04-01"),
    ],
)
def test_days_count_from_now(wish: str, day: str) -> None:
    acts = talk(garage(), f"My van needs new brakes. Could I come in {wish}?", answers=FREE)

    assert calls(acts)[0] == ("free_places", {"day": day})


def test_the_clock_of_the_conversation_wins() -> None:
    later = (NOW + timedelta(days=7)).isoformat()
    acts = talk(garage(), VAN, answers=FREE, variables={"system__time": later})

    assert calls(acts)[0] == ("free_places", {"day": "2026-03-17"})


@pytest.mark.parametrize(
    "words",
    [
        "Half past two on Tuesday is fine",
        "2:30 pm please",
        "fourteen thirty",
        "14:30 works",
        "the second one",
        "Tuesday is better",
    ],
)
def test_one_of_the_options_is_understood(words: str) -> None:
    acts = talk(garage(), VAN, words, "Yes", answers=RESERVED)

    assert calls(acts)[-1] == (
        "reserve_place",
        {"place": "2026-03-10T14:30", "reason": "new brakes"},
    )


def test_another_choice_at_the_last_moment_is_repeated_again() -> None:
    acts = talk(garage(), VAN, "Half past two on Tuesday", "No, nine on Monday", answers=RESERVED)

    assert last(acts).startswith("Nine on Monday")
    assert [name for name, _ in calls(acts)] == ["free_places"]


def test_nothing_free_is_said_and_nothing_is_invented() -> None:
    acts = talk(garage(), VAN, answers={"free_places": {"places": []}})

    assert "nothing free" in last(acts)


def test_a_failing_lookup_is_said() -> None:
    acts = talk(garage(), VAN, answers={"free_places": Failure()})

    assert "did not work" in last(acts)


def test_an_answer_that_is_no_json_is_a_failure() -> None:
    mind = garage().mind()
    mind.open({}, NOW)
    call = mind.hear(VAN)[0]

    assert isinstance(call, CallTool)
    assert "did not work" in last(mind.tool_answered(call.call_id, "<html>"))


def test_an_unknown_call_changes_nothing() -> None:
    mind = garage().mind()
    mind.open({}, NOW)

    assert mind.tool_answered("call_99", {}) == []


def test_what_is_told_during_the_call_is_known() -> None:
    mind = garage().mind()
    mind.open({}, NOW)
    before = spoken(mind.hear("Which mechanic is on duty?"))
    mind.inform("The mechanic on duty is Ms. Adler.")

    assert before != ["The mechanic on duty is Ms. Adler."]
    assert spoken(mind.hear("Which mechanic is on duty?")) == ["The mechanic on duty is Ms. Adler."]


def test_a_long_silence_is_asked_about_and_a_short_one_is_not() -> None:
    mind = library().mind()
    mind.open({}, NOW)

    assert mind.silent_for(1.0) == []
    assert mind.silent_for(9.0) == [Say("Sind Sie noch da?")]


def test_another_language_of_the_agent_changes_what_it_says() -> None:
    agent = bakery()
    agent.language = "fr"

    assert last(talk(agent, "dimanche ?", "¿?")).startswith("Pardon")
    assert "fermés" in last(talk(agent, "Vous êtes ouverts le dimanche ?"))


def test_the_built_in_detection_switches_to_a_preset() -> None:
    agent = bakery()
    agent.built_in = ("language_detection",)
    agent.presets = ("es",)
    acts = talk(agent, "Hola, ¿a qué hora abren el sábado?")

    assert SwitchLanguage("es") in acts
    assert "El sábado abrimos" in last(acts)


def test_an_answer_is_repeated_in_the_language_asked_for() -> None:
    acts = talk(
        library(), "Wann haben Sie am Montag geöffnet?", "Could you say that in English please?"
    )

    assert spoken(acts)[1:] == [
        "Am Montag ist von neun Uhr bis halb sechs geöffnet.",
        "On Monday we are open from nine to half past five.",
    ]


def test_a_conversation_is_taken_up_from_its_history() -> None:
    mind = garage().mind()
    mind.open({}, NOW)
    places = '{"places": ["2026-03-10T14:30"]}'
    mind.resume(
        [
            {"role": "user", "message": VAN},
            {"role": "agent", "message": "", "tool_results": [{"result_value": places}]},
            {"role": "user", "message": "Half past two on Tuesday"},
            {"role": "agent", "message": "Is that right?"},
        ]
    )  # fmt: skip

    assert calls(mind.hear("Yes"))[0][1]["place"] == "2026-03-10T14:30"


def test_the_same_inputs_give_the_same_acts() -> None:
    rate = Misbehaviour(rate=0.5)
    once = [talk(garage(), VAN, answers=FREE, misbehaviour=rate, seed=seed) for seed in range(20)]
    twice = [talk(garage(), VAN, answers=FREE, misbehaviour=rate, seed=seed) for seed in range(20)]

    assert once == twice
    assert len({str(acts) for acts in once}) > 1


def test_without_misbehaviour_the_seed_does_not_matter() -> None:
    assert talk(garage(), VAN, answers=FREE, seed=1) == talk(garage(), VAN, answers=FREE, seed=2)


def test_a_misbehaving_agent_skips_tools_or_makes_claims() -> None:
    always = Misbehaviour(rate=1.0)
    good = talk(garage(), VAN, answers=FREE)

    for seed in range(10):
        assert talk(garage(), VAN, answers=FREE, misbehaviour=always, seed=seed) != good


def test_a_degraded_agent_is_slower_and_worse() -> None:
    mind = garage().mind(misbehaviour=Misbehaviour(degraded=True))
    acts = talk(garage(), VAN, answers=FREE, misbehaviour=Misbehaviour(degraded=True))

    assert mind.delay_ms > garage().mind().delay_ms
    assert calls(acts) == []


def test_after_its_end_a_mind_is_silent() -> None:
    mind = garage().mind()
    mind.open({}, NOW)

    assert ends(mind.hear("Thanks, goodbye"))
    assert mind.ended
    assert mind.hear("Hello?") == []
