"""SIGTERM ends a worker in good time, even while it still waits for Temporal."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)
WORKER = [sys.executable, "-c", "from trunkline.cli.main import main; main()", "worker"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_it_waits_for_temporal(
    tmp_path: Path, number: signal.Signals, eventually: Callable[..., bool], postgres_url: str
) -> None:
    log = tmp_path / "worker.log"
    with log.open("w") as output:
        worker = subprocess.Popen(
            WORKER,
            env={
                **os.environ,
                "DATABASE_URL": postgres_url,
                "TEMPORAL_ADDRESS": "127.0.0.1:1",
            },
            stdout=output,
            stderr=output,
        )
    try:
        assert eventually(lambda: "waiting for Temporal" in log.read_text())
        worker.send_signal(number)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        worker.wait()
    assert "cut short" not in log.read_text()
