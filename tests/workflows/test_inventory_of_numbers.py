"""Every number of an account is listed with who has it; what no manifest names is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from api.app import create_app
from tests.workflows.carrier_numbers import NUMBER, at_carrier
from trunkline.adapters.machine import LocalMachine
from trunkline.model.findings import ServerSettings
from trunkline.services.catalogue import build_services
from trunkline.services.doctor import Outside

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.services.catalogue import Services

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PUBLIC_URL = "https://calls.example.com"
FREE, THEIRS, TRUNKED = (f"+1500555000{digit}" for digit in (7, 8, 9))
TRUNK = "TK" + "0" * 32
FALLBACK = "+15005550001"


def _services(stack: Stack) -> Services:
    outside = Outside(
        sources=stack.ports().sources,
        accounts=stack.accounts,
        machine=LocalMachine(stack.cache),
        settings=ServerSettings(public_url=PUBLIC_URL),
    )
    return build_services(stack.store, stack.client, outside=outside)


async def _stocked(stack: Stack) -> str:
    """A free number, one somebody imported for an agent of theirs, and one behind a trunk."""
    await stack.twilio.control("numbers", {"phone_number": FREE})
    await stack.twilio.control("numbers", {"phone_number": THEIRS})
    await stack.twilio.control("numbers", {"phone_number": TRUNKED, "fields": {"TrunkSid": TRUNK}})
    made = await stack.elevenlabs.http.post(
        "/v1/convai/agents/create", json={"name": "By hand", "conversation_config": {}}
    )
    agent_id = str(made.json()["agent_id"])
    await stack.elevenlabs.http.post(
        "/v1/convai/phone-numbers",
        json={
            "phone_number": THEIRS,
            "label": "by hand",
            "sid": stack.simulators.twilio_account_sid,
            "token": stack.simulators.twilio_auth_token,
            "agent_id": agent_id,
        },
    )
    return agent_id


async def test_each_number_says_whether_it_is_free_and_who_has_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    services = _services(stack)
    agent_id = await _stocked(stack)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
    before = await _addresses(stack)
    found = await services.numbers.inventory("acme")
    assert found.problems == ()
    lines = {row.line.number: row.line for row in found.page.items}
    assert {number: line.state for number, line in lines.items()} == {
        NUMBER: "assigned",
        FREE: "available",
        THEIRS: "unmanaged",
        TRUNKED: "external",
    }
    ours = lines[NUMBER]
    assert (ours.project, ours.environment, ours.name) == ("acme", "testing", "main-line")
    assert (ours.agent, ours.route) == ("front-desk", "agent Front desk")
    assert ours.manifest.startswith("numbers/main-line.yaml:4:")
    assert (ours.message, "voice" in ours.capabilities) == ("", True)
    assert (lines[THEIRS].agent, lines[THEIRS].agent_external_id) == ("By hand", agent_id)
    assert lines[TRUNKED].route == f"trunk {TRUNK}"
    first = await services.numbers.inventory("acme", limit=3)
    rest = await services.numbers.inventory("acme", cursor=first.page.cursor, limit=3)
    assert [len(first.page.items), len(rest.page.items), rest.page.cursor] == [3, 1, None]
    async with stack.working():
        await stack.sync(hard=True)
        await stack.sweep()
    assert await _addresses(stack) == before


async def _addresses(stack: Stack) -> list[tuple[Any, ...]]:
    listed = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    platform = sorted((n["phone_number"], str(n["assigned_agent"])) for n in listed)
    account = stack.simulators.twilio_account_sid
    path = f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json"
    numbers = (await stack.twilio.http.get(path)).json()["incoming_phone_numbers"]
    keys = ("phone_number", "voice_url", "voice_fallback_url", "trunk_sid", "friendly_name")
    return [*platform, *(tuple(number[key] or "" for key in keys) for number in numbers)]


async def test_a_number_that_only_looks_assigned_says_which_layer_wins(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    services = _services(stack)
    async with stack.working():
        await stack.sync()
        edit = {"phone_number": NUMBER, "fields": {"TrunkSid": TRUNK}}
        await stack.twilio.control("edit", edit)
        operation = await stack.sync(hard=True)
        assert operation.state == "Failed"
        row = await stack.status("main-line", "number")
        assert row is not None
        assert row.sync == "OutOfSync"
        assert f"calls go to trunk {TRUNK}" in row.message
        assert "although the voice platform shows it assigned" in row.message
        assert "detach the number from the trunk" in row.message
    report = await services.numbers.route("acme", "main-line")
    states = {layer.layer: layer.state for layer in report.layers}
    assert (states["trunk"], states["url"], states["agent"]) == ("decides", "shadowed", "shadowed")
    assert report.wished == "agent front-desk"
    assert "trunk" in report.problem
    assert report == await services.numbers.route("acme", NUMBER)


async def test_a_sweep_notices_a_number_whose_calls_somebody_sent_to_a_trunk_and_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        edit = {"phone_number": NUMBER, "fields": {"TrunkSid": TRUNK}}
        await stack.twilio.control("edit", edit)
        await stack.sweep()
        row = await stack.settled("main-line", lambda r: r.sync == "OutOfSync", "number")
        assert row.health == "Degraded"
        assert f"calls go to trunk {TRUNK}" in row.message
        assert (await stack.sweep()).drifted == 0

        edit = {"phone_number": NUMBER, "fields": {"TrunkSid": ""}}
        await stack.twilio.control("edit", edit)
        await stack.sweep()
        row = await stack.settled("main-line", lambda r: r.sync == "Synced", "number")
        assert row.health == "Healthy"


async def test_an_account_that_cannot_be_read_is_said_and_nothing_is_said_to_be_free(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    services = _services(stack)
    async with stack.working():
        await stack.sync()
    await stack.twilio.faults({"kind": "status-before", "status": 500})
    found = await services.numbers.inventory("acme")
    [problem] = found.problems
    assert problem.startswith("testing: ")
    [row] = found.page.items
    assert (row.line.number, row.line.state, row.line.route) == (NUMBER, "assigned", "unknown")


async def test_a_call_nothing_took_is_sent_to_the_fallback_if_the_carrier_asks(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    line = "numbers/main-line.yaml"
    agent = "agent: front-desk"
    files[line] = files[line].replace(agent, f'{agent}, fallback: {{ number: "{FALLBACK}" }}')
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
    path = "/v1/webhooks/twilio/voice/fallback/acme/testing/main-line"
    assert (await at_carrier(stack))["voice_fallback_url"] == f"{PUBLIC_URL}{path}"
    assert "elevenlabs" in (await at_carrier(stack))["voice_url"]
    app = create_app(_services(stack), version="0")
    fields = {"CallSid": "CA1", "To": NUMBER, "From": "+15005550002"}
    token = stack.simulators.twilio_auth_token
    signature = RequestValidator(token).compute_signature(f"{PUBLIC_URL}{path}", fields)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as carrier:
        answer = await carrier.post(path, data=fields, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 200
        assert f"<Dial>{FALLBACK}</Dial>" in answer.text
        assert answer.headers["content-type"].startswith("application/xml")
        forged = {**fields, "From": "+15005550003"}
        answer = await carrier.post(path, data=forged, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 403
        assert (await carrier.post(path, data=fields)).status_code == 403
        strange = path.replace("main-line", "other-line")
        answer = await carrier.post(strange, data=fields, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 403
