"""What people tell a call that is going on, and who may hear it.

A wish becomes a row before anybody is told of it, so the process that carries the call finds it
even if it was away, and whoever asked can see what became of it. Nothing here talks to a carrier
or an agent: that is the carrying process's.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from activities.clocks import SystemClock
from trunkline.model.base import JsonObject
from trunkline.model.calls.commands import CallCommand, CommandKind
from trunkline.model.calls.context import ContextSlot, SlotEdit
from trunkline.model.calls.limits import (
    CALL_SLOTS_MAX,
    COMMAND_LOOK_S,
    COMMAND_WAIT_MAX_S,
)
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import (
    CallNotHeld,
    CallOver,
    InvalidInput,
    NotAvailableInNative,
    NotFound,
    NumberNotToBeCalled,
)
from trunkline.model.roles import Action
from trunkline.ports import Clock, Wishes
from trunkline.ports.calls import CallOrders, Calls
from trunkline.services.access import AccessService
from trunkline.services.call_rules import rules_of
from trunkline.services.control import Caller

_AUDITED_MAX_CHARACTERS = 200
"""Of a slot's value in the audit log: enough to see what was said, the rest is at the call."""


@dataclass(frozen=True, slots=True)
class SlotWish:
    """A new value of a slot, and after how long it is void by itself."""

    value: str
    expires_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ContextWish:
    """What somebody wants to change about a call's context, all of it or nothing.

    ``if_revision`` are the revisions that are expected of slots, 0 for one that is not there.
    """

    set: Mapping[str, SlotWish] = field(default_factory=dict)
    remove: Sequence[str] = ()
    if_revision: Mapping[str, int] = field(default_factory=dict)

    def edits(self, now: datetime) -> tuple[SlotEdit, ...]:
        """The same as the store takes it. Raises InvalidInput for a wish that contradicts itself
        or is none.
        """
        if both := sorted(set(self.set) & set(self.remove)):
            raise InvalidInput(f"{', '.join(both)} cannot be set and removed at once")
        named = {*self.set, *self.remove}
        if not named:
            raise InvalidInput("Nothing is to be changed", hint="Name slots under set or remove")
        if stray := sorted(set(self.if_revision) - named):
            raise InvalidInput(f"ifRevision names {', '.join(stray)}, which is not to be changed")
        removed = [
            SlotEdit(slot=name, replaces=self.if_revision.get(name))
            for name in dict.fromkeys(self.remove)
        ]
        given = [
            SlotEdit(
                slot=name,
                value=wish.value,
                expires_at=now + wish.expires_in if wish.expires_in is not None else None,
                replaces=self.if_revision.get(name),
            )
            for name, wish in self.set.items()
        ]
        return (*given, *removed)


class SteeredCalls(Calls, CallOrders, Protocol):
    """Rows of calls, and of numbers nobody may call."""


