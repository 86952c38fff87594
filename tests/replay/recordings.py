"""The recorded histories, and the commands in them.

``histories/<release>`` holds what a release recorded and is never written again: workflows it
started may still run. ``histories/next`` is what today's code recorded; a release renames it.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

HISTORIES = Path(__file__).parent / "histories"
NEXT = "next"
"""Where ``make record-histories`` writes."""

COMMANDS = {
    "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED": "activity",
    "EVENT_TYPE_TIMER_STARTED": "timer",
    "EVENT_TYPE_TIMER_CANCELED": "cancel-timer",
    "EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": "attributes",
    "EVENT_TYPE_MARKER_RECORDED": "marker",
    "EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED": "child",
    "EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED": "signal",
    "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED": "complete",
    "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED": "fail",
    "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW": "continue-as-new",
}
"""Events that a workflow's own code asked for; everything else happened to it."""


@dataclass(frozen=True)
class Recording:
    """One history: ``release/workflow/scenario``."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(HISTORIES).with_suffix("").as_posix()

    @property
    def release(self) -> str:
        return self.name.split("/")[0]

    @property
    def kind(self) -> str:
        return self.name.split("/")[1]

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.path.read_text("utf-8"))["events"]
        return found

    def commands(self) -> tuple[str, ...]:
        """What the code asked for, in order: ``activity plan_agent``, ``timer``, …"""
        return tuple(
            f"{COMMANDS[event['eventType']]} {_activity(event)}".strip()
            for event in self.events
            if event["eventType"] in COMMANDS
        )


def recordings() -> list[Recording]:
    """All of them, the oldest release first."""
    return [Recording(path) for path in sorted(HISTORIES.glob("*/*/*.json"))]


def payloads(value: Any) -> Iterator[Any]:
    """JSON values in a list of payloads."""
    for payload in (value or {}).get("payloads", []):
        yield json.loads(base64.b64decode(payload.get("data", "")) or "null")


def _activity(event: dict[str, Any]) -> str:
    attributes = event.get("activityTaskScheduledEventAttributes", {})
    return str(attributes.get("activityType", {}).get("name", ""))
