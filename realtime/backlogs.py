"""What is kept for one listener until it takes it: bounded, so that a slow one holds nobody up.

Two ways to be late: of news a listener learns that it missed something and looks at rows; of sound
it loses the oldest and hears on. Nothing here knows what is kept.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


async def is_set(event: asyncio.Event, within_s: float | None) -> bool:
    """Wait for an event up to so many seconds; True if it is set.

    ``asyncio.wait_for`` forgets a cancellation that comes together with its time-out, and then a
    task that was asked to stop goes on for ever.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()


class NewsBacklog(Generic[Item]):
    """News for one listener. Too much of it becomes one thing: that something was missed."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[Item] = deque()
        self._missed = False
        self._news = asyncio.Event()

    def put(self, item: Item) -> None:
        """Keep it, or say that something was missed."""
        if len(self._items) >= self._bound:
            self.miss()
            return
        self._items.append(item)
        self._news.set()

    def miss(self) -> None:
        """Say that something was missed; what was kept is forgotten, since rows have it too."""
        self._items.clear()
        self._missed = True
        self._news.set()

    def clear(self) -> None:
        """Forget everything: the listener has just looked."""
        self._items.clear()
        self._missed = False
        self._news.clear()

    async def taken(self, *, within_s: float | None = None) -> Sequence[Item] | None:
        """Everything that is kept, waiting for something; None if something was missed, nothing
        after ``within_s`` seconds of silence.
        """
        if not await is_set(self._news, within_s):
            return ()
        found = None if self._missed else tuple(self._items)
        self.clear()
        return found

    async def each(self) -> AsyncGenerator[Item | None, None]:
        """One after the other, without end; None: something was missed."""
        while True:
            found = await self.taken()
            for item in (None,) if found is None else found:
                yield item


class SoundBacklog(Generic[Item]):
    """Sound for one listener; the oldest is left out if there is too much."""

    def __init__(self, bound: int) -> None:
        self._items: deque[Item] = deque(maxlen=bound)
        self._news = asyncio.Event()

    def put(self, item: Item) -> None:
        """Keep it."""
        self._items.append(item)
        self._news.set()

    async def taken(self, *, within_s: float) -> Sequence[Item]:
        """Everything that is kept; nothing after ``within_s`` seconds of silence."""
        if not await is_set(self._news, within_s):
            return ()
        found = tuple(self._items)
        self._items.clear()
        self._news.clear()
        return found

    async def each(self) -> AsyncGenerator[Item, None]:
        """One after the other, without end."""
        while True:
            await self._news.wait()
            while self._items:
                yield self._items.popleft()
            self._news.clear()
