"""Closes calls that nobody carries any more, finds out what calls cost, and forgets what is old.

A process that dies leaves a record that says what was known; how the call went on is asked of the
carrier, who knows. A call that still goes on there is left alone until it is longer than any may
be. Prices come some minutes after the end, and what a carrier never says stays an estimate.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity

from activities.call_keeping.ports import KeepingPorts, call_project
from activities.call_types import CallKeepingInput, CallsKept
from activities.errors import translated
from activities.heartbeats import Progress, beating
from activities.names import FORGET_CALLS, TEND_CALLS
from trunkline.model.base import JsonObject
from trunkline.model.calls.carrier import CarrierCall
from trunkline.model.calls.commands import ENDED_FIRST
from trunkline.model.calls.costs import cost_of
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.limits import (
    CALL_ABANDONED_S,
    CALL_OVERTIME_S,
    CALL_PRICE_ASKED_EVERY_S,
    CALL_PRICE_KNOWN_S,
    CALL_STEER_TIMEOUT_S,
    CALL_UNHEARD_OF_S,
    CALLS_FORGOTTEN_AT_ONCE,
    CALLS_KEPT_EVERY_S,
    CALLS_TENDED_MAX,
    CALLS_TENDED_PAGE,
)
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.reports import advanced, report_of
from trunkline.model.errors import RemoteMissing, StoreUnavailable, TrunklineError
from trunkline.model.kinds.calls import Calls as CallRules

LEFT_BEHIND = "The process that carried the call was gone before it ended"
UNKNOWN_TO_CARRIER = "The carrier knows nothing of this call any more"
UNHEARD_OF = "Nothing was heard of this call for a day"
TOO_LONG = "It was longer than any call may be"
STORIES_CLOSED_S = CALL_ABANDONED_S + 5 * CALLS_KEPT_EVERY_S
"""How long after its end a call is looked at for what its process left unsaid: some rounds."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Round:
    """What holds during one activity."""

    project: str
    rules: CallRules
    now: datetime
    progress: Progress


