"""PATH first, then our cache, then getting it: bounded, alone, and never half."""

import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline.local import temporal
from trunkline.local.locks import exclusive
from trunkline.local.ports import free_port
from trunkline.local.processes import Supervisor

GO_THAT_BUILDS = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.1 linux/amd64"; exit 0; fi
echo "$*" >> "$BUILD_LOG"
echo "go.temporal.io/server" >&2
printf '#!/bin/sh\\n' > "$GOBIN/temporal"
chmod +x "$GOBIN/temporal"
"""
GO_THAT_FAILS = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.1 linux/amd64"; exit 0; fi
printf 'half' > "$GOBIN/temporal"
echo "no space left on device" >&2
exit 1
"""
GO_THAT_TAKES_LONG = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.1 linux/amd64"; exit 0; fi
printf 'half' > "$GOBIN/temporal"
echo $$ > "$BUILD_LOG"
exec sleep 600
"""
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(600)
NO_DOWNLOADS = "http://127.0.0.1:9"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH and an empty cache; no download gets anywhere."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("BUILD_LOG", str(tmp_path / "builds"))
    monkeypatch.setenv("HTTPS_PROXY", NO_DOWNLOADS)
    monkeypatch.setenv("https_proxy", NO_DOWNLOADS)
    return folder


def silently(line: str) -> None:
    del line


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_program_on_path_wins_over_the_cache(tools: Path) -> None:
    cached = program(temporal.cached_program())
    assert temporal.find_program() == cached
    on_path = program(tools / "temporal")
    assert temporal.find_program() == on_path


@pytest.mark.usefixtures("tools")
def test_nothing_is_found_where_nothing_is() -> None:
    assert temporal.find_program() is None


@pytest.mark.usefixtures("tools")
def test_a_cached_file_that_cannot_be_executed_does_not_count() -> None:
    cached = program(temporal.cached_program())
    cached.chmod(0o644)
    assert temporal.find_program() is None


def test_it_is_built_with_go_where_nothing_can_be_downloaded(tools: Path, tmp_path: Path) -> None:
    program(tools / "go", GO_THAT_BUILDS)
    said: list[str] = []
    built = temporal.obtain_program(said.append)
    assert built == temporal.cached_program()
    assert temporal.find_program() == built
    assert temporal.MODULE in (tmp_path / "builds").read_text()
    assert any("building Temporal" in line for line in said)


def test_a_failed_build_leaves_nothing_and_names_every_way_out(tools: Path) -> None:
    program(tools / "go", GO_THAT_FAILS)
    with pytest.raises(temporal.TemporalMissing, match="no space left on device") as failure:
        temporal.obtain_program(silently)
    assert "TEMPORAL_ADDRESS" in failure.value.hint
    left = [path.name for path in temporal.cached_program().parent.iterdir()]
    assert left == [".lock"]


@pytest.mark.usefixtures("tools")
def test_without_go_the_error_says_so() -> None:
    with pytest.raises(temporal.TemporalMissing, match="Go is not installed"):
        temporal.obtain_program(silently)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_half_program(
    tools: Path,
    tmp_path: Path,
    number: signal.Signals,
    eventually: Callable[..., bool],
    is_running: Callable[[int], bool],
) -> None:
    program(tools / "go", GO_THAT_TAKES_LONG)
    builder = subprocess.Popen([sys.executable, "-m", "trunkline.local.temporal"], cwd=ROOT)
    log = tmp_path / "builds"
    assert eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    builder.send_signal(number)
    assert builder.wait(120) != 0
    assert eventually(lambda: not is_running(int(log.read_text())))
    assert temporal.find_program() is None
    program(tools / "go", GO_THAT_BUILDS)
    temporal.obtain_program(silently)
    left = sorted(path.name for path in temporal.cached_program().parent.iterdir())
    assert left == [".lock", "temporal"]


def test_two_processes_build_it_once(tools: Path, tmp_path: Path) -> None:
    program(tools / "go", GO_THAT_BUILDS)
    builders = [
        subprocess.Popen([sys.executable, "-m", "trunkline.local.temporal"], cwd=ROOT)
        for _ in range(2)
    ]
    assert [builder.wait(240) for builder in builders] == [0, 0]
    assert len((tmp_path / "builds").read_text().splitlines()) == 1


def test_whoever_waits_for_another_process_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with exclusive(tmp_path / "lock", say, "somebody is at it"):
            said.append("mine")

    with exclusive(tmp_path / "lock", say, "never said"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(120)
        assert said == ["somebody is at it"]
    thread.join(120)
    assert said == ["somebody is at it", "mine"]


@pytest.mark.stack
def test_the_server_answers_and_keeps_its_state_in_a_file(tmp_path: Path) -> None:
    found = temporal.find_program()
    assert found is not None, "run `make temporal` first"
    http_port = free_port()
    with Supervisor(tmp_path / "logs") as supervisor:
        server = temporal.start_server(
            supervisor,
            found,
            database=tmp_path / "temporal.db",
            port=free_port(),
            http_port=http_port,
            ui_port=None,
            search_attributes=("TrunklineProject",),
        )
        server.wait_until(lambda: temporal.is_healthy(http_port), timeout_s=120)
        assert (tmp_path / "temporal.db").stat().st_size > 0
    assert not temporal.is_healthy(http_port)
