"""What is written down of a call while it goes on, in order, without ever holding the call up.

Whoever speaks only adds; one task writes behind. While the database is away the call goes on and
the rows follow once it is back, each once: a write whose answer was lost is looked for before it is
repeated. What waits is bounded, and what does not fit any more is counted and said.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from trunkline.model.calls.events import EventName, NewEvent
from trunkline.model.calls.limits import (
    JOURNAL_BATCH_MAX,
    JOURNAL_PARTS_MAX,
    JOURNAL_RETRY_S,
    JOURNAL_WRITES_MAX,
)
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import NotFound, StoreUnavailable, TrunklineError
from trunkline.ports import Clock
from trunkline.ports.calls import Calls

Write = Callable[[], Awaitable[object]]
Redact = Callable[[NewEvent], NewEvent]

logger = logging.getLogger(__name__)


class Journal:
    """One call's. ``redact`` is applied to every event before it waits for anything."""

    def __init__(self, calls: Calls, record: CallRecord, clock: Clock, redact: Redact) -> None:
        self._calls = calls
        self._project = record.project
        self._call = record.id
        self._clock = clock
        self._redact = redact
        self._waiting: deque[NewEvent | Write] = deque()
        self._more = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._last_seq = 0
        self._in_doubt = False
        self._parts = 0
        self._closing = False
        self.left_out = 0

    def add(self, name: EventName, **data: object) -> None:
        """Something happened now."""
        if len(self._waiting) >= JOURNAL_WRITES_MAX:
            self.left_out += 1
            return
        event = NewEvent.model_validate({"name": name, "at": self._clock.now(), "data": data})
        self._put(self._redact(event))

    def change(self, change: Callable[[CallRecord], CallRecord]) -> None:
        """The record changes; never left out, as a call has a handful of these."""
        self._put(lambda: self._calls.change_call(self._project, self._call, change))

    def record(self, part: int, caller: bytes, agent: bytes) -> None:
        """A part of the recording."""
        if self._parts >= JOURNAL_PARTS_MAX:
            self.left_out += 1
            return
        self._parts += 1

        async def write() -> None:
            await self._calls.add_recording(self._project, self._call, part, caller, agent)
            self._parts -= 1

        self._put(write)

    def write(self, write: Write) -> None:
        """Anything else that belongs behind what was added so far."""
        self._put(write)

    async def settle(self, within_s: float) -> bool:
        """Wait until everything is written; False if it is not in that time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), within_s)
        return self._settled.is_set()

    def close(self) -> None:
        """Nothing will be added any more: the writing ends with what waits."""
        self._closing = True
        self._more.set()

    async def run(self) -> None:
        """Write until it is closed and everything is written."""
        while self._waiting or not self._closing:
            if not self._waiting:
                self._settled.set()
                self._more.clear()
                await self._more.wait()
                continue
            try:
                await self._write_some()
            except StoreUnavailable as error:
                logger.warning("call %s goes on unwritten: %s", self._call, error.message)
                await asyncio.sleep(JOURNAL_RETRY_S)
        self._settled.set()

    def _put(self, one: NewEvent | Write) -> None:
        self._waiting.append(one)
        self._settled.clear()
        self._more.set()

    async def _write_some(self) -> None:
        """Write what is first; it waits on if the database does not answer."""
        first = self._waiting[0]
        if isinstance(first, NewEvent):
            count = await self._write_events()
        else:
            count = 1
            try:
                await first()
            except StoreUnavailable:
                raise
            except TrunklineError as error:
                logger.warning("call %s: %s", self._call, error.message)
        for _ in range(count):
            self._waiting.popleft()

    async def _write_events(self) -> int:
        """Write the events that are first; how many are written now."""
        batch: list[NewEvent] = []
        for one in self._waiting:
            if not isinstance(one, NewEvent) or len(batch) == JOURNAL_BATCH_MAX:
                break
            batch.append(one)
        there = await self._written_already() if self._in_doubt else 0
        self._in_doubt = False
        if there:
            return there
        try:
            added = await self._calls.add_call_events(self._project, self._call, batch)
        except StoreUnavailable:
            self._in_doubt = True
            raise
        except NotFound:
            logger.warning("call %s was removed; what happens in it is not kept", self._call)
            return len(batch)
        except TrunklineError as error:
            logger.warning("an event of call %s is not kept: %s", self._call, error.message)
            return 1
        self._last_seq = added[-1].seq
        return len(batch)

    async def _written_already(self) -> int:
        """How many of the events that wait are there, after a write whose answer was lost."""
        found = await self._calls.events_of(
            self._project, self._call, after=self._last_seq, limit=JOURNAL_BATCH_MAX
        )
        count = 0
        for there, waits in zip(found, list(self._waiting), strict=False):
            same = isinstance(waits, NewEvent) and (there.name, there.at) == (waits.name, waits.at)
            if not same:
                break
            count += 1
            self._last_seq = there.seq
        return count
