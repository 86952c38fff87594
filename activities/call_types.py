"""Inputs and outputs of the workflow that follows a call somebody asked for, and its activities.

Where an order and its calls stand is kept in their rows; through history go names and verdicts.
"""

from typing import Literal

from activities.types import Timing
from trunkline.model.base import Frozen
from trunkline.model.calls.limits import (
    CALL_ORDER_LOOK_S,
    CALL_ORDER_PLACE_S,
    CALL_ORDER_REST_S,
)


class CallPace(Frozen):
    """Seconds: after which silence the carrier is asked about a call, how soon somebody who waits
    for a free place looks again, and how often an order that waits for a time looks whether Git or
    people changed their mind.
    """

    look_interval_s: float = CALL_ORDER_LOOK_S
    place_interval_s: float = CALL_ORDER_PLACE_S
    rest_interval_s: float = CALL_ORDER_REST_S


class CallOrderInput(Frozen):
    """State of one order's workflow: nothing its rows would not say again."""

    project: str
    order: str
    timing: Timing = Timing()
    pace: CallPace = CallPace()


class CallOrderWake(Frozen):
    """Look again; ``reason`` is for people who look at Temporal, and nothing follows from it."""

    reason: str = ""


class CallOrderRequest(Frozen):
    """Do the next thing about an order. ``ask_carrier``: nobody reported of the call lately.
    ``attempt`` is the try that is meant, from 1: asked again, it is no other one.
    """

    project: str
    order: str
    ask_carrier: bool = False
    attempt: int = 0
    timing: Timing = Timing()
    pace: CallPace = CallPace()


class CallOrderLook(Frozen):
    """What is to be done, about which try; ``wait_s`` is how long nothing is, unless somebody says
    something.
    """

    move: Literal["wait", "place", "follow", "end", "conclude"]
    attempt: int = 0
    wait_s: float = 0.0
    details: str = ""
    environment: str = ""
    agent: str = ""


class CallStep(Frozen):
    """What came of a step: whether the carrier has the call now, and if not how long to wait."""

    placed: bool = False
    wait_s: float = 0.0
    details: str = ""


class CallKeepingInput(Frozen):
    """Look after the calls of a project that nobody carries."""

    project: str
    timing: Timing = Timing()


class CallsKept(Frozen):
    """How many calls something was done about, and in words what."""

    count: int = 0
    details: str = ""
