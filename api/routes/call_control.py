"""Steering a call that is going on: its context, notes to the agent, hanging up, handing over."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, ConfigDict, Field

from api.actions import needs
from api.answers import Answer
from api.parameters import IdInPath, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.base import Frozen
from trunkline.model.calls.commands import CallCommand, CommandKind
from trunkline.model.calls.context import ContextSlot, SlotName
from trunkline.model.calls.limits import (
    CALL_SLOTS_MAX,
    COMMAND_WAIT_MAX_S,
    NOTE_MAX_CHARACTERS,
    SLOT_EXPIRY_MAX_S,
    SUMMARY_MAX_CHARACTERS,
)
from trunkline.model.durations import Duration
from trunkline.services.call_control import ContextWish, SlotWish
from trunkline.services.control import Caller as Asking

router = APIRouter(prefix="/v1/projects/{project}/calls/{call}", tags=["calls"])

_READ = problem_documents(400, 401, 404, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)
_TIME = "2026-03-02T09:15:00Z"
_SAID = r"^[^\x00]*$"

CommandInPath = Annotated[int, Path(ge=1, le=2**53)]
Wait = Annotated[
    float,
    Query(
        ge=0,
        le=COMMAND_WAIT_MAX_S,
        allow_inf_nan=False,
        description="Wait up to so many seconds for it to be carried out",
    ),
]


def _passing(expires_in: Duration) -> Duration:
    """Raises ValueError for what is over at once or longer than a call."""
    if not 0 < expires_in.total_seconds() <= SLOT_EXPIRY_MAX_S:
        raise ValueError("a slot runs out after 1ms to 24h")
    return expires_in


class NewSlotValue(Frozen):
    """What a slot is to hold; with ``expiresIn`` it is void by itself after that long."""

    value: Annotated[str, Field(max_length=limits.CONTEXT_VALUE_MAX_CHARACTERS, pattern=_SAID)]
    expires_in: Annotated[Duration, AfterValidator(_passing)] | None = None


class ContextChange(Frozen):
    """Change slots of a call's context, all of them or none. What is not named stays as it is.
    ``ifRevision`` names the revision a slot is expected to have, 0 for one that is not there: if
    somebody was faster, the answer is 409 and nothing changes.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "set": {"waiting_time": {"value": "ten minutes", "expiresIn": "5m"}},
                "remove": ["promotion"],
                "ifRevision": {"waiting_time": 1},
            }
        }
    )

    set: Annotated[dict[SlotName, NewSlotValue], Field(max_length=CALL_SLOTS_MAX)] = Field(
        default_factory=dict
    )
    remove: Annotated[tuple[SlotName, ...], Field(max_length=CALL_SLOTS_MAX)] = ()
    if_revision: Annotated[
        dict[SlotName, Annotated[int, Field(ge=0, le=2**31 - 1)]],
        Field(max_length=CALL_SLOTS_MAX),
    ] = Field(default_factory=dict)

    def wish(self) -> ContextWish:
        """The same as services take it."""
        return ContextWish(
            set={name: SlotWish(one.value, one.expires_in) for name, one in self.set.items()},
            remove=self.remove,
            if_revision=self.if_revision,
        )


class NoteToAgent(Frozen):
    """Tell the agent something once."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"text": "The caller is a wholesale customer"}}
    )

    text: Annotated[str, Field(min_length=1, max_length=NOTE_MAX_CHARACTERS, pattern=_SAID)]


class CallTransfer(Frozen):
    """Hand the caller to a person. ``summary`` is said to that person before both are connected,
    and kept with the call; ``sentence`` is said to the caller before it rings.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "to": "+15005550009",
                "summary": "Wants to move Tuesday's appointment and is in a hurry",
                "sentence": "I connect you with a colleague.",
            }
        }
    )

    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+15005550009"])]
    summary: Annotated[str, Field(min_length=1, max_length=SUMMARY_MAX_CHARACTERS, pattern=_SAID)]
    sentence: Annotated[str, Field(max_length=SUMMARY_MAX_CHARACTERS, pattern=_SAID)] = ""


class ContextSlotAnswer(Answer):
    """One slot. ``value`` null: it was taken away. ``revision`` goes up by one with each change;
    ``givenAt`` is when the agent was told of this one, null before.
    """

    slot: str
    value: str | None
    revision: int
    set_by: str
    set_at: datetime
    expires_at: datetime | None = None
    given_at: datetime | None = None


