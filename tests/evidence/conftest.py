"""A promotion whose gate passed, and releases that somebody edits."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.evidence.worlds import World
from trunkline.model.kinds.release import ReleaseSpec

Edit = Callable[[dict[str, Any]], None]
Edited = Callable[[ReleaseSpec, Edit], ReleaseSpec]


@pytest.fixture
def world() -> World:
    """A promotion whose gate passed."""
    return World()


@pytest.fixture
def edited() -> Edited:
    """A release after somebody edited its file."""

    def change(spec: ReleaseSpec, edit: Edit) -> ReleaseSpec:
        said = json.loads(spec.model_dump_json(by_alias=True, exclude_none=True))
        edit(said)
        return ReleaseSpec.model_validate(said)

    return change
