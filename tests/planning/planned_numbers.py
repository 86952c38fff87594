"""A number at the platform, and what a plan for one does, as tests compare it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.model.ids import ExternalId
from trunkline.model.observed import PlatformNumber

if TYPE_CHECKING:
    from trunkline.model.plans import Plan

NUMBER = "+15005550006"


def held(agent: ExternalId | None) -> PlatformNumber:
    """The number at the platform, which sends its calls to this agent."""
    return PlatformNumber(
        external_id=ExternalId("phnum_1"), number=NUMBER, label="main", assigned_agent_id=agent
    )


def actions(made: Plan) -> list[tuple[str, list[tuple[str, object, object, str]]]]:
    """Steps with their changes: path, old, new, origin."""
    return [
        (step.action, [(c.path, c.old, c.new, c.origin) for c in step.changes])
        for step in made.steps
    ]
