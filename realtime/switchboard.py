"""Every call this process carries: admitted, connected, carried, written to its end.

A call is its record's: the carrier's stream must name a call we know, with the ticket that was
given to it once. While it goes on, this process says that it holds it, so that a call whose process
died is found; whatever happens, both legs are closed, the record says why, and what the caller
hears next is up to whoever the carrier asks then. Knows no vendor and no socket library.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from realtime.bridge import UNFORESEEN_END, Bridge, CallEnd, Legs
from realtime.frames import StreamBegun, StreamWriter
from realtime.journal import Journal
from realtime.scripted_calls import ScriptedCalls
from realtime.steering import Steering, SteeringPorts
from realtime.story import AGENT, CALLER, Story
from realtime.streams import CarrierStream
from realtime.tracks import Recorder, Taps
from trunkline.model.calls.commands import ENDED_FIRST
from trunkline.model.calls.limits import (
    BRIDGED_CALLS_MAX,
    CALL_CONNECT_TIMEOUT_S,
    CALL_LEAVE_TIMEOUT_S,
    HOLD_EVERY_S,
    JOURNAL_LEAVE_S,
    JOURNAL_SETTLE_S,
)
from trunkline.model.calls.lines import LineFormat, LineRequest
from trunkline.model.calls.outcomes import LEFT_EARLY, outcome_of
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.redaction import redacted_event
from trunkline.model.errors import CallRefused, TrunklineError
from trunkline.ports import Clock, Wishes
from trunkline.ports.calls import (
    AgentLine,
    CallHub,
    CallPlatforms,
    Calls,
    Conversions,
    MakeRedact,
)
from trunkline.services.call_rules import CallRules, rules_of
from trunkline.services.carrier_requests import CallPlace

CANCEL_AGAIN_S: Final = 0.2

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SwitchboardPorts:
    """What carrying calls asks for; ``public_url`` is where carriers ask us about them, and
    ``scripted`` has those that conversation tests placed.
    """

    calls: Calls
    platforms: CallPlatforms
    hub: CallHub
    wishes: Wishes
    conversions: Conversions
    redact: MakeRedact
    clock: Clock
    public_url: str = ""
    scripted: ScriptedCalls | None = None


@dataclass(slots=True)
class _Carried:
    """A call that is going on here."""

    record: CallRecord
    rules: CallRules
    bridge: Bridge | None = None
    steering: Steering | None = None
    ending: CallEnd | None = None


@dataclass(slots=True)
class _Held:
    """What one call has open besides its legs."""

    journal: Journal
    story: Story
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Switchboard:
    """The calls of one process. Use as an async context manager; ``holder`` is its own name, and
    the end of a call waits ``settle_s`` at most for its record.
    """

    def __init__(
        self,
        ports: SwitchboardPorts,
        *,
        holder: str,
        calls_max: int = BRIDGED_CALLS_MAX,
        settle_s: float = JOURNAL_SETTLE_S,
    ) -> None:
        self._settle_s = settle_s
        self._ports = ports
        self._holder = holder
        self._calls_max = calls_max
        self._carried: dict[tuple[str, str], _Carried] = {}
        self._journals: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self._left.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False

    async def __aenter__(self) -> Self:
        for work in (self._hold, self._hear_commands):
            self._tasks.append(asyncio.create_task(work(), name=f"calls: {work.__name__}"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._journals:
            await asyncio.wait(self._journals, timeout=JOURNAL_LEAVE_S)
        for task in self._journals:
            task.cancel()

    @property
    def takes_calls(self) -> bool:
        """False while this process stops or has as many calls as it may."""
        return not self._draining and len(self._carried) < self._calls_max

    @property
    def calls(self) -> int:
        """How many calls are going on here."""
        return len(self._carried)

    async def carry(
        self, stream: CarrierStream, begun: StreamBegun, signers: frozenset[CallPlace]
    ) -> None:
        """Carry one call from its stream's first message to its end; it must be of a place whose
        account signed the stream's opening.

        Raises CallRefused for a stream that is nobody's, StoreUnavailable, StreamMalformed.
        """
        writer = StreamWriter(begun.stream)
        record = await self._admitted(begun, signers)
        if record.test and record.direction == "outbound" and self._ports.scripted is not None:
            await self._ports.scripted.carry(record, stream, writer)
            return
        rules = await rules_of(self._ports.wishes, record)
        carried = _Carried(record, rules)
        place = (record.project, record.id)
        if place in self._carried or not self.takes_calls:
            raise CallRefused(f"the call {record.id} cannot be taken here")
        self._carried[place] = carried
        self._left.clear()
        held = self._open(record, rules)
        try:
            await self._ports.calls.hold_call(record.project, record.id, self._holder)
            end, lost = await self._connected(carried, held, stream, writer, begun.coding)
            await self._conclude(carried, held, end, lost)
        finally:
            held.journal.close()
            del self._carried[place]
            if not self._carried:
                self._left.set()

    async def drain(self, within_s: float) -> None:
        """Take no calls any more, wait for those that go on, and end the rest with words."""
        self._draining = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), within_s)
        if self._carried:
            logger.warning("%d calls are ended, for this process stops", len(self._carried))
        await asyncio.gather(*(self._dismiss(each) for each in list(self._carried.values())))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), CALL_LEAVE_TIMEOUT_S)

    async def _admitted(self, begun: StreamBegun, signers: frozenset[CallPlace]) -> CallRecord:
        """The call a stream is for; its ticket is taken. Raises CallRefused, StoreUnavailable."""
        record = await self._ports.calls.call_of_carrier(begun.account, begun.call)
        if record is None or record.id != begun.parameters.get("call", ""):
            raise CallRefused("a media stream names a call nobody knows")
        if CallPlace(record.project, record.environment) not in signers:
            raise CallRefused(f"the media stream of call {record.id} was opened by somebody else")
        digest = hashlib.sha256(begun.parameters.get("ticket", "").encode()).hexdigest()
        answered_at = self._ports.clock.now()

        def take(now: CallRecord) -> CallRecord:
            is_led = now.agent_id is not None or bool(now.test)
            if now.routing != "bridge" or now.is_over or not is_led:
                raise CallRefused(f"the call {now.id} is not to be bridged")
            if not now.ticket_digest or not hmac.compare_digest(now.ticket_digest, digest):
                raise CallRefused(f"the media stream of call {now.id} has no valid ticket")
            update = {"ticket_digest": "", "state": "in-progress"}
            return now.model_copy(update={**update, "answered_at": now.answered_at or answered_at})

        return await self._ports.calls.change_call(record.project, record.id, take)

    def _open(self, record: CallRecord, rules: CallRules) -> _Held:
        numbers = tuple(filter(None, (record.from_number, record.to_number)))
        redact = self._ports.redact(rules.calls.redact, numbers)
        journal = Journal(
            self._ports.calls,
            record,
            self._ports.clock,
            lambda event: redacted_event(event, redact),
        )
        writing = asyncio.create_task(journal.run(), name=f"journal of {record.id}")
        self._journals.add(writing)
        writing.add_done_callback(self._journals.discard)
        return _Held(journal, Story(journal))

    async def _connected(
        self,
        carried: _Carried,
        held: _Held,
        stream: CarrierStream,
        writer: StreamWriter,
        coding: LineFormat,
    ) -> tuple[CallEnd, int]:
        """Connect the agent and carry the call; why it ended, and the frames that were lost."""
        record = carried.record
        bridge: Bridge | None = None
        try:
            lines = await self._ports.platforms.lines(record.project, record.environment)
            async with AsyncExitStack() as opened:
                opening = opened.enter_async_context(lines.open(_request(record)))
                line = await _unless_left(stream, opening)
                if line is None:
                    return carried.ending or _end_before(stream), 0
                legs = Legs(
                    stream,
                    writer,
                    line,
                    to_agent=self._conversion(coding, line.caller_format),
                    to_caller=self._conversion(line.agent_format, coding),
                )
                taps = self._taps(record, carried.rules, held.journal)
                bridge = carried.bridge = Bridge(legs, held.story, taps)
                self._tell_begun(record, held, line.conversation_id, carried.rules)
                end = await self._carried_through(carried, held, bridge)
                taps.close()
        except TrunklineError as error:
            end = CallEnd("platform", error.message, getattr(error, "why", error.reason))
        except Exception:
            logger.exception("call %s ends for a reason nobody foresaw", record.id)
            end = UNFORESEEN_END
        return carried.ending or end, bridge.lost_frames if bridge is not None else 0

    async def _carried_through(self, carried: _Carried, held: _Held, bridge: Bridge) -> CallEnd:
        ports = SteeringPorts(
            self._ports.calls,
            self._ports.platforms,
            self._ports.clock,
            self._ports.public_url,
            carried.rules.language,
        )
        steering = carried.steering = Steering(ports, carried.record, bridge, held.journal)
        steered = asyncio.create_task(steering.run(), name=f"steering of {carried.record.id}")
        try:
            return await bridge.run(carried.rules.longest_s)
        finally:
            await _ended(steered)

    def _taps(self, record: CallRecord, rules: CallRules, journal: Journal) -> Taps:
        hub, call = self._ports.hub, record.id

        async def tell(caller: bytes, agent: bytes) -> None:
            await hub.tell_sound(call, CALLER, caller)
            await hub.tell_sound(call, AGENT, agent)

        recorder = Recorder(journal.record) if rules.calls.record else None
        return Taps(recorder, lambda: hub.is_heard(call), tell)

    def _conversion(
        self, source: LineFormat, target: LineFormat
    ) -> Callable[[bytes], bytes] | None:
        if source == target:
            return None
        return self._ports.conversions.between(source, target).convert

    def _tell_begun(
        self, record: CallRecord, held: _Held, conversation_id: str, rules: CallRules
    ) -> None:
        update = {
            "conversation_id": conversation_id,
            "recorded": rules.calls.record,
            "redacted": bool(rules.calls.redact),
        }
        held.journal.change(lambda now: now.model_copy(update=update))
        held.story.begun(record, conversation_id)

    async def _conclude(
        self, carried: _Carried, held: _Held, end: CallEnd, lost_frames: int
    ) -> None:
        """Write why it is over, and wait a moment for it: who is asked next reads it."""
        record, calls = carried.record, self._ports.calls
        if end.error:
            logger.warning("call %s was lost (%s): %s", record.id, end.by, end.words)
            held.story.failed(end.error, end.words)
        held.story.ended(end.by, end.words)
        at = self._ports.clock.now()

        def over(now: CallRecord) -> CallRecord:
            words = now.message if now.transfer_failure else end.words
            update: dict[str, object] = {"lost_frames": lost_frames, "message": words}
            if not end.transferred and not now.is_over:
                update |= {"state": "completed", "ended_at": at}
            if not end.transferred:
                update["ended_by"] = end.by
            ended = now.model_copy(update=update)
            return ended.model_copy(update={"outcome": outcome_of(ended)})

        held.journal.change(over)
        held.journal.write(lambda: self._close_commands(record, end.command))
        held.journal.write(lambda: calls.release_call(record.project, record.id, self._holder))
        if not await held.journal.settle(self._settle_s):
            logger.warning("call %s is over, and its record follows later", record.id)

    async def _close_commands(self, record: CallRecord, done: int | None) -> None:
        """Whoever asked for something that came too late is told so; whoever ended the call by it
        is not, although the carrier's answer came later than the end.
        """
        calls, at = self._ports.calls, self._ports.clock.now()
        for command in await calls.open_commands(record.project, record.id):
            failure = "" if command.id == done else ENDED_FIRST
            await calls.conclude_command(command.id, at, failure)

    async def _dismiss(self, carried: _Carried) -> None:
        """End a call that would outlive this process: the carrier says the words, as nobody here
        will be there to be asked for them.
        """
        record, rules = carried.record, carried.rules
        end = CallEnd("trunkline", "the process that carried it was stopped", "Drained")
        carried.ending = end
        if carried.bridge is not None:
            carried.bridge.expect(end)
        try:
            carrier = await self._ports.platforms.carrier(record.project, record.environment)
            answer = carrier.apology_answer(
                rules.calls.apology, language=rules.language, forward_to=rules.fallback
            )
            await carrier.redirect(record.carrier_call_id, answer, timeout_s=CALL_LEAVE_TIMEOUT_S)
        except TrunklineError as error:
            logger.warning("call %s ends without words: %s", record.id, error.message)
        if carried.bridge is not None:
            carried.bridge.end(end)

    async def _hold(self) -> None:
        """Say again and again that this process carries its calls."""
        while True:
            await asyncio.sleep(HOLD_EVERY_S)
            for project, call in list(self._carried):
                with suppress(TrunklineError):
                    await self._ports.calls.hold_call(project, call, self._holder)

    async def _hear_commands(self) -> None:
        """Let the calls look that somebody has told something."""
        async with self._ports.hub.commands(self._holder) as commands:
            async for told in commands:
                if told is None:
                    wanted = list(self._carried.values())
                else:
                    project, _, call = told.partition("/")
                    found = self._carried.get((project, call))
                    wanted = [found] if found is not None else []
                for carried in wanted:
                    if carried.steering is not None:
                        carried.steering.look()


async def _unless_left(
    stream: CarrierStream, opening: Coroutine[None, None, AgentLine]
) -> AgentLine | None:
    """The agent's line; None if the carrier ends its stream before: nobody waits for it then."""

    async def give_up() -> None:
        await stream.left()
        patience.reschedule(asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(None) as patience:
            watching = asyncio.create_task(give_up())
            try:
                return await opening
            finally:
                watching.cancel()
                await asyncio.wait({watching})
    except TimeoutError:
        if not patience.expired():
            raise
        return None


def _end_before(stream: CarrierStream) -> CallEnd:
    """Why a call is over that its carrier ended before the agent was there."""
    if stream.broken is not None:
        return CallEnd("carrier", stream.broken.message, stream.broken.reason)
    return CallEnd("caller", LEFT_EARLY)


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel a task until it is over: a pool that hands out a connection at that very moment keeps
    the cancellation to itself.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
    if not task.cancelled() and task.exception() is not None:
        logger.warning("a call could not be steered to its end: %s", task.exception())


def _request(record: CallRecord) -> LineRequest:
    return LineRequest(
        agent_id=record.agent_id or "",
        branch_id=record.branch_id,
        variables=dict(record.context),
        caller=record.from_number,
        called=record.to_number,
        call_sid=record.carrier_call_id,
        connect_timeout_s=CALL_CONNECT_TIMEOUT_S,
    )
