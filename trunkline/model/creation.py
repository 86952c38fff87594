"""When may a create be sent, if an earlier one may have taken effect unseen?

Platforms have no idempotency keys and their lists lag, so a lost answer is a doubt that only time
and a complete look-up can settle. The rule: an attempt is written down before it is sent and is
never sent after its deadline; until the deadline plus the bound of lag (late effects included) has
passed, nothing is created again; a complete look-up begun after that and finding nothing proves
the attempt void. What is found is adopted, exactly one; nothing is ever deleted to tidy up.

Whoever sends must have won the row: ``Ledger.open_attempt`` for an agent, ``Ledger.claim`` or
``Ledger.take_over`` for a shared object. Who holds the row does not matter here: the same rule says
when a dead claimant's claim passes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, Claim

ATTEMPTS_MAX = 5
"""Creates sent in a row for one object without one known outcome; a person should look then."""
REST_SPANS = 15
"""How many times as long as an attempt takes to settle it rests after those, before another one: a
platform that recovers is noticed within minutes, and nobody hammers in the dark."""
LOOKS_PER_BOUND = 10
"""Looks while waiting for lag to pass: an object is adopted within a tenth of the bound."""
LOOK_INTERVAL_MIN_S = 0.1
"""Never look more often than this, however short the bound."""


@dataclass(frozen=True, slots=True)
class Found:
    """One object that carries the identity looked for."""

    external_id: ExternalId
    created_at_s: int


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a look-up by identity saw. ``complete`` is False if a page could not be read;
    ``began_at`` is the time before its first request.
    """

    found: tuple[Found, ...]
    complete: bool
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Adopt:
    """Use this object. ``duplicates`` carry the same identity; they are reported, not touched."""

    external_id: ExternalId
    duplicates: tuple[ExternalId, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at ``until``; nothing may be sent before."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Create:
    """Open attempt ``number`` and, if the row is won, send it before its deadline."""

    number: int


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Stalled with CreateUnresolved, and still looking: again at ``next_look_at``."""

    next_look_at: datetime
    reason: str


Decision: TypeAlias = Adopt | Wait | Create | Unresolved


def settles_at(attempt: Attempt, lag_bound_s: float) -> datetime:
    """From when on a complete look-up tells for certain whether the attempt took effect."""
    return attempt.deadline_at + timedelta(seconds=lag_bound_s)


def open_attempt(previous: Attempt | None, now: datetime, timeout_s: float) -> Attempt:
    """The attempt to write down before sending; the request must end by its deadline."""
    number = previous.number + 1 if previous else 1
    return Attempt(number=number, started_at=now, deadline_at=now + timedelta(seconds=timeout_s))


def remaining_s(attempt: Attempt, now: datetime) -> float:
    """Seconds in which the attempt's request may still be sent and answered; 0: do not send."""
    return max(0.0, (attempt.deadline_at - now).total_seconds())


def decide(
    attempt: Attempt | None,
    look_up: LookUp,
    *,
    lag_bound_s: float,
    attempts_max: int = ATTEMPTS_MAX,
) -> Decision:
    """What to do about an object that has no known id.

    ``attempt`` is the row's open attempt as it was read *before* the look-up began; the answer
    holds only if the row still has it, which the caller's compare-and-swap proves.
    """
    if look_up.found:
        return _adopt(look_up.found)
    interval = timedelta(seconds=max(lag_bound_s / LOOKS_PER_BOUND, LOOK_INTERVAL_MIN_S))
    next_look = look_up.began_at + interval
    if attempt is None:
        if look_up.complete:
            return Create(number=1)
        return Wait(until=next_look, reason="the look-up before the first create was incomplete")
    settled = settles_at(attempt, lag_bound_s)
    if look_up.began_at < settled:
        reason = f"create attempt {attempt.number} may still appear"
        return Wait(until=min(next_look, settled), reason=reason)
    rested = settled + REST_SPANS * (settled - attempt.started_at)
    if look_up.complete and (attempt.number < attempts_max or look_up.began_at >= rested):
        return Create(number=attempt.number + 1)
    if look_up.complete:
        reason = f"{attempt.number} creates were sent and none appeared"
    else:
        reason = f"create attempt {attempt.number} is unaccounted for: the look-up is incomplete"
    return Unresolved(next_look_at=next_look, reason=reason)


def decide_claim(
    claim: Claim | None,
    look_up: LookUp,
    *,
    lag_bound_s: float,
    attempts_max: int = ATTEMPTS_MAX,
) -> Decision:
    """What to do about a shared object, whoever claims it.

    A settled claim is adopted as it is. ``Create`` means: insert the claim together with the
    attempt if there is none, else take it over; only the winner of that row may send.
    """
    if claim is not None and claim.external_id is not None:
        return Adopt(external_id=claim.external_id)
    attempt = claim.attempt if claim else None
    return decide(attempt, look_up, lag_bound_s=lag_bound_s, attempts_max=attempts_max)


def _adopt(found: Sequence[Found]) -> Adopt:
    oldest, *others = sorted(found, key=lambda item: (item.created_at_s, item.external_id))
    return Adopt(
        external_id=oldest.external_id, duplicates=tuple(item.external_id for item in others)
    )
