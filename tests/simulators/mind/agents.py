"""Agents of this suite's own: a bakery, a garage and a library, and ways to talk to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.elevenlabs.mind import Act, CallTool, Document, End, Mind, Misbehaviour, Say

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday

BAKERY = """You answer the phone at {{shop}}, a family bakery with one oven.

# Orders

1. For an order, ask which candles the customer wants.
   Ask for one thing at a time.
2. Summarise the order and ask whether that is right. Only after a clear yes, call `place_order`.
3. Read the pickup code out in groups of two characters and say that the cake will be
   in the front window.

# Rules

- If the documents do not say, offer a call back from the owner.
- If a customer has an allergy attack or cannot breathe, stop everything else.
  Say: "Please ring for an ambulance."
- You promise no refunds.
- Short sentences, at most two at a time.
- Say times the way people do.
"""

BAKERY_HOURS = """# Opening hours

- Monday, Tuesday: 7:00 to 18:00
- Saturday: 6:30 to 12:30
- Sunday: closed

# Breads

| bread | price | weighs |
| --- | --- | --- |
| Rye loaf | 4 | 800 grams |
| Spelt loaf | 6 | 700 grams |

Address: Mill Yard 9. Every loaf contains wheat, except the buckwheat ring.
"""

GARAGE = """You work at the service desk of {{garage}}.

# What you do

1. Find out what the customer needs and the kind of the vehicle.
2. For an appointment, ask which day suits them, then look up free places with `free_places`.
   Offer at most two places, the earliest first.
3. When they have chosen, repeat day, time and reason and ask whether that is right.
   Call `reserve_place` only after a clear yes.
4. Read out the reference code and tell them that the key goes into the blue box.

# If there is danger

1. Call `send_tow` with one sentence about what happened.
2. Say that the tow truck is on its way, and that the customer should stand behind the barrier.
3. Tell them to leave the engine off. Nothing else: no water, no pushing.
4. If towing fails, say so plainly and name the motorway police, which is always there.

# Manner

Times exist only if `free_places` returned them.
You do not say that a reservation is done unless `reserve_place` returned a code.
Never say "no worries". Keep sentences short. Say times as people say them.
If you did not understand something twice, offer a call back.
"""

GARAGE_SIGNS = """# When a car must not be driven

## At once

- Smoke from the engine, flames
- Brakes that do not work
- A burst tyre

## Can wait

- A squeaking belt
"""

LIBRARY = """You serve readers of {{library}} in German and in English.

