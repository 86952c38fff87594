"""Streams are opened by whoever may read, from where they may, and end when that ends."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.live.conftest import DEADLINE_S, FAILURES_BURST
from trunkline.model.calls import limits


async def refused(opening: Any) -> tuple[int, dict[str, Any]]:
    """Status and problem of a handshake that is not accepted."""
    with pytest.raises(InvalidStatus) as caught:
        async with opening:
            pass
    response = caught.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, json.loads(response.body)


async def closed(socket: ClientConnection) -> None:
    """Until the server ends the stream."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def test_a_page_shows_its_token_as_a_subprotocol(server: Any) -> None:
    offered = [
        Subprotocol("trunkline.v1"),
        Subprotocol("trunkline.bearer." + server.tokens["viewer"]),
    ]
    async with server.stream("events", subprotocols=offered) as socket:
        assert socket.subprotocol == "trunkline.v1"
        await asyncio.wait_for(socket.recv(), DEADLINE_S)


async def test_without_a_token_nothing_is_opened(server: Any) -> None:
    status, problem = await refused(server.stream("events"))
    assert status == 401
    assert problem["type"] == "urn:trunkline:problem:unauthenticated"


async def test_a_token_in_the_address_counts_for_nothing(server: Any) -> None:
    path = f"events?token={server.tokens['viewer']}"
    assert (await refused(server.stream(path)))[0] == 401


async def test_an_address_that_guesses_is_stopped_and_good_tokens_there_go_on(server: Any) -> None:
    def shown(secret: str) -> list[Subprotocol]:
        return [Subprotocol("trunkline.v1"), Subprotocol(f"trunkline.bearer.{secret}")]

    async with server.stream("events", subprotocols=shown(server.tokens["viewer"])):
        pass
    for number in range(FAILURES_BURST):
        forged = server.stream("events", subprotocols=shown(f"tl_{number:043d}"))
        assert (await refused(forged))[0] == 401
    for stopped in (server.stream("events"), server.stream("events", "operator")):
        with pytest.raises(InvalidStatus) as caught:
            async with stopped:
                pass
        assert caught.value.response.status_code == 429
        assert int(caught.value.response.headers["Retry-After"]) > 1
    async with server.stream("events", subprotocols=shown(server.tokens["viewer"])) as socket:
        assert (
            json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))["type"] == "stream_begun"
        )
    async with server.person("operator") as person:
        assert (await person.get("calls")).status_code == 200


async def test_a_project_of_others_is_not_there(server: Any) -> None:
    assert (await refused(server.stream("events", "foreign")))[0] == 404


async def test_pages_of_unknown_origins_may_not_connect(server: Any) -> None:
    origin = Origin("https://evil.example.com")
    status, problem = await refused(server.stream("events", "viewer", origin=origin))
    assert status == 403
    assert problem["type"] == "urn:trunkline:problem:cross-site-request"


@pytest.mark.parametrize(
    "origin", ["https://status.example.com", "https://trunkline.example.com", "own"]
)
async def test_pages_of_known_origins_may_connect(server: Any, origin: str) -> None:
    own = Origin(server.url if origin == "own" else origin)
    async with server.stream("events", "viewer", origin=own) as socket:
        begun = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
        assert begun["type"] == "stream_begun"


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("after=-1", "after"),
        ("after=soon", "after"),
        ("after=999999", "999999"),
        ("since=yesterday", "since"),
        ("agent=No%20Name", "agent"),
    ],
)
async def test_a_question_that_cannot_be_used_is_answered_as_such(
    server: Any, query: str, part: str
) -> None:
    status, problem = await refused(server.stream(f"events?{query}", "viewer"))
    assert status == 400
    assert part in problem["detail"]


async def test_a_call_that_is_not_there_is_not_waited_for(server: Any) -> None:
    assert (await refused(server.stream("events?call=call_1_2", "viewer")))[0] == 404


async def test_one_token_opens_a_bounded_number_of_streams(server: Any) -> None:
    held = [server.stream("events", "viewer") for _ in range(limits.STREAMS_PER_TOKEN_MAX)]
    sockets = [await each for each in held]
    status, problem = await refused(server.stream("events", "viewer"))
    assert status == 429
    assert problem["type"] == "urn:trunkline:problem:too-many-requests"
    await asyncio.gather(*(socket.close() for socket in sockets))


async def test_a_stream_ends_with_its_token(server: Any) -> None:
    async with server.stream("events", "viewer") as socket:
        await asyncio.wait_for(socket.recv(), DEADLINE_S)
        async with server.person("admin") as admin:
            tokens = (await admin.get(f"{server.url}/v1/tokens")).json()["items"]
            own = next(one for one in tokens if one["person"] == "viewer@example.com")
            assert (await admin.delete(f"{server.url}/v1/tokens/{own['id']}")).is_success
        async with asyncio.timeout(DEADLINE_S):
            await closed(socket)
        assert socket.close_code == 4401
