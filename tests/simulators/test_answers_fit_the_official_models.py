"""Every answer of the ElevenLabs simulator, checked by the models of the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from tests.simulators.flows import walk_with_the_official_client

if TYPE_CHECKING:
    from tests.simulators.conftest import World

AGENTS = "/v1/convai/agents"


def test_a_wrong_answer_would_be_noticed(world: World) -> None:
    good = world.read_agent(world.new_agent())
    for broken in (
        {name: value for name, value in good.items() if name != "agent_id"},
        {**good, "tags": "none"},
        {**good, "conversation_config": {"tts": {"stability": "very"}}},
    ):
        with pytest.raises(ValidationError):
            world.check("GET", f"{AGENTS}/agent_1", broken)


def test_every_route_of_the_contract_answers_in_shape(world: World) -> None:
    walk_with_the_official_client(world)
    assert world.missed_routes() == set()
