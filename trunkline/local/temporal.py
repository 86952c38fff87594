"""A Temporal server for one machine: found, or fetched once, or built once, then started.

Temporal's command line tool is a single program with a development server inside. It is looked for
where people have it before anything is downloaded; building it takes minutes, so progress is shown,
an interrupted build leaves nothing behind, and two builds at the same time become one. The server
runs with a single task-queue partition: rate caps then hold at small numbers and no poll waits on
an empty partition. ``python -m trunkline.local.temporal`` only makes sure the program is there.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import httpx

from trunkline.listening import LOOPBACK
from trunkline.local.locks import exclusive
from trunkline.local.places import cache_folder
from trunkline.local.processes import Child, Supervisor, stopped_by_signals, tethered
from trunkline.model.errors import TrunklineError

VERSION = "1.5.1"
MODULE = f"github.com/temporalio/cli/cmd/temporal@v{VERSION}"
DOWNLOAD_TIMEOUT_S = 90.0
"""The SDK's download has no bound of its own; a network that drops packets must not hold us."""
BUILD_TIMEOUT_S = 1_800.0
START_TIMEOUT_S = 30.0
_PROGRESS_INTERVAL_S = 5.0
_STAGING_PREFIX = ".incomplete-"
_OLDEST_GO = (1, 25)
"""What the module of that version asks for."""
_SINGLE_PARTITION = (
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
)

WRITE_AHEAD = ("journal_mode=wal", "synchronous=normal", "wal_autocheckpoint=10000")
"""SQLite's write-ahead log: a process that dies loses nothing, a machine that loses power at most
its last moments, which Git and the ledger bring back. Twice as fast as the journal it replaces."""

Say = Callable[[str], None]
"""Takes one line of progress."""


class TemporalMissing(TrunklineError):
    """No Temporal server program here, and none could be had."""

    reason = "TemporalMissing"


def cached_program() -> Path:
    """Where the fetched or built program is kept; it may not be there."""
    return cache_folder() / "temporal" / VERSION / "temporal"


def find_program() -> Path | None:
    """The program on PATH, else in the cache, else None. Contacts nobody."""
    on_path = shutil.which("temporal")
    if on_path:
        return Path(on_path)
    cached = cached_program()
    return cached if os.access(cached, os.X_OK) else None


