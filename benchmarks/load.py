"""``python -m benchmarks.load PLAN TOLD``: sends requests when they are due, in a process of its
own, and writes down how long each took.

Open loop: a request goes out at its time whether or not those before it were answered, and its time
is counted from then. So a server that stands still for a second is seen by everybody who would have
asked in that second, and a sender that was late itself adds to the figures and says by how much.
HTTP is spoken over plain streams: what a client library takes would be counted as the server's.
"""

import asyncio
import gc
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

ANSWER_TIMEOUT_S = 60.0
HEAD_END = b"\r\n\r\n"
NOT_MODIFIED = 304
IDLE_MAX_S = 3.0
"""Servers hang up on connections nobody used for five seconds."""


class Due(BaseModel):
    """A request: when it is sent, in seconds from the beginning, by what name it is counted."""

    at_s: float
    name: str
    path: str
    token: str = ""


class Plan(BaseModel):
    """Requests in the order they are due, to one server on this machine."""

    host: str
    port: int
    requests: list[Due]


class Told(BaseModel):
    """How a request went: seconds from when it was due until its answer was read, and how late it
    was sent.
    """

    name: str
    path: str
    at_s: float
    status: int
    duration_s: float
    lag_s: float
    size_bytes: int


TOLD = TypeAdapter(list[Told])


class Sender:
    """Connections to one server, as many as there are requests in flight, and tags it gave."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tags: dict[str, bytes] = {}

    async def send_all(self) -> list[Told]:
        """Send everything at its time."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        sent: list[asyncio.Task[Told]] = []
        for due in self._plan.requests:
            pause_s = began_s + due.at_s - loop.time()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            sent.append(asyncio.create_task(self._send(due, began_s + due.at_s)))
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            told = await asyncio.gather(*sent)
        await self._hang_up()
        return told

    async def _send(self, due: Due, due_s: float) -> Told:
        loop = asyncio.get_running_loop()
        lag_s = loop.time() - due_s
        reader, writer = await self._line()
        writer.write(self._request(due))
        head = await reader.readuntil(HEAD_END)
        first, *lines = head[: -len(HEAD_END)].split(b"\r\n")
        headers = {
            name.lower(): value for name, _, value in (one.partition(b": ") for one in lines)
        }
        status = int(first.split(b" ", 2)[1])
        size_bytes = 0 if status == NOT_MODIFIED else int(headers[b"content-length"])
        await reader.readexactly(size_bytes)
        duration_s = loop.time() - due_s
        self._idle.append((loop.time(), reader, writer))
        if b"etag" in headers:
            self._tags[due.path] = headers[b"etag"]
        return Told(
            name=due.name,
            path=due.path,
            at_s=due.at_s,
            status=status,
            duration_s=duration_s,
            lag_s=lag_s,
            size_bytes=size_bytes,
        )

    async def _line(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection that was used last, or a new one."""
        if self._idle:
            used_s, reader, writer = self._idle.pop()
            if asyncio.get_running_loop().time() - used_s < IDLE_MAX_S:
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._plan.host, self._plan.port)

    async def _hang_up(self) -> None:
        while self._idle:
            *_, writer = self._idle.pop()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _request(self, due: Due) -> bytes:
        """What was seen before is asked for with its tag, as a page that is left open does."""
        lines = [f"GET {due.path} HTTP/1.1".encode(), f"Host: {self._plan.host}".encode()]
        if due.token:
            lines.append(f"Authorization: Bearer {due.token}".encode())
        if due.path in self._tags:
            lines.append(b"If-None-Match: " + self._tags[due.path])
        return b"\r\n".join(lines) + HEAD_END


def main(arguments: Sequence[str]) -> None:
    """Read the plan, send it, write what was told."""
    plan_path, told_path = map(Path, arguments)
    plan = Plan.model_validate_json(plan_path.read_bytes())
    gc.freeze()
    told = asyncio.run(Sender(plan).send_all())
    told_path.write_bytes(TOLD.dump_json(told))


if __name__ == "__main__":
    main(sys.argv[1:])
