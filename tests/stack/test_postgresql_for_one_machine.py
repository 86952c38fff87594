"""The local PostgreSQL: prepared once, reached by a private socket, whole after a kill."""

import shutil
import signal
import stat
import threading
from pathlib import Path

import psutil  # it comes without annotations
import psycopg
import pytest

from trunkline.local import postgres
from trunkline.local.processes import Supervisor

pytestmark = pytest.mark.stack


def test_what_was_written_is_there_after_a_kill_of_the_server(home: Path) -> None:
    with Supervisor(home / "logs") as supervisor:
        child, url = postgres.start_server(supervisor, postgres.prepare(home / "postgres"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            connection.execute("CHECKPOINT")
        child.kill()
        assert child.exit_code == -signal.SIGKILL
    with Supervisor(home / "logs") as supervisor:
        _, url = postgres.start_server(supervisor, postgres.prepare(home / "postgres"))
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_whoever_outlives_a_killed_server_for_a_moment_is_waited_for(home: Path) -> None:
    with Supervisor(home / "logs") as supervisor:
        child, _ = postgres.start_server(supervisor, postgres.prepare(home / "postgres"))
        started = psutil.Process(child.pid).children(recursive=True)
        (late,) = (each for each in started if "checkpointer" in each.cmdline()[0])
        late.suspend()
        child.kill()
    noticing = threading.Timer(2, late.resume)
    noticing.start()
    with Supervisor(home / "logs") as supervisor:
        _, url = postgres.start_server(supervisor, postgres.prepare(home / "postgres"))
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    noticing.join()


def test_only_its_own_account_may_reach_the_socket(home: Path) -> None:
    with Supervisor(home / "logs") as supervisor:
        _, url = postgres.start_server(supervisor, postgres.prepare(home / "postgres"))
        folder = Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"]))
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_long_path_gets_a_short_socket(home: Path) -> None:
    deep = home / ("d" * 50) / ("e" * 50)
    deep.mkdir(parents=True)
    with Supervisor(home / "logs") as supervisor:
        _, url = postgres.start_server(supervisor, postgres.prepare(deep / "postgres"))
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        folder = Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"]))
    assert len(str(folder)) < 60
    shutil.rmtree(folder, ignore_errors=True)
