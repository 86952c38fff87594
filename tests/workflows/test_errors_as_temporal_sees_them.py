"""Every leaf of the error tree: tried again or final, benign or loud, and told whole."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.errors import superseded, translated, try_again_in
from activities.types import Failure, Timing
from trunkline.model.errors import (
    ClaimPending,
    Conflict,
    CredentialsRejected,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RemoteMissing,
    StoreUnavailable,
    TrunklineError,
    Unavailable,
)

LEAVES: list[tuple[TrunklineError, bool, bool]] = [
    (RateLimited("slow down", retry_after_s=7.0), True, True),
    (Rejected("no such voice", path="conversation_config.tts.voice_id"), False, False),
    (CredentialsRejected("wrong key"), False, False),
    (RemoteMissing("no such agent"), False, False),
    (Conflict("somebody else committed"), False, True),
    (Unavailable("down"), True, False),
    (OutcomeUnknown("lost"), True, False),
    (ClaimPending("being created"), True, True),
    (StoreUnavailable("PostgreSQL is down"), True, False),
]


def _raised(error: TrunklineError, *, attempt: int = 1, patient: bool = False) -> ApplicationError:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)

    def fail() -> None:
        with translated(Timing(), patient=patient):
            raise error

    with pytest.raises(ApplicationError) as caught:
        environment.run(fail)
    return caught.value


@pytest.mark.parametrize(
    ("error", "retried", "benign"), LEAVES, ids=[leaf.reason for leaf, _, _ in LEAVES]
)
def test_a_leaf_says_whether_it_is_tried_again(
    error: TrunklineError, retried: bool, benign: bool
) -> None:
    raised = _raised(error)
    assert raised.type == error.reason
    assert raised.non_retryable is not retried
    assert (raised.category == ApplicationErrorCategory.BENIGN) is benign
    failure = raised.details[0]
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.message) == (error.reason, error.message)
    assert raised.__cause__ is None


def test_the_last_try_is_final_unless_nothing_can_be_done_without_it() -> None:
    last = Timing().activity_attempts
    assert _raised(Unavailable("down"), attempt=last).non_retryable
    assert not _raised(Unavailable("down"), attempt=last, patient=True).non_retryable


def test_a_rate_limit_carries_the_time_the_vendor_asked_for() -> None:
    raised = _raised(RateLimited("slow down", retry_after_s=7.0))
    assert raised.next_retry_delay == timedelta(seconds=7)
    assert raised.details[0].retry_after_s == 7.0


def test_a_refusal_carries_the_refused_leaf() -> None:
    raised = _raised(Rejected("no such voice", path="conversation_config.tts.voice_id"))
    assert raised.details[0].path == "conversation_config.tts.voice_id"


def test_a_wait_and_a_newer_wish_are_normal_life() -> None:
    waiting = try_again_in(ClaimPending("being created"), 0.25)
    assert (waiting.non_retryable, waiting.next_retry_delay) == (False, timedelta(seconds=0.25))
    newer = superseded("a newer wish is there")
    assert (newer.type, newer.non_retryable) == ("Superseded", True)
    assert newer.category == ApplicationErrorCategory.BENIGN
