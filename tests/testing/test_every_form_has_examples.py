"""The catalogue of examples: every one is true, and no form of the format is without."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from trunkline.manifests.documents import read_documents
from trunkline.model.kinds.conversation import (
    Always,
    AudioQuality,
    CallExpected,
    Ending,
    Expectation,
    Finally,
    ReplyTimes,
    Stub,
    TestLimits,
    Turn,
    When,
    Words,
)
from trunkline.model.kinds.matchers import Matcher
from trunkline.model.testing.results import RunResult

CATALOGUE = Path(__file__).parent / "examples"
COVERED: dict[str, Any] = {
    "turn": Turn,
    "expect": Expectation,
    "expect.calls": CallExpected,
    "matcher": Matcher,
    "tools": Stub,
    "tools.when": When,
    "always": Always,
    "always.words": Words,
    "always.repliesWithin": ReplyTimes,
    "finally": Finally,
    "finally.ends": Ending,
    "finally.audio": AudioQuality,
    "limits": TestLimits,
}
FAULTS = ("timeout", "error", "http503", "malformed")
KEYS = {"title", "about", "test", "transcript", "outcome", "failing", "facts", "documents"}


def _examples() -> Iterator[dict[str, Any]]:
    for path in sorted(CATALOGUE.glob("*.yaml")):
        for document in read_documents(path.read_text("utf-8")):
            yield from TypeAdapter(list[dict[str, Any]]).validate_python(document.value)


EXAMPLES = list(_examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each['about']}: {each['title']}")
def test_an_example_comes_out_as_it_says(
    example: dict[str, Any], play: Callable[..., RunResult]
) -> None:
    assert set(example) <= KEYS
    result = play(
        example["test"],
        example["transcript"],
        example.get("facts"),
        documents=example.get("documents", {}),
    )
    assert result.outcome == example["outcome"], result.message
    bad = [c.path for c in result.checks if c.outcome not in ("passed", "notApplicable")]
    reached = [c for c in result.checks if c.path in bad and c.reason != "NotReached"]
    assert [check.path for check in reached] == ([example["failing"]] if bad else [])


def _forms() -> set[str]:
    """Every key of every part, except those the format only groups by."""
    keys = {
        f"{about}.{field.alias}"
        for about, model in COVERED.items()
        for field in model.model_fields.values()
    }
    return (keys | {"turn", "tools.live"}) - {"turn.expect"}


@pytest.mark.parametrize("passes", [True, False], ids=["passing", "failing"])
def test_no_form_is_without_an_example(passes: bool) -> None:
    shown = {each["about"] for each in EXAMPLES if (each["outcome"] == "passed") is passes}
    assert _forms() - shown == set()


def test_no_example_is_about_nothing() -> None:
    assert {each["about"] for each in EXAMPLES} - _forms() == set()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_no_fault_of_a_tool_is_without_an_example(fault: str, outcome: str) -> None:
    assert [
        each["title"]
        for each in EXAMPLES
        if each["about"] == "tools.fail"
        and each["outcome"] == outcome
        and each["test"]["tools"]["book_slot"] == [{"fail": fault}]
    ]


def test_titles_tell_examples_apart() -> None:
    titles = [(each["about"], each["title"]) for each in EXAMPLES]
    assert len(set(titles)) == len(titles)
