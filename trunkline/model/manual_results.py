"""What a person found by calling an agent: the test no script replaces.

It is a record and not a measurement: who called, when, how long, what was said and what they
thought of it. The stage, version and digest are those of the moment it was written down, as the
server knows them, so that a result cannot be claimed for another configuration.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.ids import Digest
from trunkline.model.records import Stage
from trunkline.model.testing.limits import (
    MANUAL_TEXT_MAX_CHARACTERS,
    MANUAL_TRANSCRIPT_MAX_CHARACTERS,
)

ManualStatus = Literal["passed", "failed", "needs_improvement"]

_WITHOUT_NUL = r"^[^\x00]*$"
Duration = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Rating = Annotated[int, Field(ge=1, le=5)]
Notes = Annotated[str, Field(max_length=MANUAL_TEXT_MAX_CHARACTERS, pattern=_WITHOUT_NUL)]
Conversation = Annotated[
    str, Field(max_length=MANUAL_TRANSCRIPT_MAX_CHARACTERS, pattern=_WITHOUT_NUL)
]


class Checklist(Frozen):
    """What to listen for in a call; null is not looked at.

    ``greeting``: it answered at once and said who it is. ``understanding``: it understood the
    caller, names and numbers too. ``tools``: it did what it promised, once. ``knowledge``: what it
    said is true. ``tone``: it spoke as this business does. ``ending``: it ended in time and the
    caller knew what happens next.
    """

    greeting: bool | None = None
    understanding: bool | None = None
    tools: bool | None = None
    knowledge: bool | None = None
    tone: bool | None = None
    ending: bool | None = None


class ManualVerdict(Frozen):
    """What a person says of one call. ``duration`` is in seconds, ``rating`` 1 (bad) to 5."""

    duration: Duration
    rating: Rating
    status: ManualStatus
    transcript: Conversation = ""
    notes: Notes = ""
    checklist: Checklist = Checklist()


class ManualResult(ManualVerdict):
    """A verdict with what it is about and who gave it. ``digest`` is None before the first wish;
    ``call`` is the call it is about, "" if it went past us.
    """

    id: str
    project: str
    agent: str
    environment: str
    stage: Stage
    version: int
    digest: Digest | None = None
    tested_at: datetime
    tested_by: str
    call: str = ""
