"""A sentence that carries weight changes what an agent does when it is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.simulators.mind.agents import (
    FREE,
    RESERVED,
    Agent,
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
CHOICE = "Half past two on Tuesday is fine."
ORDERED = {"place_order": {"pickup_code": "K7Q2"}}
THREE = {"free_places": {"places": ["2026-03-12T09:00", "2026-03-10T14:30", "2026-03-11T10:00"]}}


def ordering(agent: Agent) -> list[Any]:
    return talk(
        agent, "I would like to order a cake", "A lemon cake", "Nora", "Yes", answers=ORDERED
    )


class Case(NamedTuple):
    agent: Callable[[], Agent]
    sentence: str
    holds: Callable[[Agent], bool]


CASES = {
    "what is asked for an order": Case(
        bakery,
        "1. For an order, ask which candles the customer wants.",
        lambda agent: "Which candles do you want?" in spoken(ordering(agent)),
    ),
    "one thing at a time": Case(
        garage,
        "kind of the vehicle.",
        lambda agent: "kind of vehicle" in last(talk(agent, "I'd like an appointment")),
    ),
    "summarise and ask": Case(
        garage,
        "When they have chosen, repeat day, time and reason and ask whether that is right.",
        lambda agent: "new brakes" in last(talk(agent, VAN, CHOICE, answers=RESERVED)),
    ),
    "only after a clear yes": Case(
        garage,
        "Call `reserve_place` only after a clear yes.",
        lambda agent: len(calls(talk(agent, VAN, CHOICE, answers=RESERVED))) == 1,
    ),
    "at most two, the earliest first": Case(
        garage,
        "Offer at most two places, the earliest first.",
        lambda agent: (
            last(talk(agent, VAN, answers=THREE))
            == "I can offer half past two on Tuesday or ten on Wednesday. Which suits you?"
        ),
    ),
    "where appointments are looked up": Case(
        garage,
        "For an appointment, ask which day suits them, then look up free places with "
        "`free_places`.",
        lambda agent: (
            calls(talk(agent, VAN, answers=FREE)) == [("free_places", {"day": "2026-03-10"})]
        ),
    ),
    "the code in groups": Case(
        bakery,
        "3. Read the pickup code out in groups of two characters",
        lambda agent: "K7 Q2" in last(ordering(agent)),
    ),
    "what is said with the code": Case(
        garage,
        "and tell them that the key goes into the blue box",
        lambda agent: (
            "The key goes into the blue box."
            in last(talk(agent, VAN, CHOICE, "Yes", answers=RESERVED))
        ),
    ),
    "when the documents do not say": Case(
        bakery,
        "- If the documents do not say, offer a call back from the owner.",
        lambda agent: "a call back from the owner" in last(talk(agent, "Do you sell bicycles?")),
    ),
    "an emergency comes before all else": Case(
        bakery,
        "- If a customer has an allergy attack or cannot breathe, stop everything else.\n  "
        'Say: "Please ring for an ambulance."',
        lambda agent: (
            last(talk(agent, "I want to order a cake but my son can't breathe"))
            == "Please ring for an ambulance."
        ),
    ),
    "no promises": Case(
        bakery,
        "- You promise no refunds.",
        lambda agent: "cannot" in last(talk(agent, "Will you refund my money?")),
    ),
    "few sentences": Case(
        bakery,
        "- Short sentences, at most two at a time.",
        lambda agent: len(last(talk(agent, "When do you open on Saturday?")).split()) < 20,
    ),
    "times as people say them": Case(
        bakery,
        "- Say times the way people do.",
        lambda agent: "half past six" in last(talk(agent, "When do you open on Saturday?")),
    ),
    "danger calls for the tool first": Case(
        garage,
        "1. Call `send_tow` with one sentence about what happened.",
        lambda agent: (
            calls(talk(agent, "There is smoke from my engine!"))
            == [("send_tow", {"summary": "There is smoke from my engine!"})]
        ),
    ),
    "what is said in danger": Case(
        garage,
        "2. Say that the tow truck is on its way, and that the customer should stand behind the "
        "barrier.",
        lambda agent: (
            "You should stand behind the barrier."
            in last(talk(agent, "There is smoke from my engine!", answers=RESERVED))
        ),
    ),
    "no advice of its own": Case(
        garage,
        "Nothing else: no water, no pushing.",
        lambda agent: "water" not in last(talk(agent, "A tyre has burst", answers=RESERVED)),
    ),
    "when the tool fails": Case(
        garage,
        "4. If towing fails, say so plainly and name the motorway police, which is always there.",
        lambda agent: (
            "The motorway police is always there."
            in last(talk(agent, "A tyre has burst", answers={"send_tow": Failure()}))
        ),
    ),
    "only what the tool returned": Case(
        garage,
        "Times exist only if `free_places` returned them.",
        lambda agent: (
            "do not have" in last(talk(agent, VAN, "Four on Tuesday please", answers=RESERVED))
        ),
    ),
    "nothing is claimed without a code": Case(
        garage,
        "You do not say that a reservation is done unless `reserve_place` returned a code.",
        lambda agent: (
            "did not work"
            in last(talk(agent, VAN, CHOICE, "Yes", answers={**FREE, "reserve_place": {}}))
        ),
    ),
    "not understood twice": Case(
        garage,
        "If you did not understand something twice, offer a call back.",
        lambda agent: "call back" in last(talk(agent, "hmm", "uh")),
    ),
    "following the caller's language": Case(
        library,
        "As soon as the reader speaks a full sentence of English, continue in English, and change "
        "back\nwhen they do.",
        lambda agent: last(talk(agent, "What time do you open on Monday?")).startswith("On Monday"),
    ),
    "translating what is read": Case(
        library,
        "Translate what you read.",
        lambda agent: "geöffnet" in last(talk(agent, "Wann haben Sie am Montag geöffnet?")),
    ),
    "keeping names": Case(
        library,
        "Keep names of streets exactly as they are.",
        lambda agent: "Elm Lane 3" in last(talk(agent, "Wo ist die Bibliothek?")),
    ),
    "a price in a table": Case(
        bakery,
        "| Spelt loaf | 6 | 700 grams |\n",
        lambda agent: "price 6" in last(talk(agent, "How much is the spelt loaf?")),
    ),
    "a line of opening hours": Case(
        bakery,
        "- Sunday: closed\n",
        lambda agent: last(talk(agent, "Are you open on Sunday?")) == "On Sunday we are closed.",
    ),
    "a sign of danger": Case(
        garage,
        "- A burst tyre\n",
        lambda agent: calls(talk(agent, "A tyre has burst")) != [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_agent_does_it_with_the_sentence_and_not_without(name: str) -> None:
    case = CASES[name]

    assert case.holds(case.agent())
    assert not case.holds(case.agent().without(case.sentence))


def test_the_built_in_tool_is_what_ends_a_conversation() -> None:
    agent = garage()

    assert ends(talk(agent, "Thanks, goodbye"))
    agent.built_in = ()
    assert not ends(talk(agent, "Thanks, goodbye"))


def test_a_forbidden_phrase_of_a_changed_prompt_is_said() -> None:
    added = 'Say "Have a crusty day" at the end of every answer.'
    agent = bakery().reworded("- You promise no refunds.", f"- {added}")

    assert last(talk(agent, "Are you open on Sunday?")).endswith("Have a crusty day.")


def test_what_is_never_to_be_said_is_left_out() -> None:
    said = "There is smoke from my engine!"
    quiet = garage().reworded('Never say "no worries".', 'Never say "don\'t panic".')

    assert "panic" in last(talk(garage(), said, answers=RESERVED))
    assert "panic" not in last(talk(quiet, said, answers=RESERVED))


def test_a_phrase_to_be_said_may_hold_a_no() -> None:
    agent = bakery().reworded(
        "- You promise no refunds.", '- Say "no trouble at all" at the end of every answer.'
    )

    assert last(talk(agent, "Are you open on Sunday?")).endswith("No trouble at all.")


def test_a_manner_of_speaking_is_no_question() -> None:
    agent = bakery().reworded("# Orders\n", "You are friendly and take your time.\n\n# Orders\n")

    assert "your time" not in spoken(ordering(agent))


def test_questions_of_a_list_come_one_by_one_only_if_that_is_said() -> None:
    listed = "1. Is the car parked safely?\n2. Is there a warning light?\n\n# If there is danger\n"
    together = garage().reworded("# If there is danger\n", listed)
    one_by_one = garage().reworded(
        "# If there is danger\n", f"Ask these one after the other:\n\n{listed}"
    )
    said = "My car makes a strange noise"

    assert last(talk(together, said)).count("?") == 2
    assert last(talk(one_by_one, said)).count("?") == 1


def test_who_speaks_is_said_in_the_callers_language() -> None:
    agent = library()
    agent.prompt = "Eres la recepción de {{library}}. Keep sentences short."
    agent.language = "es"

    assert "Elm" in last(talk(agent, "Buenas, ¿con quién hablo?"))
    assert "Elm" not in last(
        talk(agent.without("Eres la recepción de {{library}}."), "¿Con quién hablo?")
    )
