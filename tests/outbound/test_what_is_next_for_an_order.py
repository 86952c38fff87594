"""What is next for an order follows from its rows, what Git says and the time, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.model.calls.limits import (
    CALL_ORDER_LIFETIME_S,
    CALL_OVERTIME_S,
    CALL_PLACING_MAX_S,
)
from trunkline.model.calls.ordering import OutboundFacts, next_move, refusal
from trunkline.model.calls.orders import CallOrder, DoNotCall, RetryRule
from trunkline.model.calls.records import CallRecord
from trunkline.model.desired import DesiredAgent, DesiredNumber, DesiredOutbound
from trunkline.model.errors import CallRefused, NumberNotToBeCalled, PublicUrlMissing
from trunkline.model.ids import AgentName, Digest, EnvironmentName, ExternalId, ProjectName
from trunkline.model.kinds.project import Window
from trunkline.model.ledger import Attempt

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday."""
DIGEST = Digest("sha256:" + "5e" * 32)


def order(**more: Any) -> CallOrder:
    return CallOrder(
        **{
            "id": "order-1",
            "project": "acme",
            "environment": "testing",
            "agent": "reminders",
            "to_number": "+15005550009",
            "from_number": "main-line",
            "idempotency_key": "key",
            "asked_by": "ada",
            "asked_at": NOW,
            **more,
        }
    )


def agent(**more: Any) -> DesiredAgent:
    outbound = DesiredOutbound(from_numbers=("main-line",), windows=more.pop("windows", ()))
    return DesiredAgent(
        **{
            "project": ProjectName("acme"),
            "environment": EnvironmentName("testing"),
            "name": AgentName("reminders"),
            "digest": DIGEST,
            "display_name": "Reminders",
            "direction": "outbound",
            "outbound": outbound,
            **more,
        }
    )


def number(**more: Any) -> DesiredNumber:
    return DesiredNumber(
        **{
            "project": ProjectName("acme"),
            "environment": EnvironmentName("testing"),
            "name": "main-line",
            "digest": DIGEST,
            "number": "+15005550006",
            "routing": "bridge",
            **more,
        }
    )


def facts(**more: Any) -> OutboundFacts:
    return OutboundFacts(
        **{
            "agent": agent(),
            "external_id": ExternalId("agent_1"),
            "disabled": "",
            "number": number(),
            "forbidden": None,
            "has_address": True,
            "longest_s": 3600,
            **more,
        }
    )


def record(**more: Any) -> CallRecord:
    return CallRecord(
        **{
            "id": "call_1",
            "project": "acme",
            "environment": "testing",
            "agent": "reminders",
            "direction": "outbound",
            "started_at": NOW,
            "carrier_call_id": "CA1",
            **more,
        }
    )


FORBIDDEN = DoNotCall(
    project="acme", number="+15005550009", reason="asked us to stop", added_by="ada", added_at=NOW
)


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"agent": None}, CallRefused, "no agent reminders in testing"),
        ({"agent": agent(direction="inbound", outbound=None)}, CallRefused, "only takes calls"),
        ({"agent": agent(lifecycle="inactive")}, CallRefused, "is inactive"),
        ({"agent": agent(lifecycle="draft")}, CallRefused, "is draft"),
        ({"disabled": "it curses"}, CallRefused, "disabled: it curses"),
        ({"external_id": None}, CallRefused, "not deployed yet"),
        ({"number": None}, CallRefused, "no phone number of testing"),
        ({"number": number(number="+15005550009")}, CallRefused, "would call from"),
        ({"forbidden": FORBIDDEN}, NumberNotToBeCalled, "asked us to stop"),
        ({"has_address": False}, PublicUrlMissing, "cannot reach this server"),
    ],
)
def test_what_stands_in_the_way_is_said(
    changed: dict[str, Any], kind: type[Exception], words: str
) -> None:
    refused = refusal(order(), facts(**changed))
    assert type(refused) is kind
    assert words in refused.message
    move = next_move(order(), None, facts(**changed), NOW)
    assert (move.kind, move.state) == ("conclude", "Failed")
    assert words in move.words


def test_a_number_the_agent_may_not_call_from_is_refused_with_those_it_may() -> None:
    refused = refusal(order(from_number="night-line"), facts())
    assert refused is not None
    assert refused.hint == "It may from: main-line"


def test_a_number_whose_incoming_calls_are_the_platforms_may_be_called_from() -> None:
    assert refusal(order(), facts(number=number(routing="native"))) is None


def test_nothing_in_the_way_places_the_call() -> None:
    assert next_move(order(), None, facts(), NOW).kind == "place"


def test_a_closed_window_is_waited_for() -> None:
    windows = (Window(allow="Mon-Fri 14:00-17:00", timezone="UTC"),)
    move = next_move(order(), None, facts(agent=agent(windows=windows)), NOW)
    assert (move.kind, move.until) == ("wait", NOW + timedelta(hours=2))
    assert "2026-03-02T14:00:00Z" in move.words


def test_a_window_that_never_opens_ends_the_order() -> None:
    windows = (Window(deny="Mon-Sun 00:00-24:00", timezone="UTC"),)
    move = next_move(order(), None, facts(agent=agent(windows=windows)), NOW)
    assert (move.kind, move.state) == ("conclude", "Failed")
    assert "no window" in move.words


