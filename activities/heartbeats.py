"""Heartbeats beside a long await, so that a dead worker is noticed long before the time-out.

A heartbeat is also how an activity learns that it was given up: the SDK then cancels it, which
stops a zombie that is still connected before its next write.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

BEATS_PER_TIMEOUT = 3
"""Two may be lost or late before the server gives the activity up."""


class Progress:
    """What the next heartbeat says, shown in Temporal's UI, and where to go on after a crash."""

    def __init__(self) -> None:
        self.words = ""
        self.place = ""


def resumed_place() -> str:
    """The place the last heartbeat of an earlier try named; empty if there is none."""
    details = activity.info().heartbeat_details
    return str(details[1]) if len(details) > 1 else ""


@asynccontextmanager
async def beating() -> AsyncIterator[Progress]:
    """Heartbeat until the block ends; nothing if the activity has no heartbeat time-out."""
    progress = Progress()
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield progress
        return
    beats = asyncio.create_task(_beat(progress, timeout.total_seconds() / BEATS_PER_TIMEOUT))
    try:
        yield progress
    finally:
        beats.cancel()


async def _beat(progress: Progress, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        if progress.place:
            activity.heartbeat(progress.words, progress.place)
        else:
            activity.heartbeat(progress.words)