def obtain_program(say: Say) -> Path:
    """Find the program or get it: the SDK's download, then a build with Go.

    Raises TemporalMissing with every way out. Waits for another process that is at it.
    """
    found = find_program()
    if found is not None:
        return found
    target = cached_program()
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(target.parent / ".lock", say, "another process is fetching Temporal; waiting"):
        if os.access(target, os.X_OK):
            return target
        for left_over in target.parent.glob(f"{_STAGING_PREFIX}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        reasons: list[str] = []
        with tempfile.TemporaryDirectory(prefix=_STAGING_PREFIX, dir=target.parent) as staging:
            for attempt in (_download, _build):
                program = attempt(Path(staging), say, reasons)
                if program is not None:
                    program.replace(target)
                    say(f"Temporal {VERSION} is in {target}")
                    return target
    raise TemporalMissing(
        "no Temporal server: " + "; ".join(reasons),
        hint=(
            "install Temporal's CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH, "
            "install Go 1.25 or newer, or point TEMPORAL_ADDRESS at a server"
        ),
    )


def _download(staging: Path, say: Say, reasons: list[str]) -> Path | None:
    say(f"fetching Temporal {VERSION} (once)")
    script = (
        "import asyncio, sys\n"
        "from temporalio.testing import WorkflowEnvironment as W\n"
        "async def fetch():\n"
        "    server = await W.start_local(download_dest_dir=sys.argv[1],\n"
        "                                 dev_server_download_version=sys.argv[2])\n"
        "    await server.shutdown()\n"
        "asyncio.run(fetch())\n"
    )
    command = [sys.executable, "-c", script, str(staging), f"v{VERSION}"]
    failed, lines = _run_with_progress(command, {}, DOWNLOAD_TIMEOUT_S, say)
    programs = [path for path in staging.iterdir() if path.is_file() and os.access(path, os.X_OK)]
    if not failed and programs:
        return programs[0]
    for path in staging.iterdir():
        path.unlink()
    reasons.append(f"the download failed ({failed or _last(lines)})")
    return None


def _build(staging: Path, say: Say, reasons: list[str]) -> Path | None:
    go = shutil.which("go")
    version = _go_version(go)
    if go is None or version < _OLDEST_GO:
        reasons.append("Go is not installed" if go is None else f"Go {version} is too old")
        return None
    say(f"building Temporal {VERSION} with Go (once; about 4 minutes on 2 cores)")
    command = [go, "install", "-v", "-ldflags=-s -w", MODULE]
    failed, lines = _run_with_progress(command, {"GOBIN": str(staging)}, BUILD_TIMEOUT_S, say)
    program = staging / "temporal"
    if not failed and program.exists():
        return program
    reasons.append(f"the build failed ({failed or _last(lines)})")
    return None


def _go_version(go: str | None) -> tuple[int, int]:
    if go is None:
        return (0, 0)
    answer = subprocess.run(  # noqa: S603 - the go found on PATH
        [go, "version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _last(lines: list[str]) -> str:
    return lines[-1] if lines else "it printed nothing"


def _run_with_progress(
    command: list[str], environment: dict[str, str], timeout_s: float, say: Say
) -> tuple[str, list[str]]:
    """Run a long command, one line of progress every few seconds.

    Answers what went wrong ("" if nothing) and what it printed. An interrupt ends it and what it
    started, then goes on to the caller.
    """
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own command line, no shell
        tethered(command),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        reader = threading.Thread(target=_collect, args=(process.stdout or (), lines), daemon=True)
        reader.start()
        started = time.monotonic()
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(_PROGRESS_INTERVAL_S)
                    break
                elapsed_s = time.monotonic() - started
                if elapsed_s > timeout_s:
                    return f"no end after {timeout_s:.0f} s", lines
                say(f"  {elapsed_s:4.0f} s  {len(lines)} steps  {lines[-1] if lines else ''}")
            reader.join()
            return (f"exit code {code}: {_last(lines)}" if code else ""), lines
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


def _collect(stream: Iterable[str], lines: list[str]) -> None:
    lines.extend(line.strip() for line in stream if line.strip())


def start_server(
    supervisor: Supervisor,
    program: Path,
    *,
    database: Path,
    port: int,
    http_port: int,
    ui_port: int | None,
    search_attributes: Iterable[str] = (),
) -> Child:
    """Start the development server with its state in a file; ``ui_port`` None leaves the UI out."""
    interface = ["--headless"] if ui_port is None else ["--ui-port", str(ui_port)]
    partitions = [f"--dynamic-config-value={setting}" for setting in _SINGLE_PARTITION]
    attributes = [f"--search-attribute={name}=Keyword" for name in search_attributes]
    command = [str(program), "server", "start-dev", "--ip", LOOPBACK, "--port", str(port)]
    command += ["--db-filename", str(database), "--log-level", "warn"]
    command += ["--http-port", str(http_port)]
    command += [f"--sqlite-pragma={pragma}" for pragma in WRITE_AHEAD]
    return supervisor.start("temporal", [*command, *interface, *partitions, *attributes])


def is_healthy(http_port: int) -> bool:
    """True if the server started here answers and has its namespace.

    Asked over its HTTP side: a Temporal client in a process that soon ends may crash it at exit.
    """
    try:
        answer = httpx.get(f"http://{LOOPBACK}:{http_port}/api/v1/namespaces/default", timeout=1.0)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK


def main() -> None:
    """Make sure the program is there; say where."""
    if os.environ.get("TEMPORAL_ADDRESS"):
        return
    try:
        with stopped_by_signals():
            obtain_program(_say_on_stderr)
    except TemporalMissing as error:
        sys.exit(f"{error.message}\n{error.hint}")
    except KeyboardInterrupt:
        sys.exit(130)


def _say_on_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
