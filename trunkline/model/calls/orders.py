"""A call somebody asked for: to whom, from where, with what in mind, and how often to try."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.limits import CALL_TRIES_MAX

OrderState = Literal["Waiting", "Calling", "Talking", "Done", "Failed", "Canceled"]
"""``Waiting``: for a calling window, a free place or the next try."""
RetriedState = Literal["busy", "no-answer", "failed"]


class RetryRule(Frozen):
    """How often a call is tried in all, how long after the last try, and after which ends."""

    tries: int = Field(default=1, ge=1, le=CALL_TRIES_MAX)
    pause_s: float = Field(default=600.0, gt=0)
    after: tuple[RetriedState, ...] = ("busy", "no-answer")


class CallOrder(Frozen):
    """One order. ``idempotency_key`` is unique in a project: the same key is the same order.

    ``calls`` are the ids of the tries so far, oldest first. ``from_number`` is the name of a
    PhoneNumber document that the agent may call from. ``asked_digest`` is of what was asked for
    under the key; ``canceled_by`` is who wants the order to end, "" if nobody does.
    """

    id: str
    project: str
    environment: str
    agent: str
    to_number: str
    from_number: str
    context: dict[str, str] = Field(default_factory=dict)
    retry: RetryRule = RetryRule()
    idempotency_key: str
    asked_by: str
    asked_at: datetime
    rated: bool = False
    state: OrderState = "Waiting"
    message: str = ""
    calls: tuple[str, ...] = ()
    not_before: datetime | None = None
    ended_at: datetime | None = None
    asked_digest: str = ""
    canceled_by: str = ""

    @property
    def is_over(self) -> bool:
        """True once nothing more will be tried."""
        return self.state in ("Done", "Failed", "Canceled")


class DoNotCall(Frozen):
    """A number nobody of a project may call any more."""

    project: str
    number: str
    reason: str
    added_by: str
    added_at: datetime
