"""What carriers report of calls that go on: written down, whenever and however often it comes.

A report is believed by the account of the call it is about, never by any account that could sign.
One of a call nobody knows is proved first and then dropped, so that asking tells nothing.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from trunkline.model.calls.carrier import CarrierReport
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.limits import CLOCK_AHEAD_MAX_S, REPORT_AGE_MAX_S
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.reports import advanced
from trunkline.model.calls.signed import Fields, SignedRequest, value_of
from trunkline.model.errors import EngineUnavailable, Forbidden, InvalidInput
from trunkline.ports import Clock
from trunkline.ports.calls import Calls
from trunkline.services.carrier_requests import (
    UNSIGNED,
    CallPlace,
    CarrierRequests,
    ProvedRequest,
    require_call_id,
)

STREAM_EVENTS: Final = frozenset({"stream-started", "stream-stopped", "stream-error"})
LATE: Final = "The report is too old, or from a clock that is wrong"

logger = logging.getLogger(__name__)

Wake = Callable[[CallRecord], Awaitable[None]]
"""Tells whoever follows a call that it went on."""


class CallReportService:
    """Takes reports of carriers; ``wake`` are told of every change of a call."""

    def __init__(
        self, requests: CarrierRequests, calls: Calls, clock: Clock, *, wake: Sequence[Wake] = ()
    ) -> None:
        self._requests = requests
        self._calls = calls
        self._clock = clock
        self._wake = wake

    async def status(self, request: SignedRequest) -> None:
        """How a call is. Raises Forbidden, NotConfigured, InvalidInput."""
        found = await self._about(request)
        if found is None:
            return
        record, proved = found
        report = proved.carrier.report(proved.fields)
        self._require_fresh(report.at)
        if proved.is_repeated:
            return
        await self._advance(record, report)

    async def stream(self, request: SignedRequest) -> None:
        """How a call's media stream is: what went wrong with it becomes part of the call's story.

        Raises Forbidden, NotConfigured, InvalidInput.
        """
        found = await self._about(request)
        if found is None:
            return
        record, proved = found
        event = proved.said("StreamEvent")
        if event not in STREAM_EVENTS:
            raise InvalidInput("The request does not say what happened to which stream")
        if event != "stream-error" or proved.is_repeated or record.is_over:
            return
        words = proved.said("StreamError") or "the carrier does not say what"
        failed = NewEvent(
            name="error",
            at=self._clock.now(),
            data={"reason": "StreamFailed", "message": f"the media stream failed: {words}"},
        )
        await self._calls.add_call_events(record.project, record.id, [failed])

    async def _advance(self, record: CallRecord, report: CarrierReport) -> None:
        now = self._clock.now()
        changed = await self._calls.change_call(
            record.project, record.id, lambda known: advanced(known, report, now)
        )
        for wake in self._wake:
            try:
                await wake(changed)
            except EngineUnavailable:
                logger.warning("nobody was told how call %s is; its workflow looks", changed.id)

    async def _about(self, request: SignedRequest) -> tuple[CallRecord, ProvedRequest] | None:
        """The call a request is about, proved by its account; None if there is none we know."""
        fields = request.fields()
        account, sid = value_of(fields, "AccountSid"), value_of(fields, "CallSid")
        require_call_id(sid)
        record = await self._calls.call_of_carrier(account, sid)
        if record is None:
            record = await self._ordered(request, account)
        if record is None:
            if not await self._requests.signers(request, account):
                raise Forbidden(UNSIGNED)
            return None
        place = CallPlace(record.project, record.environment)
        return record, await self._requests.proved(place, request)

    async def _ordered(self, request: SignedRequest, account: str) -> CallRecord | None:
        """A call we asked for whose id the carrier tells us here for the first time."""
        query: Fields = request.query()
        wanted = value_of(query, "try")
        if not wanted:
            return None
        for place in await self._requests.signers(request, account):
            record = await self._calls.call(place.project, wanted)
            fits = record is not None and record.order == value_of(query, "order")
            if record is not None and fits and record.environment == place.environment:
                return await self._settled(record, account)
        return None

    async def _settled(self, record: CallRecord, account: str) -> CallRecord | None:
        """The record with its carrier's account; None if it is another call's by now."""
        if record.carrier_call_id:
            return None
        return await self._calls.change_call(
            record.project,
            record.id,
            lambda known: known.model_copy(update={"carrier_account": account}),
        )

    def _require_fresh(self, at: datetime | None) -> None:
        """Raises Forbidden for a report that says it is of another time."""
        if at is None:
            return
        now = self._clock.now()
        oldest = now - timedelta(seconds=REPORT_AGE_MAX_S)
        newest = now + timedelta(seconds=CLOCK_AHEAD_MAX_S)
        if not oldest <= at <= newest:
            raise Forbidden(LATE)
