"""Every control of the two servers stands in the documentation, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from simulators.faults import FaultKind

if TYPE_CHECKING:
    from tests.simulators.conftest import World

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulators.md"


def test_every_control_is_documented(world: World) -> None:
    served: set[str] = set()
    for url in (world.running.elevenlabs_url, world.running.twilio_url):
        served |= set(world.http.get(f"{url}/_sim/").json()["controls"])
    text = DOCUMENT.read_text("utf-8")
    rows = re.findall(r"^\| `((?:GET|POST|DELETE) /_sim/\S*)`", text, re.MULTILINE)
    assert set(rows) == served


def test_every_fault_is_documented() -> None:
    _, _, faults = DOCUMENT.read_text("utf-8").partition("### Faults")
    rows = re.findall(r"^\| `([a-z-]+)` \|", faults, re.MULTILINE)
    assert rows == [kind.value for kind in FaultKind]


def test_the_default_credentials_are_documented(world: World) -> None:
    text = DOCUMENT.read_text("utf-8")
    for value in (
        world.running.elevenlabs_key,
        world.running.twilio_account_sid,
        world.running.twilio_auth_token,
    ):
        assert f"`{value}`" in text


def test_an_unknown_control_says_where_to_look(world: World) -> None:
    response = world.http.post(f"{world.running.twilio_url}/_sim/nothing")
    assert response.status_code == 404
    assert "docs/simulators.md" in response.json()["error"]
