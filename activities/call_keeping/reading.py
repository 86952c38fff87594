"""Reads the calls a platform carried by itself, once each, and joins them with what is known.

A list may lag and a conversation takes a moment to be processed, so every look begins some minutes
before the end of the last one, and never goes on behind a call that is not over. What is known is
left alone, so that reading twice is reading once; records, transcripts and the place to go on are
written in that order, so that a worker that dies in between leaves nothing out.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from temporalio import activity

from activities.call_keeping.ports import CallProject, KeepingPorts, call_project
from activities.call_types import CallKeepingInput, CallsKept
from activities.errors import translated
from activities.fleet_looks import wish_batches
from activities.heartbeats import Progress, beating
from activities.names import READ_NATIVE_CALLS
from activities.types import SweepInput
from trunkline.model.calls.limits import (
    NATIVE_CALLS_FIRST_LOOK_S,
    NATIVE_CALLS_LAG_S,
    NATIVE_CALLS_LISTED_MAX,
    NATIVE_CALLS_READ_MAX,
    NATIVE_CALLS_STILL_READ_S,
)
from trunkline.model.calls.native import (
    AgentAsKnown,
    NativeCall,
    NativeCallLine,
    completed,
    events_of,
    new_record,
)
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.redaction import redacted_event
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import (
    CredentialsRejected,
    RemoteMissing,
    StoreUnavailable,
    TrunklineError,
    Unavailable,
)
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import LedgerEntry
from trunkline.model.limits import LIVE_CALL_MAX_S
from trunkline.ports.calls import NativeCalls

_NARROWEST = timedelta(seconds=2)
_RELEASES_LOOKED_AT = 20
"""A call is read within minutes of its end: one of the newest releases took it."""
_UNREAD = frozenset({"going-on", "processing"})

logger = logging.getLogger(__name__)


class NativeCallReading:
    """The activity that reads."""

    def __init__(self, ports: KeepingPorts) -> None:
        self._ports = ports

    @activity.defn(name=READ_NATIVE_CALLS)
    async def read_native_calls(self, request: CallKeepingInput) -> CallsKept:
        """Read what is new in every environment; one that does not answer is read next time."""
        with translated(request.timing):
            async with beating() as progress:
                project = await call_project(self._ports.wishes, request.project)
                count, words = 0, []
                for environment in project.environments:
                    sweep = SweepInput(
                        project=request.project, environment=environment.name, timing=request.timing
                    )
                    try:
                        look = _Look(self._ports, project, sweep, progress)
                        count += await look.read()
                    except StoreUnavailable:
                        raise
                    except TrunklineError as error:
                        logger.info("calls of %s are not read: %s", environment.name, error)
                        words.append(f"{environment.name}: {error.message}")
                return CallsKept(count=count, details="; ".join([f"{count} read", *words]))


class _Look:
    """One look at one environment."""

    def __init__(
        self, ports: KeepingPorts, project: CallProject, place: SweepInput, progress: Progress
    ) -> None:
        self._ports = ports
        self._rules = project.rules
        self._sweep = place
        self._place = (place.project, place.environment)
        self._progress = progress
        self._agents: dict[str, AgentAsKnown] = {}
        self._numbers: dict[str, str] = {}
        self._account = ""

    async def read(self) -> int:
        """How many calls were written down."""
        ports, now = self._ports, self._ports.clock.now()
        read_until = await ports.calls.native_calls_read_until(*self._place)
        if not await self._is_worth_it(read_until, now):
            return 0
        natives = await ports.natives.native_calls(*self._place)
        begun = read_until or now - timedelta(seconds=NATIVE_CALLS_FIRST_LOOK_S)
        since = begun - timedelta(seconds=NATIVE_CALLS_LAG_S)
        lines, until = await _listed(natives, since, now)
        entries = await self._entries()
        count, upto = 0, until
        for line in sorted(lines, key=lambda each: each.started_at):
            entry = entries.get(line.agent_id)
            if entry is None or not await self._is_new(line):
                continue
            if line.state in _UNREAD:
                upto = min(upto, line.started_at)
                continue
            if count == NATIVE_CALLS_READ_MAX:
                upto = min(upto, line.started_at)
                break
            count += await self._keep(natives, line, entry)
            self._progress.words = f"{count} calls of {self._place[1]}"
        oldest = now - timedelta(seconds=LIVE_CALL_MAX_S)
        upto = max(upto, min(until, oldest)) if count < NATIVE_CALLS_READ_MAX else upto
        await ports.calls.put_native_calls_read_until(*self._place, upto)
        return count

    async def _is_worth_it(self, read_until: datetime | None, now: datetime) -> bool:
        """True while a number leads to the platform, and for a while after the last one did."""
        found = False
        async for batch in wish_batches(self._ports.wishes, self._sweep, "number"):
            for record in (one for one in batch if not one.removed):
                number = DesiredNumber.model_validate(record.body)
                self._numbers[number.number] = number.name
                found |= number.routing != "bridge"
        still = timedelta(seconds=NATIVE_CALLS_STILL_READ_S)
        return found or (read_until is not None and now - read_until < still)

    async def _entries(self) -> Mapping[ExternalId, LedgerEntry]:
        entries = await self._ports.ledger.entries(*self._place, "agent")
        try:
            self._account = (await self._ports.carriers.carrier(*self._place)).account
        except CredentialsRejected:
            self._account = ""
        return {entry.external_id: entry for entry in entries if entry.external_id is not None}

    async def _is_new(self, line: NativeCallLine) -> bool:
        """True unless its transcript is there; a call that passes through us writes its own."""
        rows = self._ports.calls
        known = await rows.call_of_conversation(line.conversation_id)
        if known is None:
            return True
        place = (known.project, known.id)
        return known.routing != "bridge" and not await rows.count_call_events(
            *place, "conversation_started"
        )

    async def _keep(self, natives: NativeCalls, line: NativeCallLine, entry: LedgerEntry) -> bool:
        """Write one down; False for what is no phone call, or gone."""
        try:
            call = await natives.native_call(line.conversation_id)
        except RemoteMissing:
            return False
        if call is None:
            return False
        known = await self._record(call, entry)
        redact = self._ports.redact(self._rules.redact, (known.from_number, known.to_number))
        kept = call.model_copy(update={"summary": redact(call.summary)})
        rows = self._ports.calls
        place = (known.project, known.id)
        if not await rows.count_call_events(*place, "conversation_started"):
            await rows.add_call_events(
                *place, [redacted_event(event, redact) for event in events_of(call)]
            )
        redacted = bool(self._rules.redact)

        def whole(record: CallRecord) -> CallRecord:
            return completed(record, kept).model_copy(
                update={"redacted": record.redacted or redacted}
            )

        await rows.change_call(*place, whole)
        return True

    async def _record(self, call: NativeCall, entry: LedgerEntry) -> CallRecord:
        """The record that is there of the carrier's call, else a new one."""
        if self._account and call.call_sid:
            found = await self._ports.calls.call_of_carrier(self._account, call.call_sid)
            if found is not None and found.project == entry.project:
                return found
        agent = await self._agent(entry)
        number = self._numbers.get(call.agent_number, "")
        record = new_record(call, agent, number=number, carrier_account=self._account)
        return await self._ports.calls.open_call(record)

    async def _agent(self, entry: LedgerEntry) -> AgentAsKnown:
        if entry.name not in self._agents:
            ports = self._ports
            subject = (entry.project, entry.environment, entry.name)
            self._agents[entry.name] = AgentAsKnown(
                entry=entry,
                status=await ports.statuses.status(*self._place, "agent", entry.name),
                rollout=await ports.releases.rollout(*subject),
                releases=await ports.releases.releases_of(*subject, limit=_RELEASES_LOOKED_AT),
            )
        return self._agents[entry.name]


async def _listed(
    natives: NativeCalls, since: datetime, until: datetime
) -> tuple[Sequence[NativeCallLine], datetime]:
    """The calls that began since, up to a time by which they are not too many.

    Raises Unavailable if there are too many whatever the time.
    """
    while until - since > _NARROWEST:
        lines = await natives.listed(since, until, limit=NATIVE_CALLS_LISTED_MAX)
        if lines is not None:
            return lines, until
        until = since + (until - since) / 2
    raise Unavailable(f"the platform lists too many conversations that began at {since}")
