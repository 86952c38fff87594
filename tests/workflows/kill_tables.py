"""The page that lists every write of a promotion with how it ends when the worker is killed there.

The page is made by a recording and read by the tests, so what it says is what they did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.workflows.external_writes import WHENS, When, Write

PAGE: Final = Path(__file__).parents[2] / "docs" / "promotion-kills.md"
TITLES: Final = {
    "forward": "## A second release, by shares of 10 and 50 percent, verified",
    "back": "## A second release whose first share is found bad, and rolled back",
}
ENDS: Final = {"forward": "Done", "back": "RolledBack"}
ROW: Final = re.compile(
    r"^\| \d+ \| (?P<phase>\w+) \| (?P<place>\w+) \| `(?P<what>[^`]+)` \| (?P<nth>\d+) \|"
    r" (?P<ends>\w+ \| \w+ \| \w+) \|$"
)
HEAD: Final = """\
# A promotion whose worker is killed

A recording of whole promotions on the real stack: every write to something outside, in order, read
from the log of the vendors' look-alikes and from the hooks of the repository. The tests in
`tests/workflows/test_promotion_kill_matrix.py` record them again, compare, and kill the worker
(`SIGKILL`) at the writes of these tables, in three ways:

- **before**: when the request has arrived and before it has any effect;
- **after-lost**: the effect is there, the answer never arrives;
- **after-recorded**: the answer arrived, and the activity that asked has been written down.

Another worker then takes over. At the end there is one release commit and one tag for each version,
versions without a gap, and one row of the promotion; all calls are on Main, no branch and no tool
of a test is left, and there is one of each object. The tables say how the promotion ended.
`make test` takes some of the cells, `make test-full` all of them.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What the page says of a write: the phase it was recorded in, and how killings there end."""

    phase: str
    ends: Mapping[When, str]


def page(recorded: Mapping[str, Mapping[Write, str]]) -> str:
    """The page of what was recorded, by scenario: writes in order, with their phases."""
    lines = [HEAD]
    for scenario, writes in recorded.items():
        lines += [
            TITLES[scenario],
            "",
            f"| | phase | where | write | nth | {' | '.join(WHENS)} |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        ends = " | ".join([ENDS[scenario]] * len(WHENS))
        lines += [
            f"| {number} | {phase} | {write.place} | `{write.what}` | {write.nth} | {ends} |"
            for number, (write, phase) in enumerate(writes.items(), start=1)
        ]
        lines.append("")
    return "\n".join(lines)


def listed(scenario: str) -> dict[Write, Row]:
    """The writes the page lists, in order, and what it says of each."""
    _, _, rest = PAGE.read_text("utf-8").partition(TITLES[scenario])
    found: dict[Write, Row] = {}
    for line in rest.partition("\n## ")[0].splitlines():
        row = ROW.match(line)
        if row is not None:
            write = Write(row["place"], row["what"], int(row["nth"]))
            ends = dict(zip(WHENS, row["ends"].split(" | "), strict=True))
            found[write] = Row(row["phase"], ends)
    return found
