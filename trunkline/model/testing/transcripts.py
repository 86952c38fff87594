"""What happened in a conversation, in the order it arrived.

One flat kind of line, so that a transcript is data anything can read: the evaluation, a report, a
judge. Times count from the moment the conversation was open.
"""

from typing import Literal

from trunkline.model.base import Frozen, Json, JsonObject

LineKind = Literal[
    "agentSaid",
    "agentCorrected",
    "agentStarted",
    "agentStopped",
    "callerSaid",
    "callerPressed",
    "callerWaited",
    "callerHeard",
    "injected",
    "toolCalled",
    "toolAnswered",
    "interrupted",
    "ended",
    "noted",
]
"""``agentStarted`` and ``agentStopped`` are about its audio; ``callerHeard`` is what the platform
understood of the caller's audio; ``agentCorrected`` replaces the reply before it by what was spoken
of it; ``noted`` is the runner's own remark."""


class Line(Frozen):
    """One thing that happened. ``turn`` is the index of the script's turn it belongs to.

    ``text`` is what was said, pressed or noted; for ``ended`` why. ``tool`` with ``arguments`` (a
    call) or ``answer`` (its answer, ``is_error`` if it failed). ``by`` says who ended it.
    ``stubbed`` is False for a call nothing was prepared for.
    """

    at_ms: int
    turn: int
    kind: LineKind
    text: str = ""
    tool: str = ""
    call_id: str = ""
    arguments: JsonObject | None = None
    answer: Json = None
    is_error: bool = False
    stubbed: bool = True
    by: Literal["", "agent", "caller", "platform"] = ""


Transcript = tuple[Line, ...]
