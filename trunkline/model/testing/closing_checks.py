"""``finally``: what holds for the conversation as a whole, looked at when it is over.

A conversation that was cut short can only break such a check, never fulfil it: what might still
have come true was not reached.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trunkline.model.base import Frozen, Json
from trunkline.model.kinds.conversation import AudioQuality, Ending, Finally, Mode
from trunkline.model.testing.asking import Asked
from trunkline.model.testing.expectations import milliseconds
from trunkline.model.testing.hearing import calls, ending, replies, spoken, turns_taken
from trunkline.model.testing.matching import (
    forbids_only,
    shown,
    shown_value,
    text_match,
    value_match,
    wanted_text,
    wanted_value,
)
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.whole_checks import Whole, blank, decided, not_applicable, unknown


class AudioMeasures(Frozen):
    """What was measured of the agent's audio; None where it could not be. ``agent_overlap`` is the
    share of the time in which it spoke over the caller.
    """

    agent_overlap: float | None = None
    longest_silence_ms: int | None = None
    loudness_lufs: float | None = None
    clipped_samples: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation that is over. ``cut`` if it ended before the script did; ``variables`` are its
    variables at the end, None if the platform does not say.
    """

    lines: tuple[Line, ...]
    mode: Mode
    cut: bool
    variables: Mapping[str, Json] | None
    audio: AudioMeasures | None
    documents: Mapping[str, str]


def closing_check(line: Finally, number: int, talk: Conversation) -> Whole:
    """What came of one line of ``finally``."""
    path = f"spec.finally[{number}]"
    checks: dict[str, Callable[[str, Finally, Conversation], Whole]] = {
        "calls_total": _calls_total,
        "ends": _ends,
        "variables": _variables,
        "says": _says,
        "audio": _audio,
        "grounded_in": _grounded,
        "goal": _judged,
        "judge": _judged,
    }
    given = next(name for name in Finally.CHECKS if getattr(line, name) is not None)
    return checks[given](path, line, talk)


def _reached(talk: Conversation, whole: Whole) -> Whole:
    """What was found, unless the conversation was cut short and may yet have come to it."""
    if not talk.cut or whole.check.outcome == "notApplicable":
        return whole
    return unknown(whole.check, whole.check.found, "NotReached")


def _calls_total(path: str, line: Finally, talk: Conversation) -> Whole:
    wanted = line.calls_total or {}
    made = Counter(call.tool for call in calls(talk.lines))
    words = ", ".join(f"{tool} {count}" for tool, count in wanted.items())
    check = blank(path, "callsTotal", f"calls in all: {words}")
    found = ", ".join(f"{tool} {made[tool]}" for tool in wanted)
    exceeded = any(made[tool] > count for tool, count in wanted.items())
    whole = decided(
        check, holds=all(made[t] == n for t, n in wanted.items()), found=found, reason="WrongCount"
    )
    return whole if exceeded else _reached(talk, whole)


def _ends(path: str, line: Finally, talk: Conversation) -> Whole:
    wanted = line.ends or Ending()
    words = [f"the {wanted.by} ends it"] if wanted.by else []
    if wanted.within_turns is not None:
        words.append(f"it ends within {wanted.within_turns} turns of the caller")
    check = blank(path, "ends", " and ".join(words))
    ended = ending(talk.lines)
    by = "caller" if ended is None else ended.by
    turns = turns_taken(talk.lines)
    found = f"the {by} ended it after {turns} turns of the caller"
    if wanted.within_turns is not None and turns > wanted.within_turns:
        return decided(check, holds=False, found=found, reason="TooManyTurns")
    whole = decided(check, holds=wanted.by in (None, by), found=found, reason="EndedByOther")
    return _reached(talk, whole)


def _variables(path: str, line: Finally, talk: Conversation) -> Whole:
    wanted = line.variables or {}
    words = ", ".join(f"{name} {wanted_value(matcher)}" for name, matcher in wanted.items())
    check = blank(path, "variables", f"variables: {words}")
    if talk.variables is None:
        return unknown(check, "the platform does not say", "VariablesUnknown")
    holds, found = True, []
    asked: list[Asked] = []
    for name, matcher in wanted.items():
        if name not in talk.variables:
            holds = False
            found.append(f"{name} absent")
            continue
        value = talk.variables[name]
        match = value_match(matcher, value)
        holds = holds and match.holds
        found.append(f"{name} {match.found}")
        text = value if isinstance(value, str) else shown_value(value)
        asked += [
            Asked(path=path, criterion=sentence, about=text, number=len(asked) + at)
            for at, sentence in enumerate(match.asks)
        ]
    whole = decided(check, holds=holds, found=", ".join(found), reason="WrongValue", asked=asked)
    return _reached(talk, whole)