class CallControlService:
    """Steering calls whose audio passes through us. Projects are those found for the caller."""

    def __init__(
        self,
        calls: SteeredCalls,
        wishes: Wishes,
        *,
        access: AccessService,
        clock: Clock | None = None,
    ) -> None:
        self._calls = calls
        self._wishes = wishes
        self._access = access
        self._clock = clock or SystemClock()

    async def context(self, project: str, call_id: str) -> tuple[ContextSlot, ...]:
        """Every slot the call ever had, by name. Raises NotFound."""
        await self._known(project, call_id)
        return await self._calls.slots(project, call_id)

    async def edit_context(
        self, caller: Caller, project: str, call_id: str, wish: ContextWish, *, wait_s: float = 0
    ) -> tuple[ContextSlot, ...]:
        """Change slots and have the agent told; every slot there is then. With ``wait_s`` it is
        waited so long for the agent to be told.

        Raises Forbidden, NotFound, InvalidInput, SlotChanged, CallOver, NotAvailableInNative,
        CallNotHeld.
        """
        caller.principal.require("call.context")
        record = await self._known(project, call_id)
        await self._require_steerable(record)
        now = self._clock.now()
        edits = wish.edits(now)
        before = {slot.slot: slot for slot in await self._calls.slots(project, call_id)}
        _require_room(before, edits)
        slots = await self._calls.edit_slots(
            project, call_id, edits, by=caller.principal.person, now=now
        )
        await self._put(caller, record, "context", {})
        names = {edit.slot for edit in edits}
        after = {slot.slot: slot for slot in slots}
        await self._audit(
            caller,
            record,
            "call.context",
            before={name: _said(before.get(name)) for name in sorted(names)},
            after={name: _said(after.get(name)) for name in sorted(names)},
        )
        wanted = {name: after[name].revision for name in names if name in after}
        return await self._given(record, wanted, slots, wait_s)

    async def note(self, caller: Caller, project: str, call_id: str, text: str) -> CallCommand:
        """Tell the agent something once. Raises what ``hang_up`` raises."""
        return await self._ask(caller, project, call_id, "note", {"text": text})

    async def hang_up(self, caller: Caller, project: str, call_id: str) -> CallCommand:
        """End the call.

        Raises Forbidden, NotFound, CallOver, NotAvailableInNative, CallNotHeld.
        """
        return await self._ask(caller, project, call_id, "hangup", {})

    async def transfer(
        self,
        caller: Caller,
        project: str,
        call_id: str,
        *,
        to_number: str,
        summary: str,
        sentence: str = "",
    ) -> CallCommand:
        """Hand the caller to a person. ``summary`` is said to that person and kept with the call,
        ``sentence`` is said to the caller first. Raises what ``hang_up`` raises, InvalidInput for a
        number of the call itself, and NumberNotToBeCalled.
        """
        caller.principal.require("call.transfer")
        record = await self._known(project, call_id)
        if to_number in (record.from_number, record.to_number):
            raise InvalidInput(f"{to_number} is in this call already")
        body: JsonObject = {"to": to_number, "summary": summary, "sentence": sentence}
        if note := await self._forbidden(record, to_number):
            body["note"] = note
        return await self._ask(caller, project, call_id, "transfer", body)

    async def command(
        self, project: str, call_id: str, command_id: int, *, wait_s: float = 0
    ) -> CallCommand:
        """What became of a command, waiting so long for it to be carried out. Raises NotFound."""
        deadline_s = _deadline_s(wait_s)
        while True:
            found = await self._calls.command(project, command_id)
            if found is None or found.call != call_id:
                raise NotFound(f"There is no command {command_id} of call {call_id!r}")
            if found.done_at is not None or _now_s() >= deadline_s:
                return found
            await asyncio.sleep(COMMAND_LOOK_S)

    async def require_audible(self, caller: Caller, project: str, call_id: str) -> CallRecord:
        """The call, if this caller may hear it now.

        Raises Forbidden, NotFound, CallOver, NotAvailableInNative, CallNotHeld.
        """
        caller.principal.require("call.listen")
        record = await self._known(project, call_id)
        await self._require_steerable(record)
        return record

    async def note_listener(self, caller: Caller, record: CallRecord) -> None:
        """Write down who listens."""
        await self._audit(caller, record, "call.listen")

    async def _ask(
        self, caller: Caller, project: str, call_id: str, kind: CommandKind, body: JsonObject
    ) -> CallCommand:
        """Put a command, and say in the audit log who did."""
        action = _ACTIONS[kind]
        caller.principal.require(action)
        record = await self._known(project, call_id)
        await self._require_steerable(record, held=True)
        command = await self._put(caller, record, kind, body)
        asked = {"kind": kind, "command": command.id, **body}
        before: JsonObject = {"state": record.state, "transferredTo": record.transferred_to}
        await self._audit(caller, record, action, before=before, after=asked)
        return command

    async def _put(
        self, caller: Caller, record: CallRecord, kind: CommandKind, body: JsonObject
    ) -> CallCommand:
        return await self._calls.put_command(
            CallCommand(
                project=record.project,
                call=record.id,
                kind=kind,
                body=body,
                asked_by=caller.principal.person,
                asked_at=self._clock.now(),
            )
        )

    async def _given(
        self,
        record: CallRecord,
        wanted: Mapping[str, int],
        slots: tuple[ContextSlot, ...],
        wait_s: float,
    ) -> tuple[ContextSlot, ...]:
        """The slots once the agent was told of these revisions, or the time is over."""
        deadline_s = _deadline_s(wait_s)
        while _now_s() < deadline_s:
            open_slots = [
                slot
                for slot in slots
                if slot.revision == wanted.get(slot.slot) and slot.given_at is None
            ]
            if not open_slots:
                break
            await asyncio.sleep(COMMAND_LOOK_S)
            slots = await self._calls.slots(record.project, record.id)
        return slots

    async def _forbidden(self, record: CallRecord, to_number: str) -> str:
        """Why a number on the do-not-call list is dialled all the same; "" for one that is not on
        it. Raises NumberNotToBeCalled unless the manifests name it where calls are to go.
        """
        entry = await self._calls.do_not_call(record.project, to_number)
        if entry is None:
            return ""
        listed = f"{to_number} is on the do-not-call list"
        own = await self._wishes.wishes_for_number(to_number)
        if any(one.project == record.project for one in own):
            return f"{listed}; it is dialled all the same, as a number of this project"
        if (await rules_of(self._wishes, record)).fallback == to_number:
            return f"{listed}; it is dialled all the same, as the fallback of {record.number}"
        why = f": {entry.reason}" if entry.reason else ""
        raise NumberNotToBeCalled(
            f"{listed}{why}",
            hint="Take it off the list, or name it as the fallback of the call's number",
        )

    async def _known(self, project: str, call_id: str) -> CallRecord:
        record = await self._calls.call(project, call_id)
        if record is None:
            raise NotFound(f"There is no call {call_id!r} in project {project!r}")
        return record

    async def _require_steerable(self, record: CallRecord, *, held: bool = False) -> None:
        """Raises CallOver, NotAvailableInNative, and CallNotHeld for a call that goes on with no
        process of ours in it (``held``: or has not begun, so that nobody can do anything yet).
        """
        if record.is_over:
            raise CallOver(f"Call {record.id} has ended ({record.state})")
        if record.routing != "bridge":
            raise NotAvailableInNative(
                f"The audio of call {record.id} does not pass through this installation"
                f" (routing {record.routing})",
                hint="Give its number `routing: bridge` to hear and steer such calls",
            )
        if not held and record.state != "in-progress":
            return
        if await self._calls.holder_of(record.project, record.id) is None:
            raise CallNotHeld(
                f"No process carries call {record.id} at the moment",
                hint="It has not begun, or the process that carried it has died; look again",
            )

    async def _audit(
        self,
        caller: Caller,
        record: CallRecord,
        action: Action,
        *,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> None:
        await self._access.record(
            caller.principal,
            action,
            project=record.project,
            subject=record.id,
            request_id=caller.request_id,
            details={"environment": record.environment, "agent": record.agent},
            before=before,
            after=after,
        )


_ACTIONS: Mapping[CommandKind, Action] = {
    "note": "call.context",
    "context": "call.context",
    "hangup": "call.hangup",
    "transfer": "call.transfer",
}


def _require_room(known: Mapping[str, ContextSlot], edits: Sequence[SlotEdit]) -> None:
    added = (edit.slot for edit in edits if edit.value is not None)
    if len({*known, *added}) > CALL_SLOTS_MAX:
        raise InvalidInput(
            f"A call has up to {CALL_SLOTS_MAX} slots",
            hint="Replace what a slot holds instead of adding one for each piece of news",
        )


def _said(slot: ContextSlot | None) -> JsonObject | None:
    """A slot as the audit log has it."""
    if slot is None:
        return None
    value = slot.value if slot.value is None else slot.value[:_AUDITED_MAX_CHARACTERS]
    until = slot.expires_at
    return {
        "value": value,
        "revision": slot.revision,
        "expiresAt": until.isoformat() if until else None,
    }


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _deadline_s(wait_s: float) -> float:
    return _now_s() + min(wait_s, COMMAND_WAIT_MAX_S)
