"""The simulators know nothing of the sample: no four words in a row of it stand in them.

Rows of nothing but small words ("one at a time") are English and nobody's phrase. What the mind's
own room says in comments counts too; elsewhere it is what the code could say that counts.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SEQUENCE = 4
SMALL_WORDS = frozenset(
    [
        "a",
        "after",
        "as",
        "at",
        "if",
        "is",
        "it",
        "name",
        "not",
        "of",
        "one",
        "other",
        "soon",
        "the",
        "thing",
        "time",
        "to",
    ]
)


def _sequences(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("\u2019", "'"))
    found = {tuple(words[at : at + SEQUENCE]) for at in range(len(words) - SEQUENCE + 1)}
    return {words for words in found if not set(words) <= SMALL_WORDS}


def _sample() -> set[tuple[str, ...]]:
    folder = ROOT / "manifests"
    found: set[tuple[str, ...]] = set()
    for path in [*folder.rglob("*.md"), *folder.rglob("*.yaml")]:
        found |= _sequences(path.read_text("utf-8"))
    return found


def _texts(source: str) -> set[tuple[str, ...]]:
    """Sequences in the texts a module could say: its constants, without docstrings."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        words
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        for words in _sequences(node.value)
    }


def test_a_sequence_that_stands_in_both_would_be_found() -> None:
    assert _sequences("Say what Mr. O'Neil said") & _sequences("And what Mr O'Neil said then")
    assert _texts("x = 'a hat on every shelf'") == _sequences("a hat on every shelf")
    assert _texts('"""a hat on every shelf"""') == set()


def test_the_simulators_have_no_phrase_of_the_sample() -> None:
    sample = _sample()
    assert len(sample) > 1000
    mind = ROOT / "simulators" / "elevenlabs" / "mind"

    found = {
        f"{path.relative_to(ROOT)}: {' '.join(words)}"
        for path in (ROOT / "simulators").rglob("*.py")
        for source in (path.read_text("utf-8"),)
        for words in (_sequences(source) if path.parent == mind else _texts(source)) & sample
    }

    assert found == set()
