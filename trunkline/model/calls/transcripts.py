"""What was said in a call, in the order it was said, made of its events.

Pure. A reply that was corrected stands as the caller heard it; what the agent had meant to say is
beside it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from trunkline.model.base import Frozen, Json
from trunkline.model.calls.events import CallEvent

Speaker = Literal["caller", "agent", "tool"]
_MS = 1_000
_MINUTE_S = 60


class Utterance(Frozen):
    """One turn. ``at_ms`` is since the call was answered, None where nobody knows; ``meant`` is
    what an interrupted agent was about to say, ``heard_ms`` how much of it was heard. ``tool`` is
    one the agent used.
    """

    seq: int
    speaker: Speaker
    text: str
    at: datetime
    at_ms: int | None = None
    meant: str = ""
    interrupted: bool = False
    heard_ms: int | None = None
    is_error: bool = False


_Change = Callable[[Utterance, CallEvent], Utterance]


def transcript_of(
    events: Iterable[CallEvent], answered_at: datetime | None = None
) -> tuple[Utterance, ...]:
    """The turns of a call; ``events`` are in their order."""
    turns: list[Utterance] = []
    for event in events:
        if event.name == "agent_response_correction":
            _replace_last(turns, _corrected, event)
        elif event.name == "interruption":
            _replace_last(turns, _interrupted, event)
        elif (turn := _turn(event, answered_at)) is not None:
            turns.append(turn)
    return tuple(turns)


def plain_text(turns: Iterable[Utterance]) -> str:
    """The transcript for people: a line a turn, with the time since the answer."""
    return "".join(f"{_clock(turn.at_ms)} {turn.speaker}: {_words(turn)}\n" for turn in turns)


def _turn(event: CallEvent, answered_at: datetime | None) -> Utterance | None:
    speaker: Speaker
    if event.name == "user_transcript":
        speaker, text = "caller", _text(event.data.get("text"))
    elif event.name == "agent_response":
        speaker, text = "agent", _text(event.data.get("text"))
    elif event.name == "tool_call" and event.data.get("phase") != "begun":
        speaker, text = "tool", _text(event.data.get("tool"))
    else:
        return None
    return Utterance(
        seq=event.seq,
        speaker=speaker,
        text=text,
        at=event.at,
        at_ms=_since_answer(event, answered_at),
        is_error=event.data.get("isError") is True,
    )


def _corrected(turn: Utterance, event: CallEvent) -> Utterance:
    update = {"text": _text(event.data.get("corrected")), "meant": turn.meant or turn.text}
    return turn.model_copy(update={**update, "interrupted": True})


def _interrupted(turn: Utterance, event: CallEvent) -> Utterance:
    heard = event.data.get("heardMs")
    heard_ms = int(heard) if isinstance(heard, int | float) else turn.heard_ms
    return turn.model_copy(update={"interrupted": True, "heard_ms": heard_ms})


def _replace_last(turns: list[Utterance], change: _Change, event: CallEvent) -> None:
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].speaker == "agent":
            turns[place] = change(turns[place], event)
            return


def _since_answer(event: CallEvent, answered_at: datetime | None) -> int | None:
    told = event.data.get("atMs")
    if isinstance(told, int | float):
        return int(told)
    if answered_at is None:
        return None
    return max(0, int((event.at - answered_at).total_seconds() * _MS))


def _clock(at_ms: int | None) -> str:
    if at_ms is None:
        return "[--:--]"
    minutes, seconds = divmod(at_ms // _MS, _MINUTE_S)
    return f"[{minutes:02d}:{seconds:02d}]"


def _words(turn: Utterance) -> str:
    if turn.speaker == "tool":
        return f"{turn.text}{' failed' if turn.is_error else ''}"
    words = " ".join(turn.text.split())
    return f"{words} [interrupted]" if turn.interrupted else words


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
