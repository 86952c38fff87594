"""The reference of conversation tests leaves nothing out, and its figures are exact."""

import re
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest

from trunkline.manifests.reference import Shown, conversation_reference
from trunkline.model.errors import InvalidInput
from trunkline.model.kinds import ConversationTest

PAGE = Path(__file__).parents[2] / "docs/conversation-tests.md"
ENVELOPE = {"apiVersion", "kind", "metadata", "spec", "name", "labels", "tags", "why"}
INCONCLUSIVE = {"`limits.costUsd`"}
"""What is never the agent's fault."""
ROW = re.compile(r"^\| `(.*?)` \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)
EXACT = Fraction(1, 10**9)


def test_every_key_has_a_line() -> None:
    schema = ConversationTest.model_json_schema(by_alias=True)
    parts = {**schema["$defs"], "": schema}
    keys = {key for part in parts.values() for key in part.get("properties", ())} - ENVELOPE
    page = PAGE.read_text(encoding="utf-8")
    keys -= {"expect", "agent", "caller"}
    assert len(keys) > 70
    assert {key for key in keys if f"\n| `{key}` |" not in page} == set()


def test_every_line_says_what_its_key_means() -> None:
    rows = re.findall(
        r"^\| `(.*?)` \| (.*) \| (.*) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) > 80
    assert [row for row in rows if not all(cell.strip() for cell in row)] == []
    some = {"audio, phone", "text, audio", "phone"}
    assert {modes for *_, modes in rows} == {"text, audio, phone", *some}


def test_probabilities_are_the_exact_tail() -> None:
    lines = PAGE.read_text("utf-8").partition("| a run passes |")[2].split("\n")
    repeats = [(int(k), int(n)) for k, n in re.findall(r"([0-9]+) of ([0-9]+)", lines[0])]
    rows = [line.strip("| ").split(" | ") for line in lines[2:8]]
    assert len(repeats) >= 7
    for rate, *cells in rows:
        p = Fraction(rate)
        for (needed, runs), cell in zip(repeats, cells, strict=True):
            tail = sum(
                comb(runs, k) * p**k * (1 - p) ** (runs - k) for k in range(needed, runs + 1)
            )
            assert abs(Fraction(cell) - tail) <= EXACT, (rate, needed, runs)


def test_an_example_stands_below_its_key() -> None:
    example = Shown(
        title="A code that is read out",
        about="expect.says",
        test={"turns": [{"say": "Book it", "expect": [{"says": "APT-1"}]}]},
        transcript=({"caller": "Book it", "at": 0}, {"agent": "It is APT-2.", "at": 900}),
        outcome="failed",
        failing="spec.turns[0].expect[0]",
    )
    page = conversation_reference([example])
    below = page.partition("## What a turn expects")[2].partition("\n## ")[0]
    assert "says: APT-1" in below
    assert "\n   900 ms  agent: It is APT-2.\n" in below
    assert "Failed at `spec.turns[0].expect[0]`" in below


def test_an_example_about_nothing_is_refused() -> None:
    example = Shown(title="a", about="expect.sayz", test={}, transcript=(), outcome="passed")
    with pytest.raises(InvalidInput, match=r"expect\.sayz"):
        conversation_reference([example])


def test_what_is_beside_the_talk_is_shown_and_a_shared_test_once() -> None:
    passed = Shown.model_validate(
        {
            "title": "quiet enough",
            "about": "finally.audio.clippingMax",
            "test": {"mode": "audio", "finally": [{"audio": {"clippingMax": 0}}]},
            "transcript": [{"at": 0, "caller": "Hello"}],
            "outcome": "passed",
            "facts": {"audio": {"clippedSamples": 0}},
        }
    )
    failed = passed.model_copy(update={"outcome": "failed", "title": "clipped"})
    page = conversation_reference([passed, failed])
    assert page.count("clippingMax: 0") == 1
    assert page.count('audio: {"clippedSamples": 0}') == 2
    assert "Passed: quiet enough." in page
    assert "Failed: clipped." in page


def test_the_page_shows_an_example_that_passes_and_one_that_fails_for_each_subject() -> None:
    page = PAGE.read_text("utf-8")
    shown = [part.partition("**\n")[::2] for part in page.split("\n**")[1:]]
    outcomes: dict[str, str] = {}
    for about, rest in shown:
        outcomes[about] = outcomes.get(about, "") + rest
    assert len(outcomes) > 60
    lacking = {
        about: word
        for about, rest in outcomes.items()
        for word in ("\nPassed", "\nFailed")
        if word not in rest and about not in INCONCLUSIVE
    }
    assert lacking == {}
