"""What is drawn on a terminal while something goes on, and gone when it is over.

Knows nothing of what is drawn: promotions and tests say that. It goes to stderr, so that stdout
stays whole.
"""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

REFRESHES_PER_SECOND = 4


class Drawing:
    """A table that redraws itself. Use it as a context manager."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def passed_s(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._started_s

    def draw(self, table: "Table") -> None:
        """This table in place of the one before."""
        if self._live is None:
            from rich.console import Console  # noqa: PLC0415 - a log needs no drawing
            from rich.live import Live  # noqa: PLC0415

            self._live = Live(
                console=Console(stderr=True),
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
            )
            self._live.start()
        self._live.update(table)
