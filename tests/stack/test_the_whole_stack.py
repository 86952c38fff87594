"""``trunkline dev`` and the demo, as a person starts them: whole, restartable, gone afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil  # it comes without annotations
import pytest

from tests.stack.conftest import Eventually
from trunkline.local.places import default_home

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
STOPPED_BY = (signal.SIGINT, signal.SIGTERM) if SHARE >= 1 else (signal.SIGINT,)
"""Each is a start of the whole; that both are the same to it is shown of its servers alone."""
TRUNKLINE = [sys.executable, "-c", "from trunkline.cli.main import main; main()"]


class Stack:
    """A running ``trunkline dev``."""

    def __init__(self, process: "subprocess.Popen[str]", home: Path, printed: str) -> None:
        self.process = process
        self.home = home
        self.printed = printed
        self.environment = dict(re.findall(r"export (TRUNKLINE_\w+)=(\S+)", printed))
        self.servers = psutil.Process(process.pid).children(recursive=True)

    def agents(self) -> list[dict[str, Any]]:
        """Every agent of the environment that follows the branch."""
        answer = httpx.get(
            f"{self.environment['TRUNKLINE_URL']}/v1/projects/brindle/agents",
            params={"environment": "testing"},
            headers={"authorization": f"Bearer {self.environment['TRUNKLINE_TOKEN']}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def end(self, number: signal.Signals, eventually: Eventually) -> int:
        """Send it the signal and wait until nothing it started runs; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(120)
        assert eventually(lambda: not any(map(runs, self.servers)))
        return code


def runs(server: psutil.Process) -> bool:
    try:
        return bool(server.is_running() and server.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def started(home: Path) -> Iterator[Stack]:
    log = home / "dev.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*TRUNKLINE, "dev", "--port", "0", "--home", str(home)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        assert "Ctrl-C" in printed, log.read_text()
        yield Stack(process, home, printed)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def all_synced(stack: Stack) -> bool:
    agents = stack.agents()
    return len(agents) >= 5 and all(agent["sync"] == "Synced" for agent in agents)


def identities(stack: Stack) -> dict[str, str]:
    return {agent["name"]: agent["externalId"] for agent in stack.agents()}


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """One that several tests look at, the last of which kills it."""
    default_home().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=default_home()))
    try:
        with started(folder) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_what_the_stack_signs_counts_at_once(running: Stack, eventually: Eventually) -> None:
    key = running.home / "signing-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    doctor = f"{running.environment['TRUNKLINE_URL']}/v1/doctor"
    headers = {"authorization": f"Bearer {running.environment['TRUNKLINE_TOKEN']}"}

    def is_listed() -> bool:
        answer = httpx.get(doctor, headers=headers, timeout=60).json()
        states = {each["name"]: each["state"] for each in answer["findings"]}
        return states.get("signing.brindle") == "ok"

    assert eventually(is_listed)
    secret = [line for line in key.read_text().splitlines() if not line.startswith("-")]
    for log in (running.home / "logs").iterdir():
        assert not any(line in log.read_text("utf-8", "replace") for line in secret)


def test_tokens_are_kept_where_only_their_owner_reads(running: Stack) -> None:
    path = running.home / "tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    tokens = json.loads(path.read_text())
    assert tokens["admin"] == running.environment["TRUNKLINE_TOKEN"]
    sync = f"{running.environment['TRUNKLINE_URL']}/v1/projects/brindle/sync"
    for person, code in (("viewer", 403), ("admin", 202)):
        headers = {"authorization": f"Bearer {tokens[person]}"}
        assert httpx.post(sync, json={}, headers=headers, timeout=60).status_code == code
    for log in (running.home / "logs").iterdir():
        text = log.read_text("utf-8", "replace")
        assert not any(token in text for token in tokens.values())


def test_a_second_stack_beside_a_running_one_is_refused(running: Stack) -> None:
    second = subprocess.run(
        [*TRUNKLINE, "dev", "--port", "0", "--home", str(running.home)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert "another local stack runs in" in second.stderr


def test_a_killed_stack_leaves_nothing_running_and_goes_on_where_it_was(
    running: Stack, eventually: Eventually
) -> None:
    assert eventually(lambda: all_synced(running), within_s=240)
    before = identities(running)
    assert all(before.values())
    assert len(running.servers) >= 5
    assert running.end(signal.SIGKILL, eventually) == -signal.SIGKILL
    for number in STOPPED_BY:
        with started(running.home) as stack:
            assert identities(stack) == before
            api = stack.environment["TRUNKLINE_URL"]
            assert stack.end(number, eventually) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{api}/healthz")


def test_live_accounts_are_refused_before_anything_starts(home: Path) -> None:
    refused = subprocess.run(
        [*TRUNKLINE, "dev", "--port", "0", "--home", str(home / "never")],
        env={**os.environ, "TRUNKLINE_PROVIDERS": "live"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 4
    assert "the local stack works on the simulators it brings" in refused.stderr
    assert not (home / "never").exists()


def test_the_demo_tells_its_whole_story_and_cleans_up(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline.local.demo"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TRUNKLINE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout + done.stderr
    position = 0
    for words in (
        "Plan: ",
        "No changes.",
        "first message is again",
        "Robin <robin@example.com> changed conversation_config.agent.first_message",
        "after the push",
        "after-hours is not in production yet, and +15005550013 reaches nobody",
        "19 passed, 0 failed",
        "there is nothing in production yet",
        "author is an author of what is promoted",
        "Git has no release yet",
        "approver$ trunkline approve after-hours",
        "after-hours v1 is released to production",
        "Trunkline-Promotion: brindle/production.after-hours.1",
        "the tag is on",
        "with the prompt that was tested",
        "+15005550013 leads to it, and all calls are on Main",
        "GateFailed",
        'found "That sounds like an infection."',
        "production is as before, and Git has no release but v1",
        "ElevenLabs gives the new version 10 % of calls",
        "after-hours v2 was rolled back to v1",
        "Git has v2, and v3 that restores v1 and holds it",
        "production is as before, to the last field",
        "== The changelog",
        "3 releases, all of them valid",
        "approved until it is taken back by itself",
        "all of it",
    ):
        assert words in told[position:], f"{words!r} is not told where it belongs:\n{told}"
        position = told.index(words, position)
    assert list(home.iterdir()) == []
