"""One table of exit codes for all commands; a code never means two things."""

import pytest

from trunkline.cli.exits import ExitCode, WrongUsage, exit_code_of
from trunkline.cli.main import run
from trunkline.cli.verbs.options import duration
from trunkline.model import errors


def leaves(kind: type[errors.TrunklineError]) -> list[type[errors.TrunklineError]]:
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [kind]


def test_the_numbers_are_those_of_the_manual() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "CHANGES": 2,
        "UNKNOWN": 3,
        "BLOCKED": 4,
        "TIMEOUT": 5,
        "USAGE": 64,
    }


def test_what_may_be_tried_again_is_never_a_definite_failure() -> None:
    for kind in leaves(errors.TrunklineError):
        error = kind.__new__(kind)
        code = exit_code_of(error)
        if isinstance(error, errors.PromotionRefused):
            assert code is ExitCode.FAILED
        elif isinstance(error, errors.Blocked):
            assert code is ExitCode.BLOCKED
        elif isinstance(error, errors.DeadlineExceeded):
            assert code is ExitCode.TIMEOUT
        else:
            assert code is (ExitCode.UNKNOWN if kind.retryable else ExitCode.FAILED), kind


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-verb"],
        ["status", "--no-such-option"],
        ["diff"],
        ["render", "front-desk"],
        ["events", "--limit", "0"],
        ["events", "--limit", "many"],
        ["status", "-o", "xml"],
        ["plan", "--local", "."],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_64_and_says_what_helps(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 64
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("trunkline: ")


@pytest.mark.parametrize("text", ["", "5", "5 m", "1.5h", "-3s", "5d", "soon"])
def test_a_duration_that_cannot_be_read_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="duration"):
        duration(text)


def test_without_a_token_it_says_which_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TRUNKLINE_TOKEN", raising=False)
    assert run(["status"]) == 64
    assert "TRUNKLINE_TOKEN is not set" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://[::1", "trunkline.example", "ftp://a.example", "http://"])
def test_an_address_that_is_none_is_wrong_usage(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_TOKEN", "tl_x")
    monkeypatch.setenv("TRUNKLINE_URL", url)
    assert run(["status"]) == 64
    assert "is no address" in capsys.readouterr().err


def test_help_needs_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    said = capsys.readouterr().out
    verbs = "init validate render plan diff sync status events dev worker serve simulate migrate"
    for verb in (*verbs.split(), "version"):
        assert f"\n  {verb} " in said
    assert "64 wrong usage" in said


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["render", "front-desk"], "trunkline render"),
        (["status", "--no-such-option"], "trunkline status"),
        (["no-such-verb"], "trunkline"),
    ],
)
def test_wrong_usage_leads_to_the_help_of_the_verb(
    arguments: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 64
    assert f"`{command} --help`" in capsys.readouterr().err


def test_a_duration_says_which_option_it_was_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_TOKEN", "tl_x")
    assert run(["sync", "--timeout", "5x"]) == 64
    assert capsys.readouterr().err.startswith('trunkline: --timeout: "5x" is no duration')


def test_the_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    by_verb = capsys.readouterr().out
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == by_verb


def test_the_first_sentence_of_every_verb_fits_into_the_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    assert "..." not in capsys.readouterr().out.replace("COMMAND [ARGS]...", "")
