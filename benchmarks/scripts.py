"""Manifests of an agent with scripted conversations, made for a measurement.

A conversation is what callers of a practice have with its desk: a question, a booking by tool that
is looked up first, a farewell. Every test is the same one under another name, so that sum and
longest say something about the runner and nothing about the scripts.
"""

import json
from pathlib import Path

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: bench }
spec:
  accounts:
    elevenlabs: { apiKey: { env: ELEVENLABS_API_KEY } }
  environments:
    - name: testing
      source: head
      mode: enforce
      drift: { policy: heal, interval: 24h }
"""
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }
spec:
  displayName: Front desk
  prompt:
    text: |
      You are the front desk of a small practice.
      We are open from nine to five, Monday to Friday.
      Parking is free behind the house.
      When the caller wants to book an appointment slot, use the tool book_slot.
  firstMessage: "Practice, how can I help?"
  language: en
  model: { name: gemini-2.5-flash, temperature: 0.2 }
  tools: [book-slot]
"""
TOOL = """\
apiVersion: trunkline/v1alpha1
kind: Tool
metadata: { name: book-slot }
spec:
  type: webhook
  function: book_slot
  description: Books an appointment slot.
  method: POST
  url: https://booking.example/v1/slots
  parameters:
    type: object
    properties:
      slot: { type: string, description: The wished-for time }
"""
SPEC = {
    "agent": "front-desk",
    "tools": {"book_slot": [{"reply": {"booked": True, "slot": "Monday 10:00"}}]},
    "turns": [
        {"expect": [{"says": "how can I help"}]},
        {"say": "When are you open?", "expect": [{"says": "nine"}]},
        {"say": "Is parking free?", "expect": [{"says": "behind the house"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot"}, {"says": {"anything": True}}],
        },
        {"say": "When are you open on Friday?", "expect": [{"says": "nine"}]},
    ],
    "finally": [{"callsTotal": {"book_slot": 1}}],
}


def practice(folder: Path, conversations: int) -> None:
    """Write the project, its agent, its tool, and as many tests of one conversation each."""
    for path, text in (
        ("trunkline.yaml", PROJECT),
        ("agents/front-desk.yaml", AGENT),
        ("tools/book-slot.yaml", TOOL),
        *((f"tests/{test_name(number)}.yaml", _test(number)) for number in range(conversations)),
    ):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_name(number: int) -> str:
    """What a test is called."""
    return f"conversation-{number:03}"


def _test(number: int) -> str:
    test = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "ConversationTest",
        "metadata": {"name": test_name(number)},
        "spec": SPEC,
    }
    return json.dumps(test)
