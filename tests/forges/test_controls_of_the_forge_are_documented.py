"""Every control that only the forge has stands in its document, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path

from simulators import control
from tests.forges.conftest import StandIn

DOCUMENT = Path(__file__).parents[2] / "docs" / "forges.md"
ROW = re.compile(r"^\| `((?:GET|POST|DELETE) /_sim/\S*)`", re.MULTILINE)


def test_every_control_is_documented(stand_in: StandIn) -> None:
    shared = set(re.findall(r"``(/_sim/\S*)``", control.__doc__ or ""))
    served = set(stand_in.shown("")["controls"])
    own = {name for name in served if name.split(" ", 1)[1] not in shared}
    assert set(ROW.findall(DOCUMENT.read_text("utf-8"))) == own
