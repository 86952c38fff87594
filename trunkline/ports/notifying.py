"""What telling people asks of the outside: recipients that take messages, and what was told."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.kinds.notifications import Notification
from trunkline.model.notifications.news import News
from trunkline.model.notifications.quiet import ChapterState
from trunkline.model.notifications.records import (
    Conclusion,
    HeldEvent,
    NotificationRecord,
    OpenBatch,
    TopicPast,
    Unreached,
)
from trunkline.model.records import EventRecord


class Notifier(Protocol):
    """Sends one message to one place, once."""

    async def notify(self, project: str, place: Notification, news: News, recipient: str) -> str:
        """What the recipient answered, in a few words.

        Raises NotificationRefused for a definite no, also by our own rules about addresses,
        NotificationUnavailable where another try may succeed.
        """


class Notifications(Protocol):
    """What became of events. Every write is conditional, so that of two who decide one wins."""

    async def notification_cursor(self, project: str) -> int:
        """The last event that was decided about; set to a recent one at the first look."""

    async def skip_news(self, project: str, after: int) -> None:
        """Nobody is to be told: go on behind the newest event, if still at ``after``."""

    async def topics_past(
        self, project: str, topics: Collection[tuple[str, str]], *, limit: int
    ) -> tuple[TopicPast, ...]:
        """What was made of topics, each named by recipient and topic."""

    async def told_since(
        self, project: str, since: datetime, *, not_of_calls: Sequence[str] = ()
    ) -> dict[str, int]:
        """How many messages each recipient was sent since, and how many wait in an overflow; of
        some without those about calls.
        """

    async def record_notifications(
        self, project: str, *, after: int, upto: int, rows: Sequence[NotificationRecord]
    ) -> bool:
        """Write down what was decided about the events behind ``after``; False if others did."""

    async def held_events(self, project: str, *, limit: int) -> tuple[HeldEvent, ...]:
        """Events that wait to be told with others, oldest first."""

    async def tell_held(self, message: NotificationRecord, event_ids: Sequence[int]) -> bool:
        """Turn events that wait into one message, that of the newest; False if others did."""

    async def open_batches(self, project: str, *, idle_s: float) -> tuple[OpenBatch, ...]:
        """Deliveries that nothing was heard of for so long; they count as heard of now."""

    async def notification(
        self, project: str, event_id: int, recipient: str
    ) -> NotificationRecord | None:
        """One row, or None."""

    async def conclude_notification(
        self, project: str, event_id: int, recipient: str, state: ChapterState, message: str
    ) -> Conclusion:
        """End a message that is being sent; one that ended stays as it is."""

    async def note_attempt(self, project: str, event_id: int, recipient: str, message: str) -> None:
        """Say why a message that is being sent has not arrived yet."""

    async def notifications(
        self,
        project: str,
        *,
        event_id: int | None = None,
        before: tuple[int, str] | None = None,
        limit: int,
    ) -> tuple[NotificationRecord, ...]:
        """Messages, newest first, below an event and recipient."""

    async def unreached(self, project: str, *, after_s: float) -> tuple[Unreached, ...]:
        """Recipients whose newest message was refused, given up, or is tried for so long."""

    async def put_test(
        self, event: EventRecord, rows: Sequence[NotificationRecord]
    ) -> tuple[NotificationRecord, ...]:
        """Store an event and a message about it for every row; answers them with its id."""
