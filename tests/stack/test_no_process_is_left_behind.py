"""However the local stack ends, nothing it started goes on running."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline.local.processes import ServerFailed, Supervisor

SERVER = "import time\nwhile True: time.sleep(60)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('ready', flush=True)\nwhile True: time.sleep(60)"
)
SUPERVISOR = """
import signal, sys, time
from pathlib import Path

signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a script starts its background jobs
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as a terminal starts its commands

from trunkline.local.processes import Supervisor, stopped_by_signals

with stopped_by_signals(), Supervisor(Path(sys.argv[1])) as supervisor:
    for name in ("one", "two"):
        child = supervisor.start(name, [sys.executable, "-c", sys.argv[2]])
        print(child.pid, flush=True)
    while True:
        time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_children_end_with_their_supervisor(
    tmp_path: Path,
    number: signal.Signals,
    eventually: Callable[..., bool],
    is_running: Callable[[int], bool],
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path), SERVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        children = [int(supervisor.stdout.readline()) for _ in range(2)]
        assert all(is_running(pid) for pid in children)
        supervisor.send_signal(number)
        supervisor.wait(120)
    assert eventually(lambda: not any(is_running(pid) for pid in children))


def test_what_a_child_started_ends_with_it(
    tmp_path: Path, eventually: Callable[..., bool], is_running: Callable[[int], bool]
) -> None:
    starts_another = (
        "import subprocess, sys\n"
        f"inner = subprocess.Popen([sys.executable, '-c', {SERVER!r}])\n"
        "print(inner.pid, flush=True)\ninner.wait()"
    )
    with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("outer", [sys.executable, "-c", starts_another])
        child.wait_until(lambda: child.log.read_text().strip().isdigit(), timeout_s=60)
        grandchild = int(child.log.read_text())
    assert not is_running(child.pid)
    assert eventually(lambda: not is_running(grandchild))


def test_a_server_that_ignores_the_polite_request_is_killed(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("stubborn", [sys.executable, "-c", STUBBORN])
        child.wait_until(lambda: "ready" in child.log.read_text(), timeout_s=60)
        child.stop(timeout_s=0.2)
    assert child.exit_code == -signal.SIGKILL


def test_an_early_end_is_explained_by_the_last_lines_of_the_log(tmp_path: Path) -> None:
    complaint = "import sys; sys.stderr.write('the disk is full\\n'); sys.exit(3)"
    with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("database", [sys.executable, "-c", complaint])
        with pytest.raises(ServerFailed, match="database ended with exit code 3") as failure:
            child.wait_until(lambda: False, timeout_s=60)
    assert "the disk is full" in failure.value.message
    assert str(child.log) in failure.value.hint


def test_a_server_that_never_becomes_ready_is_given_up(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("slow", [sys.executable, "-c", SERVER])
        with pytest.raises(ServerFailed, match="slow is not ready after 0 s"):
            child.wait_until(lambda: False, timeout_s=0.1)


def test_a_supervisor_that_is_gone_before_its_child_starts_leaves_no_child() -> None:
    tether = Path(__file__).parents[2] / "trunkline" / "local" / "tether.py"
    nobody = 2**22 - 7
    done = subprocess.run(
        [sys.executable, "-I", str(tether), str(nobody), "15", "-", sys.executable, "-c", SERVER],
        timeout=120,
        check=False,
    )
    assert done.returncode == 70
