"""Nothing a manifest, a transcript or a login says acts on a forge's page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.pulls.escaping import BREAK, block, code, escaped, flat


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("ask @everybody", "@e"),
        ("fixes #12", "#1"),
        ("see GH-12", "GH-1"),
        ("at https://evil.example", "://"),
        ("at www.evil.example", "www."),
        ("<script>", "<script"),
        ("</details>", "</details"),
        ("a | b", " | "),
        ("[x](http://e.example)", "[x]("),
        ("**bold**", "**"),
        ("3f0c9a1be7d24c55a0f1c2d3e4f5061728394a5b", "3f0c9a1"),
        ("<!-- trunkline:pull-request/acme/1 -->", "<!--"),
        ("line\nnext", "\n"),
        ("\x1b[31mred", "\x1b"),
        ("\u202eflipped", "\u202e"),
    ],
)
def test_what_would_act_does_not(text: str, never: str) -> None:
    assert never not in escaped(text)


@given(st.text())
def test_a_line_stays_a_line_without_markup(text: str) -> None:
    line = escaped(text)
    assert "\n" not in line
    assert "\r" not in line
    assert not re.search(r"(?<!\\)[|`*\[\]]", line)
    assert not re.search(r"[<>]", line)
    assert not re.search(rf"@[^{BREAK}]", line)


@given(st.text(), st.integers(0, 200))
def test_no_text_leaves_its_block(text: str, limit: int) -> None:
    shown, cut = block(text, limit)
    lines = shown.split("\n")
    fence = re.match(r"`+", lines[0])
    assert fence is not None
    assert lines[-2] == fence[0]
    assert all(fence[0] not in line for line in lines[1:-2])
    assert cut or len(shown) <= limit + 2 * len(fence[0]) + 3


@given(st.text())
def test_no_text_leaves_its_span(text: str) -> None:
    span = code(text)
    if not span:
        assert not flat(text)
        return
    fence = re.match(r"`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in inside
    assert "\n" not in span


def test_long_words_are_cut_before_they_are_escaped() -> None:
    assert flat("x" * 20, 10) == f"{'x' * 9}…"
    assert escaped("&" * 20, 3) == "&amp;&amp;…"