As soon as the reader speaks a full sentence of English, continue in English, and change back
when they do.
Translate what you read. Keep names of streets exactly as they are.
Keep sentences short. Say times the way people do.
"""


def parameters(**described: str) -> dict[str, Any]:
    """A schema of required texts; a name that ends in ``_`` is optional."""
    return {
        "type": "object",
        "required": [name for name in described if not name.endswith("_")],
        "properties": {
            name.rstrip("_"): {"type": "string", "description": words}
            for name, words in described.items()
        },
    }


def tool(name: str, description: str, **described: str) -> dict[str, Any]:
    """A webhook tool as the platform keeps it."""
    schema = {"url": "http://127.0.0.1/x", "request_body_schema": parameters(**described)}
    return {"type": "webhook", "name": name, "description": description, "api_schema": schema}


PLACE_ORDER = tool(
    "place_order",
    "Places an order for a cake.",
    cake="Which cake the customer wants",
    customer="Name of the customer",
)
FREE_PLACES = tool("free_places", "Finds free appointment places.", day="The day as an ISO date")
RESERVE_PLACE = tool(
    "reserve_place",
    "Reserves an appointment and returns its code.",
    place="ISO time of the slot as free_places returned it",
    reason_="Why the vehicle comes, in a few words",
)
SEND_TOW = tool("send_tow", "Sends a tow truck.", summary="One sentence about what happened")


@dataclass
class Agent:
    """An agent that can be changed in one place and talked to."""

    prompt: str
    documents: tuple[Document, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    first_message: str = "Hello."
    language: str = "en"
    built_in: tuple[str, ...] = ("end_call",)
    placeholders: Mapping[str, Any] = field(default_factory=dict)
    presets: tuple[str, ...] = ()

    def without(self, sentence: str) -> Agent:
        """The same agent without a sentence of its prompt or a line of its documents."""
        return self.reworded(sentence, "")

    def reworded(self, old: str, new: str) -> Agent:
        """The same agent with another wording of a sentence."""
        documents = tuple(Document(one.name, one.text.replace(old, new)) for one in self.documents)
        changed = self.prompt.replace(old, new)
        assert changed != self.prompt or documents != self.documents, f"nowhere: {old}"
        return Agent(
            changed, documents, self.tools, self.first_message, self.language, self.built_in,
            self.placeholders, self.presets,
        )  # fmt: skip

    def mind(self, seed: int = 0, misbehaviour: Misbehaviour | None = None) -> Mind:
        """A mind of this agent, not opened yet."""
        config = {
            "agent": {
                "first_message": self.first_message,
                "language": self.language,
                "dynamic_variables": {"dynamic_variable_placeholders": dict(self.placeholders)},
                "prompt": {
                    "prompt": self.prompt,
                    "built_in_tools": {name: {"name": name} for name in self.built_in},
                },
            },
            "language_presets": {code: {"overrides": {}} for code in self.presets},
        }
        return Mind(config, self.documents, self.tools, seed, misbehaviour)


def bakery() -> Agent:
    """One tool that places orders, prices and hours."""
    return Agent(
        BAKERY, (Document("Bakery", BAKERY_HOURS),), (PLACE_ORDER,), "{{shop}}, good morning.",
        placeholders={"shop": "Crumb and Co"},
    )  # fmt: skip


def garage() -> Agent:
    """Looking up and reserving, and a tow truck for danger."""
    return Agent(
        GARAGE, (Document("Signs", GARAGE_SIGNS),), (FREE_PLACES, RESERVE_PLACE, SEND_TOW),
        placeholders={"garage": "Axle Works"},
    )  # fmt: skip


def library() -> Agent:
    """Two languages and a document in English."""
    text = "# Opening hours\n\n- Monday: 9:00 to 17:30\n- Friday: closed\n\nAddress: Elm Lane 3."
    return Agent(
        LIBRARY, (Document("Hours", text),), language="de", first_message="Guten Tag.",
        placeholders={"library": "Elm"},
    )  # fmt: skip


FREE = {"free_places": {"places": ["2026-03-10T14:30", "2026-03-09T09:00", "2026-03-11T10:00"]}}
RESERVED = {**FREE, "reserve_place": {"code": "AX-778"}, "send_tow": {"sent": True}}


class Failure:
    """What a tool answers when it fails."""


def talk(
    agent: Agent,
    *says: str,
    answers: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    misbehaviour: Misbehaviour | None = None,
    seed: int = 0,
) -> list[Act]:
    """All acts of a conversation, tools answered as given."""
    mind = agent.mind(seed, misbehaviour)
    acts = answered(mind, mind.open(variables or {}, NOW), answers or {})
    for text in says:
        acts += answered(mind, mind.hear(text), answers or {})
    return acts


def answered(mind: Mind, acts: Iterable[Act], answers: Mapping[str, Any]) -> list[Act]:
    """Acts with those that follow when tools have answered."""
    done: list[Act] = []
    waiting = list(acts)
    while waiting:
        act = waiting.pop(0)
        done.append(act)
        if isinstance(act, CallTool):
            answer = answers.get(act.tool, {})
            failed = isinstance(answer, Failure)
            result = "it broke" if failed else json.dumps(answer)
            waiting += mind.tool_answered(act.call_id, result, is_error=failed)
    return done


def spoken(acts: Iterable[Act]) -> list[str]:
    """What was said, reply by reply."""
    return [act.text for act in acts if isinstance(act, Say)]


def last(acts: Iterable[Act]) -> str:
    """What was said last."""
    return spoken(acts)[-1]


def calls(acts: Iterable[Act]) -> list[tuple[str, dict[str, Any]]]:
    """The tools that were called, with their arguments."""
    return [(act.tool, act.arguments) for act in acts if isinstance(act, CallTool)]


def ends(acts: Iterable[Act]) -> bool:
    """Whether the agent ended the conversation."""
    return any(isinstance(act, End) for act in acts)
