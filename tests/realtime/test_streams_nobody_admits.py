"""Media streams that are not what they say: refused, before they are accepted or after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus

from tests.realtime.callers import line
from tests.realtime.conftest import ACCOUNT, PROJECT, SID, SIGNATURE, TICKET

if TYPE_CHECKING:
    from tests.conversing.platform_side import Platform
    from tests.realtime.conftest import Server

POLICY = 1008


@pytest.fixture(autouse=True)
def _agents_nobody_reaches(platform: Platform) -> None:
    platform.handshake = (500, {})


async def refused(
    server: Server, *, call: str = "", account: str = ACCOUNT, sid: str = SID, ticket: str = TICKET
) -> int | None:
    """The code a stream that begins like this is closed with."""
    async with line(server.url, SIGNATURE) as one:
        await one.begin(call or server.records[-1].id, account, sid, ticket)
        await asyncio.wait_for(one.closed.wait(), 60)
        return one.connection.close_code


async def test_an_opening_nobody_signed_is_refused_before_it_is_accepted(server: Server) -> None:
    await server.opened()
    for signature in ("", "forged"):
        with pytest.raises(InvalidStatus) as refusal:
            async with line(server.url, signature):
                pass
        assert refusal.value.response.status_code == 403


@pytest.mark.parametrize(
    "said",
    [
        {"ticket": "another ticket"},
        {"ticket": ""},
        {"call": "call_15005550006_00000002"},
        {"sid": "CA00000000000000000000000000000002"},
        {"account": "AC00000000000000000000000000000002"},
    ],
    ids=["wrong ticket", "no ticket", "another call", "unknown call", "another account"],
)
async def test_a_stream_that_names_no_call_of_its_own_is_closed(
    server: Server, said: dict[str, str]
) -> None:
    await server.opened()
    assert await refused(server, **said) == POLICY
    assert (await server.record()).state == "queued"


@pytest.mark.parametrize(
    "said",
    [
        {"routing": "native"},
        {"state": "completed"},
        {"agent_id": None},
        {"ticket_digest": ""},
        {"environment": "production"},
    ],
    ids=["native", "over", "no agent", "ticket taken", "another account's environment"],
)
async def test_a_call_that_is_not_to_be_bridged_now_is_not(
    server: Server, said: dict[str, object]
) -> None:
    await server.opened(**said)
    assert await refused(server) == POLICY


async def test_a_ticket_is_good_for_one_stream(server: Server, platform: Platform) -> None:
    platform.handshake = None
    async with server.called():
        await server.until(lambda record: record.ticket_digest == "")
        assert await refused(server) == POLICY
        assert server.board.calls == 1


async def test_a_stream_that_begins_in_the_middle_or_says_nonsense_is_closed(
    server: Server,
) -> None:
    await server.opened()
    for message in ({"event": "stop"}, {"event": "start"}, {"event": "media", "media": {}}, {}):
        async with line(server.url, SIGNATURE) as one:
            await one.say(**message)
            await asyncio.wait_for(one.closed.wait(), 60)
            assert one.connection.close_code == POLICY
    async with line(server.url, SIGNATURE) as one:
        await one.connection.send(b"\x00\x01")
        await asyncio.wait_for(one.closed.wait(), 60)
        assert one.connection.close_code == POLICY


async def test_nonsense_in_the_middle_of_a_call_ends_both_legs(
    server: Server, platform: Platform
) -> None:
    platform.handshake = None

    async def begin(side: object) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")  # type: ignore[attr-defined]
        await side.connection.wait_closed()  # type: ignore[attr-defined]

    platform.part = begin
    async with server.called() as caller:
        await server.until(lambda record: record.conversation_id != "")
        await caller.say(event="media", media={"payload": "no base64!"})
        await asyncio.wait_for(caller.closed.wait(), 60)
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.outcome) == ("carrier", "dropped")
    assert await server.store.holder_of(PROJECT, record.id) is None


async def test_a_process_that_stops_takes_no_streams(server: Server) -> None:
    await server.board.drain(0)
    with pytest.raises(InvalidStatus) as refusal:
        async with line(server.url, SIGNATURE):
            pass
    assert refusal.value.response.status_code == 503
