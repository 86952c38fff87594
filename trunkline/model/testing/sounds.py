"""When the agent speaks, as the caller hears it: from levels of its audio and when they arrived.

A platform sends speech faster than it is spoken, so a piece sounds when everything before it has
been played, and an interruption throws away what has not. Pure arithmetic over frames of 20 ms;
how loud a frame is was measured elsewhere. Times are milliseconds since the conversation opened.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from trunkline.model.testing.closing_checks import AudioMeasures
from trunkline.model.testing.limits import SOUND_FRAME_MS

VOICED_DBFS = -45.0
"""A frame louder than this is voice: speech lies near -25, a quiet line below -60."""
VOICED_FRAMES = 2
"""So many frames in a row begin speech: one alone is a click."""
PAUSE_MS = 300
"""A shorter gap is a pause in a sentence, not the end of it."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Root mean square of each frame in dBFS; the last frame may be shorter than the others."""

    frames: tuple[float, ...]
    duration_ms: float
    clipped_samples: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody speaks, pauses in a sentence included."""

    start_ms: float
    end_ms: float

    @property
    def length_ms(self) -> float:
        """How long."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Change:
    """The agent began or ceased to speak at ``at_ms``."""

    at_ms: int
    what: Literal["started", "stopped"]


@dataclass(slots=True)
class _Piece:
    start_ms: float
    levels: Levels
    end_ms: float


class Playback:
    """The agent's audio as a telephone plays it: one piece after the other, never early.

    Pieces and cuts must come in order of time.
    """

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._past: list[Span] = []
        self._speaking = False
        self._ends_ms = 0.0
        self.clipped_samples = 0

    def hear(self, at_ms: float, levels: Levels) -> None:
        """A piece arrived."""
        start_ms = max(at_ms, self._ends_ms)
        self._ends_ms = start_ms + levels.duration_ms
        self._pieces.append(_Piece(start_ms, levels, self._ends_ms))
        self.clipped_samples += levels.clipped_samples

    def cut(self, at_ms: float) -> None:
        """What would sound after ``at_ms`` is thrown away."""
        self._pieces = [piece for piece in self._pieces if piece.start_ms < at_ms]
        for piece in self._pieces:
            piece.end_ms = min(piece.end_ms, at_ms)
        self._ends_ms = min(self._ends_ms, at_ms)

    def spans(self, until_ms: float = math.inf) -> tuple[Span, ...]:
        """When the agent speaks, up to a time or as far as is known."""
        return (*self._past, *self._present(until_ms))

    def changes(self, now_ms: float) -> tuple[Change, ...]:
        """What has happened since the last question: speech that began, speech that is over.

        An end is known once the agent has been quiet longer than in a pause, so it lies about
        ``PAUSE_MS`` back.
        """
        news = []
        for span in self._present(now_ms):
            if not self._speaking:
                news.append(Change(round(span.start_ms), "started"))
                self._speaking = True
            if now_ms - span.end_ms > PAUSE_MS:
                news.append(Change(round(span.end_ms), "stopped"))
                self._past.append(span)
                self._speaking = False
        gone_ms = self._past[-1].end_ms if self._past else 0.0
        self._pieces = [piece for piece in self._pieces if piece.end_ms > gone_ms]
        return tuple(news)

    def _present(self, until_ms: float) -> tuple[Span, ...]:
        gone_ms = self._past[-1].end_ms if self._past else 0.0
        spans = merged(
            span
            for piece in self._pieces
            for span in voiced(piece.levels, piece.start_ms, min(piece.end_ms, until_ms))
        )
        return tuple(span for span in spans if span.end_ms > gone_ms)


def voiced(levels: Levels, start_ms: float, end_ms: float) -> Iterable[Span]:
    """Stretches of voice in a piece that sounds from ``start_ms`` and is cut at ``end_ms``."""
    begun: int | None = None
    loud = [level > VOICED_DBFS for level in levels.frames]
    for index, voice in enumerate([*loud, False]):
        if voice and begun is None:
            begun = index
        elif not voice and begun is not None:
            first_ms = start_ms + begun * SOUND_FRAME_MS
            last_ms = min(start_ms + min(index * SOUND_FRAME_MS, levels.duration_ms), end_ms)
            if last_ms > first_ms:
                yield Span(first_ms, last_ms)
            begun = None


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order of time, with pauses inside sentences closed and clicks left out."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start_ms - joined[-1].end_ms <= PAUSE_MS:
            joined[-1] = Span(joined[-1].start_ms, max(joined[-1].end_ms, span.end_ms))
        else:
            joined.append(span)
    shortest_ms = VOICED_FRAMES * SOUND_FRAME_MS
    return tuple(span for span in joined if span.length_ms >= shortest_ms)


def overlap_ms(one: Sequence[Span], other: Sequence[Span]) -> float:
    """How long both speak."""
    return sum(
        max(0.0, min(a.end_ms, b.end_ms) - max(a.start_ms, b.start_ms)) for a in one for b in other
    )


def longest_silence_ms(caller: Sequence[Span], agent: Sequence[Span]) -> float | None:
    """The longest wait between the caller's last sound and the agent's first; None without any."""
    waits = []
    for index, asked in enumerate(caller):
        next_ms = caller[index + 1].start_ms if index + 1 < len(caller) else math.inf
        heard = [span for span in agent if span.end_ms > asked.end_ms]
        if heard and heard[0].start_ms < next_ms:
            waits.append(max(0.0, heard[0].start_ms - asked.end_ms))
    return max(waits) if waits else None


def measures(
    *,
    caller: Sequence[Span],
    agent: Sequence[Span],
    duration_ms: float,
    loudness_lufs: float | None,
    clipped_samples: int,
) -> AudioMeasures:
    """Everything ``finally.audio`` asks, of one conversation.

    The overlap is the time both spoke over the time of the conversation; the silence lies between
    the caller's last sound and the agent's first one.
    """
    silence_ms = longest_silence_ms(caller, agent)
    return AudioMeasures(
        agent_overlap=overlap_ms(caller, agent) / duration_ms if duration_ms > 0 else None,
        longest_silence_ms=None if silence_ms is None else round(silence_ms),
        loudness_lufs=None if loudness_lufs is None else round(loudness_lufs, 1),
        clipped_samples=clipped_samples,
    )
