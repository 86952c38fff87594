"""On a terminal tests are lines that change, and nothing of them stays when they have ended."""

import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from trunkline.cli.testing.progress import TestProgress
from trunkline.model.testing.results import TestRunReport


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Stderr is a terminal meanwhile; what it was sent is in the list afterwards."""
    ours, theirs = pty.openpty()
    sent: list[bytes] = []

    def read() -> None:
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:
                return
            if not piece:
                return
            sent.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stream)
            patched.setenv("TERM", "xterm")
            patched.setenv("COLUMNS", "120")
            yield sent
    finally:
        reader.join(timeout=60)
        os.close(ours)


def test_each_test_is_a_line_until_all_have_ended(
    report: TestRunReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = [("front-desk/waits #1", "turn 2 of 5")]
    with terminal(monkeypatch) as sent, TestProgress("Testing") as progress:
        progress.show(report.tests[:3], expected=7, running=running)
        progress.show(report.tests, expected=7, ended=True)
    shown = b"".join(sent).decode()
    assert "Testing: 7 of 7" in shown
    assert "after-hours/answers-at-night" in shown
    assert "inconclusive" in shown
    assert "\x1b[2K" in shown, "what was drawn is taken away"
    assert "\x1b[31m ::error::no" not in shown, "what an agent says drives no terminal"


def test_a_log_gets_each_end_once(
    report: TestRunReport, capsys: pytest.CaptureFixture[str]
) -> None:
    with TestProgress("Testing") as progress:
        for count in (1, 2, 3, 3, 7):
            progress.show(report.tests[:count], expected=7)
        progress.show(report.tests, expected=7, ended=True)
    lines = capsys.readouterr().err.splitlines()
    ends = [line.split(" (")[0].split(": ", 2)[:2] for line in lines if ": run " not in line]
    assert len(ends) == len(report.tests)
    assert ["front-desk/books", "failed"] in ends
    runs = [line for line in lines if ": run " in line]
    assert len(runs) == sum(len(t.runs) for t in report.tests if t.runs_planned > 1)
