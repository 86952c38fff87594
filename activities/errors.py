"""Our error tree as Temporal understands it, translated in this one place.

Whether an activity is tried again is decided here and nowhere else: by the leaf, by how often it
was tried, and by whether anything can be done without it. What is normal life (a rate limit, a
claim somebody else holds, a newer wish) is benign and makes no noise in logs and metrics.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.names import SUPERSEDED
from activities.types import Failure, Timing
from trunkline.model.errors import (
    AccountUnavailable,
    ClaimPending,
    Conflict,
    CreateUnresolved,
    ForgeLimited,
    RateLimited,
    Rejected,
    TrunklineError,
)

BENIGN_REASONS = frozenset(
    {
        RateLimited.reason,
        AccountUnavailable.reason,
        ClaimPending.reason,
        Conflict.reason,
        CreateUnresolved.reason,
        SUPERSEDED,
    }
)

_log = logging.getLogger(__name__)


@contextmanager
def translated(timing: Timing, *, patient: bool = False) -> Iterator[None]:
    """Turns every error of the tree into what Temporal acts on.

    A retryable error is final on the last of ``timing.activity_attempts`` tries, so that the
    workflow can say what it waits for; a ``patient`` activity is tried until it succeeds.
    """
    try:
        yield
    except TrunklineError as error:
        last = not patient and activity.info().attempt >= timing.activity_attempts
        _log.debug("activity ends with %s", error.reason, exc_info=error)
        raise application_error(error, final=last) from None  # a history carries words, no stacks


def application_error(error: TrunklineError, *, final: bool = False) -> ApplicationError:
    """One error of the tree; ``final`` ends the activity whatever the leaf says."""
    return _application_error(
        failure_of(error), retry_in_s=_retry_after_s(error), final=final or not error.retryable
    )


def try_again_in(error: TrunklineError, retry_in_s: float) -> ApplicationError:
    """A wait that holds no slot and adds nothing to the history: the server retries later."""
    return _application_error(failure_of(error), retry_in_s=retry_in_s, final=False)


def superseded(message: str) -> ApplicationError:
    """A newer wish is there: the workflow plans again."""
    return _application_error(
        Failure(reason=SUPERSEDED, message=message), retry_in_s=None, final=True
    )


def failure_of(error: TrunklineError) -> Failure:
    """The words of an error as a workflow carries them."""
    return Failure(
        reason=error.reason,
        message=error.message,
        hint=error.hint,
        path=error.path if isinstance(error, Rejected) else "",
        retryable=error.retryable,
        retry_after_s=_retry_after_s(error),
    )


def _retry_after_s(error: TrunklineError) -> float | None:
    waiting = RateLimited | AccountUnavailable | ForgeLimited
    return error.retry_after_s if isinstance(error, waiting) else None


def _application_error(
    failure: Failure, *, retry_in_s: float | None, final: bool
) -> ApplicationError:
    benign = failure.reason in BENIGN_REASONS
    return ApplicationError(
        failure.message,
        failure,
        type=failure.reason,
        non_retryable=final,
        next_retry_delay=None if retry_in_s is None else timedelta(seconds=retry_in_s),
        category=(
            ApplicationErrorCategory.BENIGN if benign else ApplicationErrorCategory.UNSPECIFIED
        ),
    )
