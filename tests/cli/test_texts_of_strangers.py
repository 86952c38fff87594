"""A name or a commit cannot drive the terminal of whoever reads about it."""

import pytest

from trunkline.cli.exits import complain
from trunkline.cli.harmless import harmless, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ✓ Grüße\n\tindented", "plain ✓ Grüße\n\tindented"),
        ("\x1b[32mSynced\x1b[0m", "\x1b[32mSynced\x1b[0m"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil.example.com\x1b\\link", "link"),
        ("up\x1b[2Aand over\x1b[K", "up[2Aand over[K"),
        ("bell\x07 back\x08 return\r csi\x9b2J", "bell back return csi2J"),
    ],
)
def test_what_drives_a_terminal_is_taken_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_note_is_one_line_without_colours() -> None:
    assert one_line("Evil \x1b[31mred\nTrunkline is fine") == "Evil [31mred Trunkline is fine"


def test_complaints_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    complain("there is no agent \x1b]0;pwned\x07x", "look\r at it")
    assert capsys.readouterr().err == "trunkline: there is no agent x\n  look at it\n"
