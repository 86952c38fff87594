"""What is kept of telling: what became of each event for each recipient."""

from datetime import datetime

from trunkline.model.base import Frozen
from trunkline.model.notifications.news import News
from trunkline.model.notifications.quiet import Chapter, ChapterState
from trunkline.model.records import EventRecord


class NotificationRecord(Frozen):
    """One event and one recipient. ``news`` is there if it became a message of its own; then
    ``batch`` names the delivery that sends it. ``told_with`` is the event whose message told it.
    """

    project: str
    event_id: int
    recipient: str
    topic: str
    state: ChapterState
    message: str = ""
    batch: int = 0
    told_with: int | None = None
    news: News | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class HeldEvent(Frozen):
    """An event that waits to be told with others, for one recipient."""

    recipient: str
    topic: str
    state: ChapterState
    held_at: datetime
    event: EventRecord


class TopicPast(Frozen):
    """What was made of a topic for one recipient, oldest first; ``told_at`` is the newest event a
    message of its own told of.
    """

    recipient: str
    topic: str
    chapters: tuple[Chapter, ...] = ()
    told_at: datetime | None = None


class OpenBatch(Frozen):
    """Messages to one recipient that are not known to have ended."""

    project: str
    recipient: str
    batch: int
    event_ids: tuple[int, ...]


class Unreached(Frozen):
    """A recipient that has not taken a message for a while: how its newest one stands, in its own
    words, and since when none was taken.
    """

    recipient: str
    state: ChapterState
    message: str
    since: datetime


class Conclusion(Frozen):
    """What a delivery came to: whether it was news, and how the message before it had ended."""

    is_first: bool
    before: ChapterState | None = None
