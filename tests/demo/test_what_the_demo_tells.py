"""The demo claims nothing that does not hold, and a command that ends otherwise ends it."""

import os

import pytest

from trunkline.local.demo.story import LINE_MAX_CHARACTERS, DemoFailed, Story, shortened
from trunkline.local.demo.terminals import Terminal, readable
from trunkline.model.errors import TrunklineError

Told = pytest.CaptureFixture[str]


@pytest.fixture
def terminal() -> Terminal:
    return Terminal(Story(), os.environ, "author")


def test_a_claim_that_holds_is_told(capsys: Told) -> None:
    Story().claim("two agents", holds=True, otherwise="no agents")
    assert capsys.readouterr().out == "  two agents\n"


def test_a_claim_that_does_not_hold_ends_the_demo_with_its_words(capsys: Told) -> None:
    with pytest.raises(DemoFailed, match="no agents") as raised:
        Story().claim("two agents", holds=False, otherwise="no agents")
    assert isinstance(raised.value, TrunklineError)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (3, ["0", "1", "2"]),
        (4, ["0", "1", "2", "3"]),
        (5, ["0", "1", "  … 2 more lines …", "4"]),
        (9, ["0", "1", "  … 6 more lines …", "8"]),
    ],
)
def test_long_texts_are_shown_at_both_ends(capsys: Told, count: int, told: list[str]) -> None:
    Story().tell_some(map(str, range(count)), first=2, last=1)
    assert capsys.readouterr().out.splitlines() == told


def test_without_an_end_the_rest_is_counted(capsys: Told) -> None:
    Story().tell_some(map(str, range(5)), first=2)
    assert capsys.readouterr().out.splitlines() == ["0", "1", "  … 3 more lines …"]


def test_long_lines_are_cut_and_say_so() -> None:
    assert shortened("a" * LINE_MAX_CHARACTERS) == "a" * LINE_MAX_CHARACTERS
    cut = shortened("a" * (LINE_MAX_CHARACTERS + 1))
    assert len(cut) == LINE_MAX_CHARACTERS
    assert cut.endswith(" …")


def test_times_stand_at_the_end(capsys: Told) -> None:
    story = Story()
    story.figure("short", 1.5)
    story.figure("much longer", 12)
    story.conclude()
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "  short          1.50 s",
        "  much longer   12.00 s",
    ]


def test_commands_are_told_as_a_person_types_them() -> None:
    told = readable(["plan", "--local", f"{os.sep}var{os.sep}clone", "-m", "two words"])
    assert told == 'plan --local manifests -m "two words"'


def test_a_command_is_told_with_who_types_it(terminal: Terminal, capsys: Told) -> None:
    said = terminal.start("version").end(0)
    assert capsys.readouterr().out.splitlines() == ["author$ trunkline version", f"  {said}"]


def test_a_command_is_told_up_to_the_words_that_are_awaited(
    terminal: Terminal, capsys: Told
) -> None:
    running = terminal.start("version")
    running.until("trunkline")
    assert len(capsys.readouterr().out.splitlines()) == 2
    running.end(0)


def test_a_command_that_never_says_the_words_ends_the_demo(terminal: Terminal) -> None:
    with pytest.raises(DemoFailed, match=r'version ended with exit code 0 before it said "never"'):
        terminal.start("version").until("never")


def test_another_exit_code_than_expected_ends_the_demo(terminal: Terminal) -> None:
    with pytest.raises(DemoFailed, match=r"nonsense ended with exit code 64 instead of 0"):
        terminal.start("nonsense").end(0)
    with pytest.raises(DemoFailed, match=r"version ended with exit code 0 instead of 1"):
        terminal.start("version").end(1)
    with pytest.raises(DemoFailed, match=r"nonsense ended with exit code 64 instead of 0"):
        terminal.run("nonsense")
    with pytest.raises(DemoFailed, match=r"nonsense ended with exit code 64 instead of 0"):
        terminal.read("nonsense")


def test_somebody_else_has_a_prompt_of_their_own(terminal: Terminal, capsys: Told) -> None:
    terminal.of("approver", "a-token").show("version", first=1)
    assert capsys.readouterr().out.splitlines()[0] == "approver$ trunkline version"
