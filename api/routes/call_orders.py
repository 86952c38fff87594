"""Calls people ask for, and the numbers nobody may call."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import ConfigDict, Field

from api.actions import needs
from api.answers import Answer, Name, PageAnswer, page_answer
from api.parameters import Cursor, IdInPath, Limit, Moment, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.base import Frozen
from trunkline.model.calls.context import SlotName
from trunkline.model.calls.limits import (
    CALL_CONTEXT_SLOTS_MAX,
    CALL_KEY_MAX_CHARACTERS,
    DO_NOT_CALL_REASON_MAX_CHARACTERS,
)
from trunkline.model.calls.orders import CallOrder, DoNotCall, OrderState, RetriedState, RetryRule
from trunkline.model.calls.records import CallRecord, CallState
from trunkline.model.errors import InvalidInput
from trunkline.services.outbound import CallOrderView, CallWish

router = APIRouter(prefix="/v1/projects/{project}", tags=["calls"])

_READ = problem_documents(400, 401, 404, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)
_NUMBER = r"^\+[1-9][0-9]{6,14}$"

Number = Annotated[str, Field(pattern=_NUMBER, examples=["+15005550009"])]
ListedNumber = Annotated[str, Path(pattern=_NUMBER, examples=["+15005550009"])]
Key = Annotated[
    str, Field(min_length=1, max_length=CALL_KEY_MAX_CHARACTERS, pattern=r"^[\x20-\x7e]+$")
]
SlotValue = Annotated[str, Field(max_length=limits.CONTEXT_VALUE_MAX_CHARACTERS)]
Slots = Annotated[dict[SlotName, SlotValue], Field(max_length=CALL_CONTEXT_SLOTS_MAX)]
KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=CALL_KEY_MAX_CHARACTERS,
        include_in_schema=False,  # described where every POST is
    ),
]
"""In the place of ``idempotencyKey`` in the body."""
OpenOnly = Annotated[bool, Query(alias="open", description="Only orders that have not ended")]


class CallRetry(Frozen):
    """How often to try in all, how many seconds after the last try, and after which ends."""

    tries: Annotated[int, Field(ge=1, le=limits.CALL_TRIES_MAX)] = 1
    pause_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 600.0
    after: Annotated[tuple[RetriedState, ...], Field(min_length=1, max_length=3)] = (
        "busy",
        "no-answer",
    )


class NewCallOrder(Frozen):
    """Let an agent call a number. ``from`` is the name of a phone number the agent may call from,
    by default its first; ``contextOverride`` are slots the agent knows from the start;
    ``environment`` where the agent is in several; without ``retry`` the manifest's counts.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "agent": "appointment-reminders",
                "to": "+15005550009",
                "contextOverride": {"appointment": "Tuesday at ten"},
                "idempotencyKey": "reminder-2026-03-02-4711",
            }
        }
    )

    agent: Name
    to: Number
    from_number: Annotated[Name | None, Field(alias="from")] = None
    context_override: Slots = Field(default_factory=dict)
    idempotency_key: Key | None = None
    environment: Name | None = None
    retry: CallRetry | None = None
    not_before: Moment | None = None
    rated: bool = False

    def wish(self, header: str | None) -> CallWish:
        """The same as services take it. Raises InvalidInput without one key that is meant."""
        given = header.strip('"') if header else None
        if self.idempotency_key and given and self.idempotency_key != given:
            raise InvalidInput("The idempotency keys in header and body differ")
        key = self.idempotency_key or given
        if not key:
            raise InvalidInput(
                "A call needs an idempotency key, so that it is placed once",
                hint="Send `idempotencyKey`, such as the id of the appointment it is about",
            )
        return CallWish(
            agent=self.agent,
            to_number=self.to,
            key=key,
            environment=self.environment or "",
            from_number=self.from_number or "",
            context=self.context_override,
            retry=RetryRule(**self.retry.model_dump(by_alias=False)) if self.retry else None,
            not_before=self.not_before,
            rated=self.rated,
        )


class CallTryAnswer(Answer):
    """One try of an order; the call itself is at `calls/{id}`."""

    id: str
    state: CallState
    started_at: Moment
    answered_at: Moment | None = None
    ended_at: Moment | None = None
    outcome: str = ""
    message: str = ""


class CallOrderAnswer(Answer):
    """A call somebody asked for. ``state`` is `Waiting` for a window, a free place or the next
    try, `Calling`, `Talking`, or how it ended; ``message`` says what it waits for or why it ended.
    """

    id: str
    project: str
    environment: str
    agent: str
    to: str
    from_number: str = Field(alias="from")
    context_override: dict[str, str] = Field(default_factory=dict)
    retry: RetryRule
    idempotency_key: str
    state: OrderState
    message: str = ""
    asked_by: str
    asked_at: Moment
    not_before: Moment | None = None
    ended_at: Moment | None = None
    canceled_by: str = ""
    rated: bool = False
    calls: tuple[str, ...] = ()
    tries: tuple[CallTryAnswer, ...] = ()


