"""Selectors are kubectl's: equal, different, present, absent, all of them at once."""

import pytest

from trunkline.cli.main import run
from trunkline.model.errors import InvalidInput
from trunkline.model.selectors import parse_selector

LABELS = {"team": "reception", "tier": "one", "example.com/owner": "ann"}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("team=reception", True),
        ("team==reception", True),
        ("team=sales", False),
        ("team=reception, tier!=two", True),
        ("team=reception,tier!=one", False),
        ("region!=eu", True),
        ("region=", False),
        ("tier", True),
        ("region", False),
        ("!region,team", True),
        ("!team", False),
        ("example.com/owner=ann", True),
    ],
)
def test_what_a_selector_fits(text: str, fits: bool) -> None:
    assert parse_selector(text).matches(LABELS) is fits


def test_several_selectors_must_all_hold() -> None:
    assert parse_selector("team=reception", "tier=one").matches(LABELS)
    assert not parse_selector("team=reception", "tier=two").matches(LABELS)
    assert parse_selector().matches({})


@pytest.mark.parametrize("text", ["", "=a", "a=b=c", "a,,b", "!a=b", "a>b", "a=b\x00", "a in (b)"])
def test_what_is_no_selector(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidInput, match="no selector"):
        parse_selector(text)
    assert run(["status", "-l", text]) == 64
    assert "key!=value" in capsys.readouterr().err


def test_a_selector_is_bounded() -> None:
    with pytest.raises(InvalidInput, match="too long"):
        parse_selector(",".join(f"a{number}=b" for number in range(21)))
