"""What the bridge's benchmark says of frames: each is counted, late ones and lost ones show."""

import asyncio
import time

from benchmarks.lines import Counter, Socket


def test_frames_in_order_are_counted_and_timed() -> None:
    counter = Counter(2)
    began_s = time.perf_counter()
    for call in (0, 1, 0):
        counter.take(counter.stamp(call).encode())
    all_of_it_ms = (time.perf_counter() - began_s) * 1e3
    told = counter.told()
    assert (told.sent, told.arrived, told.misplaced) == (3, 3, 0)
    assert all(0 <= each <= all_of_it_ms for each in told.latencies_ms)


def test_a_frame_that_is_lost_or_overtaken_shows() -> None:
    counter = Counter(1)
    first, second, third = (counter.stamp(0).encode() for _ in range(3))
    counter.take(first)
    counter.take(third)
    counter.take(second)
    assert counter.told().misplaced == 2
    counter.stamp(0)
    told = counter.told()
    assert told.sent - told.arrived == 1


def test_the_time_of_a_frame_counts_from_when_it_was_sent() -> None:
    counter = Counter(1)
    sent = counter.stamp(0).encode()
    until_s = time.perf_counter() + 0.01
    while time.perf_counter() < until_s:
        pass
    counter.take(sent)
    assert counter.told().latencies_ms[0] >= 10


async def test_its_sockets_speak_to_each_other() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    over = asyncio.Event()

    class Here(Socket):
        def connection_lost(self, error: Exception | None) -> None:
            super().connection_lost(error)
            over.set()

    def here() -> Socket:
        socket = Here(lambda _, text: heard.put_nowait(text), masks=False)
        socket.is_open = True
        return socket

    server = await loop.create_server(here, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    there = Socket(lambda *_: None, masks=True)
    there.is_open = True
    await loop.create_connection(lambda: there, "127.0.0.1", port)
    texts = ["short", "long " * 100, "ä"]
    for text in texts:
        there.send(text)
    got = [await asyncio.wait_for(heard.get(), 60) for _ in texts]
    assert [each.decode() for each in got] == texts
    there.transport.close()
    await asyncio.wait_for(over.wait(), 60)
    server.close()
    await server.wait_closed()
