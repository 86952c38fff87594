"""``python -m benchmarks.listeners PLAN TOLD``: people who hear a call, in a process of their own.

They knock until the call goes on, hear for a while, and tell how much of it each of them heard.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

KNOCK_S = 0.25
OPEN_TIMEOUT_S = 60.0
BYTES_PER_S = 16_000
"""Both tracks, in µ-law at 8,000 Hz."""


class ListeningPlan(BaseModel):
    """So many listeners at ``url``, for so many seconds."""

    url: str
    token: str
    listeners: int
    duration_s: float
    core: int | None = None


class ListeningTold(BaseModel):
    """The share of the call's sound each listener heard."""

    shares: list[float]


async def listen(plan: ListeningPlan) -> ListeningTold:
    """All listeners side by side."""
    heard = await asyncio.gather(*(_one(plan) for _ in range(plan.listeners)))
    return ListeningTold(shares=list(heard))


async def _one(plan: ListeningPlan) -> float:
    connection = await _admitted(plan)
    size = 0
    begun_s = 0.0
    until_s = time.monotonic() + plan.duration_s
    try:
        async with asyncio.timeout(plan.duration_s + KNOCK_S):
            while time.monotonic() < until_s:
                message = await connection.recv()
                if isinstance(message, bytes):
                    begun_s = begun_s or time.monotonic()
                    size += len(message) - 1
    except (TimeoutError, ConnectionClosed):
        pass
    finally:
        await connection.close()
    spent_s = time.monotonic() - begun_s if begun_s else plan.duration_s
    return size / (spent_s * BYTES_PER_S)


async def _admitted(plan: ListeningPlan) -> ClientConnection:
    """A stream once the call goes on."""
    headers = {"authorization": f"Bearer {plan.token}"}
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        while True:
            try:
                return await connect(plan.url, additional_headers=headers, compression=None)
            except InvalidStatus:
                await asyncio.sleep(KNOCK_S)


def main(arguments: Sequence[str]) -> None:
    """Read the plan, carry it out, write what was told."""
    plan_path, told_path = map(Path, arguments)
    plan = ListeningPlan.model_validate_json(plan_path.read_bytes())
    if plan.core is not None:
        os.sched_setaffinity(0, {plan.core})
    told_path.write_text(asyncio.run(listen(plan)).model_dump_json())


if __name__ == "__main__":
    main(sys.argv[1:])
