"""An answered request survives kill -9; a port in use is said; a signal stops cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from simulators.hosting import SimulatorPortInUse
from simulators.server import (
    DEFAULT_ELEVENLABS_KEY,
    DEFAULT_TWILIO_ACCOUNT_SID,
    DEFAULT_TWILIO_AUTH_TOKEN,
    SimulatorOptions,
    serve_simulators,
)

Json = dict[str, Any]
NUMBER = "+15005550001"
HEADERS = {"xi-api-key": DEFAULT_ELEVENLABS_KEY}
TWILIO_AUTH = (DEFAULT_TWILIO_ACCOUNT_SID, DEFAULT_TWILIO_AUTH_TOKEN)
WITHIN_S = 60.0
AGENTS = "/v1/convai/agents"


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Json]]:
    command = [sys.executable, "-m", "simulators", "--elevenlabs-port", "0", "--twilio-port", "0"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield started, json.loads(started.stdout.readline())
        finally:
            started.kill()


def test_an_answered_request_survives_a_kill(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"), "--number", NUMBER)
    with httpx.Client(headers=HEADERS, trust_env=False, timeout=WITHIN_S) as http:
        with process(*state) as (first, addresses):
            url = addresses["elevenlabs_url"]
            body: Json = {"name": "kept", "tags": ["t"], "conversation_config": {}}
            agent_id = http.post(f"{url}{AGENTS}/create", json=body).json()["agent_id"]
            gone_id = http.post(f"{url}{AGENTS}/create", json=body).json()["agent_id"]
            http.delete(f"{url}{AGENTS}/{gone_id}")
            patch = {"conversation_config": {"agent": {"first_message": "Hello"}}}
            before = http.patch(f"{url}{AGENTS}/{agent_id}", json=patch).json()
            tool: Json = {"tool_config": {"type": "client", "name": "t", "description": "d"}}
            tool_id = http.post(f"{url}/v1/convai/tools", json=tool).json()["id"]
            number = {
                "phone_number": NUMBER,
                "label": "main",
                "sid": TWILIO_AUTH[0],
                "token": TWILIO_AUTH[1],
                "agent_id": agent_id,
            }
            assert http.post(f"{url}/v1/convai/phone-numbers", json=number).status_code == 200
            first.send_signal(signal.SIGKILL)
            first.wait(WITHIN_S)
        with process(*state) as (_, addresses):
            url = addresses["elevenlabs_url"]
            after = http.get(f"{url}{AGENTS}/{agent_id}").json()
            assert len(after["phone_numbers"]) == 1
            assert {**after, "phone_numbers": []} == before
            listed = http.get(f"{url}{AGENTS}", params={"tags": "t"}).json()["agents"]
            assert [row["agent_id"] for row in listed] == [agent_id]
            assert http.get(f"{url}/v1/convai/tools/{tool_id}").status_code == 200
            fresh_id = http.post(f"{url}{AGENTS}/create", json=body).json()["agent_id"]
            assert fresh_id not in (agent_id, gone_id)
            path = f"/2010-04-01/Accounts/{TWILIO_AUTH[0]}/IncomingPhoneNumbers.json"
            there = http.get(addresses["twilio_url"] + path, auth=TWILIO_AUTH).json()
            assert there["incoming_phone_numbers"][0]["voice_url"].endswith("/inbound_call")


def test_a_reset_empties_the_folder_too(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    with httpx.Client(headers=HEADERS, trust_env=False, timeout=WITHIN_S) as http:
        with process(*state) as (_, addresses):
            url = addresses["elevenlabs_url"]
            http.post(f"{url}{AGENTS}/create", json={"conversation_config": {}})
            assert http.post(f"{url}/_sim/reset").status_code == 200
        with process(*state) as (_, addresses):
            assert http.get(addresses["elevenlabs_url"] + AGENTS).json()["agents"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_even_while_a_request_hangs(number: signal.Signals) -> None:
    with process() as (started, addresses):
        url = addresses["elevenlabs_url"]
        hang: Json = {"faults": [{"kind": "hang-before", "seconds": 600}]}
        with httpx.Client(headers=HEADERS, trust_env=False, timeout=WITHIN_S) as http:
            assert http.post(f"{url}/_sim/faults", json=hang).status_code == 200
            with pytest.raises(httpx.ReadTimeout):
                http.get(url + AGENTS, timeout=httpx.Timeout(WITHIN_S, read=0.2))
            started.send_signal(number)
            assert started.wait(WITHIN_S) == 0


@pytest.mark.slow
def test_conversations_end_with_the_process_and_tests_go_on_in_the_next(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    test = {"type": "llm", "name": "t", "success_condition": "welcomes the caller"}
    with httpx.Client(headers=HEADERS, trust_env=False, timeout=WITHIN_S) as http:
        with process(*state) as (first, addresses):
            url = addresses["elevenlabs_url"]
            body = {"name": "kept", "conversation_config": {"agent": {"first_message": "Welcome."}}}
            agent_id = http.post(f"{url}{AGENTS}/create", json=body).json()["agent_id"]
            test_id = http.post(f"{url}/v1/convai/agent-testing/create", json=test).json()["id"]
            http.post(f"{url}/_sim/conversations", json={"agent_id": agent_id, "seconds_ago": 9})
            http.post(f"{url}/_sim/talks", json={"think_ms": 60_000})
            run = {"tests": [{"test_id": test_id}]}
            started = http.post(f"{url}{AGENTS}/{agent_id}/run-tests", json=run).json()
            socket_url = url.replace("http", "ws", 1)
            talk_url = f"{socket_url}/v1/convai/conversation?agent_id={agent_id}"
            with connect(talk_url, proxy=None, open_timeout=WITHIN_S) as line:
                line.send('{"type": "conversation_initiation_client_data"}')
                line.recv(WITHIN_S)
                first.send_signal(signal.SIGKILL)
                first.wait(WITHIN_S)
        with process(*state) as (_, addresses):
            url = addresses["elevenlabs_url"]
            listed = http.get(f"{url}/v1/convai/conversations").json()["conversations"]
            invocation = f"{url}/v1/convai/test-invocations/{started['id']}"
            deadline_s = time.monotonic() + WITHIN_S
            while http.get(invocation).json()["test_runs"][0]["status"] == "pending":
                assert time.monotonic() < deadline_s
    assert [one["status"] for one in listed] == ["failed", "done"]


async def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SimulatorPortInUse, match=str(port)) as raised:
            async with serve_simulators(SimulatorOptions(elevenlabs_port=0, twilio_port=port)):
                raise AssertionError
    assert (raised.value.host, raised.value.port) == ("127.0.0.1", port)


def test_a_port_in_use_ends_the_process_with_a_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "simulators", "--elevenlabs-port", port]
        ended = subprocess.run(
            [*command, "--twilio-port", "0"],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
            env={**os.environ},
        )
    assert ended.returncode == 1
    assert f"127.0.0.1:{port} is in use" in ended.stderr


async def test_a_folder_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0, state_dir=tmp_path)
    async with serve_simulators(options):
        with pytest.raises(OSError, match="locked"):
            async with serve_simulators(options):
                raise AssertionError
    async with serve_simulators(options) as again:
        assert again.elevenlabs_port > 0


async def test_two_in_one_process_share_nothing() -> None:
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0)
    async with (
        serve_simulators(options) as one,
        serve_simulators(options) as other,
        httpx.AsyncClient(headers=HEADERS, trust_env=False, timeout=WITHIN_S) as http,
    ):
        await http.post(f"{one.elevenlabs_url}{AGENTS}/create", json={"conversation_config": {}})
        counts = [
            len((await http.get(running.elevenlabs_url + AGENTS)).json()["agents"])
            for running in (one, other)
        ]
    assert counts == [1, 0]
