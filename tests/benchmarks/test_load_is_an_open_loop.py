"""The sender of the API's benchmark: what is due goes out, however slow the answers are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from benchmarks.load import Due, Plan, Sender, Told

Answer = Callable[[bytes], Awaitable[bytes]]
DAY_S = 86_400
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[int]:
    """A server on a free port that answers each request head as it is told to."""

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await answer(head))
        writer.close()
        await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]
        await asyncio.gather(*serving)


async def sent(port: int, *requests: Due) -> list[Told]:
    return await Sender(Plan(host="127.0.0.1", port=port, requests=list(requests))).send_all()


async def test_requests_go_out_while_none_was_answered() -> None:
    everybody_asked = asyncio.Barrier(3)

    async def answer(_head: bytes) -> bytes:
        await everybody_asked.wait()
        return OK

    async with server(answer) as port:
        dues = [Due(at_s=number / 100, name="a", path="/a") for number in range(3)]
        told = await asyncio.wait_for(sent(port, *dues), timeout=60)
    assert [one.status for one in told] == [200, 200, 200]


async def test_the_time_of_a_request_counts_from_when_it_was_due() -> None:
    together = asyncio.Barrier(2)

    async def answer(_head: bytes) -> bytes:
        await together.wait()
        return OK

    async with server(answer) as port:
        first, second = await asyncio.wait_for(
            sent(port, Due(at_s=-DAY_S, name="a", path="/a"), Due(at_s=0, name="b", path="/b")),
            timeout=60,
        )
    assert first.duration_s >= DAY_S
    assert first.lag_s <= first.duration_s
    assert second.lag_s <= second.duration_s < first.duration_s


async def test_what_was_seen_is_asked_for_with_its_tag_and_token() -> None:
    heads: list[bytes] = []

    async def answer(head: bytes) -> bytes:
        heads.append(head)
        if b"If-None-Match" in head:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\n\r\n'
        return OK.replace(b"\r\n\r\n", b'\r\nETag: "one"\r\n\r\n')

    async with server(answer) as port:
        request = Due(at_s=0, name="a", path="/a", token="tl_x")
        sender = Sender(Plan(host="127.0.0.1", port=port, requests=[request]))
        async with asyncio.timeout(60):
            told = [*await sender.send_all(), *await sender.send_all()]
    assert [(one.status, one.size_bytes) for one in told] == [(200, 2), (304, 0)]
    assert all(b"Authorization: Bearer tl_x" in head for head in heads)
    assert b'If-None-Match: "one"' in heads[1]
