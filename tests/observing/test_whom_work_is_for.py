"""For whom a round works, when several ask for it or nobody does; and what its trace is called."""

from __future__ import annotations

import re

import pytest

from activities.origins import shown
from activities.rim import urgency_of
from activities.types import PlanRequest, Subject, Wish
from trunkline.asking import Urgency
from trunkline.model.ids import Origin, is_own_request, own_origin, round_origin
from workflows.rounds import LINKS_MAX, asked_by, nearer, newest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent(trace: str = TRACE, span: str = "00f067aa0ba902b7") -> str:
    return f"00-{trace}-{span}-01"


ANN = Origin(request_id="ann", traceparent=traceparent())
BEN = Origin(request_id="ben", traceparent=traceparent(OTHER))
POLL = own_origin("poll", "project/acme/1")


def test_the_newer_of_two_requests_is_served_and_the_other_one_linked() -> None:
    assert nearer(ANN, BEN) == BEN.model_copy(update={"links": (ANN.traceparent,)})


def test_what_nobody_asked_for_does_not_displace_a_person() -> None:
    assert nearer(ANN, POLL).request_id == "ann"
    assert nearer(POLL, ANN).request_id == "ann"
    assert nearer(Origin(), POLL).request_id == POLL.request_id
    assert nearer(ANN, Origin()) == ANN


def test_links_are_bounded_and_the_newest_are_kept() -> None:
    asked = Origin()
    for number in range(20):
        one = Origin(request_id=f"r{number}", traceparent=traceparent(f"{number:032x}"))
        asked = nearer(asked, one)
    assert len(asked.links) == LINKS_MAX
    assert asked.links[-1] == traceparent(f"{18:032x}")


def test_a_wish_that_overtakes_another_one_carries_both() -> None:
    first = Wish(request_id="ann", traceparent=ANN.traceparent, operation_ids=("one",))
    second = Wish(request_id="ben", traceparent=BEN.traceparent, operation_ids=("two",))
    merged = newest(first, second)
    assert asked_by(merged) == BEN.model_copy(update={"links": (ANN.traceparent,)})
    assert merged.operation_ids == ("one", "two")


def test_wishes_told_before_there_were_traces_are_understood() -> None:
    old = Wish.model_validate({"reason": "sync", "requestId": "ann", "operationIds": ["one"]})
    assert asked_by(old) == Origin(request_id="ann")


def test_work_of_our_own_has_an_id_nobody_is_given_and_the_same_trace_everywhere() -> None:
    assert is_own_request(POLL.request_id)
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", POLL.request_id)
    assert own_origin("poll", "project/acme/1") == POLL
    assert own_origin("poll", "project/acme/2").traceparent != POLL.traceparent
    assert TRACEPARENT.fullmatch(POLL.traceparent)


def test_a_rounds_own_span_is_of_the_same_trace_and_different_in_each_round() -> None:
    one, two = (round_origin(ANN, f"agent/acme/testing/front-desk/{at}") for at in (1, 2))
    assert (one.cause, one.request_id) == (ANN.traceparent, "ann")
    assert TRACEPARENT.fullmatch(one.traceparent)
    assert one.traceparent.split("-")[1] == TRACE
    assert len({each.traceparent for each in (one, two, ANN)}) == 3


@pytest.mark.parametrize("nothing", ["", "nonsense", "00-short"])
def test_without_a_trace_a_round_has_none(nothing: str) -> None:
    asked = Origin(request_id="ann", traceparent=nothing)
    assert round_origin(asked, "place") == asked


@pytest.mark.parametrize(
    ("request_id", "urgency"),
    [("ann", Urgency.INTERACTIVE), (POLL.request_id, Urgency.RECONCILE), ("", Urgency.RECONCILE)],
)
def test_only_what_somebody_asked_for_is_urgent(request_id: str, urgency: Urgency) -> None:
    subject = Subject(kind="agent", project="acme", environment="testing", name="front-desk")
    asked = PlanRequest(subject=subject, reason="retry", request_id=request_id)
    assert urgency_of(asked) is urgency


def test_a_trace_shows_no_phone_number() -> None:
    assert shown("number/AC0123456789/+15005550006") == "number/*0006"
    assert shown("agent/acme/testing/front-desk") == "agent/acme/testing/front-desk"
