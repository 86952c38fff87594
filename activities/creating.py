"""Creates that cannot be sent twice: the protocol, around whatever object is created.

The rule is the pure core's (``model.creation``): an attempt is written down and won before it is
sent, never sent after its deadline, and after a lost answer nothing is sent until the object had
its time to appear. This file does the looking, winning, sending and settling in that order, so
that the activity around it may be killed anywhere and run again, even beside its own zombie.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio.exceptions import ApplicationError

from activities.errors import application_error, try_again_in
from activities.types import Timing
from trunkline.model.creation import (
    Adopt,
    Decision,
    Found,
    LookUp,
    Unresolved,
    Wait,
    open_attempt,
    remaining_s,
)
from trunkline.model.errors import ClaimPending, CreateUnresolved, OutcomeUnknown, TrunklineError
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt
from trunkline.ports import Clock

CLAIM_POLL_S = 0.25
"""How soon somebody who lost a race for a row looks at it again: creates take about that long."""


@dataclass(frozen=True, slots=True)
class Created:
    """The object, whether this run sent its create, and others that carry the same identity."""

    external_id: ExternalId
    sent: bool
    duplicates: tuple[ExternalId, ...] = ()


class Creation(Protocol):
    """One object to be created, and the row that decides who may."""

    what: str
    """Words for messages: ``agent front-desk``."""

    def decide(self, look_up: LookUp, lag_bound_s: float) -> Decision:
        """The core's decision from the row as last read."""

    @property
    def attempt(self) -> Attempt | None:
        """The row's open attempt as last read."""

    @property
    def settled_id(self) -> ExternalId | None:
        """The row's external id as last read."""

    async def find(self) -> tuple[Found, ...]:
        """Objects that carry the identity, over all pages."""

    async def win(self, attempt: Attempt) -> bool:
        """Write the attempt down; False if somebody else did meanwhile."""

    async def send(self, timeout_s: float) -> ExternalId:
        """The create itself."""

    async def void(self, attempt: Attempt) -> None:
        """Take back an attempt that certainly had no effect."""


async def create_once(creation: Creation, clock: Clock, timing: Timing) -> Created:
    """Create the object, or find the one an earlier run created.

    Raises what the platform raises; an ApplicationError that asks to be tried again while an
    earlier create may still appear, or a final one of type CreateUnresolved.
    """
    if creation.settled_id is not None:
        return Created(creation.settled_id, sent=False)
    began_at = clock.now()
    found = await creation.find()
    look_up = LookUp(found=found, complete=True, began_at=began_at)
    decision = creation.decide(look_up, timing.list_lag_bound_s)
    if isinstance(decision, Adopt):
        return Created(decision.external_id, sent=False, duplicates=decision.duplicates)
    if isinstance(decision, Wait):
        raise _wait(creation, decision.reason, decision.until, clock.now())
    if isinstance(decision, Unresolved):
        raise application_error(_unresolved(creation, decision.reason), final=True)
    attempt = open_attempt(creation.attempt, clock.now(), timing.request_timeout_s)
    if not await creation.win(attempt):
        raise try_again_in(ClaimPending(f"{creation.what} is being created"), CLAIM_POLL_S)
    return Created(await _send(creation, attempt, clock), sent=True)


async def _send(creation: Creation, attempt: Attempt, clock: Clock) -> ExternalId:
    left_s = remaining_s(attempt, clock.now())
    if left_s <= 0:
        await creation.void(attempt)
        raise try_again_in(_unresolved(creation, "its deadline passed before it was sent"), 0.0)
    try:
        return await creation.send(left_s)
    except OutcomeUnknown:
        raise
    except TrunklineError:
        await creation.void(attempt)
        raise


def _wait(creation: Creation, reason: str, until: datetime, now: datetime) -> ApplicationError:
    left_s = max((until - now).total_seconds(), 0.0)
    return try_again_in(_unresolved(creation, reason), left_s)


def _unresolved(creation: Creation, reason: str) -> CreateUnresolved:
    return CreateUnresolved(
        f"{creation.what}: {reason}",
        hint="Nothing is created again before it is certain; the platform is looked at again.",
    )
