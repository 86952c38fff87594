"""How talks behave and go wrong, as the control plane says: pace, places, moods, faults.

A talk asks once, at its beginning, which fault it has to live with. What a fault does on a socket
is the talk's business.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from simulators.faults import Selection
from simulators.limits import (
    MAX_HANG_S,
    MAX_LATENCY_MS,
    MAX_TALK_FAULTS,
    MAX_TALKS,
    SIGNATURE_LIFETIME_S,
)
from simulators.moods import Mood, MoodSettings

THINK_MS = 250.0
ANALYSIS_LAG_S = 1.0
# A caller of whom nothing comes for so much longer than an agent is patient has ceased to speak.
SOUND_GAP_S = 0.25
# One in bursting agents may have so many times its places, but never so many more than these.
BURST_FACTOR = 3
BURST_LIMIT = 300


class TalkFaultKind(StrEnum):
    """What happens to a talk."""

    DROP = "drop"
    MALFORMED_JSON = "malformed-json"
    MALFORMED_FRAME = "malformed-frame"
    SILENT = "silent"
    SLOW = "slow"
    SERVER_ERROR = "server-error"
    OPERATIONAL = "operational"
    LATE_PONG = "late-pong"
    NO_PING = "no-ping"
    EXPIRED_SIGNATURE = "expired-signature"


class TalkFault(Selection):
    """One fault of talks; ``after_events`` counts what the agent's side has sent, pings aside."""

    kind: TalkFaultKind
    after_events: Annotated[int, Field(ge=0)] = 0
    agent_id: str | None = None
    seconds: Annotated[float, Field(ge=0, le=MAX_HANG_S)] = 30.0


class TalkSettings(MoodSettings):
    """Body of ``POST /_sim/talks``; what is not given stays as it was."""

    think_ms: Annotated[float, Field(ge=0, le=MAX_LATENCY_MS)] = THINK_MS
    concurrency: Annotated[int, Field(ge=0, le=MAX_TALKS)] | None = None
    misbehaviour: Annotated[float, Field(ge=0, le=1)] = 0.0
    degraded_tags: Annotated[tuple[str, ...], Field(max_length=MAX_TALK_FAULTS)] = ()
    analysis_lag_s: Annotated[float, Field(ge=0, le=MAX_HANG_S)] = ANALYSIS_LAG_S
    patience_s: Annotated[float, Field(gt=0, le=MAX_HANG_S)] | None = None
    sound_gap_s: Annotated[float, Field(ge=0, le=MAX_HANG_S)] = SOUND_GAP_S
    signature_lifetime_s: Annotated[float, Field(ge=0, le=SIGNATURE_LIFETIME_S)] = (
        SIGNATURE_LIFETIME_S
    )
    faults: Annotated[tuple[TalkFault, ...], Field(max_length=MAX_TALK_FAULTS)] = ()


class Troubles(Mood[TalkSettings, TalkFault]):
    """The settings of talks in force."""

    def __init__(self) -> None:
        super().__init__(TalkSettings(), "faults")

    def fault_of(self, agent_id: str) -> TalkFault | None:
        """The fault the next talk of this agent has; every fault that looks at it counts it."""
        return self._hit(lambda fault: fault.agent_id in (None, agent_id))

    def places(self, *, bursting: bool) -> int | None:
        """How many talks may go on at once, None for any number."""
        limit = self.settings.concurrency
        if limit is None or not bursting:
            return limit
        return min(limit * BURST_FACTOR, max(limit, BURST_LIMIT))
