"""Audio of a call is told while somebody listens, in whatever process, and costs nothing else."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import psycopg

from realtime.backlogs import SoundBacklog
from realtime.hub import AUDIO, Hub
from tests.live.conftest import DEADLINE_S
from trunkline.model.calls import limits

Hubs = Callable[..., AbstractAsyncContextManager[Hub]]
Until = Callable[[Callable[[], Awaitable[bool | None]]], Awaitable[bool]]
CALL = "call_15005550006_00000001"
FRAME = bytes(range(160))


async def collected(backlog: SoundBacklog[tuple[str, bytes]], track: str, size: int) -> bytes:
    content = b""
    async with asyncio.timeout(DEADLINE_S):
        while len(content) < size:
            for each, piece in await backlog.taken(within_s=1):
                content += piece if each == track else b""
    return content


def sound_bytes(payload: str) -> int:
    """How much sound is in what is told."""
    return len(base64.b64decode(payload.rpartition(" ")[2]))


async def until_heard(bridge: Hub, until: Until) -> None:
    """Wait until the process knows that somebody listens."""

    async def heard() -> bool | None:
        return bridge.is_heard(CALL) or None

    assert await until(heard)


async def test_a_listener_of_another_process_hears_every_frame(hubs: Hubs, until: Until) -> None:
    frames = [bytes([number]) * 160 for number in range(50)]
    async with hubs() as bridge, hubs() as other, other.sound_backlog(CALL) as backlog:
        await until_heard(bridge, until)
        for frame in frames:
            await bridge.tell_sound(CALL, "caller", frame)
        assert await collected(backlog, "caller", 50 * 160) == b"".join(frames)


async def test_a_listener_of_the_same_process_hears_without_postgresql(hubs: Hubs) -> None:
    async with hubs() as hub, hub.sound(CALL) as sound:
        assert hub.is_heard(CALL)
        await hub.tell_sound(CALL, "agent", FRAME)
        assert await asyncio.wait_for(anext(sound), DEADLINE_S) == ("agent", FRAME)


async def test_nothing_is_told_while_nobody_listens(hubs: Hubs, postgres_url: str) -> None:
    async with (
        hubs() as hub,
        await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection,
    ):
        await connection.execute(f"LISTEN {AUDIO}")
        assert not hub.is_heard(CALL)
        await hub.tell_sound(CALL, "caller", FRAME)
        told = [one async for one in connection.notifies(timeout=3 * limits.SOUND_PIECE_S)]
        assert told == []


async def test_much_sound_at_once_is_told_in_pieces_that_fit(
    hubs: Hubs, until: Until, postgres_url: str
) -> None:
    reply = bytes(range(250)) * 100
    async with (
        hubs() as bridge,
        hubs() as other,
        other.sound_backlog(CALL) as backlog,
        await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection,
    ):
        await connection.execute(f"LISTEN {AUDIO}")
        await until_heard(bridge, until)
        await bridge.tell_sound(CALL, "agent", reply)
        assert await collected(backlog, "agent", len(reply)) == reply
        told: list[str] = []
        async with asyncio.timeout(DEADLINE_S):
            async for one in connection.notifies():
                told += [one.payload] if one.payload.startswith("sound ") else []
                if sum(sound_bytes(payload) for payload in told) >= len(reply):
                    break
        assert len(told) == 6
        assert max(len(payload) for payload in told) < 8_000


async def test_listeners_that_went_away_without_a_word_are_forgotten(
    hubs: Hubs, until: Until
) -> None:
    async with hubs(listeners_known_s=0.5) as bridge:
        async with hubs() as other, other.sound_backlog(CALL):
            await until_heard(bridge, until)

        async def silent() -> bool | None:
            return not bridge.is_heard(CALL) or None

        assert await until(silent)


async def test_a_slow_listener_loses_the_oldest_sound() -> None:
    backlog = SoundBacklog[int](limits.SOUND_BACKLOG_MAX)
    for number in range(limits.SOUND_BACKLOG_MAX + 5):
        backlog.put(number)
    assert (await backlog.taken(within_s=1))[0] == 5


async def test_what_comes_with_the_end_of_the_wait_is_taken() -> None:
    backlog = SoundBacklog[int](limits.SOUND_BACKLOG_MAX)
    taking = asyncio.create_task(backlog.taken(within_s=0))
    asyncio.get_running_loop().call_soon(backlog.put, 7)
    assert await taking == (7,)