def _says(path: str, line: Finally, talk: Conversation) -> Whole:
    matcher = line.says if line.says is not None else ""
    check = blank(path, "says", f"somewhere {wanted_text(matcher)}")
    heard = replies(talk.lines)
    if forbids_only(matcher):
        check = blank(path, "says", f"throughout {wanted_text(matcher)}")
        broken = [r.text for r in heard if not text_match(matcher, r.text).holds]
        if broken:
            return decided(check, holds=False, found=shown(broken[0]), reason="Said")
        if not heard:
            return unknown(check, "nothing", "NothingSaid")
        return _reached(talk, decided(check, holds=True, found=f"{len(heard)} replies"))
    texts = [*(reply.text for reply in heard), spoken(heard)]
    matches = [match for text in texts if (match := text_match(matcher, text)).holds]
    if not matches or not heard:
        return _reached(
            talk, decided(check, holds=False, found=shown(spoken(heard)), reason="NotSaid")
        )
    asked = [
        Asked(path=path, criterion=sentence, about=spoken(heard), number=at)
        for at, sentence in enumerate(matches[0].asks)
    ]
    return _reached(talk, decided(check, holds=True, found=matches[0].found, asked=asked))


def _judged(path: str, line: Finally, talk: Conversation) -> Whole:
    sentence = line.goal if line.goal is not None else line.judge or ""
    name = "goal" if line.goal is not None else "judge"
    check = blank(path, name, f'the judge agrees with "{sentence}"')
    asked = [Asked(path=path, criterion=sentence)]
    return _reached(talk, decided(check, holds=True, found="", asked=asked))


def _grounded(path: str, line: Finally, talk: Conversation) -> Whole:
    document = line.grounded_in or ""
    check = blank(path, "groundedIn", f"what the agent says is in {document}")
    reference = talk.documents.get(document, "")
    if not reference.strip():
        return unknown(check, "the document has no text here", "DocumentUnreadable")
    if not replies(talk.lines):
        return unknown(check, "nothing", "NothingSaid")
    asked = [Asked(path=path, criterion=GROUNDED, reference=reference)]
    return _reached(talk, decided(check, holds=True, found="", asked=asked))


GROUNDED = "states no fact that the reference, the caller or a tool did not give"
"""What a judge is asked for ``groundedIn``."""


def _audio(path: str, line: Finally, talk: Conversation) -> Whole:
    bounds = _bounds(line.audio or AudioQuality(), talk.audio or AudioMeasures())
    check = blank(path, "audio", ", ".join(words for words, _, _ in bounds))
    if talk.mode == "text":
        return not_applicable(check)
    found = ", ".join(measured for _, measured, _ in bounds)
    if any(holds is False for _, _, holds in bounds):
        return decided(check, holds=False, found=found, reason="AudioOutOfBounds")
    if not bounds or any(holds is None for _, _, holds in bounds):
        return unknown(check, found, "NotMeasured")
    return _reached(talk, decided(check, holds=True, found=found))


def _bounds(
    wanted: AudioQuality, measured: AudioMeasures
) -> tuple[tuple[str, str, bool | None], ...]:
    """Of each bound that is given: what is wanted, what was measured, and whether it holds."""
    bounds: list[tuple[str, str, bool | None]] = []
    if wanted.agent_overlap_max is not None:
        share = measured.agent_overlap
        most = float(wanted.agent_overlap_max.rstrip("%"))
        shown_share = "unknown" if share is None else f"{share * 100:.1f}%"
        holds = None if share is None else share * 100 <= most
        bounds.append((f"overlap at most {most:g}%", f"overlap {shown_share}", holds))
    if wanted.silence_max is not None:
        silence, longest = measured.longest_silence_ms, milliseconds(wanted.silence_max) or 0
        holds = None if silence is None else silence <= longest
        bounds.append((f"silence at most {longest} ms", f"silence {silence} ms", holds))
    if wanted.loudness_lufs is not None:
        (low, high), loudness = wanted.loudness_lufs, measured.loudness_lufs
        holds = None if loudness is None else low <= loudness <= high
        words = f"loudness from {low:g} to {high:g} LUFS"
        bounds.append((words, f"loudness {loudness} LUFS", holds))
    if wanted.clipping_max is not None:
        clipped = measured.clipped_samples
        words = f"at most {wanted.clipping_max} clipped samples"
        holds = None if clipped is None else clipped <= wanted.clipping_max
        bounds.append((words, f"{clipped} clipped samples", holds))
    return tuple(bounds)
