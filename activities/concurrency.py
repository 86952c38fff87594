"""Many awaits at once, but never more than a bound, and the first error as itself.

A task group wraps what went wrong in a group, which would hide our errors from their translation.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


async def each(
    work: Callable[[Item], Awaitable[Outcome]], items: Iterable[Item], *, concurrent: int
) -> list[Outcome]:
    """The outcomes in the order of the items. The first error cancels the rest and is raised."""
    free = asyncio.Semaphore(concurrent)

    async def one(item: Item) -> Outcome:
        async with free:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