class ForbiddenNumber(Frozen):
    """A number nobody of the project may call any more, and why."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"number": "+15005550009", "reason": "asked us to stop"}}
    )

    number: Number
    reason: Annotated[
        str, Field(max_length=DO_NOT_CALL_REASON_MAX_CHARACTERS, pattern=r"^[^\x00]*$")
    ] = ""


class DoNotCallAnswer(Answer):
    """A number nobody of the project may call."""

    number: str
    reason: str = ""
    added_by: str
    added_at: Moment


@router.post("/calls", status_code=202, responses=_WRITE, openapi_extra=needs("call.start"))
async def order_call(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order: NewCallOrder,
    request_id: RequestId,
    response: Response,
    key: KeyHeader = None,
) -> CallOrderAnswer:
    """Let an agent call somebody: once for a key, whatever happens. Needs the role operator."""
    view = await services.outbound.start(caller, project, order.wish(key), request_id=request_id)
    response.headers["Location"] = f"/v1/projects/{project}/call-orders/{view.order.id}"
    return _answer(view.order, view)


@router.get("/call-orders", responses=_READ)
async def list_call_orders(
    services: InstalledServices,
    project: ProjectOfCaller,
    open_only: OpenOnly = False,  # noqa: FBT002 - a query parameter
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[CallOrderAnswer]:
    """Calls that were asked for, newest first, without their tries."""
    page = await services.outbound.page(project, open_only=open_only, cursor=cursor, limit=limit)
    return page_answer(page, _answer, PageAnswer[CallOrderAnswer])


@router.get("/call-orders/{order_id}", responses=_READ)
async def read_call_order(
    services: InstalledServices, project: ProjectOfCaller, order_id: IdInPath
) -> CallOrderAnswer:
    """One order, what it waits for, and its tries."""
    view = await services.outbound.read(project, order_id)
    return _answer(view.order, view)


@router.post(
    "/call-orders/{order_id}/cancel",
    status_code=202,
    responses=_WRITE,
    openapi_extra=needs("call.cancel"),
)
async def cancel_call_order(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order_id: IdInPath,
    request_id: RequestId,
) -> CallOrderAnswer:
    """Try no more, and end the call that goes on. Needs the role operator."""
    view = await services.outbound.cancel(caller, project, order_id, request_id=request_id)
    return _answer(view.order, view)


@router.get("/do-not-call", responses=_READ)
async def list_do_not_call(
    services: InstalledServices,
    project: ProjectOfCaller,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[DoNotCallAnswer]:
    """Numbers nobody of the project may call, in order."""
    page = await services.outbound.forbidden(project, cursor=cursor, limit=limit)
    return page_answer(page, _forbidden, PageAnswer[DoNotCallAnswer])


@router.post(
    "/do-not-call", status_code=201, responses=_WRITE, openapi_extra=needs("do-not-call.edit")
)
async def forbid_number(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    entry: ForbiddenNumber,
    request_id: RequestId,
) -> DoNotCallAnswer:
    """Let nobody call a number any more; orders that wait for it end. Needs the role operator."""
    kept = await services.outbound.forbid(
        caller, project, entry.number, entry.reason, request_id=request_id
    )
    return _forbidden(kept)


@router.delete("/do-not-call/{number}", responses=_WRITE, openapi_extra=needs("do-not-call.edit"))
async def allow_number(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    number: ListedNumber,
    request_id: RequestId,
) -> DoNotCallAnswer:
    """Take a number off the list; answers what was on it. Needs the role operator."""
    entry = await services.outbound.allow(caller, project, number, request_id=request_id)
    return _forbidden(entry)


def _answer(order: CallOrder, view: CallOrderView | None = None) -> CallOrderAnswer:
    said = order.model_dump(by_alias=False, exclude={"to_number", "context"})
    return CallOrderAnswer.model_validate(
        {
            **said,
            "to": order.to_number,
            "context_override": order.context,
            "tries": tuple(_try(each) for each in view.tries) if view else (),
        }
    )


def _try(record: CallRecord) -> CallTryAnswer:
    return CallTryAnswer.model_validate(record.model_dump(by_alias=False))


def _forbidden(entry: DoNotCall) -> DoNotCallAnswer:
    return DoNotCallAnswer.model_validate(entry.model_dump(by_alias=False))
