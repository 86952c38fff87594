"""What was said and called in a stretch of a conversation, read from its lines.

Replies are as they were really spoken: a correction replaces the reply before it. Pure reading; no
opinion about what should have happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.model.base import JsonObject
from trunkline.model.testing.transcripts import Line

CALLER_KINDS = ("callerSaid", "callerPressed", "callerWaited")


@dataclass(frozen=True, slots=True)
class Reply:
    """Something the agent said: ``at_ms`` when it arrived, ``index`` its place among the lines."""

    index: int
    at_ms: int
    text: str
    turn: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    index: int
    at_ms: int
    tool: str
    arguments: JsonObject
    stubbed: bool


def replies(lines: Sequence[Line]) -> tuple[Reply, ...]:
    """What the agent said, reply by reply; what was never spoken of it is left out."""
    heard: list[Reply] = []
    for index, line in enumerate(lines):
        if line.kind == "agentSaid":
            heard.append(Reply(index, line.at_ms, line.text, line.turn))
        elif line.kind == "agentCorrected" and heard:
            last = heard[-1]
            heard[-1] = Reply(last.index, last.at_ms, line.text, last.turn)
    return tuple(reply for reply in heard if reply.text.strip())


def calls(lines: Sequence[Line]) -> tuple[Call, ...]:
    """Calls of tools in order of arrival."""
    return tuple(
        Call(index, line.at_ms, line.tool, line.arguments or {}, line.stubbed)
        for index, line in enumerate(lines)
        if line.kind == "toolCalled"
    )


def unanswered(lines: Sequence[Line]) -> bool:
    """True while a tool was called that has not answered."""
    waiting: list[tuple[str, str]] = []
    for line in lines:
        if line.kind == "toolCalled":
            waiting.append((line.tool, line.call_id))
        elif line.kind == "toolAnswered":
            same = [call for call in waiting if call[1] == line.call_id and line.call_id]
            same = same or [call for call in waiting if call[0] == line.tool]
            if same:
                waiting.remove(same[0])
    return bool(waiting)


def speaking(lines: Sequence[Line]) -> bool:
    """True while the agent's audio has begun and not stopped."""
    told = [line.kind for line in lines if line.kind in ("agentStarted", "agentStopped")]
    return bool(told) and told[-1] == "agentStarted"


def turns_taken(lines: Sequence[Line]) -> int:
    """Turns of the caller: what it said, pressed or waited for."""
    return sum(line.kind in CALLER_KINDS for line in lines)


def ending(lines: Sequence[Line]) -> Line | None:
    """The line that ended it, or None."""
    return next((line for line in lines if line.kind == "ended"), None)


def spoken(heard: Sequence[Reply]) -> str:
    """Replies as one text."""
    return " ".join(reply.text.strip() for reply in heard)
