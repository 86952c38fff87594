"""Calls people ask for: taken once for a key, listed, canceled; and numbers nobody may call.

An order is a row before anything else happens, so that whoever asked can look at it at once. It is
carried out by a workflow of its own, which is started again by whoever asks again.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import Field

from activities.calls.facts import CallSituations
from trunkline.model.base import Frozen
from trunkline.model.calls.context import SlotName
from trunkline.model.calls.limits import CALL_ORDER_LIFETIME_S
from trunkline.model.calls.ordering import OutboundFacts, refusal, window_closed, window_of
from trunkline.model.calls.orders import CallOrder, DoNotCall, RetryRule
from trunkline.model.calls.records import CallRecord
from trunkline.model.canonical import digest
from trunkline.model.errors import (
    CallingWindowClosed,
    EngineUnavailable,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
)
from trunkline.model.roles import Action
from trunkline.ports import Clock
from trunkline.ports.calls import CallOrders, Calls
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.pages import Page, key_cursor, moment_cursor, parse_key, parse_moment
from trunkline.services.status import StatusService

logger = logging.getLogger(__name__)


class CallWish(Frozen):
    """A call somebody wants. Empty ``environment``: the only one the agent is in; empty
    ``from_number``: the first the agent may call from; ``retry`` None: as its manifest says.
    """

    agent: str
    to_number: str
    key: str
    environment: str = ""
    from_number: str = ""
    context: dict[SlotName, str] = Field(default_factory=dict)
    retry: RetryRule | None = None
    not_before: datetime | None = None
    rated: bool = False


@dataclass(frozen=True, slots=True)
class CallOrderView:
    """An order and its tries, oldest first."""

    order: CallOrder
    tries: tuple[CallRecord, ...] = ()


class OrderedCalls(Calls, CallOrders, Protocol):
    """Rows of orders and of their calls."""


class OutboundService:
    """Calls on request. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        rows: OrderedCalls,
        situations: CallSituations,
        *,
        status: StatusService,
        access: AccessService,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._situations = situations
        self._status = status
        self._access = access
        self._engine = engine
        self._clock = clock

    async def start(
        self, principal: Principal, project: str, wish: CallWish, *, request_id: str
    ) -> CallOrderView:
        """Take an order; for a key the project has had, the order that is there.

        Raises Forbidden, NotFound, InvalidInput, CallRefused, NumberNotToBeCalled,
        CallingWindowClosed (no window ever opens), PublicUrlMissing, IdempotencyKeyReused,
        EngineUnavailable: the order is kept then, and asking again goes on with it.
        """
        principal.require("call.start")
        asked_digest = digest(wish.model_dump(mode="json"))
        kept = await self._rows.order_of_key(project, wish.key)
        if kept is None:
            order = await self._order(principal, project, wish, asked_digest)
            kept = await self._rows.put_order(order)
            if kept.id == order.id:
                await self._note(principal, "call.start", kept, request_id)
        if kept.asked_digest != asked_digest:
            raise IdempotencyKeyReused(
                "Another call was asked for with this idempotency key",
                hint=f"That was {kept.id}; use a new key for a new call",
            )
        if not kept.is_over:
            await self._engine.call_order(project, kept.id, reason="asked for")
        return await self._view(kept)

    async def cancel(
        self, principal: Principal, project: str, order_id: str, *, request_id: str
    ) -> CallOrderView:
        """Let nothing more be tried and end the call that goes on; one that has ended stays.

        Raises Forbidden, NotFound, EngineUnavailable: it is noted then, and asking again goes on.
        """
        principal.require("call.cancel")
        known = (await self.read(project, order_id)).order
        if known.is_over:
            return await self._view(known)

        def canceled(order: CallOrder) -> CallOrder:
            if order.is_over or order.canceled_by:
                return order
            return order.model_copy(update={"canceled_by": principal.person})

        changed = await self._rows.change_order(project, order_id, canceled)
        if not known.canceled_by:
            await self._note(principal, "call.cancel", changed, request_id)
        await self._engine.call_order(project, order_id, reason="canceled")
        return await self._view(changed)

    async def read(self, project: str, order_id: str) -> CallOrderView:
        """One order with its tries. Raises NotFound."""
        order = await self._rows.order(project, order_id)
        if order is None:
            raise NotFound(f"There is no call order {order_id!r} in project {project!r}")
        return await self._view(order)

    async def page(
        self, project: str, *, open_only: bool, cursor: str | None, limit: int
    ) -> Page[CallOrder]:
        """Orders, newest first, without their tries."""
        found = await self._rows.orders(
            project, open_only=open_only, before=parse_moment(cursor), limit=limit
        )
        last = found[-1] if len(found) == limit else None
        return Page(found, moment_cursor(last.asked_at, last.id) if last else None)

    async def heard(self, record: CallRecord) -> None:
        """The carrier reported of a call: whoever follows its order looks now. An order that does
        not hear it asks the carrier by itself.
        """
        if not record.order or record.test:
            return
        try:
            await self._engine.call_order(record.project, record.order, reason=record.state)
        except EngineUnavailable as error:
            logger.warning("order %s is not told of its call: %s", record.order, error)

    async def forbid(
        self, principal: Principal, project: str, number: str, reason: str, *, request_id: str
    ) -> DoNotCall:
        """Let nobody call a number any more; one that is on the list keeps its first entry.

        Raises Forbidden, InvalidInput.
        """
        principal.require("do-not-call.edit")
        entry = DoNotCall(
            project=project,
            number=dialable(number),
            reason=reason,
            added_by=principal.person,
            added_at=self._clock.now(),
        )
        known = await self._rows.do_not_call(project, number)
        if known is not None:
            return known
        await self._rows.put_do_not_call(entry)
        await self._access.record(
            principal,
            "do-not-call.edit",
            project=project,
            subject=number,
            request_id=request_id,
            reason=reason,
            after={"number": number},
        )
        return entry

    async def allow(
        self, principal: Principal, project: str, number: str, *, request_id: str
    ) -> DoNotCall:
        """Take a number off the list; answers what was on it. Raises Forbidden, NotFound."""
        principal.require("do-not-call.edit")
        entry = await self._rows.do_not_call(project, number)
        if entry is None or not await self._rows.remove_do_not_call(project, number):
            raise NotFound(f"{number} is not on the do-not-call list of {project!r}")
        await self._access.record(
            principal,
            "do-not-call.edit",
            project=project,
            subject=number,
            request_id=request_id,
            before={"number": number},
        )
        return entry

    async def forbidden(self, project: str, *, cursor: str | None, limit: int) -> Page[DoNotCall]:
        """Numbers nobody may call, in order."""
        found = await self._rows.do_not_call_page(project, after=parse_key(cursor), limit=limit)
        return Page(found, key_cursor(found[-1].number) if len(found) == limit else None)

    async def _order(
        self, principal: Principal, project: str, wish: CallWish, asked_digest: str
    ) -> CallOrder:
        """The order as it would be kept, after every check."""
        row = await self._status.one(
            project, "agent", wish.agent, environment=wish.environment or None
        )
        agent = await self._situations.agent(project, row.environment, wish.agent)
        outbound = agent.outbound if agent is not None else None
        numbers = outbound.from_numbers if outbound is not None else ()
        order = CallOrder(
            id=f"order-{secrets.token_hex(8)}",
            project=project,
            environment=row.environment,
            agent=wish.agent,
            to_number=dialable(wish.to_number),
            from_number=wish.from_number or next(iter(numbers), ""),
            context=dict(wish.context),
            retry=wish.retry or (outbound.retry if outbound is not None else RetryRule()),
            idempotency_key=wish.key,
            asked_by=principal.person,
            asked_at=self._clock.now(),
            rated=wish.rated,
            not_before=wish.not_before,
            asked_digest=asked_digest,
        )
        facts = (await self._situations.of(order)).facts
        refused = refusal(order, facts)
        if refused is not None:
            raise refused
        return order.model_copy(update={"message": self._first_words(order, facts)})

    def _first_words(self, order: CallOrder, facts: OutboundFacts) -> str:
        """What an order waits for as it is taken. Raises CallingWindowClosed for all time."""
        now = self._clock.now()
        lifetime = timedelta(seconds=CALL_ORDER_LIFETIME_S)
        if order.not_before is not None and order.not_before > now + lifetime:
            raise InvalidInput(
                f"{order.not_before.isoformat()} is too far away",
                hint=f"An order is kept for {lifetime.days} days",
            )
        due_at = max(order.not_before or now, now)
        is_open, opens_at = window_of(facts, due_at)
        if not is_open and opens_at is None:
            raise CallingWindowClosed(f"{order.agent} has no window in which it may call")
        return "" if is_open else window_closed(order, facts, due_at).words

    async def _view(self, order: CallOrder) -> CallOrderView:
        tries = [await self._rows.call(order.project, each) for each in order.calls]
        return CallOrderView(order, tuple(each for each in tries if each is not None))

    async def _note(
        self, principal: Principal, action: Action, order: CallOrder, request_id: str
    ) -> None:
        await self._access.record(
            principal,
            action,
            project=order.project,
            subject=order.agent,
            request_id=request_id,
            details={
                "order": order.id,
                "environment": order.environment,
                "to": order.to_number,
                "from": order.from_number,
                "tries": order.retry.tries,
            },
        )


def dialable(number: str) -> str:
    """The number itself. Raises InvalidInput for one that no telephone can have."""
    import phonenumbers  # noqa: PLC0415 - numbering plans take memory

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException as error:
        raise InvalidInput(f"{number!r} is no telephone number: {error}") from error
    if not phonenumbers.is_possible_number(parsed):
        raise InvalidInput(
            f"{number!r} is no telephone number of its country",
            hint="Write it in E.164 form, such as +15005550006",
        )
    return number
