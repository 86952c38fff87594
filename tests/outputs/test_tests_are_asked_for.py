"""Words of the command line about tests that cannot be meant, before any server is asked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.held_ports import held_port
from trunkline.cli.main import run
from trunkline.cli.testing.reports import closing, exit_code, read_report, report_document
from trunkline.model import errors
from trunkline.model.testing.results import TestRunReport


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that does not answer: whoever asks it ends with 3."""
    monkeypatch.setenv("TRUNKLINE_TOKEN", "tl_0")
    with held_port() as port:
        monkeypatch.setenv("TRUNKLINE_URL", f"http://127.0.0.1:{port}")
        yield


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--timeout", "soon"),
        ("run", "--repeat", "0"),
        ("run", "--repeat", "51"),
        ("run", "--mode", "letter"),
        ("run", "--mode", "phone", "--local", "."),
        ("run", "--runner", "me"),
        ("run", "--public-url", "https://a.example"),
        ("run", "--gateway-port", "8090"),
        ("run", "--json", "no/such/folder/report.json"),
        ("run", "--junit", "."),
        ("show",),
        ("show", "no-such-report.json"),
        ("cancel",),
        ("record", "front-desk"),
        ("record", "front-desk", "--status", "fine", "--rating", "5", "--duration", "1m"),
        ("record", "front-desk", "--status", "passed", "--rating", "6", "--duration", "1m"),
        ("results",),
        ("results", "front-desk", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_64(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["test", *arguments]) == 64
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("trunkline: ")


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("arguments", [("run",), ("list",), ("show", "tests-1"), ("cancel", "x")])
def test_a_server_that_does_not_answer_is_3(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["test", *arguments, "--project", "acme"]) == 3
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "outcome", "code"),
    [
        ("Finished", "passed", 0),
        ("Finished", "failed", 1),
        ("Finished", "inconclusive", 3),
        ("Cancelled", None, 3),
        ("Cancelled", "failed", 1),
        ("Blocked", "inconclusive", 4),
        ("Blocked", None, 4),
        ("Running", None, 3),
    ],
)
def test_every_end_has_one_code(
    report: TestRunReport, state: str, outcome: str | None, code: int
) -> None:
    ended = report.model_copy(update={"state": state, "outcome": outcome})
    assert exit_code(ended) == code


def test_a_report_of_a_later_release_can_be_read(report: TestRunReport) -> None:
    document = json.loads(json.dumps(report_document(report)).replace("\\ud800", "?"))
    expected = read_report(json.loads(json.dumps(document)))
    document["mood"] = "fine"
    document["tests"][1]["colour"] = {"of": "a later release"}
    document["tests"][1]["runs"][0]["checks"][0]["weight"] = 3
    assert read_report(document) == expected


def test_what_is_no_report_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(errors.ServerUnreachable, match="not one this release can read"):
        read_report({"id": 3})
    for text in ("[]", "{", "3"):
        path = tmp_path / "report.json"
        path.write_text(text, "utf-8")
        assert run(["test", "show", str(path)]) == 64


def test_a_run_that_never_began_says_why_in_its_last_line(report: TestRunReport) -> None:
    words = "the budget of the day is used up"
    blocked = report.model_copy(
        update={"tests": (), "state": "Blocked", "outcome": None, "message": words}
    )
    assert f"blocked. {words}." in closing(blocked)
