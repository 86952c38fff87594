"""What goes wrong with a request, and whether it took effect: each kind of fault, over sockets."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

AGENTS = "/v1/convai/agents"
CREATE = f"{AGENTS}/create"
BODY: Any = {"name": "agent", "conversation_config": {}}
WITHIN_S = 60.0


def create(world: World, *, timeout_s: float = 60.0) -> httpx.Response:
    return world.call("POST", CREATE, json=BODY, timeout=timeout_s)


def effects(world: World) -> list[str]:
    log = world.http.get(f"{world.running.elevenlabs_url}/_sim/requests").json()["requests"]
    return [entry["effect"] for entry in log if entry["method"] == "POST"]


def counters(world: World) -> Any:
    return world.http.get(f"{world.running.elevenlabs_url}/_sim/counters").json()


def expect_agents(world: World, count: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    while len(world.listed_names()) != count:
        assert time.monotonic() < deadline, f"never {count} agents"
        time.sleep(0.02)


@pytest.mark.parametrize(("kind", "count"), [("drop-before", 0), ("drop-after", 1)])
def test_a_dropped_connection(world: World, kind: str, count: int) -> None:
    world.fault(kind=kind, method="POST", route=CREATE, nth=1)
    with pytest.raises(httpx.TransportError):
        create(world)
    assert len(world.listed_names()) == count
    assert create(world).status_code == 200
    assert len(world.listed_names()) == count + 1


def test_the_official_client_sees_the_dropped_connection(world: World) -> None:
    world.fault(kind="drop-after", method="POST", nth=1)
    with pytest.raises(httpx.TransportError):
        world.elevenlabs.conversational_ai.agents.create(
            conversation_config={}, request_options={"max_retries": 0}
        )
    assert len(world.listed_names()) == 1


@pytest.mark.parametrize(("kind", "count"), [("status-before", 0), ("status-after", 1)])
def test_an_error_status(world: World, kind: str, count: int) -> None:
    world.fault(kind=kind, method="POST", nth=1, status=503)
    response = create(world)
    assert response.status_code == 503
    assert response.json()["detail"]["code"] == "service_unavailable"
    assert len(world.listed_names()) == count


def test_an_error_with_a_body_and_headers_of_its_own(world: World) -> None:
    world.fault(kind="status-before", status=502, body="<html>bad gateway</html>")
    html = create(world)
    assert (html.status_code, html.text) == (502, "<html>bad gateway</html>")
    world.http.delete(f"{world.running.elevenlabs_url}/_sim/faults")
    world.fault(kind="status-before", status=429, headers={"Retry-After": "7"}, nth=1)
    limited = create(world)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(("kind", "count"), [("hang-before", 0), ("hang-after", 1)])
def test_no_answer_in_time(world: World, kind: str, count: int) -> None:
    world.fault(kind=kind, method="POST", nth=1, seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        create(world, timeout_s=1)
    assert len(world.listed_names()) == count


def test_an_answer_that_comes_after_its_effect(world: World) -> None:
    world.fault(kind="slow", method="POST", nth=1, seconds=600)
    with pytest.raises(httpx.ReadTimeout):
        create(world, timeout_s=0.1)
    assert len(world.listed_names()) == 1
    deadline_s = time.monotonic() + WITHIN_S
    while counters(world)["statuses"].get("200", 0) < 2:
        assert time.monotonic() < deadline_s, "an answer waits for who does not"
    world.http.delete(f"{world.running.elevenlabs_url}/_sim/faults")
    world.fault(kind="slow", method="POST", nth=1, seconds=0.01)
    began_s = time.monotonic()
    assert create(world).status_code == 200
    assert time.monotonic() - began_s >= 0.01


def test_a_request_of_before_a_reset_is_not_in_the_log_after_it(world: World) -> None:
    world.fault(kind="hang-after", method="POST", nth=1, seconds=600)
    address = httpx.URL(world.running.elevenlabs_url)
    client = http.client.HTTPConnection(address.host, address.port)
    try:
        key = {"xi-api-key": world.running.elevenlabs_key}
        client.request("POST", CREATE, json.dumps(BODY), key)
        expect_agents(world, 1)
        world.steer("reset")
    finally:
        client.close()
    assert create(world).status_code == 200
    assert effects(world) == ["applied"]
    assert counters(world)["statuses"] == {"200": 1}


def test_a_hang_is_bounded(world: World) -> None:
    world.fault(kind="hang-before", method="POST", nth=1, seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        create(world)
    assert world.listed_names() == []


def test_a_truncated_answer(world: World) -> None:
    world.fault(kind="truncate", method="POST", nth=1)
    with pytest.raises(httpx.RemoteProtocolError, match="received"):
        create(world)
    assert len(world.listed_names()) == 1


def test_a_connection_reset_in_the_middle_of_an_answer(world: World) -> None:
    world.fault(kind="reset", method="POST", nth=1)
    with pytest.raises(httpx.ReadError):
        create(world)
    assert len(world.listed_names()) == 1


def test_an_answer_of_another_shape(world: World) -> None:
    world.fault(kind="status-after", method="POST", nth=1, status=200, body={"unexpected": []})
    response = create(world)
    assert (response.status_code, response.json()) == (200, {"unexpected": []})
    assert len(world.listed_names()) == 1


def test_too_many_requests_without_a_time_to_wait(world: World) -> None:
    world.fault(kind="status-before", status=429, nth=1)
    limited = create(world)
    assert (limited.status_code, limited.json()["detail"]["type"]) == (429, "rate_limit_error")
    assert "retry-after" not in limited.headers


def test_an_answer_that_is_no_json(world: World) -> None:
    world.fault(kind="malformed", method="POST", nth=1)
    response = create(world)
    assert response.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        response.json()
    assert len(world.listed_names()) == 1


def test_a_request_that_takes_effect_long_after_it_was_dropped(world: World) -> None:
    world.fault(kind="delayed", method="POST", nth=1, seconds=600)
    with pytest.raises(httpx.TransportError):
        create(world)
    assert create(world).status_code == 200
    assert len(world.listed_names()) == 1
    world.steer("clock", {"advance_s": 601})
    expect_agents(world, 2)
    assert effects(world) == ["late", "applied", "took effect late"]


def test_a_late_effect_after_an_error_answer(world: World) -> None:
    world.fault(kind="delayed", method="POST", nth=1, seconds=0.05, status=504)
    assert create(world).status_code == 504
    expect_agents(world, 1)


def test_a_reset_cancels_late_effects(world: World) -> None:
    world.fault(kind="delayed", method="POST", nth=1, seconds=60, status=504)
    create(world)
    world.steer("reset")
    world.steer("clock", {"advance_s": 61})
    assert create(world).status_code == 200
    assert len(world.listed_names()) == 1


def test_a_request_applied_twice(world: World) -> None:
    world.fault(kind="duplicate", method="POST", nth=1)
    assert create(world).status_code == 200
    assert len(world.listed_names()) == 2


def test_a_request_applied_again_later(world: World) -> None:
    world.fault(kind="duplicate", method="POST", nth=1, seconds=60)
    assert create(world).status_code == 200
    assert len(world.listed_names()) == 1
    world.steer("clock", {"advance_s": 61})
    expect_agents(world, 2)


def test_only_the_nth_matching_request_is_hit(world: World) -> None:
    world.fault(kind="status-before", route=CREATE, nth=3)
    world.call("GET", AGENTS)
    statuses = [create(world).status_code for _ in range(4)]
    assert statuses == [200, 200, 500, 200]
    faults = world.http.get(f"{world.running.elevenlabs_url}/_sim/faults").json()["faults"]
    assert (faults[0]["seen"], faults[0]["fired"]) == (4, 1)


def test_every_second_request_is_hit_a_limited_number_of_times(world: World) -> None:
    world.fault(kind="status-before", route=CREATE, every=2, times=2)
    statuses = [create(world).status_code for _ in range(6)]
    assert statuses == [200, 500, 200, 500, 200, 200]


def test_chance_repeats_with_its_seed(world: World) -> None:
    def statuses(seed: int) -> list[int]:
        world.http.delete(f"{world.running.elevenlabs_url}/_sim/faults")
        fault = {"kind": "status-before", "route": CREATE, "probability": 0.5}
        world.steer("faults", {"seed": seed, "faults": [fault]})
        return [create(world).status_code for _ in range(16)]

    first = statuses(7)
    assert first == statuses(7) != statuses(8)
    assert {200, 500} == set(first)


def test_a_route_template_matches_any_id(world: World) -> None:
    agent_id = world.new_agent()
    world.fault(kind="status-before", method="GET", route=f"{AGENTS}/{{agent_id}}", nth=1)
    statuses = [world.call("GET", f"{AGENTS}/{agent_id}").status_code for _ in range(2)]
    assert statuses == [500, 200]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "explode"},
        {"kind": "truncate", "nth": 1, "every": 2},
        {"kind": "stale", "method": "PATCH"},
        {"nth": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(world: World, fault: object) -> None:
    url = f"{world.running.elevenlabs_url}/_sim/faults"
    response = world.http.post(url, json={"faults": [fault]})
    assert response.status_code == 400
    assert response.json()["problems"]


def test_twilio_drops_after_the_effect_too(world: World) -> None:
    number = world.twilio_number()
    world.fault(on="twilio", kind="drop-after", method="POST", nth=1)
    account = world.running.twilio_account_sid
    with pytest.raises(httpx.TransportError):
        world.http.post(
            f"{world.running.twilio_url}{number['uri']}",
            data={"FriendlyName": "changed"},
            auth=(account, world.running.twilio_auth_token),
        )
    assert world.twilio_number()["friendly_name"] == "changed"
