"""Inputs and outputs of the workflow that proposes what somebody changed on the platform."""

from activities.types import Timing
from trunkline.model.base import Frozen


class AdoptionInput(Frozen):
    """Propose what the plan ``plan_id`` tells of an agent; "": nothing is to be adopted (any more).
    ``pause_s`` is the least time between two looks.
    """

    project: str
    environment: str
    agent: str
    plan_id: str = ""
    pause_s: float = 60.0
    timing: Timing = Timing()


class AdoptionWake(Frozen):
    """A later round of the agent came to this plan."""

    plan_id: str = ""


class AdoptionReport(Frozen):
    """What became of it, in words for the Temporal UI."""

    note: str = ""
