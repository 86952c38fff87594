"""What happens in a project as one story: its events and those of its calls, in one order.

Both are numbered from one sequence, so one number says how far somebody has read.
"""

from typing import TypeAlias

from trunkline.model.base import Frozen
from trunkline.model.calls.events import CallEvent
from trunkline.model.records import EventRecord


class CallHappening(Frozen):
    """An event of a call among everything else of its project; ``id`` is its number there."""

    id: int
    project: str
    call: str
    environment: str
    agent: str
    event: CallEvent


Happening: TypeAlias = EventRecord | CallHappening


def number_of(happening: Happening) -> int:
    """Its number in the story; 0 of an event that was never stored."""
    return happening.id or 0
