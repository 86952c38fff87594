"""What keeps a recipient from being told the same thing again and again.

Bad news is told at once. That it is over is told once it stayed so for a moment. A subject that
goes back and forth is told of once; what follows within the quiet time is gathered and told in one
message. The same words are not repeated. All of it follows from what was said of the topic before,
so that it holds across processes, restarts and a backlog of a day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.notifications.bounds import OVERFLOW_S, QUIET_S, SETTLE_S
from trunkline.model.notifications.groups import Tone, tone_of
from trunkline.model.records import EventRecord

ChapterState = Literal[
    "held", "overflow", "covered", "repeated", "sending", "delivered", "refused", "unanswered"
]
"""``held``: gathered, to be told with others. ``overflow``: too much at once, to be summed up.
``covered``: told in the message of another event. ``repeated``: told before in the same words.
The others are messages of their own, and how far they are.
"""
WAITING: frozenset[ChapterState] = frozenset({"held", "overflow"})
Verdict = Literal["tell", "hold", "repeated"]


class Quiet(Frozen):
    """The times of it, in seconds, so that tests can be short."""

    quiet_s: float = QUIET_S
    settle_s: float = SETTLE_S
    overflow_s: float = OVERFLOW_S


class Chapter(Frozen):
    """One event of a topic, and what was made of it for one recipient."""

    event_id: int
    at: datetime
    tone: Tone
    said: str
    state: ChapterState


def chapter_of(event: EventRecord, state: ChapterState) -> Chapter:
    """An event as the store gave it, as a chapter of its topic."""
    if event.id is None or event.at is None:
        raise ValueError("only an event with an id and a time is a chapter of anything")
    said = f"{event.type}/{event.reason}/{event.message}"
    return Chapter(event_id=event.id, at=event.at, tone=tone_of(event), said=said, state=state)


def decide(past: Sequence[Chapter], event: Chapter, quiet: Quiet) -> Verdict:
    """What becomes of the next event of a topic; ``past`` is oldest first."""
    heard = [each for each in past if each.state != "repeated"]
    last = heard[-1] if heard else None
    recent = [each for each in heard if event.at - each.at < timedelta(seconds=quiet.quiet_s)]
    if last is not None and last in recent and last.said == event.said:
        return "repeated"
    if any(each.state == "held" for each in heard):
        return "hold"
    if event.tone == "good":
        return "hold" if last is not None and last.tone == "bad" else "tell"
    return "hold" if event.tone == "bad" and _recovered(recent) else "tell"


def was_bad(past: Sequence[Chapter]) -> bool:
    """True if the last thing a recipient was told, or will be, is bad news."""
    heard = [each for each in past if each.state != "repeated"]
    return bool(heard) and heard[-1].tone == "bad"


def due_at(held: Sequence[Chapter], told_at: datetime | None, quiet: Quiet) -> datetime:
    """When what is held of a topic is told; ``told_at`` is of the last message about it."""
    first = held[0].at
    if len(held) == 1 and held[0].tone == "good":
        return first + timedelta(seconds=quiet.settle_s)
    begun = first if told_at is None else told_at
    return begun + timedelta(seconds=quiet.quiet_s)


def _recovered(recent: Sequence[Chapter]) -> bool:
    """True if it went bad and came back within the quiet time."""
    tones = [each.tone for each in recent]
    return "bad" in tones and "good" in tones[tones.index("bad") :]
