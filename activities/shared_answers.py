"""One question for everybody who asks it at the same time.

Forty agents that plan at once would ask PostgreSQL the same thing forty times. Whoever asks while
an answer is on its way waits for the next one, which begins afterwards: so no answer is older than
its question, and what somebody decided a moment ago is never missed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedAnswers(Generic[Answer]):
    """Answers of one question."""

    def __init__(self, ask: Callable[[], Awaitable[Answer]]) -> None:
        self._ask = ask
        self._running: asyncio.Task[Answer] | None = None
        self._next: asyncio.Task[Answer] | None = None

    async def answer(self) -> Answer:
        """An answer that was asked for after this call. Raises what asking raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _after(self, running: "asyncio.Task[Answer] | None") -> Answer:
        if running is not None and not running.done():
            await asyncio.wait({running})
        self._running, self._next = self._next, None
        return await self._ask()


def _heard(task: "asyncio.Task[Answer]") -> None:
    """Whoever asked may be gone; a failure nobody waits for is nobody's."""
    if not task.cancelled():
        task.exception()
