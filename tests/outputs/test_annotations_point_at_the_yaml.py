"""GitHub annotations: on the line of the expectation, once, and never a command of a stranger's."""

import re

from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.testing.annotations import annotations
from trunkline.model.testing.results import CheckResult, RunResult, TestResult, TestRunReport

COMMAND = re.compile(r"::(?P<word>error|warning) (?P<properties>[^:]*)::(?P<message>[^\r\n]*)")


def read(command: str) -> tuple[str, dict[str, str], str]:
    """A command as the runner of GitHub Actions reads it."""
    found = COMMAND.fullmatch(command)
    assert found is not None, command
    pairs = (pair.split("=", 1) for pair in found["properties"].split(","))
    properties = {name: unescaped(value) for name, value in pairs}
    return found["word"], properties, unescaped(found["message"])


def unescaped(text: str) -> str:
    for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, letter)
    return text


def test_a_failed_expectation_is_an_error_on_its_line(report: TestRunReport) -> None:
    commands = [read(command) for command in annotations(report)]
    word, properties, message = commands[0]
    assert word == "error"
    assert properties["file"] == "agents/front-desk/tests/book.yaml"
    assert (properties["line"], properties["col"]) == ("18", "9")
    assert properties["title"] == "books (front-desk@testing)"
    assert message.startswith('expected: contains "APT-12345"; found ')
    assert message.endswith("(2 of 4 runs)")


def test_only_required_failures_are_errors(report: TestRunReport) -> None:
    words = [(read(each)[0], read(each)[1]["title"]) for each in annotations(report)]
    assert words == [
        ("error", "books (front-desk@testing)"),
        ("warning", "books-mostly (front-desk@testing): flaky"),
        ("warning", "judged (front-desk@testing): inconclusive"),
        ("warning", "improvised (front-desk@testing): advisory, failed"),
        ("warning", "vague (front-desk@testing): advisory, inconclusive"),
        ("warning", "answers-at-night (after-hours@testing): inconclusive"),
    ]


def test_an_inconclusive_check_warns_on_its_own_line(report: TestRunReport) -> None:
    [judged] = [each for each in annotations(report) if "title=judged" in each]
    _, properties, message = read(judged)
    assert properties["line"] == "24"
    assert "JudgeUnavailable" in message


def test_what_has_no_check_stands_at_the_test(report: TestRunReport) -> None:
    [night] = [each for each in annotations(report) if "answers-at-night" in each]
    _, properties, message = read(night)
    assert (properties["line"], properties["col"]) == ("4", "9")
    assert message == "after-hours is not on the platform; sync it first"


def test_paths_begin_where_the_repository_does(report: TestRunReport) -> None:
    for folder in ("voice/manifests", "voice/manifests/", "./voice/manifests"):
        _, properties, _ = read(annotations(report, folder=folder)[0])
        assert properties["file"] == "voice/manifests/agents/front-desk/tests/book.yaml"
    for folder in ("", "."):
        _, properties, _ = read(annotations(report, folder=folder)[0])
        assert properties["file"] == "agents/front-desk/tests/book.yaml"


def test_a_run_that_never_began_says_so() -> None:
    report = TestRunReport(
        id="1",
        project="acme",
        environment="testing",
        state="Finished",
        outcome="inconclusive",
        message="there is nothing to test: 100 % of it",
    )
    assert annotations(report) == (
        "::warning title=Conversation tests::there is nothing to test: 100 %25 of it",
    )


@given(words=st.text(max_size=200), name=st.text(min_size=1, max_size=50))
def test_a_stranger_can_neither_begin_a_command_nor_leave_one(words: str, name: str) -> None:
    check = CheckResult(
        path="spec.turns[0].expect[0]",
        position=f"{name}:3:7",
        check="says",
        outcome="failed",
        wanted=words,
        found=words,
    )
    run = RunResult(number=1, outcome="failed", checks=(check,))
    result = TestResult(name=name, agent="a", environment="e", outcome="failed", runs=(run,))
    report = TestRunReport(
        id="1", project="p", environment="e", state="Finished", outcome="failed", tests=(result,)
    )
    [command] = annotations(report)
    word, properties, _ = read(command)
    assert word == "error"
    assert set(properties) == {"file", "line", "col", "title"}
    assert properties["line"] == "3"
