"""Whatever order a carrier's reports come in, and however often, the record ends up the same."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.calls.carrier import CarrierCall, CarrierReport
from trunkline.model.calls.outcomes import LEFT_EARLY, Outcome, outcome_of
from trunkline.model.calls.records import OVER, CallRecord, CallState, EndedBy
from trunkline.model.calls.reports import advanced, report_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = ("queued", "ringing", "in-progress", "completed")
CALL = CallRecord(
    id="call_1_a",
    project="acme",
    environment="production",
    agent="front-desk",
    carrier_account="AC1",
    carrier_call_id="CA1",
    started_at=NOON,
)


def report(state: CallState, sequence: int, second: float, **more: object) -> CarrierReport:
    """One report, so many seconds after the start."""
    at = NOON + timedelta(seconds=second)
    return CarrierReport.model_validate(
        {"sid": "CA1", "state": state, "sequence": sequence, "at": at, **more}
    )


STORY = (
    report("queued", 0, 0),
    report("ringing", 1, 1),
    report("in-progress", 2, 5),
    report("completed", 3, 65, duration_s=60),
)


def told(reports: tuple[CarrierReport, ...] | list[CarrierReport]) -> CallRecord:
    record = CALL
    for each in reports:
        record = advanced(record, each, NOON + timedelta(minutes=5))
    return record


@given(st.lists(st.sampled_from(STORY), max_size=12))
def test_order_and_repetition_change_nothing(reports: list[CarrierReport]) -> None:
    record = CALL
    steps = [record.state]
    for each in reports:
        record = advanced(record, each, NOON + timedelta(minutes=5))
        steps.append(record.state)
    places = [ORDER.index(step) for step in steps]
    assert all(before <= after for before, after in pairwise(places))
    assert advanced(record, reports[-1], NOON) == record if reports else record == CALL
    whole = told([*reports, *STORY])
    assert whole == told(STORY)
    assert (whole.answered_at, whole.ended_at) == (
        NOON + timedelta(seconds=5),
        NOON + timedelta(seconds=65),
    )
    assert (whole.carrier_sequence, whole.outcome) == (3, "talked")


def test_an_answer_nobody_reported_follows_from_the_duration() -> None:
    record = told([STORY[3]])
    assert record.answered_at == NOON + timedelta(seconds=5)
    assert record.talked == timedelta(seconds=60)


def test_a_report_about_another_call_is_none_about_this_one() -> None:
    other = report("completed", 3, 60).model_copy(update={"sid": "CA2"})
    assert advanced(CALL, other, NOON) is CALL


def test_what_the_process_wrote_stays() -> None:
    ended = CALL.model_copy(
        update={
            "state": "completed",
            "answered_at": NOON,
            "ended_at": NOON + timedelta(seconds=50),
            "ended_by": "agent",
            "outcome": "transferred",
        }
    )
    after = advanced(ended, report("failed", 4, 70), NOON)
    kept = ("state", "answered_at", "ended_at", "ended_by", "outcome")
    assert {name: getattr(after, name) for name in kept} == {
        name: getattr(ended, name) for name in kept
    }


def test_a_call_that_was_asked_about_is_a_report_without_a_number() -> None:
    seen = CarrierCall(
        sid="CA1",
        state="busy",
        direction="outbound",
        from_number="+15005550006",
        to_number="+15005550009",
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=9),
    )
    after = advanced(told(STORY[:2]), report_of(seen), NOON)
    assert (after.state, after.outcome, after.carrier_sequence) == ("busy", "busy", 1)
    assert (after.ended_at, after.to_number) == (NOON + timedelta(seconds=9), "+15005550009")


@pytest.mark.parametrize(
    "said",
    [{"agent": ""}, {"message": LEFT_EARLY, "ended_by": "caller"}, {"answered_at": None}],
)
def test_a_call_in_which_no_agent_spoke_was_unanswered(said: dict[str, object]) -> None:
    over = {"state": "completed", "answered_at": NOON, "ended_by": "caller"}
    assert outcome_of(CALL.model_copy(update=over)) == "talked"
    assert outcome_of(CALL.model_copy(update={**over, **said})) == "unanswered"


@pytest.mark.parametrize("state", get_args(CallState))
@pytest.mark.parametrize("ended_by", [None, *get_args(EndedBy)])
@pytest.mark.parametrize("answered_at", [None, NOON])
def test_every_end_has_a_word(
    state: CallState, ended_by: EndedBy | None, answered_at: datetime | None
) -> None:
    update = {"state": state, "ended_by": ended_by, "answered_at": answered_at}
    word = outcome_of(CALL.model_copy(update=update))
    assert (word in get_args(Outcome)) == (state in OVER)