def test_a_window_opens_by_the_clock_on_the_wall() -> None:
    """In London the clocks go forward on 29 March 2026: nine o'clock is eight in UTC from then."""
    windows = (Window(allow="Mon-Sun 09:00-17:00", timezone="Europe/London"),)
    night = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    move = next_move(order(asked_at=night), None, facts(agent=agent(windows=windows)), night)
    assert move.until == datetime(2026, 3, 29, 8, 0, tzinfo=UTC)


def test_nobody_is_called_before_the_time_that_was_said() -> None:
    due = NOW + timedelta(minutes=5)
    move = next_move(order(not_before=due), None, facts(), NOW)
    assert (move.kind, move.until) == ("wait", due)
    assert next_move(order(not_before=due), None, facts(), due).kind == "place"


@pytest.mark.parametrize("ended", ["busy", "no-answer"])
def test_who_was_not_reached_is_called_again_after_the_pause(ended: str) -> None:
    asked = order(retry=RetryRule(tries=2, pause_s=60), calls=("call_1",))
    last = record(state=ended, ended_at=NOW)
    move = next_move(asked, last, facts(), NOW)
    assert (move.kind, move.until) == ("wait", NOW + timedelta(seconds=60))
    assert f"Try 1 of 2: {ended}" in move.words
    assert next_move(asked, last, facts(), NOW + timedelta(seconds=60)).kind == "place"


def test_after_the_last_try_the_order_has_failed() -> None:
    asked = order(retry=RetryRule(tries=2, pause_s=60), calls=("call_0", "call_1"))
    move = next_move(asked, record(state="busy", ended_at=NOW), facts(), NOW)
    assert (move.kind, move.state, move.words) == ("conclude", "Failed", "Try 2 of 2: busy")


def test_an_end_the_rule_does_not_name_is_the_last_one() -> None:
    asked = order(retry=RetryRule(tries=3), calls=("call_1",))
    last = record(state="failed", ended_at=NOW, message="no such number")
    move = next_move(asked, last, facts(), NOW)
    assert (move.state, move.words) == ("Failed", "Try 1 of 3: failed (no such number)")


def test_a_call_that_was_talked_to_the_end_is_done() -> None:
    move = next_move(order(calls=("call_1",)), record(state="completed"), facts(), NOW)
    assert (move.kind, move.state) == ("conclude", "Done")


def test_a_number_put_on_the_list_between_two_tries_is_not_called_again() -> None:
    asked = order(retry=RetryRule(tries=2, pause_s=60), calls=("call_1",))
    last = record(state="busy", ended_at=NOW - timedelta(minutes=5))
    move = next_move(asked, last, facts(forbidden=FORBIDDEN), NOW)
    assert (move.kind, move.state) == ("conclude", "Failed")


def test_what_is_canceled_before_anybody_was_asked_ends_at_once() -> None:
    asked = order(canceled_by="ada")
    assert next_move(asked, None, facts(), NOW).state == "Canceled"
    begun = record(carrier_call_id="", placing=None)
    move = next_move(order(canceled_by="ada", calls=("call_1",)), begun, facts(), NOW)
    assert (move.kind, move.state) == ("end", "Canceled")


def test_what_is_canceled_in_doubt_is_looked_for_first() -> None:
    attempt = Attempt(number=1, started_at=NOW, deadline_at=NOW + timedelta(seconds=10))
    doubtful = record(carrier_call_id="", placing=attempt)
    asked = order(canceled_by="ada", calls=("call_1",))
    assert next_move(asked, doubtful, facts(), NOW).kind == "place"


def test_a_call_that_is_canceled_is_ended_at_the_carrier() -> None:
    asked = order(canceled_by="ada", calls=("call_1",))
    assert next_move(asked, record(state="in-progress"), facts(), NOW).kind == "end"
    move = next_move(asked, record(state="completed"), facts(), NOW)
    assert (move.kind, move.state) == ("conclude", "Canceled")


def test_a_call_that_is_too_long_is_ended() -> None:
    short = facts(agent=agent(max_duration_s=300))
    last = record(state="in-progress", answered_at=NOW)
    late = NOW + timedelta(seconds=300 + CALL_OVERTIME_S)
    asked = order(calls=("call_1",))
    assert next_move(asked, last, short, late - timedelta(seconds=1)).kind == "follow"
    assert next_move(asked, last, short, late).kind == "end"


def test_a_carrier_that_takes_no_call_is_given_up() -> None:
    asked = order(calls=("call_1",), message="Twilio answered 503")
    waiting = record(carrier_call_id="")
    late = NOW + timedelta(seconds=CALL_PLACING_MAX_S)
    assert next_move(asked, waiting, facts(), NOW).kind == "place"
    move = next_move(asked, waiting, facts(), late)
    assert (move.kind, move.state) == ("end", "Failed")
    assert "503" in move.words


def test_an_order_does_not_wait_for_ever() -> None:
    late = NOW + timedelta(seconds=CALL_ORDER_LIFETIME_S)
    move = next_move(order(message="Waiting for a free place"), None, facts(), late)
    assert (move.kind, move.state) == ("conclude", "Failed")
    assert "Waiting for a free place" in move.words
