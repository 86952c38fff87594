"""What processes tell each other about an account, and what that means for people and for sweeps.

A vendor counts per account, whoever asks; so processes share what it allows, its pauses and the
finding that it is down. The words about it are chosen here, without a time in them: when it is
asked next belongs to whoever looks right now. Nothing here knows how it is shared.
"""

import math
from collections.abc import Sequence
from typing import Literal

from trunkline.model.base import Frozen, Json
from trunkline.model.conditions import Condition
from trunkline.model.errors import AccountUnavailable, RateLimited
from trunkline.model.limits import (
    PLATFORM_PAGE_SIZE,
    SWEEP_BUDGET_SHARE,
    SWEEP_CALL_LATENCY_S,
)
from trunkline.model.records import EventRecord, StatusRecord

Vendor = Literal["elevenlabs", "twilio"]
VENDOR_NAMES: dict[Vendor, str] = {"elevenlabs": "ElevenLabs", "twilio": "Twilio"}
SERVING = "AccountServing"
"""Reason of an account that serves again."""


class AccountReport(Frozen):
    """What a process has found out since it last said so; empty if only that it is there.

    ``pause_s`` is what is left of a pause the vendor asked for. ``breaker`` is a change, not a
    state: ``opened`` for ``hold_s`` seconds, or ``closed``. ``reason`` is that of the error tree.
    """

    account: str
    pause_s: float = 0.0
    breaker: Literal["", "opened", "closed"] = ""
    hold_s: float = 0.0
    reason: str = ""
    failures: int = 0


class SharedAccount(Frozen):
    """How an account is, for all processes: times are seconds from now.

    ``processes`` use it right now, of which whoever asks is the ``rank``-th from 0.
    """

    account: str
    processes: int = 1
    rank: int = 0
    pause_s: float = 0.0
    is_open: bool = False
    hold_s: float = 0.0
    reason: str = ""
    failures: int = 0


class AccountPlace(Frozen):
    """An environment that uses an account."""

    project: str
    environment: str
    vendor: Vendor


class Allowance(Frozen):
    """What an account allows all processes together."""

    requests_per_second: float
    concurrency: int

    @property
    def calls_per_second(self) -> float:
        """What can be carried for long: the rate, or what so many calls at once come to."""
        return min(self.requests_per_second, self.concurrency / SWEEP_CALL_LATENCY_S)


class SweepInterval(Frozen):
    """How often an environment is looked over; ``words`` say why not as often as wished."""

    interval_s: float
    words: str = ""


def account_status(place: AccountPlace, shared: SharedAccount) -> StatusRecord:
    """The status row of an account in one environment."""
    name = VENDOR_NAMES[place.vendor]
    if not shared.is_open:
        conditions: tuple[Condition, ...] = (
            Condition(type="Ready", status="True", reason=SERVING, message=f"{name} answers"),
        )
    else:
        calls = "call" if shared.failures == 1 else "calls"
        what = (
            f"{name} refused {shared.failures} {calls} of this account as too many"
            if shared.reason == RateLimited.reason
            else f"{name} did not serve {shared.failures} {calls} of this account"
        )
        words = f"{what}: nothing is sent but one attempt at a time, at most a minute apart"
        reason = shared.reason or AccountUnavailable.reason
        conditions = (
            Condition(type="Ready", status="False", reason=reason, message=words),
            Condition(type="Stalled", status="True", reason=reason, message=words),
        )
    return StatusRecord(
        project=place.project,
        environment=place.environment,
        kind="account",
        name=place.vendor,
        health="Degraded" if shared.is_open else "Healthy",
        external_id=shared.account,
        message=conditions[0].message,
        conditions=conditions,
    )


def account_event(status: StatusRecord, shared: SharedAccount, until: str) -> EventRecord:
    """The event of an account that stopped or began to serve; ``until`` is a moment in ISO 8601."""
    ready = status.conditions[0]
    details: dict[str, Json] = {"account": shared.account}
    if shared.is_open:
        details |= {"failures": shared.failures, "triedNextAt": until}
    return EventRecord(
        project=status.project,
        environment=status.environment,
        kind="account",
        name=status.name,
        type="Warning" if shared.is_open else "Normal",
        reason=ready.reason,
        message=ready.message,
        details=details,
    )


def sweep_interval(
    wished_s: float, *, agents: int, environments: int, allowance: Allowance
) -> SweepInterval:
    """How often an environment of so many agents can be looked over.

    A sweep reads each agent once and the list by pages; all ``environments`` that are swept may
    together take half of what the account allows. ``wished_s`` if that is enough, else the interval
    at which it is.
    """
    calls = agents + math.ceil(agents / PLATFORM_PAGE_SIZE)
    carried = allowance.calls_per_second * SWEEP_BUDGET_SHARE / max(1, environments)
    needed_s = math.ceil(calls / carried)
    if needed_s <= wished_s:
        return SweepInterval(interval_s=wished_s)
    return SweepInterval(
        interval_s=float(needed_s),
        words=(
            f"looked over every {needed_s} s instead of {wished_s:g} s: its {calls} calls may "
            f"take {SWEEP_BUDGET_SHARE:.0%} of the {allowance.calls_per_second:g} a second that "
            "the account allows"
        ),
    )


def strictest(allowances: Sequence[Allowance]) -> Allowance:
    """What holds where several projects use one account; there must be at least one."""
    return Allowance(
        requests_per_second=min(each.requests_per_second for each in allowances),
        concurrency=min(each.concurrency for each in allowances),
    )
