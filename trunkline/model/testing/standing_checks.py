"""``always``: what holds for every reply, looked at when the conversation is over.

A conversation without a reply proves nothing about replies (NothingSaid). A forbidden call can be
denied without one.
"""

from collections.abc import Sequence

from trunkline.model.kinds.conversation import Always, ReplyTimes
from trunkline.model.testing.asking import Asked
from trunkline.model.testing.calling import call_found
from trunkline.model.testing.expectations import milliseconds
from trunkline.model.testing.figures import percentile
from trunkline.model.testing.hearing import Reply, calls, replies
from trunkline.model.testing.matching import shown, text_match, wanted_text
from trunkline.model.testing.results import CheckResult
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.whole_checks import Whole, blank, decided, unknown


def standing_check(
    line: Always, number: int, lines: Sequence[Line], reply_ms: Sequence[int]
) -> Whole:
    """What came of one line of ``always``. ``reply_ms``: how long each reply took to begin."""
    path = f"spec.always[{number}]"
    heard = replies(lines)
    if line.no_call is not None:
        check = blank(path, "noCall", f"never calls {line.no_call}")
        forbidden = [call for call in calls(lines) if call.tool == line.no_call]
        return decided(check, holds=not forbidden, found=call_found((), forbidden), reason="Called")
    if line.replies_within is not None:
        return _reply_times(path, line.replies_within, reply_ms)
    if line.words is not None:
        return _words(path, line.words.most, heard)
    if line.judge is not None:
        check = blank(path, "judge", f'the judge agrees with "{line.judge}" about every reply')
        return _asked_of_each(check, (line.judge,), heard)
    return _says(path, line, heard)


def word_count(text: str) -> int:
    """Words of a text: pieces between blanks that have a letter or digit."""
    return sum(any(char.isalnum() for char in word) for word in text.split())


def _says(path: str, line: Always, heard: Sequence[Reply]) -> Whole:
    matcher = line.says if line.says is not None else ""
    check = blank(path, "says", f"every reply {wanted_text(matcher)}")
    if not heard:
        return unknown(check, "nothing", "NothingSaid")
    for reply in heard:
        if not text_match(matcher, reply.text).holds:
            return decided(check, holds=False, found=_in_turn(reply), reason="Said")
    return _asked_of_each(check, text_match(matcher, "").asks, heard)


def _asked_of_each(check: CheckResult, sentences: Sequence[str], heard: Sequence[Reply]) -> Whole:
    if not heard:
        return unknown(check, "nothing", "NothingSaid")
    asked = [
        Asked(path=check.path, criterion=sentence, about=reply.text, turn=reply.turn, number=number)
        for number, (sentence, reply) in enumerate(
            (sentence, reply) for sentence in sentences for reply in heard
        )
    ]
    return decided(check, holds=True, found=f"{len(heard)} replies", asked=asked)


def _words(path: str, most: int, heard: Sequence[Reply]) -> Whole:
    check = blank(path, "words", f"every reply has at most {most} words")
    if not heard:
        return unknown(check, "nothing", "NothingSaid")
    longest = max(heard, key=lambda reply: word_count(reply.text))
    found = f"{word_count(longest.text)} words: {_in_turn(longest)}"
    return decided(
        check, holds=word_count(longest.text) <= most, found=found, reason="TooManyWords"
    )


def _reply_times(path: str, times: ReplyTimes, reply_ms: Sequence[int]) -> Whole:
    limits = {
        "p50": (milliseconds(times.p50), percentile(reply_ms, 50)),
        "p95": (milliseconds(times.p95), percentile(reply_ms, 95)),
        "max": (milliseconds(times.longest), max(reply_ms, default=None)),
    }
    given = {name: pair for name, pair in limits.items() if pair[0] is not None}
    wanted = ", ".join(f"{name} ≤ {limit} ms" for name, (limit, _) in given.items())
    check = blank(path, "repliesWithin", f"replies begin in time: {wanted}")
    if not reply_ms or not given:
        return unknown(check, "nothing measured", "NothingSaid")
    found = ", ".join(f"{name} {measured} ms" for name, (_, measured) in given.items())
    late = [name for name, (limit, measured) in given.items() if (measured or 0) > (limit or 0)]
    return decided(check, holds=not late, found=found, reason="TooSlow")


def _in_turn(reply: Reply) -> str:
    return f"{shown(reply.text)} in turn {reply.turn + 1}"
