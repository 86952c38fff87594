"""Random edits of random manifests: the meaning is what was asked, and what people wrote stays.

A tenth of the thousand edits unless TRUNKLINE_TEST_SHARE says otherwise.
"""

import os
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.changes.random_manifests import Path, Written, text_of, value
from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.round_trips import (
    renamed,
    same,
    set_in,
    taken_from,
    value_at,
    values_of,
    with_document,
    with_value,
    without,
    without_document,
)

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
EDITS = round(1_000 * SHARE)
REFUSED_SHARE_MAX = 0.03


def paths_in(whole: Any, path: Path = ()) -> Iterator[Path]:
    """Every path of a document but its root."""
    if path:
        yield path
    members = whole.items() if isinstance(whole, dict) else enumerate(whole)
    for step, item in members:
        if isinstance(item, dict | list):
            yield from paths_in(item, (*path, step))
        else:
            yield (*path, step)


def orders(whole: Any) -> Iterator[tuple[Path, list[str]]]:
    """The order of the keys of every object that is in no list."""
    for path in [(), *paths_in(whole)]:
        held = value_at(whole, path)
        if isinstance(held, dict) and all(isinstance(step, str) for step in path):
            yield path, list(held)


def edited(random: Random, text: str, at: int, whole: Any) -> tuple[str, Any, Path]:
    """One random edit: the text after it, what the document is to mean, and where it was."""
    path = random.choice(list(paths_in(whole)))
    kind = random.choice(("set", "set", "delete", "add", "item"))
    new = value(random, 2)
    if kind == "delete":
        return without(text, at, path), taken_from(whole, path), path
    held = value_at(whole, path)
    if kind == "add" and isinstance(held, dict):
        below = (*path, "fresh")
        return with_value(text, at, below, new), set_in(whole, below, new), below
    if kind == "item" and isinstance(held, list):
        place = random.randint(0, len(held))
        items = [*held[:place], new, *held[place:]]
        return with_value(text, at, path, items), set_in(whole, path, items), path
    return with_value(text, at, path, new), set_in(whole, path, new), path


def require_kept(written: Written, after: str, at: int, path: Path) -> None:
    """Comments of everything else are there, once and in order."""
    kept = [
        words
        for words, document, owner in written.comments
        if document != at or owner[: len(path)] != path
    ]
    places = [after.find(words) for words in kept]
    assert -1 not in places, [w for w, p in zip(kept, places, strict=True) if p < 0]
    assert places == sorted(places)


@pytest.mark.slow
def test_comments_order_and_meaning_survive() -> None:
    outcomes: Counter[str] = Counter()

    @settings(max_examples=EDITS, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(min_value=0, max_value=2**63))
    def edit(seed: int) -> None:
        random = Random(seed)  # noqa: S311 - one seed, one run
        text, values, written = text_of(random)
        assert all(map(same, values_of(text.removeprefix("\ufeff")), values))
        at = random.randrange(len(values))
        try:
            after, wanted, path = edited(random, text, at, values[at])
        except Uneditable as error:
            outcomes[f"refused: {error}"] += 1
            return
        outcomes["edited"] += 1
        found = values_of(after.removeprefix("\ufeff"))
        expected = [*values[:at], wanted, *values[at + 1 :]]
        assert same(found, expected)
        require_kept(written, after, at, path)
        before_orders = dict(orders(values[at]))
        for place, keys in orders(found[at]):
            old = [key for key in before_orders.get(place, []) if key in keys]
            assert [key for key in keys if key in old] == old
        assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)
        assert after.startswith("\ufeff") == text.startswith("\ufeff")
        another = YAML(typ="safe", pure=True).load_all(StringIO(after.removeprefix("\ufeff")))
        assert all(map(same, another, expected))

    edit()
    refused = sum(count for words, count in outcomes.items() if words.startswith("refused"))
    assert refused <= REFUSED_SHARE_MAX * sum(outcomes.values()) + 2, outcomes


AGENT = """\
# who answers by day
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }   # the name
spec:   # what callers meet
  # said first
  firstMessage: "Hello"   # in English
  tools:
  - book-slot  # the only one
  voice: { stability: 0.6,   speed: 1.0 }
  prompt:
    text: |
      Be kind.
      # no comment
"""


