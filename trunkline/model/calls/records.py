"""One call as it is remembered: who spoke with which agent, by which way, and how it ended.

A record is complete at every moment of a call, so that a process that dies leaves one that says
what was known. States are the carrier's words, because everybody who runs telephones knows them.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.ledger import Attempt

CallState = Literal[
    "queued",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "no-answer",
    "failed",
    "canceled",
]
"""Twilio's words for how far a call is; the last five are ends."""
Verdict = Literal["success", "failure", "unknown"]
"""What the platform's own analysis thinks of a call."""
OVER: Final[frozenset[CallState]] = frozenset(
    {"completed", "busy", "no-answer", "failed", "canceled"}
)
Direction = Literal["inbound", "outbound"]
Routing = Literal["native", "bridge", "register-call"]
EndedBy = Literal["caller", "agent", "operator", "limit", "carrier", "platform", "trunkline"]
"""Who ended a call: ``limit`` is its longest duration, ``trunkline`` a process of ours that could
not go on.
"""


TransferFailure = Literal["busy", "no-answer", "failed", "canceled", "declined"]
"""Why nobody took a call over, in the carrier's words; ``declined`` picked up and hung up before
they were connected.
"""


class RouteTaken(Frozen):
    """Why a call reached its agent: the line of the number's table (0 is the first, None: the
    number has one agent) and that line in words.
    """

    line: int | None = None
    words: str = ""


class CallCost(Frozen):
    """What a call is estimated to have cost, in US dollars, and where the rates are from."""

    carrier_usd: float = Field(default=0.0, ge=0)
    platform_usd: float = Field(default=0.0, ge=0)
    source: str = ""

    @property
    def total_usd(self) -> float:
        """Both together."""
        return self.carrier_usd + self.platform_usd


class CallRecord(Frozen):
    """One call. ``id`` is also the name of its room: ``call_{digits}_{random}``.

    ``number`` is the manifest's name of our number, "" where none is known; ``version``,
    ``revision`` and ``digest`` are those of the agent when the call began. ``message`` says in
    words why it ended as it did where that is not plain. ``context`` is what the slots held at the
    start. ``test`` is the conversation test a call is part of, as ``run/test/number``; the outbound
    one is the test's own side of it. ``placing`` is the last time the carrier was asked to place
    it, until it answered. ``ticket_digest`` is the SHA-256 of the word by which a media stream
    shows that it is this call's, "" once one did. Times are in UTC. ``interruptions`` and ``cost``
    are known some moments after the end; ``settled`` says that nothing about the call will change
    any more. ``summary`` is for whoever takes over at ``transferred_to``; ``transfer_failure`` says
    why nobody did, None while that is not so.
    """

    id: str
    project: str
    environment: str
    agent: str
    direction: Direction = "inbound"
    routing: Routing = "bridge"
    state: CallState = "queued"
    number: str = ""
    from_number: str = ""
    to_number: str = ""
    carrier_account: str = ""
    carrier_call_id: str = ""
    conversation_id: str = ""
    agent_id: ExternalId | None = None
    branch_id: str | None = None
    version: int = 0
    revision: Revision | None = None
    digest: Digest | None = None
    route: RouteTaken = RouteTaken()
    order: str = ""
    test: str = ""
    attempt: int = Field(default=1, ge=1)
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: EndedBy | None = None
    outcome: str = ""
    message: str = ""
    summary: str = ""
    transferred_to: str = ""
    transfer_failure: TransferFailure | None = None
    recorded: bool = False
    redacted: bool = False
    context: dict[str, str] = Field(default_factory=dict)
    cost: CallCost | None = None
    carrier_sequence: int = -1
    ticket_digest: str = ""
    placing: Attempt | None = None
    lost_frames: int = Field(default=0, ge=0)
    interruptions: int = Field(default=0, ge=0)
    verdict: Verdict = "unknown"
    settled: bool = False

    @property
    def is_over(self) -> bool:
        """True once it has ended, however."""
        return self.state in OVER

    @property
    def talked(self) -> timedelta:
        """From being answered to its end; nothing for a call nobody answered or that goes on."""
        if self.answered_at is None or self.ended_at is None:
            return timedelta()
        return max(timedelta(), self.ended_at - self.answered_at)


class CallFilter(Frozen):
    """Which calls of a project are meant; everything that is given must hold."""

    environment: str | None = None
    agent: str | None = None
    version: int | None = None
    direction: Direction | None = None
    state: CallState | None = None
    active: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