class CallContextAnswer(Answer):
    """Every slot a call ever had, by name."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "call": "call_15005550006_7f3a9c21",
                "slots": [
                    {
                        "slot": "waiting_time",
                        "value": "ten minutes",
                        "revision": 2,
                        "setBy": "operator@example.com",
                        "setAt": _TIME,
                        "expiresAt": "2026-03-02T09:20:00Z",
                        "givenAt": _TIME,
                    }
                ],
            }
        },
    )

    call: str
    slots: tuple[ContextSlotAnswer, ...]


class CallCommandAnswer(Answer):
    """What somebody told a call: ``asked``, then ``done``, or ``failed`` with the reason. ``note``
    is what whoever asked should know.
    """

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "id": 4711,
                "call": "call_15005550006_7f3a9c21",
                "kind": "hangup",
                "state": "done",
                "failure": "",
                "note": "",
                "askedBy": "operator@example.com",
                "askedAt": _TIME,
                "doneAt": _TIME,
            }
        },
    )

    id: int
    call: str
    kind: CommandKind
    state: Literal["asked", "done", "failed"]
    failure: str
    note: str = ""
    asked_by: str
    asked_at: datetime
    done_at: datetime | None


@router.get("/context", responses=_READ)
async def show_call_context(
    services: InstalledServices, project: ProjectOfCaller, call: IdInPath
) -> CallContextAnswer:
    """What the agent is told beside what is said, in named slots."""
    return _context(call, await services.call_control.context(project, call))


@router.patch("/context", responses=_WRITE, openapi_extra=needs("call.context"))
async def change_call_context(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    call: IdInPath,
    change: ContextChange,
    request_id: RequestId,
    wait: Wait = 0,
) -> CallContextAnswer:
    """Change slots of a call that goes on, and have the agent told. Needs the role operator.

    `wait` waits for the agent to be told, which `givenAt` says.
    """
    slots = await services.call_control.edit_context(
        Asking(caller, request_id), project, call, change.wish(), wait_s=wait
    )
    return _context(call, slots)


@router.post("/note", status_code=202, responses=_WRITE, openapi_extra=needs("call.context"))
async def tell_agent(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    call: IdInPath,
    note: NoteToAgent,
    request_id: RequestId,
    response: Response,
    wait: Wait = 0,
) -> CallCommandAnswer:
    """Tell the agent something once. Needs the role operator."""
    asking = Asking(caller, request_id)
    command = await services.call_control.note(asking, project, call, note.text)
    return await _accepted(services, command, wait, response)


@router.post("/hangup", status_code=202, responses=_WRITE, openapi_extra=needs("call.hangup"))
async def hang_up_call(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    call: IdInPath,
    request_id: RequestId,
    response: Response,
    wait: Wait = 0,
) -> CallCommandAnswer:
    """End a call. Needs the role operator."""
    command = await services.call_control.hang_up(Asking(caller, request_id), project, call)
    return await _accepted(services, command, wait, response)


@router.post("/transfer", status_code=202, responses=_WRITE, openapi_extra=needs("call.transfer"))
async def transfer_call(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    call: IdInPath,
    order: CallTransfer,
    request_id: RequestId,
    response: Response,
    wait: Wait = 0,
) -> CallCommandAnswer:
    """Hand the caller to a person. Needs the role operator."""
    command = await services.call_control.transfer(
        Asking(caller, request_id),
        project,
        call,
        to_number=order.to,
        summary=order.summary,
        sentence=order.sentence,
    )
    return await _accepted(services, command, wait, response)


@router.get("/commands/{command}", responses=_READ)
async def show_call_command(
    services: InstalledServices,
    project: ProjectOfCaller,
    call: IdInPath,
    command: CommandInPath,
    wait: Wait = 0,
) -> CallCommandAnswer:
    """What became of something a call was told."""
    return _command(await services.call_control.command(project, call, command, wait_s=wait))


async def _accepted(
    services: InstalledServices, command: CallCommand, wait_s: float, response: Response
) -> CallCommandAnswer:
    """A command with its address, after a wait if that is asked for."""
    base = f"/v1/projects/{command.project}/calls/{command.call}"
    response.headers["Location"] = f"{base}/commands/{command.id}"
    if wait_s:
        command = await services.call_control.command(
            command.project, command.call, command.id, wait_s=wait_s
        )
    return _command(command)


def _command(command: CallCommand) -> CallCommandAnswer:
    ended: Literal["done", "failed"] = "failed" if command.failure else "done"
    return CallCommandAnswer(
        id=command.id,
        call=command.call,
        kind=command.kind,
        state="asked" if command.done_at is None else ended,
        failure=command.failure,
        note=str(command.body.get("note", "")),
        asked_by=command.asked_by,
        asked_at=command.asked_at,
        done_at=command.done_at,
    )


def _context(call: str, slots: tuple[ContextSlot, ...]) -> CallContextAnswer:
    shown = tuple(ContextSlotAnswer.model_validate(slot.model_dump()) for slot in slots)
    return CallContextAnswer(call=call, slots=shown)
