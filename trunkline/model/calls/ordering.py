"""What is next for a call somebody asked for: wait, place it, follow it, end it, or give up.

Pure, so that the same question can be asked when an order comes in, before every try, and by
whoever wants to know why nothing happens. It must not know where facts come from, nor a carrier.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

from trunkline.model.calls.limits import (
    CALL_ORDER_LIFETIME_S,
    CALL_OVERTIME_S,
    CALL_PLACING_MAX_S,
    CALLS_AT_ONCE_DEFAULT,
)
from trunkline.model.calls.orders import CallOrder, DoNotCall, OrderState
from trunkline.model.calls.records import CallRecord
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import (
    CallingWindowClosed,
    CallRefused,
    NumberNotToBeCalled,
    PublicUrlMissing,
    TrunklineError,
)
from trunkline.model.ids import ExternalId
from trunkline.model.windows import decide as decide_windows

MoveKind = Literal["wait", "place", "follow", "end", "conclude"]


@dataclass(frozen=True, slots=True)
class OutboundFacts:
    """What decides whether an agent may call a number now.

    ``disabled`` is a person's reason, "" if there is none; ``longest_s`` ends any call of the
    project; ``has_address`` says that carriers can reach this installation.
    """

    agent: DesiredAgent | None
    external_id: ExternalId | None
    disabled: str
    number: DesiredNumber | None
    forbidden: DoNotCall | None
    has_address: bool
    longest_s: int

    @property
    def at_once(self) -> int:
        """How many calls the agent may have at once."""
        return (self.agent.concurrency if self.agent else None) or CALLS_AT_ONCE_DEFAULT

    @property
    def call_longest_s(self) -> int:
        """After how many seconds a call ends by itself."""
        own = self.agent.max_duration_s if self.agent else None
        return min(own or self.longest_s, self.longest_s)


@dataclass(frozen=True, slots=True)
class Move:
    """The next thing to do, and in words why. ``until`` is when to look again at the latest."""

    kind: MoveKind
    state: OrderState
    words: str = ""
    until: datetime | None = None


def refusal(order: CallOrder, facts: OutboundFacts) -> TrunklineError | None:
    """Why the agent may not call the number as things are, or None; windows are another matter."""
    return next(chain(_of_agent(order, facts), _of_numbers(order, facts)), None)


def _of_agent(order: CallOrder, facts: OutboundFacts) -> Iterator[CallRefused]:
    agent = facts.agent
    name = f"{order.agent} in {order.environment}"
    if agent is None:
        yield CallRefused(f"There is no agent {name} in Git")
        return
    if agent.outbound is None or agent.direction == "inbound":
        yield CallRefused(
            f"{name} only takes calls",
            hint="Set `direction: both` or `outbound`, and `outbound: { from: [ … ] }`",
        )
    if agent.lifecycle != "active":
        yield CallRefused(f"{name} is {agent.lifecycle}: it calls nobody")
    if facts.disabled:
        yield CallRefused(f"{name} is disabled: {facts.disabled}")
    if facts.external_id is None:
        yield CallRefused(f"{name} is not deployed yet", hint="Sync it first")


def _of_numbers(order: CallOrder, facts: OutboundFacts) -> Iterator[TrunklineError]:
    number = facts.number
    allowed = facts.agent.outbound.from_numbers if facts.agent and facts.agent.outbound else ()
    if order.from_number not in allowed:
        yield CallRefused(
            f"{order.agent} may not call from {order.from_number!r}",
            hint=f"It may from: {', '.join(allowed) or 'no number'}",
        )
    if number is None:
        yield CallRefused(
            f"{order.from_number!r} is no phone number of {order.environment}",
            hint="Numbers belong to one environment each",
        )
        return
    if order.to_number == number.number:
        yield CallRefused(f"{order.to_number} is the number it would call from")
    if facts.forbidden is not None:
        why = f": {facts.forbidden.reason}" if facts.forbidden.reason else ""
        yield NumberNotToBeCalled(f"{order.to_number} is on the do-not-call list{why}")
    if not facts.has_address:
        yield PublicUrlMissing(
            "Carriers cannot reach this server, so it cannot carry the call",
            hint="Set TRUNKLINE_PUBLIC_URL",
        )


def window_of(facts: OutboundFacts, now: datetime) -> tuple[bool, datetime | None]:
    """Whether the agent may call now, and when that changes next; None if it never does."""
    outbound = facts.agent.outbound if facts.agent else None
    return decide_windows(outbound.windows if outbound else (), now)


def window_closed(order: CallOrder, facts: OutboundFacts, now: datetime) -> Move:
    """Wait until the window opens, or give up if none ever does."""
    _, opens_at = window_of(facts, now)
    if opens_at is None:
        refused = CallingWindowClosed(f"{order.agent} has no window in which it may call")
        return Move("conclude", "Failed", f"{refused.reason}: {refused.message}")
    words = f"Outside of the calling windows until {_moment(opens_at)}"
    return Move("wait", "Waiting", words, opens_at)


def next_move(
    order: CallOrder, last: CallRecord | None, facts: OutboundFacts, now: datetime
) -> Move:
    """What to do about an order; ``last`` is its newest try."""
    if order.is_over:
        return Move("conclude", order.state, order.message)
    if last is not None and not last.is_over:
        return _while_it_goes_on(order, last, facts, now)
    ended = _after_a_try(order, last) if last is not None else None
    return ended or _before_a_try(order, last, facts, now)


def _before_a_try(
    order: CallOrder, last: CallRecord | None, facts: OutboundFacts, now: datetime
) -> Move:
    if order.canceled_by:
        return Move("conclude", "Canceled", f"Canceled by {order.canceled_by}")
    if now >= order.asked_at + timedelta(seconds=CALL_ORDER_LIFETIME_S):
        return Move("conclude", "Failed", f"Given up; last: {order.message or 'nothing happened'}")
    refused = refusal(order, facts)
    if refused is not None:
        return Move("conclude", "Failed", f"{refused.reason}: {refused.message}")
    due_at = _due_at(order, last)
    if due_at is not None and due_at > now:
        words = "Not before" if last is None else f"{_try_words(order, last)}; the next one at"
        return Move("wait", "Waiting", f"{words} {_moment(due_at)}", due_at)
    is_open, _ = window_of(facts, now)
    return Move("place", "Calling") if is_open else window_closed(order, facts, now)


def _while_it_goes_on(
    order: CallOrder, last: CallRecord, facts: OutboundFacts, now: datetime
) -> Move:
    if not last.carrier_call_id:
        return _while_it_is_placed(order, last, now)
    if order.canceled_by:
        return Move("end", order.state, f"Ended by {order.canceled_by}")
    if last.answered_at is None:
        return Move("follow", "Calling", "It rings" if last.state == "ringing" else "")
    longest = timedelta(seconds=facts.call_longest_s + CALL_OVERTIME_S)
    if now >= last.answered_at + longest:
        return Move("end", "Talking", "It has lasted too long")
    return Move("follow", "Talking", "They talk")


def _while_it_is_placed(order: CallOrder, last: CallRecord, now: datetime) -> Move:
    """An attempt that is open is seen through, whoever changed their mind: it may have worked."""
    if last.placing is None and order.canceled_by:
        return Move("end", "Canceled", f"Canceled by {order.canceled_by}")
    given_up_at = last.started_at + timedelta(seconds=CALL_PLACING_MAX_S)
    if last.placing is None and now >= given_up_at:
        return Move("end", "Failed", f"The carrier did not take the call: {order.message}")
    return Move("place", "Calling", order.message)


def _after_a_try(order: CallOrder, last: CallRecord) -> Move | None:
    """How the order ends with this try, or None if there is another one to come."""
    if order.canceled_by:
        return Move("conclude", "Canceled", f"Canceled by {order.canceled_by}")
    if last.state == "completed":
        return Move("conclude", "Done", last.message or "Talked to the end")
    if last.state == "canceled":
        return Move("conclude", "Canceled", last.message or "Canceled at the carrier")
    again = last.state in order.retry.after and len(order.calls) < order.retry.tries
    return None if again else Move("conclude", "Failed", _try_words(order, last))


def _try_words(order: CallOrder, last: CallRecord) -> str:
    why = f" ({last.message})" if last.message else ""
    return f"Try {len(order.calls)} of {order.retry.tries}: {last.state}{why}"


def _due_at(order: CallOrder, last: CallRecord | None) -> datetime | None:
    if last is None:
        return order.not_before
    return (last.ended_at or last.started_at) + timedelta(seconds=order.retry.pause_s)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
