"""Manifests of agents with scripted conversations, made for a measurement.

A conversation is what callers of a practice have with its desk: a question, a booking by tool that
is looked up first, a farewell. Every test is the same one under another name, so that sum and
longest say something about the runner and nothing about the scripts.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.fleets import PROJECT

RELEASED = """\
  people:
    - { name: author, emails: [author@example.com] }
    - { name: approver, emails: [approver@example.com] }
"""
PRODUCTION = """\
    - name: production
      source: releases
      mode: enforce
      drift: { policy: heal, interval: 24h }
      promotion: { from: testing, soak: 0s, approvals: { count: 1, roles: [approver] } }
"""
STEPWISE = """\
    - name: stepwise
      source: releases
      mode: enforce
      drift: { policy: heal, interval: 24h }
      promotion:
        from: testing
        soak: 0s
        approvals: { count: 0 }
        rollout: { steps: [10, 50], every: 0s }
        verify: { tags: [smoke], rollback: true }
"""
DESK = "front-desk"
SMALL_DESK = "night-desk"
GREETING = "Practice, how can I help?"
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
SPEC: dict[str, Any] = {
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
ASKED = {"say": "When are you open?", "expect": [{"says": "nine", "within": "3s"}]}
SMALL_SPEC = {"agent": SMALL_DESK, "tools": SPEC["tools"], "turns": [SPEC["turns"][0], ASKED]}


def practice(folder: Path, conversations: int) -> None:
    """Write the project, its agent, its tool, and as many tests of one conversation each."""
    _write(folder, {"trunkline.yaml": PROJECT, **_desk(conversations)})


def released_practice(folder: Path, conversations: int) -> None:
    """The same with two environments that are promoted to, one of them by steps, and another agent
    that has a single short test.
    """
    small = {"name": "smoke", "tags": ["smoke"]}
    project = f"{PROJECT}{PRODUCTION}{STEPWISE}{RELEASED}"
    texts = {
        "trunkline.yaml": project,
        desk_path(SMALL_DESK): small_desk(GREETING),
        "tests/smoke.yaml": _test(small, SMALL_SPEC),
    }
    _write(folder, {**_desk(conversations), **texts})


def small_desk(greeting: str) -> str:
    """The manifest of the agent with a single test, saying this first."""
    return AGENT.replace(DESK, SMALL_DESK).replace(GREETING, greeting)


def desk_path(name: str) -> str:
    """The file of an agent."""
    return f"agents/{name}.yaml"


def test_name(number: int) -> str:
    """What a test is called."""
    return f"conversation-{number:03}"


def _desk(conversations: int) -> dict[str, str]:
    texts = {desk_path(DESK): AGENT, "tools/book-slot.yaml": TOOL}
    for name in map(test_name, range(conversations)):
        texts[f"tests/{name}.yaml"] = _test({"name": name}, SPEC)
    return texts


def _test(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    test = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "ConversationTest",
        "metadata": metadata,
        "spec": spec,
    }
    return json.dumps(test)


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
