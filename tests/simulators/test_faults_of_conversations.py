"""Conversations that go wrong on request: on the way in, in the middle, and in how an agent is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.sync.client import connect

from tests.simulators.talking import PATIENCE_S, line, public_url, signed_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

ROUTE = "/v1/convai/conversation"


def trouble(world: World, **fault: Any) -> None:
    world.steer("talks", {"faults": [fault]})


def test_a_connection_is_dropped_after_so_many_events(world: World) -> None:
    trouble(world, kind="drop", after_events=2)
    with talk(public_url(world, talker(world))) as found:
        assert found.end()[0] == 1006
    assert len(found.kinds()) == 3


def test_a_message_that_is_no_json(world: World) -> None:
    trouble(world, kind="malformed-json", after_events=0)
    with talk(public_url(world, talker(world))) as found:
        found.until("conversation_initiation_metadata")
        with pytest.raises(ValueError, match="Unterminated string"):
            found.next()


def test_bytes_that_are_no_frame(world: World) -> None:
    trouble(world, kind="malformed-frame", after_events=1)
    with talk(public_url(world, talker(world))) as found:
        assert found.end()[0] == 1006


def test_an_agent_that_falls_silent(world: World) -> None:
    trouble(world, kind="silent", after_events=6)
    with talk(public_url(world, talker(world))) as found:
        found.until("agent_response")
        found.say("Are you there?")
        with pytest.raises(TimeoutError):
            found.until("agent_response", within_s=0.4)


@pytest.mark.parametrize(("kind", "code"), [("server-error", 1011), ("operational", 1002)])
def test_the_platform_gives_up(world: World, kind: str, code: int) -> None:
    trouble(world, kind=kind, after_events=1)
    with talk(public_url(world, talker(world))) as found:
        assert found.end()[0] == code
    assert found.heard[-1]["error_event"]["code"] == code


def test_an_expired_signature_once(world: World) -> None:
    url = signed_url(world, talker(world))
    trouble(world, kind="expired-signature", nth=1)
    with talk(url) as found:
        assert found.end()[0] == 1008
    with talk(url) as found:
        assert found.reply() == "Welcome."


def test_pongs_that_come_late(world: World) -> None:
    trouble(world, kind="late-pong", seconds=0.3)
    url = public_url(world, talker(world))
    with connect(url, proxy=None, open_timeout=PATIENCE_S) as connection:
        connection.send('{"type": "conversation_initiation_client_data"}')
        connection.recv(PATIENCE_S)
        began_s = time.monotonic()
        assert connection.ping().wait(PATIENCE_S)
        assert time.monotonic() - began_s >= 0.3


def test_no_pings_at_all(world: World) -> None:
    trouble(world, kind="no-ping")
    with talk(public_url(world, talker(world))) as found:
        found.until("agent_response_complete")
        with pytest.raises(TimeoutError):
            found.until("ping", within_s=0.3)


def test_another_setting_does_not_begin_faults_afresh(world: World) -> None:
    trouble(world, kind="drop", nth=1)
    url = public_url(world, talker(world))
    with talk(url) as found:
        assert found.end()[0] == 1006
    world.steer("talks", {"think_ms": 5})
    with talk(url) as found:
        assert found.reply() == "Welcome."
    shown = world.http.get(f"{world.running.elevenlabs_url}/_sim/talks").json()
    assert (shown["think_ms"], shown["faults"][0]["seen"], shown["faults"][0]["fired"]) == (5, 2, 1)
    base = world.running.elevenlabs_url
    assert world.http.delete(f"{base}/_sim/talks").json()["faults"] == []


def test_a_fault_is_for_one_agent(world: World) -> None:
    calm, troubled = talker(world), talker(world)
    trouble(world, kind="drop", agent_id=troubled)
    with talk(public_url(world, calm)) as found:
        assert found.reply() == "Welcome."
    with talk(public_url(world, troubled)) as found:
        assert found.end()[0] == 1006


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_handshake_is_answered_with_a_status(world: World, status: int) -> None:
    world.fault(kind="status-before", route=ROUTE, status=status, headers={"Retry-After": "3"})
    with pytest.raises(InvalidStatus) as refused, line(public_url(world, talker(world))):
        raise AssertionError("accepted")
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["Retry-After"] == "3"


def test_a_handshake_is_dropped(world: World) -> None:
    world.fault(kind="drop-before", route=ROUTE)
    with pytest.raises((InvalidMessage, EOFError)), line(public_url(world, talker(world))):
        raise AssertionError("accepted")


@pytest.mark.parametrize("kind", ["drop-after", "reset", "malformed"])
def test_a_connection_is_lost_as_soon_as_it_is_accepted(world: World, kind: str) -> None:
    world.fault(kind=kind, route=ROUTE)
    with talk(public_url(world, talker(world))) as found:
        assert found.end()[0] == 1006
    assert found.heard == []


def test_the_journal_and_the_counters_have_conversations_too(world: World) -> None:
    with talk(public_url(world, talker(world))) as found:
        found.say("Thank you, goodbye!")
        assert found.end()[0] == 1000
    base = world.running.elevenlabs_url
    counted = world.http.get(f"{base}/_sim/counters").json()["requests"]
    assert counted[f"GET {ROUTE}"] == 1
    entries = world.http.get(f"{base}/_sim/requests").json()["requests"]
    ours = [entry for entry in entries if entry["route"] == ROUTE]
    assert [(entry["status"], entry["effect"]) for entry in ours] == [
        (101, "applied"),
        (101, "closed 1000"),
    ]


def test_rate_limits_and_latency_count_for_handshakes(world: World) -> None:
    url = public_url(world, talker(world))
    world.steer("latency", {"ms": 200})
    began_s = time.monotonic()
    with talk(url) as found:
        assert time.monotonic() - began_s >= 0.2
        found.reply()
    world.steer("rate-limit", {"requests_per_second": 0.001})
    with talk(url), pytest.raises(InvalidStatus), line(url):
        raise AssertionError("accepted")


@pytest.mark.slow
def test_an_agent_with_a_tag_is_worse_and_slower(world: World) -> None:
    world.steer("talks", {"degraded_tags": ["worse"], "think_ms": 100})
    took_s = []
    for tags in ([], ["worse"]):
        with talk(public_url(world, talker(world, tags=tags))) as found:
            found.reply()
            began_s = time.monotonic()
            found.say("When do you open?")
            found.reply()
            took_s.append(time.monotonic() - began_s)
    assert took_s[1] >= 0.2
