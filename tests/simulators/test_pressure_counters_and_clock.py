"""Rate and concurrency limits, latency, counters, the request log, and the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.talking import PATIENCE_S

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"


def counters(world: World) -> Json:
    found: Json = world.http.get(f"{world.running.elevenlabs_url}/_sim/counters").json()
    return found


def test_too_many_requests_in_a_second(world: World) -> None:
    began_s = time.monotonic()
    world.steer("rate-limit", {"requests_per_second": 2})
    responses = [world.call("GET", AGENTS)]
    while responses[-1].status_code == 200:
        assert len(responses) <= 2 + 2 * (time.monotonic() - began_s)
        responses.append(world.call("GET", AGENTS))
    assert [response.status_code for response in responses][:2] == [200, 200]
    limited = responses[-1]
    assert limited.status_code == 429
    assert limited.json()["detail"]["code"] == "rate_limit_exceeded"
    assert int(limited.headers["retry-after"]) >= 1
    world.steer("rate-limit", {"requests_per_second": None})
    assert world.call("GET", AGENTS).status_code == 200


def test_a_slow_rate_says_how_long_to_wait(world: World) -> None:
    world.steer("rate-limit", {"requests_per_second": 0.001})
    world.call("GET", AGENTS)
    assert 900 <= int(world.call("GET", AGENTS).headers["retry-after"]) <= 1000


def test_a_limit_may_keep_the_time_to_wait_to_itself(world: World) -> None:
    world.steer("rate-limit", {"requests_per_second": 0.001, "retry_after": False})
    world.call("GET", AGENTS)
    refused = world.call("GET", AGENTS)
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers


def test_twilio_limits_with_its_own_code(world: World) -> None:
    world.steer("rate-limit", {"requests_per_second": 0.001}, on="twilio")
    url = f"{world.running.twilio_url}/2010-04-01/Accounts.json"
    auth = (world.running.twilio_account_sid, world.running.twilio_auth_token)
    responses = [world.http.get(url, auth=auth) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 429]
    assert responses[1].json()["code"] == 20429


def test_too_many_requests_at_once(world: World) -> None:
    world.steer("concurrency", {"limit": 2})
    go_on = threading.Event()

    def body() -> Iterator[bytes]:
        yield b'{"name": "agent", '
        go_on.wait(PATIENCE_S)
        yield b'"conversation_config": {}}'

    def create() -> int:
        return world.call("POST", f"{AGENTS}/create", content=body()).status_code

    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(create) for _ in range(2)]
        try:
            deadline_s = time.monotonic() + PATIENCE_S
            while counters(world)["max_in_flight"] < 2:
                assert time.monotonic() < deadline_s
            refused = [world.call("GET", AGENTS) for _ in range(4)]
        finally:
            go_on.set()
        assert [call.result() for call in held] == [200, 200]
    assert [response.status_code for response in refused] == [429] * 4
    codes = {response.json()["detail"]["code"] for response in refused}
    assert codes == {"concurrent_limit_exceeded"}


def test_latency_delays_each_answer(world: World) -> None:
    world.steer("latency", {"ms": 120})
    started = time.monotonic()
    world.call("GET", AGENTS)
    assert time.monotonic() - started >= 0.12


def test_counters_count_by_route(world: World) -> None:
    agent_id = world.new_agent()
    world.read_agent(agent_id)
    world.read_agent(world.new_agent())
    world.call("GET", "/v1/nothing")
    found = counters(world)
    assert found["requests"] == {
        "GET (no such route)": 1,
        f"GET {AGENTS}/{{agent_id}}": 2,
        f"POST {AGENTS}/create": 2,
    }
    assert (found["total"], found["writes"], found["reads"]) == (5, 2, 3)
    assert found["statuses"] == {"200": 4, "404": 1}
    world.http.delete(f"{world.running.elevenlabs_url}/_sim/counters")
    assert counters(world)["total"] == 0


def test_the_log_says_what_happened_and_nothing_secret(world: World) -> None:
    world.new_agent("confidential")
    response = world.http.get(f"{world.running.elevenlabs_url}/_sim/requests")
    (entry,) = response.json()["requests"]
    assert (entry["path"], entry["status"], entry["effect"]) == (f"{AGENTS}/create", 200, "applied")
    assert world.running.elevenlabs_key not in response.text
    assert "confidential" not in response.text


def test_the_clock_stamps_what_is_made(world: World) -> None:
    world.steer("clock", {"set_unix_s": 2_000_000_000})
    agent = world.read_agent(world.new_agent())
    assert 0 <= agent["metadata"]["created_at_unix_secs"] - 2_000_000_000 <= 600
    world.steer("clock", {"advance_s": 3600})
    updated = world.patch_agent(agent["agent_id"], {"name": "later"})
    assert updated["metadata"]["updated_at_unix_secs"] >= 2_000_003_600
    world.steer("reset")
    now = world.http.get(f"{world.running.elevenlabs_url}/_sim/clock").json()["unix_s"]
    assert abs(now - time.time()) < 600


@pytest.mark.parametrize("body", [{}, {"advance_s": 1, "set_unix_s": 2}, {"jump": 1}])
def test_a_clock_control_that_makes_no_sense_is_refused(world: World, body: object) -> None:
    response = world.http.post(f"{world.running.elevenlabs_url}/_sim/clock", json=body)
    assert response.status_code == 400
