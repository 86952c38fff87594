"""What people tell a call that is going on, carried out: context, notes, hanging up, passing on.

Rows are the truth and news only says when to look, so a command is carried out although nobody was
told of it, and once although two were. A slot goes to the agent as an update that takes the place
of what was said of it before, in the prompt as well; one that ran out or was taken away is said to
be void.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from realtime.bridge import Bridge, CallEnd
from realtime.journal import Journal
from trunkline.model.calls.addresses import after_address, whisper_address
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.context import ContextSlot, SlotEdit
from trunkline.model.calls.limits import CALL_STEER_TIMEOUT_S, JOURNAL_RETRY_S, STEERING_LOOK_S
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import PlatformError, SlotChanged, StoreUnavailable, TrunklineError
from trunkline.ports import Clock
from trunkline.ports.calls import CallPlatforms, Calls

FROM_MANIFEST = "manifest"
"""Who set a slot that nobody has touched since the call began."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SteeringPorts:
    """What steering asks for, where carriers ask us, and the language callers are spoken to in."""

    calls: Calls
    platforms: CallPlatforms
    clock: Clock
    public_url: str
    language: str = ""


class Steering:
    """One call's. ``look`` may be asked for at any time and by anybody."""

    def __init__(
        self, ports: SteeringPorts, record: CallRecord, bridge: Bridge, journal: Journal
    ) -> None:
        self._calls = ports.calls
        self._platforms = ports.platforms
        self._clock = ports.clock
        self._public_url = ports.public_url
        self._language = ports.language
        self._record = record
        self._bridge = bridge
        self._journal = journal
        self._told: dict[str, int] = {}
        self._void: set[str] = set()
        self._asked = asyncio.Event()
        self._expires_at: datetime | None = None

    def look(self) -> None:
        """There may be something new."""
        self._asked.set()

    async def run(self) -> None:
        """Carry out what is asked until the call is over."""
        begun = False
        while True:
            try:
                if not begun:
                    await self._fill_slots()
                    begun = True
                await self._tell_slots()
                await self._carry_out()
            except StoreUnavailable as error:
                logger.info("call %s cannot be steered: %s", self._record.id, error.message)
                await asyncio.sleep(JOURNAL_RETRY_S)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._rest_s())
            self._asked.clear()

    def _rest_s(self) -> float:
        """Until somebody must look even if nobody asks: for what runs out, and for news lost."""
        if self._expires_at is None:
            return STEERING_LOOK_S
        left_s = (self._expires_at - self._clock.now()).total_seconds()
        return min(max(left_s, 0.0), STEERING_LOOK_S)

    async def _fill_slots(self) -> None:
        """Give the slots what the call was begun with; what is there already stays.

        One by one, so that somebody who sets one of them right now takes no other away.
        """
        known = {slot.slot for slot in await self._slots()}
        for slot, value in self._record.context.items():
            if slot in known:
                continue
            with suppress(SlotChanged):
                await self._calls.edit_slots(
                    self._record.project,
                    self._record.id,
                    [SlotEdit(slot=slot, value=value, replaces=0)],
                    by=FROM_MANIFEST,
                    now=self._clock.now(),
                )

    async def _tell_slots(self) -> None:
        """Tell the agent every slot that is not what it was told."""
        now = self._clock.now()
        self._expires_at = None
        given: dict[str, int] = {}
        for slot in await self._slots():
            if slot.is_in_force(now):
                if slot.expires_at is not None:
                    self._expires_at = min(self._expires_at or slot.expires_at, slot.expires_at)
                if self._told.get(slot.slot) != slot.revision:
                    await self._bridge.line.inform(self._statement(slot), slot=slot.slot)
                    self._told[slot.slot] = given[slot.slot] = slot.revision
                    self._void.discard(slot.slot)
            elif slot.slot not in self._void or self._told[slot.slot] != slot.revision:
                if slot.slot not in self._void and self._is_known(slot.slot):
                    await self._bridge.line.inform(_void_text(slot.slot), slot=slot.slot)
                self._void.add(slot.slot)
                self._told[slot.slot] = given[slot.slot] = slot.revision
        if given:
            project, call, calls = self._record.project, self._record.id, self._calls
            self._journal.write(lambda: calls.slots_given(project, call, given, now))

    def _is_known(self, slot: str) -> bool:
        """Whether the agent ever heard of a slot, from its prompt or from us."""
        return slot in self._told or slot in self._record.context

    def _statement(self, slot: ContextSlot) -> str:
        """What a slot holds. The platform takes back what was said in its name, but not what stands
        in the prompt: so what differs from the beginning says itself that it replaces that.
        """
        statement = f"{slot.slot}: {slot.value}"
        if slot.slot not in self._told and slot.value == self._record.context.get(slot.slot):
            return statement
        return f"{_forget(slot.slot)}, and go by this alone:\n\n{statement}"

    async def _slots(self) -> tuple[ContextSlot, ...]:
        return await self._calls.slots(self._record.project, self._record.id)

    async def _carry_out(self) -> None:
        for command in await self._calls.open_commands(self._record.project, self._record.id):
            failure = ""
            try:
                await self._obey(command)
            except StoreUnavailable:
                raise
            except TrunklineError as error:
                failure = error.message
            await self._calls.conclude_command(command.id, self._clock.now(), failure)
            if not failure and command.kind == "hangup":
                words = f"{command.asked_by} hung up"
                self._bridge.end(CallEnd("operator", words))

    async def _obey(self, command: CallCommand) -> None:
        if command.kind == "note":
            await self._bridge.line.inform(str(command.body.get("text", "")))
        elif command.kind == "transfer":
            await self._transfer(command)

    async def _transfer(self, command: CallCommand) -> None:
        """Let the carrier pass the call on; its stream to us ends with that.

        The record says so first, for whoever is asked by the carrier reads it: for what the person
        hears before the caller, and for what the caller hears if nobody is there.
        """
        to_number = str(command.body.get("to", ""))
        summary = str(command.body.get("summary", ""))
        update = {"transferred_to": to_number, "summary": summary, "transfer_failure": None}
        project, call = self._record.project, self._record.id
        passed = await self._calls.change_call(
            project, call, lambda now: now.model_copy(update=update)
        )
        carrier = await self._platforms.carrier(project, self._record.environment)
        answer = carrier.transfer_answer(
            to_number,
            sentence=str(command.body.get("sentence", "")),
            language=self._language,
            caller_id=_own_number(self._record),
            whisper_url=whisper_address(self._public_url, passed),
            then=after_address(self._public_url, passed),
        )
        words = f"{command.asked_by} passed the call on to {to_number}"
        end = CallEnd("operator", words, transferred=True, command=command.id)
        self._bridge.expect(end)
        try:
            await carrier.redirect(
                self._record.carrier_call_id, answer, timeout_s=CALL_STEER_TIMEOUT_S
            )
        except PlatformError:
            self._bridge.expect(None)
            former = {"transferred_to": "", "summary": self._record.summary}
            await self._calls.change_call(project, call, lambda now: now.model_copy(update=former))
            raise
        asyncio.get_running_loop().call_later(CALL_STEER_TIMEOUT_S, self._bridge.end, end)


def _own_number(record: CallRecord) -> str:
    return record.to_number if record.direction == "inbound" else record.from_number


def _void_text(slot: str) -> str:
    gone = "it no longer holds, and nothing has taken its place."
    return f"{_forget(slot)}: {gone}\n\n{slot}: none"


def _forget(slot: str) -> str:
    return f"Forget whatever you were told of {slot} before, in your instructions too"
