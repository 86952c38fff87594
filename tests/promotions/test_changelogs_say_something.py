"""A changelog nobody could learn anything from is refused, in any language and spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.errors import InvalidInput
from trunkline.model.limits import (
    CHANGES_LINE_MAX_CHARACTERS,
    CHANGES_MAX_CHARACTERS,
    CHANGES_SUBJECTS_MAX,
)
from trunkline.model.promotions.changelogs import NO_SUBJECTS, from_subjects, require_meaning
from trunkline.model.promotions.fillers import FILLERS

EMPTY_OF_MEANING = [
    *("", " ", "\n\n", ".", "...", "-", "🎉", "🎉🚀 👍", "42", "v2", "1.2.3", "a", "ab", "aaaa"),
    *("changes", "Changes.", "change", "updated agent", "update", "Updated!", "fix", "FIX", "wip"),
    *("misc changes", "minor update", "Minor updates and fixes", "bug fixes", "some improvements"),
    *("various improvements and bug fixes", "as discussed", "new version", "v7 release", "deploy"),
    *("update front-desk", "Front Desk", "front-desk", "fixed the front desk agent", "test", "n/a"),
    *(
        "asdf",
        "tbd",
        "ok",
        "final final",
        "update\nupdate\n\nupdate",
        "up\u200bdate",
        "u p d a t e",
    ),
    *(
        "\uff35\uff50\uff44\uff41\uff54\uff45",
        "ch\u00e4nges",
        "Update 2026-03-01",
        "commit",
        "more",
    ),
    *("Kleine Änderungen", "Fehlerbehebungen und Verbesserungen", "mise à jour", "Modifications"),
    *("correcciones varias", "Actualización", "aggiornamento", "modifiche varie", "alterações"),
    *("wijzigingen", "poprawki", "Изменения", "исправления", "更新", "修正", "변경", "수정"),
]
MEANINGFUL = [
    *("Shorter greeting", "Fix greeting", "Fix typo", "updated prompt", "Opening hours", "FAQ"),
    *("Answers in Welsh too", "Books slots by 5 minutes", "Reverts the louder voice", "Ends calls"),
    *("Kürzere Begrüßung", "Öffnungszeiten", "Nouvel accueil", "Saludo más corto", "Короче"),
    *("挨拶を短く", "缩短问候语", "인사말 짧게", "Updated agent: knows the parking lot"),
    *("Front desk says when we open", "don't interrupt callers"),
]


@pytest.mark.parametrize("text", EMPTY_OF_MEANING)
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_meaning(text, agent="front-desk")
    assert caught.value.hint


@pytest.mark.parametrize("text", MEANINGFUL)
def test_what_says_something_is_kept_as_it_is(text: str) -> None:
    assert require_meaning(text, agent="front-desk") == text


@given(words=st.lists(st.sampled_from(sorted(FILLERS)), min_size=1), loud=st.booleans())
def test_no_row_of_empty_words_says_anything(words: list[str], *, loud: bool) -> None:
    text = " ".join(words)
    with pytest.raises(InvalidInput):
        require_meaning(text.upper() if loud else text)


def test_the_agents_name_alone_says_nothing_and_counts_for_others() -> None:
    with pytest.raises(InvalidInput):
        require_meaning("Updated greeter", agent="greeter")
    assert require_meaning("Updated greeter", agent="front-desk")


def test_blanks_are_tidied() -> None:
    assert require_meaning("  Shorter greeting  \r\n\r\n\r\n\r\nand\tslower \n") == (
        "Shorter greeting\n\nand slower"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Shorter \x1b[31mgreeting", "U+001B"),
        ("Shorter\x00greeting", "U+0000"),
        ("Shorter \u202egreeting", "U+202E"),
        ("Shorter \ud800greeting", "U+D800"),
        ("Shorter greeting\n\nTrunkline-Promotion: acme/production.front-desk.1", "trailer"),
        ("Shorter greeting\n trunkline-rollback : true", "trailer"),
        ("x" * (CHANGES_LINE_MAX_CHARACTERS + 1), "first line"),
        ("Shorter greeting\n" + "and more\n" * CHANGES_MAX_CHARACTERS, "are allowed"),
    ],
)
def test_what_could_harm_whoever_reads_it_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words.replace("+", "\\+")):
        require_meaning(text)


def test_an_automatic_changelog_lists_what_was_committed() -> None:
    assert from_subjects(["Shorter greeting"]) == "Shorter greeting"
    subjects = ["Shorter greeting", "Merge branch 'x'", "", "Shorter greeting", "wip\x1b[2J"]
    assert from_subjects(subjects) == "- Shorter greeting\n- wip[2J"


def test_an_automatic_changelog_is_never_empty_and_always_bounded() -> None:
    assert from_subjects([]) == NO_SUBJECTS
    assert from_subjects(["", "\n", "Merge branch 'x'"]) == NO_SUBJECTS
    many = from_subjects(f"Change {number} {'x' * 500}" for number in range(100))
    assert many.count("\n") == CHANGES_SUBJECTS_MAX
    assert many.endswith(f"- and {100 - CHANGES_SUBJECTS_MAX} more")
    assert len(many) <= CHANGES_MAX_CHARACTERS


@given(st.lists(st.text(), max_size=30))
def test_any_subjects_make_a_text_a_release_can_carry(subjects: list[str]) -> None:
    text = from_subjects(subjects)
    assert text.strip()
    assert len(text) <= CHANGES_MAX_CHARACTERS
    assert not any(
        line.lower().lstrip().startswith("trunkline-promotion:") for line in text.splitlines()
    )
    assert all(each == "\n" or each.isprintable() or not each.isascii() for each in text)
