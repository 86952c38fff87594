"""How far a promotion is: a table that redraws on a terminal, a line for each news in a log.

It goes to stderr, so that what came of it stays whole on stdout. What a phase waits for ticks on a
terminal only: a log gets a line when a phase begins, when tests end, and when the share changes.
"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trunkline.cli.ages import human_duration, until
from trunkline.cli.drawing import Drawing
from trunkline.cli.harmless import one_line
from trunkline.cli.promoting.showing import MARKS, rollout_words, tests_words
from trunkline.cli.server import objects, text
from trunkline.model.base import JsonObject

if TYPE_CHECKING:
    from rich.table import Table


class PromotionProgress(Drawing):
    """Shows a promotion as it goes. Use it as a context manager and call ``show`` often."""

    def __init__(self) -> None:
        super().__init__()
        self._told = ""

    def show(self, found: JsonObject) -> None:
        """The promotion as it is now."""
        if sys.stderr.isatty():
            self.draw(progress_table(found, self.passed_s))
            return
        news = log_line(found)
        if news == self._told:
            return
        self._told = news
        sys.stderr.write(f"{one_line(news)} ({self.passed_s:.0f} s)\n")
        sys.stderr.flush()


def log_line(found: JsonObject) -> str:
    """What is news in a log: the phase, and what is counted in it."""
    label = f"{text(found, 'agent')} to {text(found, 'environment')}"
    if text(found, "state") != "Open":
        return text(found, "headline")
    parts = [text(found, "phase"), *_counted(found), text(found, "message")]
    return f"{label}: {': '.join(part for part in parts if part)}"


def progress_table(found: JsonObject, passed_s: float) -> "Table":
    """The phases with their times, and what goes on in the one that is on."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    label = f"{text(found, 'agent')} to {text(found, 'environment')}"
    title = f"{label}: {text(found, 'standing')} ({passed_s:.0f} s)"
    table = Table(
        box=None,
        title=Text(one_line(title)),
        title_justify="left",
        expand=True,
        show_header=False,
    )
    for ratio in (None, None, None, 1):
        table.add_column(ratio=ratio, overflow="ellipsis", no_wrap=True)
    for row in phase_cells(found):
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return table


def phase_cells(found: JsonObject) -> Iterator[tuple[str, str, str, str]]:
    """A row for each phase: name, mark, time, and for the one that is on what it counts."""
    for row in objects(found.get("phases")):
        took = row.get("tookS")
        shown = human_duration(took) if isinstance(took, int | float) else ""
        state = text(row, "state")
        words = [text(row, "message")]
        if state == "now":
            words = [*_counted(found), *_left(found), *words]
        said = ", ".join(word for word in words if word)
        yield (text(row, "phase"), MARKS.get(state, state), shown, said)


def _counted(found: JsonObject) -> Iterator[str]:
    """What the phase counts."""
    phase = text(found, "phase")
    if phase in {"Gate", "Verifying"}:
        yield tests_words(found)
    elif phase == "Approval":
        yield text(found, "standing").removeprefix("Approval ").replace("/", " of ")
    elif phase == "Rollout":
        yield rollout_words(found)


def _left(found: JsonObject) -> Iterator[str]:
    if moment := text(found, "waitsUntil"):
        yield f"{until(moment)} left"