@pytest.mark.parametrize(
    ("path", "new", "old_lines", "new_lines"),
    [
        (("spec", "firstMessage"), "Hi", '"Hello"   #', '"Hi"   #'),
        (("spec", "voice", "speed"), 1.1, "  speed: 1.0 }", "  speed: 1.1 }"),
        (("spec", "voice", "id"), "rachel", "1.0 }", "1.0, id: rachel }"),
        (("spec", "tools", 0), "take-message", "book-slot  #", "take-message  #"),
        (("spec", "tools", 1), "b", "only one\n", "only one\n  - b\n"),
        (("metadata", "name"), "desk", "front-desk", "desk"),
        (
            ("spec", "prompt", "text"),
            "Be brief.\n\nReally.\n",
            "Be kind.\n      # no comment\n",
            "Be brief.\n\n      Really.\n",
        ),
        (
            ("spec", "limits", "maxDuration"),
            "10m",
            "# no comment\n",
            "# no comment\n  limits: { maxDuration: 10m }\n",
        ),
        (("spec", "language"), "no", "# no comment\n", '# no comment\n  language: "no"\n'),
    ],
)
def test_only_the_lines_of_a_change_are_written(
    path: Path, new: Any, old_lines: str, new_lines: str
) -> None:
    assert with_value(AGENT, 0, path, new) == AGENT.replace(old_lines, new_lines)


def test_a_key_goes_with_its_own_comments_only() -> None:
    gone = AGENT.replace('  # said first\n  firstMessage: "Hello"   # in English\n', "")
    assert without(AGENT, 0, ("spec", "firstMessage")) == gone
    assert without(AGENT, 0, ("spec", "voice", "stability")) == AGENT.replace(
        "stability: 0.6,   speed", "speed"
    )


def test_what_an_alias_shares_is_never_changed_behind_its_back() -> None:
    text = "kind: Agent\nspec:\n  a: &shared { x: 1 }\n  b: *shared\n  c: 1\n"
    with pytest.raises(Uneditable, match="without changing something else"):
        with_value(text, 0, ("spec", "a", "x"), 2)
    with pytest.raises(Uneditable, match="an alias stands there"):
        with_value(text, 0, ("spec", "b", "x"), 2)
    assert with_value(text, 0, ("spec", "b"), 5) == text.replace("*shared", "5")
    assert without(text, 0, ("spec", "c")) == text.replace("  c: 1\n", "")


@pytest.mark.parametrize("text", ["a: 1\n? b\n: 2\n", "a: 1\rb: 2\r"])
def test_a_line_that_begins_otherwise_is_left_alone(text: str) -> None:
    with pytest.raises(Uneditable):
        without(text, 0, ("b",))


def test_documents_come_and_go_and_the_others_stay() -> None:
    other: dict[str, Any] = {"kind": "Persona", "metadata": {"name": "calm"}, "spec": {}}
    both = with_document(AGENT, other)
    assert both.startswith(f"{AGENT}---\nkind: Persona\n")
    assert without_document(both, 1) == AGENT
    assert without_document(AGENT, 0) is None
    three = f"# of the house\n\n{AGENT}---\n# second\na: 1\n---  # third\nb: 2\n"
    assert without_document(three, 0) == "# of the house\n\n# second\na: 1\n---  # third\nb: 2\n"
    assert without_document(three, 1) == three.replace("---\n# second\na: 1\n", "")


def test_a_renamed_agent_says_what_it_was() -> None:
    named = "metadata: { name: day-desk, renamedFrom: front-desk }   # the name"
    assert renamed(AGENT, 0, "day-desk") == AGENT.replace(
        "metadata: { name: front-desk }   # the name", named
    )
    assert renamed(AGENT, 0, "front-desk") == AGENT


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "<<: { a: 1 }\n"])
def test_what_cannot_be_read_is_not_edited(text: str) -> None:
    with pytest.raises(Uneditable, match="line "):
        with_value(text, 0, ("b",), 1)
