"""From events to messages: whoever is to be told of what happened is, once.

Each look decides about the events since the last one, gathers what waited long enough, and starts
deliveries. Several processes may look at once, or none for a day: what was decided is in the store,
and of two that decide about the same events the store keeps one.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from trunkline.model.errors import TrunklineError
from trunkline.model.notifications.bounds import (
    CHAPTERS_LOOKED_BACK,
    EVENTS_PER_LOOK,
    HELD_PER_LOOK,
    MESSAGES_MAX,
    STARTED_AGAIN_S,
)
from trunkline.model.notifications.news import gathered, single, summed_up, topic_of
from trunkline.model.notifications.quiet import (
    Chapter,
    ChapterState,
    Quiet,
    chapter_of,
    decide,
    due_at,
    was_bad,
)
from trunkline.model.notifications.recipients import (
    Recipient,
    is_bounded,
    wants,
    wants_recovery,
)
from trunkline.model.notifications.records import HeldEvent, NotificationRecord, OpenBatch
from trunkline.model.records import EventRecord, RecordKind
from trunkline.ports import Clock, Projects, Statuses, Wishes
from trunkline.ports.notifying import Notifications
from trunkline.services.deliveries import Deliveries
from trunkline.services.notifications import recipients_of

POLL_S: Final = 30.0
"""How often every project is looked at although nothing was heard of it."""
PAUSE_S: Final = 0.5
"""Between two looks: a fleet that changes says so hundreds of times a second."""
SOONEST_S: Final = 0.2

logger = logging.getLogger(__name__)


class Hearing(Protocol):
    """Hears in which projects something happened."""

    async def heard(self, *, within_s: float) -> frozenset[str] | None:
        """The projects; None means any of them."""


class TellerStore(Notifications, Projects, Statuses, Wishes, Protocol):
    """What telling needs of a store."""


class NewsTeller:
    """Looks at the events of projects and has people told."""

    def __init__(
        self,
        store: TellerStore,
        deliveries: Deliveries,
        clock: Clock,
        *,
        quiet: Quiet | None = None,
        poll_s: float = POLL_S,
        pause_s: float = PAUSE_S,
        again_s: float = STARTED_AGAIN_S,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._clock = clock
        self._quiet = quiet or Quiet()
        self._poll_s = poll_s
        self._pause_s = pause_s
        self._again_s = again_s

    async def run(self, hearing: Hearing, stopping: asyncio.Event) -> None:
        """Look whenever something is heard, and now and then, until the event is set."""
        due: dict[str, datetime] = {}
        while not stopping.is_set():
            heard = await hearing.heard(within_s=self._patience_s(due))
            try:
                now = self._clock.now()
                waiting = {project for project, at in due.items() if at <= now}
                named = await self._named() if heard is None else heard | waiting
            except TrunklineError as error:
                logger.warning("nobody is told of anything: %s", error)
                named = frozenset()
            for project in sorted(named):
                due.pop(project, None)
                next_at = await self._look_safely(project)
                if next_at is not None:
                    due[project] = next_at
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self._pause_s)

    async def look(self, project: str) -> datetime | None:
        """Tell what happened in a project; when something that waits is due next, if anything.

        Raises StoreUnavailable, EngineUnavailable; whatever was decided then stays so.
        """
        told = await recipients_of(self._store, project)
        cursor = await self._store.notification_cursor(project)
        if not told:
            await self._store.skip_news(project, cursor)
            return None
        batches: list[OpenBatch] = []
        while events := await self._store.events(project, after=cursor, limit=EVENTS_PER_LOOK):
            rows = _in_batches(await self._decided(project, told, events))
            upto = events[-1].id or cursor
            if not await self._store.record_notifications(
                project, after=cursor, upto=upto, rows=rows
            ):
                break
            batches += _batches(project, rows)
            cursor = upto
        gathered_rows, due = await self._gathered(project)
        batches += _batches(project, gathered_rows)
        batches += await self._store.open_batches(project, idle_s=self._again_s)
        words = {recipient.id: recipient.words for recipient in told}
        for batch in batches:
            await self._deliveries.start(batch, words.get(batch.recipient, batch.recipient))
        return due

    def _patience_s(self, due: Mapping[str, datetime]) -> float:
        if not due:
            return self._poll_s
        left_s = (min(due.values()) - self._clock.now()).total_seconds()
        return min(self._poll_s, max(SOONEST_S, left_s))

    async def _named(self) -> frozenset[str]:
        return frozenset(project.name for project in await self._store.projects())

    async def _look_safely(self, project: str) -> datetime | None:
        try:
            return await self.look(project)
        except TrunklineError as error:
            logger.warning("project %s: nobody is told for now: %s", project, error)
            return None

    async def _decided(
        self, project: str, told: Sequence[Recipient], events: Sequence[EventRecord]
    ) -> list[NotificationRecord]:
        """What becomes of each event for whoever it concerns."""
        topics = {(each.id, topic_of(event)) for each in told for event in events}
        known = await self._store.topics_past(project, topics, limit=CHAPTERS_LOOKED_BACK)
        past: dict[tuple[str, str], list[Chapter]] = defaultdict(list)
        past.update({(each.recipient, each.topic): [*each.chapters] for each in known})
        since = self._clock.now() - timedelta(seconds=self._quiet.quiet_s)
        unbounded = [each.id for each in told if each.type == "webhook"]
        counts = defaultdict(
            int, await self._store.told_since(project, since, not_of_calls=unbounded)
        )
        labels = _Labels(self._store, needed=_asks_for_labels(told))
        rows: list[NotificationRecord] = []
        for event in events:
            carried = await labels.of(event)
            for each in told:
                chapters = past[each.id, topic_of(event)]
                again = wants_recovery(each, event, carried) and was_bad(chapters)
                if not (wants(each, event, carried) or again):
                    continue
                is_counted = is_bounded(each, event)
                state = self._state(chapters, event, counts[each.id] if is_counted else 0)
                counts[each.id] += is_counted and state in {"sending", "overflow"}
                chapters.append(chapter_of(event, state))
                rows.append(_row(each.id, event, state))
        return rows

    def _state(self, chapters: Sequence[Chapter], event: EventRecord, count: int) -> ChapterState:
        verdict = decide(chapters, chapter_of(event, "sending"), self._quiet)
        if verdict == "hold":
            return "held"
        if verdict == "repeated":
            return "repeated"
        return "overflow" if count >= MESSAGES_MAX else "sending"

    async def _gathered(self, project: str) -> tuple[list[NotificationRecord], datetime | None]:
        """Messages made of what waited long enough, and when the rest has."""
        held = await self._store.held_events(project, limit=HELD_PER_LOOK)
        groups: dict[tuple[str, str], list[HeldEvent]] = defaultdict(list)
        for each in held:
            topic = each.topic if each.state == "held" else ""
            groups[each.recipient, topic].append(each)
        known = await self._store.topics_past(
            project, {key for key in groups if key[1]}, limit=CHAPTERS_LOOKED_BACK
        )
        told_at = {(each.recipient, each.topic): each.told_at for each in known}
        now, later, rows = self._clock.now(), [], []
        for key, waiting in groups.items():
            due = self._due(waiting, told_at.get(key))
            if due > now:
                later.append(due)
                continue
            message = _message(project, waiting)
            if await self._store.tell_held(message, [each.event.id or 0 for each in waiting]):
                rows.append(message)
        return rows, min(later, default=None)

    def _due(self, waiting: Sequence[HeldEvent], told_at: datetime | None) -> datetime:
        if waiting[0].state == "overflow":
            return waiting[0].held_at + timedelta(seconds=self._quiet.overflow_s)
        chapters = [chapter_of(each.event, each.state) for each in waiting]
        return due_at(chapters, told_at, self._quiet)


class _Labels:
    """Labels of the subjects of events, each looked up once, and only if somebody asks."""

    def __init__(self, store: TellerStore, *, needed: bool) -> None:
        self._store = store
        self._needed = needed
        self._known: dict[tuple[str, str, str], dict[str, str]] = {}

    async def of(self, event: EventRecord) -> dict[str, str]:
        """The labels of an agent or number, also of one that is gone from Git; of a call those
        of its agent.
        """
        if not self._needed or event.kind not in {"agent", "number", "call"}:
            return {}
        name = str(event.details.get("agent", "")) if event.kind == "call" else event.name
        kind: RecordKind = "number" if event.kind == "number" else "agent"
        key = (event.environment, kind, name)
        if key not in self._known:
            self._known[key] = await self._read(event, kind, name)
        return self._known[key]

    async def _read(self, event: EventRecord, kind: RecordKind, name: str) -> dict[str, str]:
        status = await self._store.status(event.project, event.environment, kind, name)
        if status is not None and status.labels:
            return status.labels
        wish = await self._store.wish(event.project, event.environment, kind, name)
        labels = wish.body.get("labels") if wish is not None else None
        return {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}


def _asks_for_labels(told: Sequence[Recipient]) -> bool:
    return any(rule.labels for each in told for rule in each.rules)


def _row(recipient: str, event: EventRecord, state: ChapterState) -> NotificationRecord:
    return NotificationRecord(
        project=event.project,
        event_id=event.id or 0,
        recipient=recipient,
        topic=topic_of(event),
        state=state,
        news=single(event) if state == "sending" else None,
    )


def _message(project: str, waiting: Sequence[HeldEvent]) -> NotificationRecord:
    events = [each.event for each in waiting]
    news = summed_up(events) if waiting[0].state == "overflow" else gathered(events)
    return NotificationRecord(
        project=project,
        event_id=news.event_id,
        recipient=waiting[-1].recipient,
        topic=waiting[-1].topic,
        state="sending",
        batch=news.event_id,
        news=news,
    )


def _in_batches(rows: Sequence[NotificationRecord]) -> list[NotificationRecord]:
    """The same with the batch of each message: all that one recipient is sent at once."""
    newest: dict[str, int] = {}
    for row in rows:
        if row.news is not None:
            newest[row.recipient] = row.event_id
    return [
        row.model_copy(update={"batch": newest[row.recipient]}) if row.news is not None else row
        for row in rows
    ]


def _batches(project: str, rows: Sequence[NotificationRecord]) -> list[OpenBatch]:
    """The deliveries of messages, in the order of their events."""
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in rows:
        if row.news is not None:
            found[row.recipient, row.batch].append(row.event_id)
    return [
        OpenBatch(project=project, recipient=recipient, batch=batch, event_ids=tuple(ids))
        for (recipient, batch), ids in found.items()
    ]
