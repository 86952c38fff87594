"""A promotion as it goes: a line for each news in a log, phases with timers on a terminal."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from trunkline.cli.promoting.progress import (
    PromotionProgress,
    log_line,
    phase_cells,
    progress_table,
)


def promotion(phase: str, **values: Any) -> dict[str, Any]:
    said = {
        "id": "production.front-desk.3",
        "agent": "front-desk",
        "environment": "production",
        "state": "Open",
        "phase": phase,
        "standing": phase,
        "message": "",
        "phases": [
            {"phase": "Starting", "state": "done", "tookS": 2.0, "message": ""},
            {"phase": phase, "state": "now", "tookS": 61.0, "message": values.get("message", "")},
            {"phase": "Settling", "state": "next", "tookS": None, "message": ""},
        ],
    }
    return {**said, **values}


TESTING = promotion("Gate", tests={"done": 3, "expected": 8, "failed": 1})
WAITING = promotion("Approval", standing="Approval 0/1", message="trunkline approve front-desk")
ROLLING = promotion("Rollout", rollout={"percent": 10.0, "phase": "Shifting"})


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (TESTING, "front-desk to production: Gate: 3 of 8 done, 1 failed"),
        (
            WAITING,
            "front-desk to production: Approval: 0 of 1: trunkline approve front-desk",
        ),
        (ROLLING, "front-desk to production: Rollout: 10 % of the calls (Shifting)"),
        (promotion("Soak"), "front-desk to production: Soak"),
        (promotion("Ended", state="Done", headline="v3 is released"), "v3 is released"),
    ],
)
def test_a_log_gets_what_is_counted(found: dict[str, Any], line: str) -> None:
    assert log_line(found) == line


def test_a_log_gets_each_news_once(capsys: pytest.CaptureFixture[str]) -> None:
    with PromotionProgress() as progress:
        for found in (promotion("Soak"), promotion("Soak"), WAITING, WAITING):
            progress.show(found)
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(" (")[0] for line in lines] == [
        "front-desk to production: Soak",
        log_line(WAITING),
    ]
    assert all(re.search(r" \(\d+ s\)$", line) for line in lines)


def test_the_phase_that_is_on_counts_and_ticks() -> None:
    until = (datetime.now(UTC) + timedelta(hours=2.9)).isoformat()
    cells = list(phase_cells(promotion("Soak", waitsUntil=until, message="healthy so far")))
    assert cells[0] == ("Starting", "ok", "2s", "")
    assert cells[1][:3] == ("Soak", "now", "61s")
    assert re.fullmatch(r"1[67]\dm left, healthy so far", cells[1][3])
    assert cells[2] == ("Settling", "-", "", "")


def test_a_terminal_shows_all_of_it_and_nothing_that_drives_it() -> None:
    drawn = StringIO()
    console = Console(file=drawn, width=80, force_terminal=False)
    bad = promotion("Gate", tests={"done": 3, "expected": 8}, message="\x1b[2Jgone [red]\x07")
    console.print(progress_table(bad, 12.0))
    shown = drawn.getvalue()
    assert "front-desk to production: Gate (12 s)" in shown
    assert "3 of 8 done" in shown
    assert "gone [red]" in shown
    assert "\x1b" not in shown
