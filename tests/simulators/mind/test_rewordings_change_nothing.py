"""Another wording of the same instruction gives the same conversation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulators.mind.agents import (
    FREE,
    RESERVED,
    Agent,
    Failure,
    bakery,
    garage,
    library,
    talk,
)

GARAGE_TALKS = (
    ("My van needs new brakes. Could I come in on Tuesday?", "Half past two on Tuesday", "Yes"),
    ("I'd like an appointment",),
    ("There is smoke from my engine!",),
    ("My van needs new brakes. Could I come in on Tuesday?", "Four on Tuesday please"),
    ("hmm", "uh"),
)
BAKERY_TALKS = (
    ("When do you open on Saturday?", "Do you sell bicycles?"),
    ("My son cannot breathe after your bread!",),
    ("Will you refund my money?",),
    ("I would like to order a cake", "Blue ones", "A lemon cake", "Nora", "Yes"),
)
LIBRARY_TALKS = (
    ("Wann haben Sie am Montag geöffnet?", "What time do you open on Monday?"),
    ("Wo ist die Bibliothek?",),
)
SAME = (
    (garage, "ask which day suits them, then look up free places with `free_places`.",
     "ask what day would suit and use `free_places` to look for free places."),
    (garage, "For an appointment, ask which day", "When they want an appointment, ask which day"),
    (garage, "Offer at most two places, the earliest first.",
     "Suggest no more than two places, beginning with the earliest."),
    (garage, "When they have chosen, repeat day, time and reason and ask whether that is right.",
     "Once they have picked one, summarise day, time and reason, and ask if it is correct."),
    (garage, "Call `reserve_place` only after a clear yes.",
     "Never call `reserve_place` before they have said yes."),
    (garage, "Read out the reference code and tell them that the key",
     "Give them the reference code, then say that the key"),
    (garage, "Call `send_tow` with one sentence", "Use `send_tow` and pass one sentence"),
    (garage, "Say that the tow truck is on its way, and that the customer should stand",
     "Tell the customer that the tow truck is on its way, and that they should stand"),
    (garage, "Nothing else: no water, no pushing.", "Advise nothing more: no water, no pushing."),
    (garage, "# If there is danger", "# When there is danger"),
    (garage, "Times exist only if `free_places` returned them.",
     "Only times that `free_places` returned exist."),
    (garage, "You do not say that a reservation is done unless `reserve_place` returned a code.",
     "Never tell anybody that they are booked before `reserve_place` has returned a code."),
    (garage, "Keep sentences short.", "Speak in short sentences."),
    (garage, "Say times as people say them.", "Times are spoken naturally."),
    (garage, "If you did not understand something twice, offer a call back.",
     "When you have failed to understand something twice, offer a call back."),
    (bakery, "If the documents do not say, offer a call back from the owner.",
     "When you cannot find the answer, offer a call back from the owner."),
    (bakery, "If a customer has an allergy attack or cannot breathe, stop everything else.",
     "Stop everything else when a customer has an allergy attack or struggles to breathe."),
    (bakery, "You promise no refunds.", "Never promise any refund."),
    (bakery, "Short sentences, at most two at a time.", "Answer in no more than two sentences."),
    (bakery, "Ask for one thing at a time.", "Put one question at a time."),
    (bakery, "in groups of two characters", "two characters at a time"),
    (library, "Translate what you read.", "Put what you read into the reader's language."),
    (library, "Keep names of streets exactly as they are.", "Never translate names of streets."),
)  # fmt: skip


def everything_said(agent: Agent, talks: tuple[tuple[str, ...], ...]) -> list[object]:
    fails = {**FREE, "reserve_place": Failure(), "send_tow": Failure()}
    ordered = {"place_order": {"pickup_code": "K7Q2"}}
    return [
        talk(agent, *says, answers={**answers, **ordered})
        for says in talks
        for answers in (RESERVED, fails)
    ]


TALKS: dict[Callable[[], Agent], tuple[tuple[str, ...], ...]] = {
    garage: GARAGE_TALKS,
    bakery: BAKERY_TALKS,
    library: LIBRARY_TALKS,
}


def _shown(value: object) -> str:
    return getattr(value, "__name__", str(value))[:40]


@pytest.mark.parametrize(("agent", "old", "new"), SAME, ids=_shown)
def test_a_rewording_changes_nothing(agent: Callable[[], Agent], old: str, new: str) -> None:
    talks = TALKS[agent]

    assert everything_said(agent().reworded(old, new), talks) == everything_said(agent(), talks)
