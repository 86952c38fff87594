"""A conversation test over a telephone call: between which numbers, and what was heard.

The call is placed by one process and held by another, so both stand between them as data.
"""

from typing import Final

from trunkline.model.base import Frozen
from trunkline.model.desired import DesiredNumber
from trunkline.model.testing.limits import AUDIO_TURN_S
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over
from trunkline.model.testing.verdicts import RunFacts

PHONE_RING_S: Final = 30
"""How long a number of ours may ring: whoever answers there does so at once."""
PHONE_BEGIN_S: Final = 20.0
"""From when the call is answered until both of its sides are there."""
PHONE_POLL_S: Final = 0.25
"""How often it is looked whether a conversation over the telephone is over."""
PHONE_ASK_S: Final = 5.0
"""How often the carrier is asked whether the call still goes on, should nobody report."""
PHONE_LEFT_S: Final = 10.0
"""How long after a call's end what was heard may take to be written down."""
PHONE_END_NEWS_S: Final = 5.0
"""How long after the line went dead the other side may take to say who ended the call."""
PHONE_NEWS_LOOK_S: Final = 1.0
"""How often the agent's side is looked at even if nothing was told."""


PHONE_AROUND_S: Final = PHONE_RING_S + PHONE_BEGIN_S + AUDIO_TURN_S
"""What a call takes besides its conversation."""


class PhonePlan(Frozen):
    """Who calls whom: ``calling`` is the number that dials, ``called`` the one that rings, both of
    ``environment``. ``digest`` is of the agent that must answer there.
    """

    environment: str
    agent: str
    digest: str
    calling: DesiredNumber
    called: DesiredNumber


class HeardCall(Frozen):
    """What was heard in one call, and what each turn that was begun came to."""

    lines: tuple[Line, ...] = ()
    overs: tuple[Over, ...] = ()
    facts: RunFacts = RunFacts()


def placed_key(run_id: str, test: str, number: int) -> str:
    """What names one conversation of a run for both sides of it."""
    return f"{run_id}/{test}/{number:04d}"


def plan_key(test: str) -> str:
    """Under which key the plan of a test's calls is left."""
    return f"{test}/phone"


def parts_of(key: str) -> tuple[str, str, str]:
    """Run, test, and the key under which what was heard is left."""
    run_id, test, number = key.rsplit("/", 2)
    return run_id, test, f"{test}/{number}"
