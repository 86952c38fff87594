"""What one message says, kept from the decision to tell until it is delivered.

A message is one event, several of one subject that goes back and forth, or a sum of many. What
goes into words of a channel is made from this and nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.ids import Revision
from trunkline.model.notifications.bounds import NAMES_SHOWN
from trunkline.model.notifications.groups import TESTED, Tone, group_of, tone_of, track_of
from trunkline.model.records import EventRecord

NewsKind = Literal["event", "flapping", "summary", "test"]


class News(Frozen):
    """One message. ``event_id`` is its newest event, which gives it its identity.

    ``changes`` events are told in it, since ``since``; ``reasons`` counts them and ``names`` are
    some of their subjects, both only in a summary. ``call`` is what is known of a call.
    """

    kind: NewsKind
    project: str
    environment: str = ""
    subject: str
    name: str
    severity: Literal["Normal", "Warning"]
    tone: Tone
    group: str
    reason: str
    message: str
    revision: Revision | None = None
    event_id: int
    at: datetime
    since: datetime
    changes: int = 1
    reasons: dict[str, int] = Field(default_factory=dict)
    names: tuple[str, ...] = ()
    promotion: str = ""
    call: JsonObject = Field(default_factory=dict)


def topic_of(event: EventRecord) -> str:
    """Subject and what the event is a chapter of: what goes back and forth does so within it."""
    return f"{event.environment}/{event.kind}/{event.name}/{track_of(event)}"


def single(event: EventRecord) -> News:
    """A message about one event, as the store gave it."""
    if event.id is None or event.at is None:
        raise ValueError("an event is told once the store has given it an id and a time")
    promotion = event.details.get("promotion")
    return News(
        kind="test" if event.reason == TESTED else "event",
        project=event.project,
        environment=event.environment,
        subject=event.kind,
        name=event.name,
        severity=event.type,
        tone=tone_of(event),
        group=group_of(event),
        reason=event.reason,
        message=event.message,
        revision=event.revision,
        event_id=event.id,
        at=event.at,
        since=event.at,
        promotion=promotion if isinstance(promotion, str) else "",
        call=event.details if event.kind == "call" else {},
    )


def gathered(events: Sequence[EventRecord]) -> News:
    """One message about one or more events of one topic, oldest first."""
    last = single(events[-1])
    if len(events) == 1:
        return last
    update = {"kind": "flapping", "since": single(events[0]).at, "changes": len(events)}
    return last.model_copy(update=update)


def summed_up(events: Sequence[EventRecord]) -> News:
    """One message about many events of many topics, oldest first."""
    last = single(events[-1])
    if len(events) == 1:
        return last
    counted = Counter(event.reason for event in events)
    named = list(dict.fromkeys(event.name for event in events if event.name))
    worst = "Warning" if any(event.type == "Warning" for event in events) else "Normal"
    return News(
        kind="summary",
        project=last.project,
        subject="project",
        name=last.project,
        severity="Warning" if worst == "Warning" else "Normal",
        tone="bad" if worst == "Warning" else "good",
        group="notifications",
        reason="Summary",
        message=", ".join(f"{count} {reason}" for reason, count in counted.most_common()),
        event_id=last.event_id,
        at=last.at,
        since=single(events[0]).at,
        changes=len(events),
        reasons=dict(counted.most_common()),
        names=tuple(named[:NAMES_SHOWN]),
    )
