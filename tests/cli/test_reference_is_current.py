"""docs/cli.md says what the commands say."""

from pathlib import Path

from trunkline.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_the_commands_generate() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_verb_and_exit_code_is_on_it() -> None:
    page = reference()
    verbs = "init validate render plan diff sync status events dev worker serve simulate migrate"
    verbs += " describe history audit doctor projects tokens completion"
    for verb in (*verbs.split(), "version", "tokens create", "projects remove"):
        assert f"## trunkline {verb}\n" in page
    for code in (0, 1, 2, 3, 4, 5, 64):
        assert f"| {code} |" in page
