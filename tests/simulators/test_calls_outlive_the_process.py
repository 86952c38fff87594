"""Calls stay in the account's list over a restart; those that went on are over then."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
import pytest

from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.simulators.telephony import CALLER, NUMBER, WITHIN_S, open_office, until

STAY = "<Response><Pause length='60'/></Response>"
END = "<Response/>"


def options(folder: Path) -> SimulatorOptions:
    return SimulatorOptions(
        elevenlabs_port=0, twilio_port=0, twilio_numbers=(NUMBER,), state_dir=folder
    )


def client(running: RunningSimulators) -> httpx.AsyncClient:
    account = running.twilio_account_sid
    return httpx.AsyncClient(
        base_url=f"{running.twilio_url}/2010-04-01/Accounts/{account}",
        auth=(account, running.twilio_auth_token),
        trust_env=False,
        timeout=WITHIN_S,
    )


@pytest.mark.slow
async def test_calls_are_kept_and_none_goes_on(tmp_path: Path) -> None:
    async with serve_simulators(options(tmp_path)) as first, client(first) as http:
        form = {"To": CALLER, "From": NUMBER, "Twiml": STAY}
        placed = [(await http.post("/Calls.json", data=form)).json() for _ in range(2)]
        assert [call["status"] for call in placed] == ["queued", "queued"]
    async with serve_simulators(options(tmp_path)) as again, client(again) as http:
        kept = (await http.get("/Calls.json")).json()["calls"]
        assert [call["sid"] for call in kept] == [call["sid"] for call in placed[::-1]]
        assert {call["status"] for call in kept} <= {"canceled", "completed", "failed"}
        change = {"Twiml": END}
        refused = await http.post(f"/Calls/{kept[0]['sid']}.json", data=change)
        assert refused.json()["code"] == 21220


@pytest.mark.slow
async def test_streams_are_stopped_before_the_process_is() -> None:
    beginning = SimulatorOptions(elevenlabs_port=0, twilio_port=0, twilio_numbers=(NUMBER,))
    async with contextlib.AsyncExitStack() as outer:
        async with serve_simulators(beginning) as running:
            office = await outer.enter_async_context(open_office(running))
            office.connect()
            async with httpx.AsyncClient(
                base_url=running.twilio_url, trust_env=False, timeout=WITHIN_S
            ) as http:
                fields = {"VoiceUrl": f"{office.url}/voice"}
                edit = {"phone_number": NUMBER, "fields": fields}
                assert (await http.post("/_sim/edit", json=edit)).status_code == 200
                assert (await http.post("/_sim/call", json={"to": NUMBER})).status_code == 200
                await until(lambda: bool(office.conversations))
                conversation = office.conversations[0]
                await until(lambda: bool(conversation.of("media")))
        await until(lambda: conversation.socket.closed)
        assert conversation.of("stop")
        assert conversation.socket.close_code == 1000
