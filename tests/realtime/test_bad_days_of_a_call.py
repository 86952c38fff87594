"""What gives out in the middle of a call: each time both legs end and the record says why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from realtime.streams import CarrierStream
from tests.realtime.callers import frame, numbers
from tests.realtime.conftest import PROJECT
from trunkline.model.calls import limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message

    from tests.conversing.platform_side import Platform, Side
    from tests.realtime.conftest import Ends, Server

    Part = Callable[[Side], Awaitable[None]]


class Stage:
    """An agent on ulaw that stays until it is told otherwise."""

    def __init__(self, platform: Platform) -> None:
        self.sides: list[Side] = []
        self.begun = asyncio.Event()
        platform.part = self.part

    async def part(self, side: Side) -> None:
        """Begin, and then only be there."""
        await side.begin("ulaw_8000", "ulaw_8000")
        self.sides.append(side)
        self.begun.set()
        await side.connection.wait_closed()

    @property
    def side(self) -> Side:
        """The last conversation."""
        return self.sides[-1]


@pytest.fixture
def stage(platform: Platform) -> Stage:
    """An agent that is there."""
    return Stage(platform)


async def reasons(server: Server) -> list[object]:
    """What the events say went wrong."""
    return [event.data["reason"] for event in await server.events() if event.name == "error"]


async def no_session_is_left(server: Server, stage: Stage) -> None:
    """The platform's socket is closed and nothing is held any more."""
    async with asyncio.timeout(60):
        await stage.side.connection.wait_closed()
        while server.board.calls:  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.01)
    record = await server.record()
    assert await server.store.holder_of(PROJECT, record.id) is None


async def test_the_platforms_leg_is_killed(server: Server, stage: Stage) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        stage.side.connection.transport.abort()
        await asyncio.wait_for(caller.closed.wait(), 60)
        record = await server.record()
        assert record.is_over, "it was written before the carrier was let go"
    assert (record.ended_by, record.outcome) == ("platform", "dropped")
    assert "dropped" in record.message
    assert await reasons(server) == ["SocketDropped"]
    await no_session_is_left(server, stage)


async def test_the_carriers_leg_is_killed(server: Server, stage: Stage) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        caller.drop()
        record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.outcome) == ("carrier", "dropped")
    assert await reasons(server) == ["CarrierLost"]
    await no_session_is_left(server, stage)


async def test_the_caller_hangs_up(server: Server, stage: Stage) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        await caller.stop()
        record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.outcome, record.message) == ("caller", "talked", "")
    assert await reasons(server) == []
    await no_session_is_left(server, stage)


async def test_the_platform_will_not_have_the_call(server: Server, platform: Platform) -> None:
    platform.handshake = (503, {})
    async with server.called() as caller:
        await asyncio.wait_for(caller.closed.wait(), 60)
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.outcome) == ("platform", "dropped")
    assert [event.name for event in await server.events()] == ["error", "connection_closed"]


@pytest.mark.parametrize("moment", ["its socket is open", "its address is asked for"])
@pytest.mark.parametrize("leaves", ["hangs up", "is gone"])
async def test_a_caller_who_leaves_while_the_agent_is_connected_is_noticed(
    server: Server, platform: Platform, moment: str, leaves: str
) -> None:
    there, asked = asyncio.Event(), asyncio.Event()

    async def part(side: Side) -> None:
        there.set()
        await side.connection.wait_closed()

    def address(signed: str) -> str:
        asked.set()
        return signed

    platform.part, platform.address = part, address
    async with server.called() as caller:
        await caller.speak(*(frame(number) for number in range(30)))
        waited = there if moment == "its socket is open" else asked
        await asyncio.wait_for(waited.wait(), 60)
        if leaves == "hangs up":
            await caller.stop()
            await asyncio.wait_for(caller.closed.wait(), 60)
        else:
            caller.drop()
        record = await server.until(lambda record: record.is_over)
    by = "caller" if leaves == "hangs up" else "carrier"
    outcome = "unanswered" if leaves == "hangs up" else "dropped"
    assert (record.ended_by, record.outcome) == (by, outcome)
    assert [event.name for event in await server.events()][-1] == "connection_closed"
    async with asyncio.timeout(60):
        for side in platform.sides:
            await side.connection.wait_closed()
        while server.board.calls:  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.01)


async def test_a_platform_that_does_not_answer_the_close_holds_nobody(
    server: Server, platform: Platform, stage: Stage
) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        platform.deaf.append(stage.side)
        stage.side.connection.transport.pause_reading()
        await caller.stop()
        await asyncio.wait_for(caller.closed.wait(), 60)
        record = await server.record()
    assert (record.ended_by, record.outcome) == ("caller", "talked")
    assert limits.LINE_CLOSE_TIMEOUT_S <= 1