class CallTending:
    """The activities that look after calls which are over, or should be."""

    def __init__(self, ports: KeepingPorts) -> None:
        self._ports = ports

    @activity.defn(name=TEND_CALLS)
    async def tend_calls(self, request: CallKeepingInput) -> CallsKept:
        """Close what is abandoned, and settle what is over."""
        with translated(request.timing):
            async with beating() as progress:
                rules = (await call_project(self._ports.wishes, request.project)).rules
                now = self._ports.clock.now()
                this = _Round(request.project, rules, now, progress)
                closed = await self._close_abandoned(this)
                settled = await self._settle(this)
                return CallsKept(
                    count=closed + settled, details=f"{closed} closed, {settled} settled"
                )

    @activity.defn(name=FORGET_CALLS)
    async def forget_calls(self, request: CallKeepingInput) -> CallsKept:
        """Delete transcripts and recordings that are older than the project keeps them."""
        with translated(request.timing, patient=True):
            retention = (await call_project(self._ports.wishes, request.project)).rules.retention
            now = self._ports.clock.now()
            transcripts, recordings = await self._ports.calls.forget_calls(
                request.project,
                transcripts_before=now - retention.transcripts,
                recordings_before=now - retention.recordings,
                limit=CALLS_FORGOTTEN_AT_ONCE,
            )
            words = f"{transcripts} transcripts and {recordings} recordings forgotten"
            return CallsKept(count=transcripts + recordings, details=words)

    async def _close_abandoned(self, this: _Round) -> int:
        rows = await self._ports.calls.abandoned_calls(
            idle_s=CALL_ABANDONED_S, limit=CALLS_TENDED_MAX, project=this.project
        )
        closed = 0
        for row in rows:
            this.progress.words = f"looking after {row.id}"
            try:
                closed += await self._close(row, this)
            except StoreUnavailable:
                raise
            except TrunklineError as error:
                logger.info("call %s is not looked after: %s", row.id, error)
                if _is_old(row, this.now):
                    closed += await self._end(row, this.now, "failed", UNHEARD_OF)
        return closed

    async def _close(self, row: CallRecord, this: _Round) -> bool:
        """True if the call is over now."""
        if not row.carrier_call_id:
            return _is_old(row, this.now) and await self._end(row, this.now, "failed", UNHEARD_OF)
        carrier = await self._ports.carriers.carrier(row.project, row.environment)
        try:
            seen = await carrier.call(row.carrier_call_id)
        except RemoteMissing:
            return await self._end(row, this.now, "failed", UNKNOWN_TO_CARRIER)
        changed = await self._ports.calls.change_call(
            row.project,
            row.id,
            lambda known: advanced(_left_behind(known), report_of(seen), this.now),
        )
        longest = this.rules.longest + timedelta(seconds=CALL_OVERTIME_S)
        if changed.is_over or this.now - row.started_at <= longest:
            return changed.is_over
        await carrier.end(row.carrier_call_id, timeout_s=CALL_STEER_TIMEOUT_S)
        return await self._end(row, this.now, "completed", TOO_LONG, ended_by="limit")

    async def _end(
        self, row: CallRecord, now: datetime, state: str, words: str, *, ended_by: str = "trunkline"
    ) -> bool:
        def ended(known: CallRecord) -> CallRecord:
            if known.is_over:
                return known
            update: dict[str, Any] = {
                "state": state,
                "ended_at": now,
                "ended_by": ended_by,
                "message": words,
            }
            over = known.model_copy(update=update)
            return over.model_copy(update={"outcome": outcome_of(over)})

        return (await self._ports.calls.change_call(row.project, row.id, ended)).is_over

    async def _settle(self, this: _Round) -> int:
        settled, looked, behind = 0, 0, None
        while looked < CALLS_TENDED_MAX:
            rows = await self._ports.calls.unsettled_calls(
                this.project, behind=behind, limit=CALLS_TENDED_PAGE
            )
            for row in rows:
                this.progress.words = f"settling {row.id}"
                settled += await self._settle_one(row, this)
            looked += len(rows)
            if len(rows) < CALLS_TENDED_PAGE or rows[-1].ended_at is None:
                break
            behind = rows[-1].ended_at
        return settled

    async def _settle_one(self, row: CallRecord, this: _Round) -> bool:
        """True once nothing about the call will change any more."""
        over_s = (this.now - (row.ended_at or row.started_at)).total_seconds()
        price = await self._price(row, over_s)
        is_final = price is not None or not row.carrier_call_id or over_s > CALL_PRICE_KNOWN_S
        if is_final or CALL_ABANDONED_S <= over_s < STORIES_CLOSED_S:
            await self._close_story(row, this.now)
        if row.cost is not None and not is_final:
            return False
        legs = await self._legs(row)
        is_priced = all(leg.price_usd is not None or not leg.duration_s for leg in legs)
        is_final = is_final and (is_priced or over_s > CALL_PRICE_KNOWN_S)
        cut_in = row.interruptions or await self._ports.calls.count_call_events(
            row.project, row.id, "interruption"
        )

        def settled(known: CallRecord) -> CallRecord:
            return known.model_copy(
                update={
                    "cost": cost_of(known, this.rules.prices, carrier_price_usd=price, legs=legs),
                    "interruptions": known.interruptions or cut_in,
                    "outcome": known.outcome or outcome_of(known),
                    "settled": is_final,
                }
            )

        return (await self._ports.calls.change_call(row.project, row.id, settled)).settled

    async def _close_story(self, row: CallRecord, now: datetime) -> None:
        """What a process that died says no more: that the call is over, and that nothing it was
        asked will be done.
        """
        calls, place = self._ports.calls, (row.project, row.id)
        if row.routing != "bridge" or await calls.holder_of(*place) is not None:
            return
        for command in await calls.open_commands(*place):
            await calls.conclude_command(command.id, now, ENDED_FIRST)
        if not await calls.count_call_events(*place, "connection_closed"):
            said: JsonObject = {"by": row.ended_by or "", "reason": row.message}
            closed = NewEvent(name="connection_closed", at=row.ended_at or now, data=said)
            await calls.add_call_events(*place, [closed])

    async def _legs(self, row: CallRecord) -> tuple[CarrierCall, ...]:
        """Whom the carrier dialled for a transfer; what it does not say is nothing."""
        if not row.transferred_to or not row.carrier_call_id:
            return ()
        try:
            carrier = await self._ports.carriers.carrier(row.project, row.environment)
            return await carrier.legs(row.carrier_call_id)
        except StoreUnavailable:
            raise
        except TrunklineError as error:
            logger.info("call %s: its legs are not known: %s", row.id, error)
            return ()

    async def _price(self, row: CallRecord, over_s: float) -> float | None:
        """What the carrier says, asked some minutes after the end and now and then since."""
        is_asked = over_s % CALL_PRICE_ASKED_EVERY_S < CALL_ABANDONED_S
        if not row.carrier_call_id or over_s < CALL_PRICE_ASKED_EVERY_S or not is_asked:
            return None
        try:
            carrier = await self._ports.carriers.carrier(row.project, row.environment)
            return (await carrier.call(row.carrier_call_id)).price_usd
        except StoreUnavailable:
            raise
        except TrunklineError as error:
            logger.info("call %s: its price is not known yet: %s", row.id, error)
            return None


def _is_old(row: CallRecord, now: datetime) -> bool:
    """True once nobody follows the call any more, whoever might answer for it."""
    return now - row.started_at > timedelta(seconds=CALL_UNHEARD_OF_S)


def _left_behind(known: CallRecord) -> CallRecord:
    """A bridged call that was answered and that nobody ended, until its carrier says more. One that
    was passed on goes on without us, and there is nobody to blame for its end.
    """
    is_ours = known.routing == "bridge" and known.state == "in-progress"
    if known.is_over or not is_ours or known.transferred_to:
        return known
    update: dict[str, Any] = {
        "ended_by": known.ended_by or "trunkline",
        "message": known.message or LEFT_BEHIND,
    }
    return known.model_copy(update=update)
