"""``plan --local`` compares a folder with the platforms; ``simulate`` serves platforms to try."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from trunkline.cli.main import run


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, str]]:
    """``trunkline simulate`` as a person would run it; answers what it prints."""
    command = [sys.executable, "-m", "trunkline.cli.main", "simulate"]
    with subprocess.Popen(
        [*command, "--elevenlabs-port", "0", "--twilio-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(5)]
        yield dict(line.split("=", 1) for line in lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@pytest.fixture
def repository(
    tmp_path: Path,
    simulators: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """A new repository and the environment that points at the simulators."""
    for name, value in simulators.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TRUNKLINE_PROVIDERS", raising=False)
    path = tmp_path / "acme"
    assert run(["init", str(path)]) == 0
    capsys.readouterr()
    return path


def plan(repository: Path, *options: str) -> int:
    return run(["plan", "--local", str(repository), "-e", "testing", *options])


def test_the_first_plan_adds_everything(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(repository, "--exit-code") == 2
    text = capsys.readouterr().out
    assert "# agent front-desk will be created" in text
    assert re.search(r"Plan: \d+ to add, 0 to change", text)
    assert plan(repository, "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["environment"] == "testing"
    assert document["summary"]["add"] == len(document["steps"])


def test_a_plan_for_a_comment_on_a_change(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(repository, "-o", "markdown") == 0
    text = capsys.readouterr().out
    assert re.match(r"\*\*Plan: \d+ to add, 0 to change", text)
    assert "<details><summary>Plan</summary>" in text
    assert re.search(r"\d+ provider calls, about [\d.]+ s one after another", text)
    assert "\x1b" not in text


def test_what_carries_our_mark_is_found_again_without_a_ledger(
    repository: Path, simulators: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = repository.parent / "beta"
    assert run(["init", str(other)]) == 0
    capsys.readouterr()
    created = httpx.post(
        f"{simulators['ELEVENLABS_BASE_URL']}/v1/convai/agents/create",
        headers={"xi-api-key": simulators["ELEVENLABS_API_KEY"]},
        json={
            "name": "Front desk",
            "tags": ["trunkline:beta/testing/front-desk", "trunkline-nonce:0123456789abcdef"],
            "conversation_config": {},
        },
        timeout=60,
    )
    assert created.status_code == 200, created.text
    assert plan(other, "-o", "json") == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    [agent] = [step for step in steps if step["subject"] == "agent"]
    assert agent["action"] == "update"
    assert agent["externalId"] == created.json()["agent_id"]


def test_a_real_account_is_planned_and_one_without_its_key_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_PROVIDERS", "live")
    assert plan(repository) == 0
    monkeypatch.delenv("TWILIO_AUTH_TOKEN")
    assert plan(repository) == 4
    assert "not set: TWILIO_AUTH_TOKEN" in capsys.readouterr().err


def test_a_platform_that_does_not_answer_is_could_not_find_out(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELEVENLABS_BASE_URL", "http://127.0.0.1:9")
    assert plan(repository) == 3
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_a_key_that_is_refused_is_a_definite_failure(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "wrong")
    assert plan(repository) == 1
    assert "401" in capsys.readouterr().err


def test_names_and_environments_that_are_not_there(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(repository, "nobody") == 1
    assert "nobody" in capsys.readouterr().err
    assert run(["plan", "--local", str(repository), "-e", "staging"]) == 1
    assert "production and testing" in capsys.readouterr().err


def test_a_port_in_use_is_one_sentence(simulators: dict[str, str]) -> None:
    port = simulators["ELEVENLABS_BASE_URL"].rpartition(":")[2]
    command = [sys.executable, "-m", "trunkline.cli.main", "simulate", "--twilio-port", "0"]
    ended = subprocess.run(
        [*command, "--elevenlabs-port", port],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=dict(os.environ),
    )
    assert ended.returncode == 1
    assert f"Port {port} is already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("front-dsk",), "Did you mean front-desk?"),
        (("reception",), "There is front-desk"),
        (("-e", "tsting"), "Did you mean testing?"),
    ],
)
def test_a_name_that_is_not_there_leads_to_those_that_are(
    repository: Path, options: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(repository, *options) == 1
    _, _, refusal = capsys.readouterr().err.partition("trunkline: ")
    assert refusal.splitlines()[1:] == [f"  {hint}"]


def test_a_missing_key_of_a_vendor_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY")
    assert plan(repository) == 1
    assert "set ELEVENLABS_API_KEY" in capsys.readouterr().err
