"""Telling whom a decision of a person concerns, whatever state Git is in.

A decision counts from the moment it is stored: the gate of writes reads it before every step. This
only makes those look again who have something to write, or whose calls are to go elsewhere.
"""

from collections.abc import AsyncIterator

from temporalio import activity

from activities.concurrency import each
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import WAKE
from activities.telling import Dispatcher
from activities.types import FanoutReport, WakeRequest
from trunkline.model.limits import SIGNAL_BATCH_SIZE, SIGNALS_CONCURRENT
from trunkline.model.records import RecordKind, WishRecord
from trunkline.ports import Wishes


class WakingActivities:
    """Fan-out of a person's decision."""

    def __init__(self, dispatcher: Dispatcher, wishes: Wishes) -> None:
        self._dispatcher = dispatcher
        self._wishes = wishes

    @activity.defn(name=WAKE)
    async def wake(self, request: WakeRequest) -> FanoutReport:
        """Tell everything the decision concerns; telling twice is telling once."""
        with translated(request.timing, patient=True):
            async with beating() as progress:
                told = 0

                async def tell(record: WishRecord) -> None:
                    await self._dispatcher.tell_or_say(record, "control", request.timing)

                async for batch in self._concerned(request):
                    await each(tell, batch, concurrent=SIGNALS_CONCURRENT)
                    told += len(batch)
                    progress.words = f"{told} told"
                return FanoutReport(told=told)

    async def _concerned(self, request: WakeRequest) -> AsyncIterator[tuple[WishRecord, ...]]:
        if request.name:
            yield await self._named(request)
            return
        after = ""
        environment = request.environment or None
        while batch := await self._wishes.unsettled(
            request.project, environment, after=after, limit=SIGNAL_BATCH_SIZE
        ):
            yield batch
            last = batch[-1]
            after = f"{last.environment}/{last.kind}/{last.name}"

    async def _named(self, request: WakeRequest) -> tuple[WishRecord, ...]:
        kinds: tuple[RecordKind, ...] = ("agent", "number")
        place = (request.project, request.environment)
        found = [
            await self._wishes.wish(*place, kind, request.name)
            for kind in kinds
            if request.kind in ("", kind)
        ]
        if request.numbers:
            found.extend(await self._wishes.numbers_of(*place, request.name))
        return tuple(record for record in found if record is not None)
