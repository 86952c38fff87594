"""The call of a conversation test: placed once, waited for, ended, whatever is killed on the way.

The same order of writes as for every other call of ours: a record under an id that follows from
the run, an open attempt in it, and only then the carrier is asked. Who comes after a killed worker
finds the record, and the call it stands for goes on meanwhile: what is said in it is heard
elsewhere.
"""

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.calls.creating import CallCreation
from activities.calls.ports import CallRows, Carriers
from activities.conversation_parts import Conversation
from activities.conversing import lost_conversation, with_variables
from activities.creating import CLAIM_POLL_S, create_once
from activities.heartbeats import Progress
from activities.testing.results import conversation_key
from activities.testing_types import ConverseRequest
from trunkline.model.calls.addresses import (
    STATUS_ROUTE,
    VOICE_ROUTE,
    number_address,
    public_address,
)
from trunkline.model.calls.carrier import CarrierOrder
from trunkline.model.calls.limits import CALL_STEER_TIMEOUT_S
from trunkline.model.calls.records import CallRecord, RouteTaken
from trunkline.model.calls.reports import advanced, report_of
from trunkline.model.errors import (
    ConcurrencyExhausted,
    ConversationLost,
    CredentialsRejected,
    PhoneNotAvailable,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    StoreUnavailable,
    TrunklineError,
)
from trunkline.model.testing.placed import (
    PHONE_ASK_S,
    PHONE_LEFT_S,
    PHONE_POLL_S,
    PHONE_RING_S,
    HeardCall,
    PhonePlan,
    placed_key,
)
from trunkline.model.testing.scripts import Script
from trunkline.ports import Clock, VoicePlatform
from trunkline.ports.calls import Carrier
from trunkline.ports.testing import RunParts

ASKED_BY = "a conversation test"
NOBODY_HELD = "the call ended, and what was heard in it was never written down"


@dataclass(frozen=True, slots=True)
class PhonePorts:
    """What placing calls for tests needs of the outside."""

    rows: CallRows
    carriers: Carriers
    parts: RunParts
    clock: Clock
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class PhoneRun:
    """One conversation to be had by a call."""

    request: ConverseRequest
    script: Script
    plan: PhonePlan

    @property
    def key(self) -> str:
        """What names it for both sides of the call."""
        request = self.request
        return placed_key(request.run_id, request.test.name, request.number)

    @property
    def longest_s(self) -> int:
        """After how many seconds the carrier ends the call by itself."""
        return math.ceil(self.request.test.seconds - PHONE_RING_S)


