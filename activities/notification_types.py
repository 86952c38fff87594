"""Inputs and outputs of the workflow that delivers messages, and of its activities.

Apart from the reconciler's because neither knows the other. What a message says stays in
PostgreSQL; what goes through history names it.
"""

from activities.types import Failure, Timing
from trunkline.model.base import Frozen

DAY_S = 86_400.0


class Patience(Frozen):
    """How long a message is tried, in seconds: one try, the pauses between tries, all of them.

    A try that nothing is heard of for ``heartbeat_timeout_s`` counts as lost.
    """

    try_timeout_s: float = 30.0
    heartbeat_timeout_s: float = 10.0
    interval_s: float = 5.0
    interval_max_s: float = 900.0
    lifetime_s: float = DAY_S


class NotificationInput(Frozen):
    """Messages for one recipient, sent in the order of their events."""

    project: str
    recipient: str
    event_ids: tuple[int, ...]
    words: str = ""
    patience: Patience = Patience()
    timing: Timing = Timing()


class DeliveryRequest(Frozen):
    """Send one message."""

    project: str
    event_id: int
    recipient: str
    timing: Timing = Timing()


class DeliveryConclusion(Frozen):
    """Write down that one message will not arrive, and why."""

    project: str
    event_id: int
    recipient: str
    failure: Failure
    timing: Timing = Timing()


class DeliveryResult(Frozen):
    """What became of one message, in a word, and what the recipient said."""

    state: str
    message: str = ""


class NotificationReport(Frozen):
    """How many messages arrived, and how many never will."""

    delivered: int = 0
    failed: int = 0