async def test_what_nobody_foresaw_while_the_agent_is_connected(server: Server, ends: Ends) -> None:
    del ends.agents
    async with server.called() as caller:
        await asyncio.wait_for(caller.closed.wait(), 60)
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.outcome) == ("trunkline", "dropped")
    assert await reasons(server) == ["Unforeseen"]
    assert await server.store.holder_of(PROJECT, record.id) is None


@pytest.mark.slow
async def test_the_end_of_a_stream_nobody_takes_is_not_waited_for() -> None:
    async def receive() -> Message:
        return {"type": "websocket.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)
        await asyncio.get_running_loop().create_future()

    said: list[Message] = []
    stream = CarrierStream(receive, send)
    await asyncio.wait_for(stream.close(), 60)
    assert said == [{"type": "websocket.close", "code": 1000}]


@pytest.mark.slow
async def test_a_call_that_never_ends_is_ended_at_its_limit(server: Server, stage: Stage) -> None:
    await server.rule(longest="1s")
    async with server.called() as caller:
        await asyncio.wait_for(caller.closed.wait(), 60)
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.outcome) == ("limit", "cut-short")
    assert record.message == "it lasted 1 s, its limit"
    await no_session_is_left(server, stage)


async def test_the_agent_gives_up_on_a_caller_who_says_nothing(
    server: Server, platform: Platform
) -> None:
    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        await side.hear("user_audio_chunk")
        await side.connection.close(1000, "the caller is silent")

    platform.part = part
    async with server.called() as caller:
        await caller.speak(b"\xff" * 160)
        await asyncio.wait_for(caller.closed.wait(), 60)
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.message) == ("agent", "the caller is silent")


async def test_last_words_are_played_before_anybody_hangs_up(
    server: Server, platform: Platform
) -> None:
    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        for number in range(20):
            await side.sound(frame(number))
        await side.connection.close(1000, "good bye")

    platform.part = part
    async with server.called() as caller:
        caller.plays = False
        await caller.until(lambda line: line.kinds().count("mark") == 3)
        assert not caller.closed.is_set()
        last = [one["mark"] for one in caller.told if one["event"] == "mark"][-1]
        await caller.say(event="mark", streamSid="MZ1", mark=last)
        await asyncio.wait_for(caller.closed.wait(), 60)
    assert numbers(caller.heard()) == list(range(20))
    record = await server.until(lambda record: record.is_over)
    assert record.ended_by == "agent"


async def test_jitter_and_bursts_lose_and_mix_nothing(server: Server, stage: Stage) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        sent = 0
        for size in (1, 50, 3, 40, 1, 1, 30):
            await caller.speak(*(frame(sent + number) for number in range(size)))
            sent += size
            while len(stage.side.chunks) < sent:
                await stage.side.hear("user_audio_chunk")
        await caller.stop()
        record = await server.until(lambda record: record.is_over)
    said = b"".join(content for _, content in stage.side.chunks)
    assert numbers(said) == list(range(sent))
    assert record.lost_frames == 0


@pytest.mark.slow
async def test_a_platform_that_takes_nothing_loses_the_oldest_frames(
    server: Server, stage: Stage
) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        stage.side.connection.transport.pause_reading()
        sent = 20_000
        for at in range(0, sent, 100):
            await caller.speak(*(frame(at + number) for number in range(100)))
        stage.side.connection.transport.resume_reading()
        last = -1
        while last < sent - 1:
            await stage.side.hear("user_audio_chunk")
            last = numbers(stage.side.chunks[-1][1])[-1]
        await caller.stop()
        record = await server.until(lambda record: record.is_over)
    said = numbers(b"".join(content for _, content in stage.side.chunks))
    assert said == sorted(said)
    assert record.lost_frames == sent - len(said) > 0
    assert said[-limits.CALLER_FRAMES_MAX :] == list(range(sent - limits.CALLER_FRAMES_MAX, sent))


@pytest.mark.slow
async def test_a_carrier_that_takes_nothing_holds_the_agent_back(
    server: Server, stage: Stage
) -> None:
    async with server.called() as caller:
        await asyncio.wait_for(stage.begun.wait(), 60)
        caller.reads.clear()
        caller.connection.transport.pause_reading()
        sent, at_once = 60_000, 10

        async def speak() -> None:
            for at in range(0, sent, at_once):
                piece = b"".join(frame(at + number) for number in range(at_once))
                await stage.side.sound(piece)

        speaking = asyncio.create_task(speak())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(speaking), 2)
        caller.reads.set()
        caller.connection.transport.resume_reading()
        await asyncio.wait_for(speaking, 60)
        await caller.until(lambda line: len(line.told) == 2 * sent // at_once)
        assert caller.kinds() == ["media", "mark"] * (sent // at_once)
        await caller.stop()
        await server.until(lambda record: record.is_over)
    assert numbers(caller.heard()) == list(range(sent))
