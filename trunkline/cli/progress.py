"""Progress on stderr for whatever takes longer than two seconds.

On a terminal a bar that leaves no trace; elsewhere (a pipeline's log) a line when something ended.
Quick commands show nothing.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self, TypeVar

Result = TypeVar("Result")

QUIET_S = 2.0
"""How long a command may be silent before people wonder."""
LINE_INTERVAL_S = 5.0
"""How often a log without a terminal gets a line at most."""
SHOW_INTERVAL_S = 0.2


class Progress:
    """Shows how far something is. Use it as a context manager and call ``show`` often."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started_s = time.monotonic()
        self._line_at_s = self._started_s + QUIET_S
        self._bar: _Bar | None = None
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int = 0, total: int = 0, note: str = "") -> None:
        """``done`` of ``total`` have ended; ``note`` is what goes on right now."""
        now_s = time.monotonic()
        if now_s - self._started_s < QUIET_S:
            return
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = _Bar(self._title)
            self._bar.update(done, total, note)
            return
        line = f"{self._title}: {done} of {total}" if total else self._title
        line = f"{line} {note}".rstrip()
        if line != self._last and now_s >= self._line_at_s:
            self._last = line
            self._line_at_s = now_s + LINE_INTERVAL_S
            sys.stderr.write(f"{line} ({now_s - self._started_s:.0f} s)\n")
            sys.stderr.flush()


def while_waiting(title: str, work: Callable[[], Result]) -> Result:
    """What ``work`` answers; shows that something goes on if it takes longer than people wait."""
    with ThreadPoolExecutor(max_workers=1) as pool, Progress(title) as progress:
        answering = pool.submit(work)
        while not wait((answering,), timeout=SHOW_INTERVAL_S).done:
            progress.show()
        return answering.result()


class _Bar:
    """A bar of rich on a terminal, imported only when one is shown."""

    def __init__(self, title: str) -> None:
        from rich.console import Console  # noqa: PLC0415 - a quick command never shows a bar
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        self._progress = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(title, total=None, note="")
        self._progress.start()

    def update(self, done: int, total: int, note: str) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total or None, note=note)

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()
