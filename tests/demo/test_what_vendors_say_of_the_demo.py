"""What the demo asks the vendors tells a number that leads nowhere from one that is answered."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulators.server import (
    DEFAULT_ELEVENLABS_KEY,
    DEFAULT_TWILIO_ACCOUNT_SID,
    DEFAULT_TWILIO_AUTH_TOKEN,
    RunningSimulators,
)
from tests.simulator_threads import NUMBERS, simulators_in_thread
from trunkline.local.demo.outside import Outside

NUMBER = NUMBERS[0]
TIMEOUT_S = 60
MARK = "trunkline:brindle/production/night"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulators]:
    with simulators_in_thread() as started:
        yield started


@pytest.fixture
def outside(running: RunningSimulators) -> Iterator[Outside]:
    yield Outside(
        {
            "ELEVENLABS_BASE_URL": running.elevenlabs_url,
            "ELEVENLABS_API_KEY": DEFAULT_ELEVENLABS_KEY,
            "TWILIO_BASE_URL": running.twilio_url,
            "TWILIO_ACCOUNT_SID": DEFAULT_TWILIO_ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": DEFAULT_TWILIO_AUTH_TOKEN,
        },
        "brindle",
    )
    for url in (running.elevenlabs_url, running.twilio_url):
        httpx.post(f"{url}/_sim/reset", json={}, timeout=TIMEOUT_S).raise_for_status()


class Vendor:
    """ElevenLabs in its own interface."""

    def __init__(self, running: RunningSimulators) -> None:
        self._http = httpx.Client(
            base_url=f"{running.elevenlabs_url}/v1/convai/",
            headers={"xi-api-key": DEFAULT_ELEVENLABS_KEY},
            timeout=TIMEOUT_S,
        )

    def agent(self, *tags: str) -> str:
        agent = {"prompt": {"prompt": "Be calm."}, "first_message": "Good evening."}
        body = {"name": "Night", "tags": tags, "conversation_config": {"agent": agent}}
        return str(self._sent("POST", "agents/create", body)["agent_id"])

    def number(self) -> str:
        body = {
            "provider": "twilio",
            "phone_number": NUMBER,
            "label": "night",
            "sid": DEFAULT_TWILIO_ACCOUNT_SID,
            "token": DEFAULT_TWILIO_AUTH_TOKEN,
        }
        return str(self._sent("POST", "phone-numbers", body)["phone_number_id"])

    def assign(self, number_id: str, agent_id: str) -> None:
        self._sent("PATCH", f"phone-numbers/{number_id}", {"agent_id": agent_id})

    def close(self) -> None:
        self._http.close()

    def _sent(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, answer.text
        read: dict[str, Any] = answer.json()
        return read


@pytest.fixture
def vendor(running: RunningSimulators) -> Iterator[Vendor]:
    vendor = Vendor(running)
    yield vendor
    vendor.close()


def test_agents_are_found_by_the_mark_of_their_place(outside: Outside, vendor: Vendor) -> None:
    ours = vendor.agent(MARK)
    vendor.agent("trunkline:brindle/testing/night")
    vendor.agent("trunkline:other/production/night")
    assert outside.agents("production", "night") == [ours]
    assert outside.agents("production", "day") == []
    again = vendor.agent(MARK)
    assert sorted(outside.agents("production", "night")) == sorted([ours, again])


def test_a_number_reaches_an_agent_only_if_both_vendors_lead_there(
    running: RunningSimulators, outside: Outside, vendor: Vendor
) -> None:
    agent_id = vendor.agent(MARK)
    assert outside.reached_by(NUMBER) == ""
    number_id = vendor.number()
    assert outside.reached_by(NUMBER) == ""
    vendor.assign(number_id, agent_id)
    assert outside.reached_by(NUMBER) == agent_id
    elsewhere = {"phone_number": NUMBER, "fields": {"VoiceUrl": "https://phones.example.com/in"}}
    edit = f"{running.twilio_url}/_sim/edit"
    httpx.post(edit, json=elsewhere, timeout=TIMEOUT_S).raise_for_status()
    assert outside.reached_by(NUMBER) == ""
    assert outside.reached_by("+15005559999") == ""


def test_an_edit_shows_in_what_callers_meet(outside: Outside, vendor: Vendor) -> None:
    agent_id = vendor.agent(MARK)
    before = outside.configuration(agent_id)
    assert outside.prompt(agent_id) == "Be calm."
    body = {"conversation_config": {"agent": {"first_message": "Yo!"}}}
    outside.edit(agent_id, body, name="Robin", email="robin@example.com")
    assert outside.first_message(agent_id) == "Yo!"
    assert outside.configuration(agent_id) != before


def test_all_calls_of_a_new_agent_are_on_main(outside: Outside, vendor: Vendor) -> None:
    assert outside.shares(vendor.agent(MARK)) == {"Main": 100.0}


def test_a_bad_day_is_one_agents_and_ends(running: RunningSimulators, outside: Outside) -> None:
    def talks() -> dict[str, Any]:
        answer = httpx.get(f"{running.elevenlabs_url}/_sim/talks", timeout=TIMEOUT_S)
        found: dict[str, Any] = answer.json()
        return found

    outside.be_quick(think_ms=60, places=12)
    outside.degrade("production", "night")
    assert (talks()["think_ms"], talks()["concurrency"]) == (60, 12)
    assert talks()["degraded_tags"] == [MARK]
    outside.degrade_nobody()
    assert talks()["degraded_tags"] == []
    assert talks()["think_ms"] == 60
    assert outside.conversations_held() == 0


def test_a_vendor_that_does_not_know_us_is_an_error(running: RunningSimulators) -> None:
    stranger = Outside(
        {
            "ELEVENLABS_BASE_URL": running.elevenlabs_url,
            "ELEVENLABS_API_KEY": "another",
            "TWILIO_BASE_URL": running.twilio_url,
            "TWILIO_ACCOUNT_SID": DEFAULT_TWILIO_ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": "another",
        },
        "brindle",
    )
    with pytest.raises(httpx.HTTPStatusError):
        stranger.agents("production", "night")
    with pytest.raises(httpx.HTTPStatusError):
        stranger.reached_by(NUMBER)
