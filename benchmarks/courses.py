"""When the parts of a workflow began and ended, as Temporal's own history says.

All workflows of a run are on one clock there, and reading a history costs the worker nothing. It is
read by asking for what is not there yet, so waiting for a part needs no second question.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

COURSE_TIMEOUT_S = 1_800.0
ENDS = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
    }
)


@dataclass(slots=True)
class Part:
    """An activity by its name, or a child by its id; Unix seconds, ``ended_s`` inf if it is not
    over.
    """

    name: str
    asked_s: float
    ended_s: float = inf


@dataclass(frozen=True, slots=True)
class Course:
    """A workflow from its beginning to where it was read to; Unix seconds."""

    began_s: float
    ended_s: float
    parts: tuple[Part, ...]

    def named(self, name: str) -> list[Part]:
        """Activities of this name, or children whose id begins with it, in order."""
        return [part for part in self.parts if part.name.startswith(name)]

    def after(self, name: str, moment_s: float) -> Part | None:
        """The first of these that was asked for after that and is over."""
        found = (part for part in self.named(name) if part.asked_s >= moment_s)
        return next((part for part in found if part.ended_s < inf), None)


async def course(
    client: Client, workflow_id: str, until: Callable[[Course], bool] = lambda _: False
) -> Course:
    """Read a workflow's history until it says that much, or has ended."""
    began_s, ended_s, parts = 0.0, inf, dict[int, Part]()
    handle = client.get_workflow_handle(workflow_id)
    try:
        async with asyncio.timeout(COURSE_TIMEOUT_S):
            async for event in handle.fetch_history_events(wait_new_event=True):
                moment_s = event.event_time.ToNanoseconds() / 1e9
                began_s = began_s or moment_s
                ended_s = moment_s if event.event_type in ENDS else inf
                _note(parts, event, moment_s)
                found = Course(began_s, ended_s, tuple(parts.values()))
                if until(found):
                    return found
    except TimeoutError:
        sys.exit(f"{workflow_id} went on for longer than {COURSE_TIMEOUT_S:.0f} s")
    return Course(began_s, ended_s, tuple(parts.values()))


def last_end(parts: Iterable[Part]) -> float:
    """When the last of them was over, Unix seconds."""
    return max(part.ended_s for part in parts)


def _note(parts: dict[int, Part], event: HistoryEvent, moment_s: float) -> None:
    kind = event.event_type
    if kind == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
        name = event.activity_task_scheduled_event_attributes.activity_type.name
        parts[event.event_id] = Part(name, moment_s)
    elif kind == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
        child = event.start_child_workflow_execution_initiated_event_attributes.workflow_id
        parts[event.event_id] = Part(child, moment_s)
    elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        done = event.activity_task_completed_event_attributes
        parts[done.scheduled_event_id].ended_s = moment_s
    elif kind == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
        over = event.child_workflow_execution_completed_event_attributes
        parts[over.initiated_event_id].ended_s = moment_s
