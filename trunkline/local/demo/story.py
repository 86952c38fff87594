"""What is told on stdout, in order, with the times at the end.

Knows nothing of what it tells. Commands write to the same terminal in between, so every line goes
out at once.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from trunkline.model.errors import TrunklineError

LINE_MAX_CHARACTERS = 170


class DemoFailed(TrunklineError):
    """The demo could not show what it claims."""

    reason = "DemoFailed"


@dataclass(slots=True)
class Story:
    """What is told, and how long each chapter took."""

    figures: list[tuple[str, float]] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """Begin the next part."""
        self.tell(f"\n== {title}")

    def tell(self, line: str) -> None:
        """One line, at once."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def tell_some(self, lines: Iterable[str], *, first: int, last: int = 0) -> None:
        """The first and last lines, each shortened; what is left out is counted."""
        told = [shortened(line) for line in lines]
        hidden = len(told) - first - last
        if hidden > 1:
            told[first : len(told) - last] = [f"  … {hidden} more lines …"]
        for line in told:
            self.tell(line)

    def claim(self, what: str, *, holds: bool, otherwise: str) -> None:
        """Tell what was found to be so. Raises DemoFailed, with ``otherwise``, if it is not."""
        if not holds:
            raise DemoFailed(otherwise)
        self.tell(f"  {what}")

    def figure(self, what: str, duration_s: float) -> None:
        """Keep a time for the end."""
        self.figures.append((what, duration_s))

    def conclude(self) -> None:
        """Print the times."""
        self.chapter("Times")
        width = max(len(what) for what, _ in self.figures)
        for what, duration_s in self.figures:
            self.tell(f"  {what:<{width}}  {duration_s:6.2f} s")


def shortened(line: str) -> str:
    """The line, cut where a terminal would break it a second time."""
    if len(line) <= LINE_MAX_CHARACTERS:
        return line
    return f"{line[: LINE_MAX_CHARACTERS - 2].rstrip()} …"
