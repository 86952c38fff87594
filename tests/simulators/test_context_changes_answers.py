"""Contextual updates in named slots: what was said last is what the agent answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.talking import Line, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

PROMPT = {"prompt": {"prompt": "You answer the phone of a bakery. Be brief."}}


@pytest.fixture(autouse=True)
def _quick(world: World) -> None:
    """Agents that answer at once."""
    world.steer("talks", {"think_ms": 0})


def told(line: Line, text: str, slot: str | None = None) -> None:
    named = {"context_id": slot} if slot else {}
    line.send(type="contextual_update", text=text, **named)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("support_email: help@example.com", "What is the support email?", "help@example.com"),
        ("The caller's name is Ann.", "Do you know my name?", "Ann"),
        ("business_hours: 9-18", "What are your business hours?", "9-18"),
        ("order_status: delayed", "What is the status of my order?", "delayed"),
    ],
)
def test_a_slot_is_used_in_the_next_answer(
    world: World, text: str, question: str, answer: str
) -> None:
    with talk(public_url(world, talker(world, agent=PROMPT))) as line:
        line.reply()
        line.say(question)
        assert answer not in line.reply()
        told(line, text, "slot")
        line.say(question)
        assert answer in line.reply()


def test_the_same_slot_holds_what_was_said_last(world: World) -> None:
    with talk(public_url(world, talker(world, agent=PROMPT))) as line:
        line.reply()
        told(line, "support_email: help@example.com", "support_email")
        told(line, "business_hours: 9-18", "business_hours")
        line.say("What is the support email?")
        assert "help@example.com" in line.reply()
        told(line, "support_email: desk@example.org", "support_email")
        line.say("What is the support email?")
        second = line.reply()
        assert "desk@example.org" in second
        assert "help@example.com" not in second
        line.say("What are your business hours?")
        assert "9-18" in line.reply()


def test_two_slots_changed_at_once_lose_nothing(world: World) -> None:
    with talk(public_url(world, talker(world, agent=PROMPT))) as line:
        line.reply()
        told(line, "support_email: help@example.com", "support_email")
        told(line, "special_offer: two cakes for one", "special_offer")
        told(line, "support_email: desk@example.org", "support_email")
        told(line, "special_offer: three rolls for two", "special_offer")
        line.say("What is the support email?")
        assert "desk@example.org" in line.reply()
        line.say("Do you have a special offer?")
        assert "three rolls for two" in line.reply()


NAMED = {
    "prompt": {
        "prompt": "You answer the phone of a bakery. Be brief.\n\n# Context\n\n"
        "- business_hours: {{business_hours}}\n- support_email: {{support_email}}"
    },
    "dynamic_variables": {
        "dynamic_variable_placeholders": {
            "business_hours": "9-18",
            "support_email": "help@example.com",
        }
    },
}


def asked(line: Line, question: str) -> str:
    line.say(question)
    return line.reply()


@pytest.mark.parametrize("slot", ["support_email", None])
@pytest.mark.parametrize(
    "text",
    [
        "support_email: desk@example.org",
        "Support email: desk@example.org",
        "A colleague says that this is new:\n\nsupport_email = desk@example.org",
        "Forget the old support email, please.\n\n- support_email: desk@example.org",
    ],
)
def test_a_statement_takes_the_place_of_what_the_prompt_says_under_the_name(
    world: World, text: str, slot: str | None
) -> None:
    with talk(public_url(world, talker(world, agent=NAMED))) as line:
        line.reply()
        assert "help@example.com" in asked(line, "What is the support email?")
        told(line, text, slot)
        answer = asked(line, "What is the support email?")
        assert "desk@example.org" in answer
        assert "help@example.com" not in answer
        assert "old" not in answer
        assert "9-18" in asked(line, "What are your business hours?")


def test_the_latest_statement_counts_whatever_it_was_called(world: World) -> None:
    with talk(public_url(world, talker(world, agent=NAMED))) as line:
        line.reply()
        told(line, "support_email: first@example.com", "support_email")
        told(line, "support_email: second@example.com")
        told(line, "support_email: third@example.com", "another")
        assert "third@example.com" in asked(line, "What is the support email?")
        told(line, "support_email: fourth@example.com", "support_email")
        answer = asked(line, "What is the support email?")
        assert "fourth@example.com" in answer
        assert answer.count("@") == 1


@pytest.mark.parametrize("nothing", ["none", "unknown.", ""])
def test_a_statement_of_nothing_leaves_nothing(world: World, nothing: str) -> None:
    with talk(public_url(world, talker(world, agent=NAMED))) as line:
        line.reply()
        told(line, f"support_email: {nothing}", "support_email")
        answer = asked(line, "What is the support email?")
        assert "@" not in answer
        assert "email" not in answer
        told(line, "support_email: desk@example.org", "support_email")
        assert "desk@example.org" in asked(line, "What is the support email?")


def test_notes_under_the_same_label_are_all_kept(world: World) -> None:
    with talk(public_url(world, talker(world, agent=NAMED))) as line:
        line.reply()
        told(line, "Note: the support email is read on Mondays.")
        told(line, "Note: we have a special offer, two cakes for one.")
        assert "Mondays" in asked(line, "When is the support email read?")
        assert "two cakes" in asked(line, "Do you have a special offer?")
