"""Who asks, carried beside the call instead of through every signature: urgency and request id.

An activity or a request says at its rim for whom it works; what is far below (the queue in front of
a vendor, a log line, a header) reads it there. Nothing in between needs to know. It belongs to the
running task and everything that task starts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

import structlog

REQUEST_ID = "request_id"
"""The name it is logged under."""


class Urgency(IntEnum):
    """How long whoever asks can wait; lower is sooner."""

    INTERACTIVE = 0
    """A person waits for the answer: sync, apply, plan."""
    RECONCILE = 1
    """Git, a retry or a drift asks for it."""
    SWEEP = 2
    """Nothing is known to be wrong; somebody looks."""


_urgency: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.RECONCILE)


def urgency() -> Urgency:
    """How urgent the running task's work is."""
    return _urgency.get()


def request_id() -> str:
    """The id of the request the running task works for, or an empty string."""
    return str(structlog.contextvars.get_contextvars().get(REQUEST_ID, ""))


@contextmanager
def asking(how: Urgency, *, request_id: str = "") -> Iterator[None]:
    """Within the block work is that urgent and done for that request."""
    token = _urgency.set(how)
    try:
        with structlog.contextvars.bound_contextvars(
            **({REQUEST_ID: request_id} if request_id else {})
        ):
            yield
    finally:
        _urgency.reset(token)
