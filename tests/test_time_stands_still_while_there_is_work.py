"""The clock of tests in one process: work takes no time by it, waiting takes as long as ever."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from tests.patient_loop import PatientLoop


def spent(work: Coroutine[Any, Any, None]) -> tuple[float, float]:
    """Seconds of the patient loop's clock and of the real one."""

    async def measured() -> tuple[float, float]:
        began_s, really_began_s = asyncio.get_running_loop().time(), time.monotonic()
        await work
        return asyncio.get_running_loop().time() - began_s, time.monotonic() - really_began_s

    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(measured())


async def _busy() -> None:
    until_s = time.monotonic() + 0.2
    while time.monotonic() < until_s:
        pass


async def _heard_at_once() -> None:
    one, other = socket.socketpair()
    with one, other:
        reader, writer = await asyncio.open_connection(sock=one)
        other.sendall(b"hello")
        async with asyncio.timeout(1e-3):
            assert await reader.readexactly(5) == b"hello"
        writer.close()


def test_work_takes_no_time() -> None:
    counted_s, real_s = spent(_busy())
    assert counted_s < real_s / 2


async def _idle() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.Event().wait()


def test_waiting_takes_its_time() -> None:
    counted_s, real_s = spent(_idle())
    assert 0.1 <= counted_s <= real_s + 0.01


def test_what_is_there_is_taken_before_the_time_is_up() -> None:
    spent(_heard_at_once())
