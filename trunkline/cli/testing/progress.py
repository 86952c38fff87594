"""How far conversation tests are: a line for each test on a terminal, a line for each end in a log.

It goes to stderr, so that a table or a document on stdout stays whole. A run that ended is news
everywhere; what goes on right now is shown on a terminal only.
"""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from trunkline.cli.drawing import Drawing
from trunkline.cli.harmless import one_line
from trunkline.model.testing.repeats import decided
from trunkline.model.testing.report_text import run_text, verdict_text
from trunkline.model.testing.results import TestResult

if TYPE_CHECKING:
    from rich.table import Table

ROWS_MAX = 30
"""Tests shown at once on a terminal; those that ended first make room."""


class TestProgress(Drawing):
    """Shows tests as they go. Use it as a context manager and call ``show`` often."""

    __test__ = False

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._told: set[tuple[str, str, int]] = set()

    def show(
        self,
        tests: Iterable[TestResult],
        *,
        expected: int = 0,
        ended: bool = False,
        running: Iterable[tuple[str, str]] = (),
    ) -> None:
        """``tests`` as they are by now; ``running`` are names and words of what goes on.

        ``ended``: nothing more will come.
        """
        known = list(tests)
        if sys.stderr.isatty():
            self.draw(self._table(known, expected, ended=ended, running=list(running)))
            return
        for test in known:
            self._tell(test, ended=ended)

    def _tell(self, test: TestResult, *, ended: bool) -> None:
        name = f"{test.agent}/{test.name}"
        for run in test.runs if test.runs_planned > 1 else ():
            if self._is_news(test, run.number):
                words = f"{name}: run {run.number} of {test.runs_planned} {run.outcome}"
                self._say(words, run_text(run))
        if _over(test, ended=ended) and self._is_news(test, 0):
            self._say(f"{name}: {test.outcome}", verdict_text(test))

    def _is_news(self, test: TestResult, number: int) -> bool:
        """True the first time a run is told; 0 is the verdict of the test."""
        key = (test.agent, test.name, number)
        is_news = key not in self._told
        self._told.add(key)
        return is_news

    def _say(self, words: str, why: str) -> None:
        line = one_line(f"{words}: {why}" if why else words)
        sys.stderr.write(f"{line} ({self.passed_s:.0f} s)\n")
        sys.stderr.flush()

    def _table(
        self,
        tests: list[TestResult],
        expected: int,
        *,
        ended: bool,
        running: list[tuple[str, str]],
    ) -> "Table":
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        done = sum(_over(test, ended=ended) for test in tests)
        of_all = f" of {expected}" if expected else ""
        title = f"{self._title}: {done}{of_all} ({self.passed_s:.0f} s)"
        table = Table(box=None, title=title, title_justify="left", expand=True, show_header=False)
        for ratio in (None, None, 1):
            table.add_column(ratio=ratio, overflow="ellipsis", no_wrap=True)
        words = dict(running)
        open_rows = [(name, "", now) for name, now in words.items()]
        closed_rows = []
        for test in tests:
            name = f"{test.agent}/{test.name}"
            runs = f"{len(test.runs)}/{test.runs_planned}"
            if _over(test, ended=ended):
                closed_rows.append((name, runs, f"{test.outcome} {verdict_text(test)}"))
            elif name not in words:
                open_rows.append((name, runs, "goes on"))
        room = max(ROWS_MAX - len(open_rows), 0)
        for row in (*(closed_rows[-room:] if room else ()), *open_rows[:ROWS_MAX]):
            table.add_row(*(Text(one_line(cell)) for cell in row))
        return table


def _over(test: TestResult, *, ended: bool) -> bool:
    """True if no run will change the verdict any more."""
    outcomes = [run.outcome for run in test.runs]
    return ended or decided(outcomes, test.runs_planned, test.runs_needed) is not None