class PhoneCalls:
    """Places calls and waits for what is heard in them."""

    def __init__(self, ports: PhonePorts) -> None:
        self._ports = ports

    async def hold(self, run: PhoneRun, voice: VoicePlatform, progress: Progress) -> Conversation:
        """The conversation, of this try or of an earlier one; no call is left behind.

        Raises ConcurrencyExhausted if the line between the two numbers stays taken, RateLimited,
        StoreUnavailable.
        """
        request = run.request
        progress.words = "waiting for the line"
        async with self._line(run):
            record = await self._record(run)
            try:
                heard = await self._called(run, record, progress)
            except (RateLimited, StoreUnavailable):
                raise  # tried again, and the call goes on meanwhile if there is one
            except BaseException:
                if _is_unwanted():
                    await self._put_down(record)
                raise
            ended = await self._put_down(record)
        facts = heard.facts.model_copy(update={"call_sid": ended.carrier_call_id})
        talk = Conversation(lines=heard.lines, overs=heard.overs, facts=facts)
        progress.words = f"{request.test.name}: the call is over"
        return await with_variables(run.script, talk, voice.talks)

    async def _called(self, run: PhoneRun, record: CallRecord, progress: Progress) -> HeardCall:
        """What was heard in the call, or why nobody knows."""
        try:
            heard = await self._kept(run)
            if heard is not None:
                return heard
            carrier = await self._ports.carriers.carrier(record.project, record.environment)
            if not record.is_over:
                progress.words = "calling"
                record = await self._placed(run, record, carrier)
            progress.words = "on the telephone"
            return await self._waited(run, record, carrier)
        except (Rejected, CredentialsRejected) as error:
            words = f"the carrier placed no call: {error.message}"
            return _lost(PhoneNotAvailable(words, hint=error.hint))

    @asynccontextmanager
    async def _line(self, run: PhoneRun) -> AsyncIterator[None]:
        """Have the two numbers to ourselves: by them the two sides of a call find each other."""
        ports, plan = self._ports, run.plan
        place = f"phone/{run.request.project}/{plan.calling.number}/{plan.called.number}"
        wait_until = ports.clock.now() + timedelta(seconds=run.request.bounds.place_wait_s)
        lasts = timedelta(seconds=run.request.test.seconds + PHONE_LEFT_S)
        while not await ports.rows.take_place(place, run.key, 1, ports.clock.now() + lasts):
            if ports.clock.now() >= wait_until:
                raise ConcurrencyExhausted(
                    f"another test calls from {plan.calling.name} to {plan.called.name} all the"
                    " time",
                    hint="Ask for fewer tests, or allow another number in spec.calls.testNumbers",
                )
            await asyncio.sleep(CLAIM_POLL_S)
        try:
            yield
        finally:
            if _is_unwanted():
                await ports.rows.leave_place(place, run.key)

    async def _record(self, run: PhoneRun) -> CallRecord:
        plan, digest = run.plan, hashlib.sha256(run.key.encode()).hexdigest()
        digits = "".join(re.findall("[0-9]", plan.called.number))
        return await self._ports.rows.open_call(
            CallRecord(
                id=f"call_{digits}_{digest[:10]}",
                project=run.request.project,
                environment=plan.environment,
                agent="",
                direction="outbound",
                routing="bridge",
                number=plan.calling.name,
                from_number=plan.calling.number,
                to_number=plan.called.number,
                route=RouteTaken(words=f"asked for by {ASKED_BY}"),
                order=f"test-{digest[:16]}",
                test=run.key,
                started_at=self._ports.clock.now(),
            )
        )

    async def _placed(self, run: PhoneRun, record: CallRecord, carrier: Carrier) -> CallRecord:
        """The record once the carrier has the call, and has it once."""
        ports = self._ports
        until = record.started_at + timedelta(seconds=run.request.test.seconds)
        while True:
            known = await ports.rows.call(record.project, record.id) or record
            creation = CallCreation(ports.rows, carrier, known, self._asked(run, known))
            try:
                created = await create_once(creation, ports.clock, run.request.timing)
            except ApplicationError as error:
                delay = error.next_retry_delay
                if error.non_retryable or ports.clock.now() >= until or known.is_over:
                    raise
                await asyncio.sleep(max(delay.total_seconds() if delay else 0.0, CLAIM_POLL_S))
            else:
                return await creation.settle(created.external_id)

    def _asked(self, run: PhoneRun, record: CallRecord) -> CarrierOrder:
        public_url = self._ports.public_url or ""
        named = urlencode({"order": record.order, "try": record.id})
        return CarrierOrder(
            to_number=record.to_number,
            from_number=record.from_number,
            answer_url=f"{number_address(public_url, VOICE_ROUTE, run.plan.calling)}?{named}",
            status_url=f"{public_address(public_url, STATUS_ROUTE)}?{named}",
            ring_timeout_s=PHONE_RING_S,
            longest_s=run.longest_s,
        )

    async def _kept(self, run: PhoneRun) -> HeardCall | None:
        request = run.request
        key = conversation_key(request.test.name, request.number)
        part = await self._ports.parts.part(request.run_id, "call", key)
        return HeardCall.model_validate(part.body) if part is not None else None

    async def _waited(self, run: PhoneRun, record: CallRecord, carrier: Carrier) -> HeardCall:
        """Wait for what is heard; a call that is over leaves it behind or is lost."""
        clock = self._ports.clock
        until = record.started_at + timedelta(seconds=run.request.test.seconds)
        asked_at, gone_at = clock.now(), None
        while True:
            heard = await self._kept(run)
            if heard is not None:
                return heard
            now = clock.now()
            if now - asked_at >= timedelta(seconds=PHONE_ASK_S):
                asked_at = now
                await self._asked_about(record, carrier)
            record = await self._ports.rows.call(record.project, record.id) or record
            gone_at = gone_at or (now if record.is_over else None)
            if now >= until or _is_long_ago(gone_at, now):
                return _lost(_why(record))
            await asyncio.sleep(PHONE_POLL_S)

    async def _asked_about(self, record: CallRecord, carrier: Carrier) -> None:
        """How the call is, should its reports not arrive."""
        try:
            report = report_of(await carrier.call(record.carrier_call_id))
        except StoreUnavailable:
            raise
        except RemoteMissing:
            await self._closed(record, "The carrier knows nothing of this call any more")
        except TrunklineError as error:
            activity.logger.info("call %s is not asked about: %s", record.id, error)
        else:
            now = self._ports.clock.now()
            await self._ports.rows.change_call(
                record.project, record.id, lambda known: advanced(known, report, now)
            )

    async def _put_down(self, record: CallRecord) -> CallRecord:
        """End the call. One whose id is not known yet is refused when it is answered, because its
        record is over.
        """
        known = await self._closed(record, "")
        if known.carrier_call_id:
            try:
                carrier = await self._ports.carriers.carrier(record.project, record.environment)
                await carrier.end(known.carrier_call_id, timeout_s=CALL_STEER_TIMEOUT_S)
            except PlatformError as error:
                activity.logger.warning("call %s ends by itself: %s", known.id, error.message)
        return known

    async def _closed(self, record: CallRecord, words: str) -> CallRecord:
        now = self._ports.clock.now()

        def closed(known: CallRecord) -> CallRecord:
            if known.is_over:
                return known
            state = "completed" if known.answered_at is not None else "canceled"
            ended = {"state": state, "ended_at": now, "ended_by": known.ended_by or "caller"}
            return known.model_copy(update={**ended, "message": words or known.message})

        return await self._ports.rows.change_call(record.project, record.id, closed)


def _is_unwanted() -> bool:
    """False if somebody else goes on with this conversation: a worker that stops, or that was not
    heard of in time and learns so when it wakes, leaves its call to the next one.
    """
    details = activity.cancellation_details()
    return details is None or details.cancel_requested


def _is_long_ago(gone_at: datetime | None, now: datetime) -> bool:
    return gone_at is not None and now - gone_at >= timedelta(seconds=PHONE_LEFT_S)


def _why(record: CallRecord) -> ConversationLost:
    if record.answered_at is None:
        words = f"nobody answered the call from {record.from_number} to {record.to_number}"
        said = f"{words}: {record.message or record.state}"
        return ConversationLost(said, why="NotAnswered")
    return ConversationLost(record.message or NOBODY_HELD, why="NobodyHeld")


def _lost(error: TrunklineError) -> HeardCall:
    return HeardCall(facts=lost_conversation(error).facts)
