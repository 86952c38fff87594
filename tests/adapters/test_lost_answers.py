"""A write that may have left is in doubt, one that never left is not, and a read is neither."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.adapters.elevenlabs.answers import CreatedAgent
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import DeadlineOver, Sending
from trunkline.model.errors import OutcomeUnknown, RateLimited, Unavailable

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors
    from trunkline.adapters.elevenlabs.client import ElevenLabsClient

LOST: dict[str, dict[str, Any]] = {
    "reset without an answer": {"fault": "reset"},
    "half an answer": {"fault": "half", "body": {"agent_id": "agent_1"}},
    "an answer that is no JSON": {"body": b"<html>"},
    "an answer without the id": {"body": {"agent": "agent_1"}},
    "an empty id": {"body": {"agent_id": ""}},
    "500": {"status": 500, "body": {"detail": {"status": "internal_error", "message": "sorry"}}},
    "503 from a proxy": {"status": 503, "body": b"upstream connect error"},
    "408": {"status": 408, "body": b""},
}


async def create(client: ElevenLabsClient, *, timeout_s: float = 60.0) -> CreatedAgent:
    return await client.write(
        CreatedAgent.model_validate, "POST", "/create", {"name": "a"}, timeout_s=timeout_s
    )


@pytest.mark.parametrize("case", LOST)
async def test_a_write_is_in_doubt_after(
    case: str, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(**LOST[case]))
    with pytest.raises(OutcomeUnknown) as raised:
        await create(vendors.client(vendor.url))
    assert "look it up" in raised.value.hint
    assert len(vendor.heard) == 1


@pytest.mark.parametrize("case", LOST)
async def test_a_read_is_unavailable_after(
    case: str, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(**LOST[case]))
    with pytest.raises(Unavailable):
        await vendors.client(vendor.url).read(CreatedAgent.model_validate, "/agents/agent_1")
    assert len(vendor.heard) == 1


async def test_a_write_without_an_answer_in_time_is_in_doubt(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(fault="silence"))
    with pytest.raises(OutcomeUnknown):
        await create(vendors.client(vendor.url))
    assert len(vendor.heard) == 1


async def test_a_read_without_an_answer_in_time_is_unavailable(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(fault="silence"))
    client = vendors.client(vendor.url)
    with pytest.raises(Unavailable):
        await client.read(CreatedAgent.model_validate, "/agents/agent_1")


async def test_a_write_that_found_nobody_listening_had_no_effect(vendors: Vendors) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable) as raised:
            await create(vendors.client(url))
    assert "was not sent" in raised.value.message


async def test_a_write_whose_deadline_passed_in_the_queue_is_never_sent(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(fault="held"))
    pace = Pace(Rates(requests_per_second=1_000, burst=10, concurrency=1))
    client = vendors.client(vendor.url, pace=pace)
    first = asyncio.create_task(create(client, timeout_s=60))
    async with asyncio.timeout(60):
        await vendor.hears.wait()
    with pytest.raises(RateLimited):
        await create(client, timeout_s=0.1)
    first.cancel()
    await asyncio.wait([first])
    assert len(vendor.heard) == 1


async def test_a_write_without_time_left_is_never_sent(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={"agent_id": "agent_1"}))
    with pytest.raises((Unavailable, RateLimited)):
        await create(vendors.client(vendor.url), timeout_s=0.0)
    assert vendor.heard == []


async def test_a_deadline_that_passes_just_before_the_first_byte_stops_the_request() -> None:
    late = Sending(deadline_s=time.monotonic())
    await late.note("connection.connect_tcp.started", {})
    with pytest.raises(DeadlineOver):
        await late.note("http11.send_request_headers.started", {})
    assert not late.begun


async def test_a_redirect_is_not_followed(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=307, headers={"Location": "/elsewhere"}, body=b""))
    with pytest.raises(Unavailable) as raised:
        await create(vendors.client(vendor.url))
    assert "address" in raised.value.hint
    assert len(vendor.heard) == 1


async def test_cookies_of_one_account_are_not_sent_for_another(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={"agent_id": "a"}, headers={"Set-Cookie": "session=1; Path=/"}))
    client = vendors.client(vendor.url)
    await create(client)
    await create(client)
    assert "cookie" not in vendor.heard[1].headers


async def test_connections_are_used_again(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={"agent_id": "a"}))
    client = vendors.client(vendor.url)
    for _ in range(3):
        await create(client)
    assert len(vendor.heard) == 3
    assert vendor.connections == 1
