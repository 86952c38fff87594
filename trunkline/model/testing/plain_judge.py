"""The judge that needs no model: it goes by words, and says so.

Its answers depend on nothing but the question, so a test with it gives the same result for ever and
costs nothing. What it does: a criterion is cut into clauses at commas, ``and``, ``but`` and
``without``; each is held against the agent's words.

- ``in Spanish`` (English, German, French): most function words are of that language.
- ``no``, ``never``, ``not``, ``without`` X: no sentence has the words of X, unless the sentence is
  itself negated. ``about`` X narrows it to X.
- ``asks …``: there is a question, with a word of the criterion in it.
- day, date, time, hours, number: something of that kind is said. Times and numbers are compared as
  ``like`` compares them; names of weekdays also across the four languages.
- Everything else: at least half of the clause's content words, by their stems, are said (or, where
  the whole conversation is asked about, called or answered by tools). None of several: denied. Some
  of them, or a single one that others could stand for: it cannot tell.
- With a reference: every number, time and weekday the agent says is in the reference, or was said
  by the caller or a tool.

What it cannot do: understand. It takes a paraphrase without common words for a denial, ``or`` for
``and``, and a quotation for an assertion; a negation reaches to the next comma only; manner (calm,
polite, accurate) and invention it cannot tell, nor words of another language than the reply's.
Clauses it cannot tell leave the answer open, which is inconclusive.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from trunkline.model.testing.hearing import replies, spoken
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.likeness import ORDINAL_MARK, Clock, Token, same_token, tokens
from trunkline.model.testing.matching import quoted, shown_value
from trunkline.model.testing.plain_words import (
    ALIKE,
    AT_ONCE,
    CONTRACTIONS,
    DAY_WORDS,
    DAYS_NAMED,
    IDLE,
    LANGUAGES,
    MANNERS,
    NEGATIONS,
    NUMBER_WORDS,
    TIME_WORDS,
    WEEKDAYS,
)
from trunkline.model.testing.transcripts import Line

PLAIN_JUDGE: Final = "trunkline-plain/1"
"""Its name in every result; the figure changes whenever an answer could."""

_CUT: Final = re.compile(r"[,;]|\b(?:and|but|then)\b|(?=\bwithout\b)", re.IGNORECASE)
_NEGATED: Final = re.compile(
    r"\b(?:no|not|never|without|nor|neither|cannot|doesn't|does not|don't|isn't|nothing)\b",
    re.IGNORECASE,
)
_LANGUAGE: Final = re.compile(rf"\bin\s+({'|'.join(LANGUAGES)})\b", re.IGNORECASE)
_ASKS: Final = re.compile(
    r"^\W*(?:it\s+|the agent\s+)?(?:asks?|asking|asked|wonders)\b", re.IGNORECASE
)
_SENTENCE: Final = re.compile(r"[^.!?…]+[.!?…]*")
_SUFFIXES: Final = (
    *("ations", "ation", "ings", "edly", "ing", "ies", "ied"),
    *("ed", "es", "s", "e", "y"),
)
_STEM_MIN: Final = 3
_HOURS: Final = 24
_HALF_A_DAY: Final = 12
_LANGUAGE_WORDS_MIN: Final = 2


class _Finding(NamedTuple):
    agrees: bool | None
    why: str


class _Heard(NamedTuple):
    """What the agent said, and what counts as said: with tools where the whole is asked about."""

    said: str
    counted: str
    language: str | None


def plain_answer(question: Question) -> JudgeAnswer:
    """The answer to a question: agrees, denies, or None where words cannot tell."""
    if question.reference.strip():
        return _answer((_grounded(question),))
    heard = _heard(question)
    if not heard.said.strip():
        return _answer((_Finding(agrees=None, why="nothing was said"),))
    clauses = [clause.strip() for clause in _CUT.split(question.criterion)]
    return _answer([_clause(clause, heard) for clause in clauses if _has_words(clause)])


def language_of(text: str) -> str | None:
    """The language most of whose function words are in the text; None if two are as likely."""
    words = re.findall(r"\w+", re.sub(CONTRACTIONS, " ", text.casefold()))
    counts = {name: sum(word in known for word in words) for name, known in LANGUAGES.items()}
    best, second, *_ = sorted(counts.values(), reverse=True)
    if best < min(_LANGUAGE_WORDS_MIN, len(words)) or best in (0, second):
        return None
    return next(name for name, count in counts.items() if count == best)


def _answer(findings: Sequence[_Finding]) -> JudgeAnswer:
    for agrees in (False, None):
        against = [finding.why for finding in findings if finding.agrees is agrees]
        if against:
            return JudgeAnswer(agrees=agrees, reason=f"by words: {'; '.join(against)}")
    if not findings:
        return JudgeAnswer(agrees=None, reason="by words: the criterion has no words to look for")
    return JudgeAnswer(agrees=True, reason=f"by words: {'; '.join(f.why for f in findings)}")


def _heard(question: Question) -> _Heard:
    if question.about:
        return _Heard(question.about, question.about, language_of(question.about))
    said = spoken(replies(question.transcript))
    done = " ".join(_of_tools(question.transcript))
    return _Heard(said, f"{said} {done}", language_of(said))


def _of_tools(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        if line.kind == "toolCalled":
            yield f"{line.tool} {shown_value(line.arguments)}"
        elif line.kind == "toolAnswered":
            yield shown_value(line.answer)


def _clause(clause: str, heard: _Heard) -> _Finding:
    language = _LANGUAGE.search(clause)
    if language is None:
        return _meaning(clause, heard)
    wanted = language[1].lower()
    if heard.language is None:
        return _Finding(agrees=None, why=f"{quoted(clause)}: the language cannot be told")
    if heard.language != wanted:
        return _Finding(agrees=False, why=f"{quoted(clause)}: it is {heard.language.title()}")
    rest = f"{clause[: language.start()]} {clause[language.end() :]}"
    spoken_in = _Finding(agrees=True, why=f"it is {wanted.title()}")
    return _meaning(rest, heard) if list(_content(rest)) else spoken_in


def _meaning(clause: str, heard: _Heard) -> _Finding:
    manner = [word for word in re.findall(r"[\w-]+", clause.lower()) if word in MANNERS]
    if manner:
        return _Finding(agrees=None, why=f"{quoted(clause)}: words do not show {manner[0]!r}")
    negated = _NEGATED.search(clause)
    if negated is not None:
        return _absent(clause, clause[negated.end() :], heard)
    asks = _ASKS.match(clause)
    if asks is not None:
        return _question(clause, clause[asks.end() :], heard)
    return _present(clause, heard)


def _absent(clause: str, topic: str, heard: _Heard) -> _Finding:
    narrowed = re.search(r"\b(?:about|on|of|for)\b(.+)", topic)
    topic = narrowed[1] if narrowed and list(_content(narrowed[1])) else topic
    kinds = [list(_content(kind)) for kind in re.split(r"\bor\b", topic)]
    kinds = [kind for kind in kinds if kind]
    if not kinds:
        return _Finding(agrees=None, why=f"{quoted(clause)}: nothing to look for")
    for sentence in _SENTENCE.findall(heard.said):
        words = tokens(sentence)
        turned = any(word in NEGATIONS for word in words) or "n't" in sentence.replace(
            "\u2019", "'"
        )
        if not turned and any(all(_is_said(w, words) for w in kind) for kind in kinds):
            return _Finding(agrees=False, why=f"{quoted(clause)}: {quoted(sentence)}")
    return _Finding(agrees=True, why=f"{quoted(clause)}: it is not said")


def _question(clause: str, topic: str, heard: _Heard) -> _Finding:
    asked = [each for each in _SENTENCE.findall(heard.said) if each.rstrip().endswith("?")]
    if not asked:
        return _Finding(agrees=False, why=f"{quoted(clause)}: it asks nothing")
    wanted = list(_content(topic))
    words = [word for sentence in asked for word in tokens(sentence)]
    if not wanted or any(_is_said(word, words) for word in wanted):
        return _Finding(agrees=True, why=f"{quoted(clause)}: {quoted(asked[-1])}")
    return _Finding(agrees=None, why=f"{quoted(clause)}: it asks {quoted(asked[-1])}")


def _present(clause: str, heard: _Heard) -> _Finding:
    wanted = list(_content(clause))
    if heard.language not in (None, "english"):
        wanted = [word for word in wanted if not isinstance(word, str) or _crosses(word)]
    if not wanted:
        return _Finding(agrees=None, why=f"{quoted(clause)}: no word that could be looked for")
    words = tokens(heard.counted)
    said = [word for word in wanted if _is_said(word, words)]
    missing = ", ".join(_written(word) for word in wanted if word not in said)
    if 2 * len(said) >= len(wanted):
        return _Finding(agrees=True, why=f"{quoted(clause)}: it is said")
    denied = not said and (len(wanted) > 1 or _decisive(wanted[0]))
    return _Finding(agrees=False if denied else None, why=f"{quoted(clause)}: not said: {missing}")


def _decisive(word: Token) -> bool:
    """True if a single word that is missing was not said in other words either."""
    known = isinstance(word, Clock) or _crosses(word) or word in AT_ONCE
    return known or any(word in group for group in ALIKE)


def _crosses(word: str) -> bool:
    """True if a word can be found in a reply of another language: days, times, numbers."""
    kinds = (*DAY_WORDS, *TIME_WORDS, *NUMBER_WORDS, *DAYS_NAMED)
    return word in kinds or word.strip(ORDINAL_MARK).isdigit()


def _content(text: str) -> Iterator[Token]:
    """The words of a criterion that a reply must have."""
    for word in tokens(text):
        if isinstance(word, Clock) or word in AT_ONCE or not _idle(word):
            yield word


def _idle(word: str) -> bool:
    return word in IDLE or word in NEGATIONS or word == "1"


def _is_said(wanted: Token, words: Sequence[Token]) -> bool:
    if isinstance(wanted, Clock):
        return any(same_token(wanted, word) for word in words)
    plain = [word.strip(ORDINAL_MARK) for word in words if isinstance(word, str)]
    wanted = wanted.strip(ORDINAL_MARK)
    named = WEEKDAYS.get(wanted) or (DAYS_NAMED if wanted in DAY_WORDS else None)
    if named is not None:
        return any(word in named for word in plain)
    timed = any(isinstance(word, Clock) for word in words)
    counted = any(word.isdigit() for word in plain)
    if (wanted in TIME_WORDS and timed) or (wanted in NUMBER_WORDS and counted):
        return True
    alike = {wanted} | (AT_ONCE if wanted in AT_ONCE else frozenset())
    alike = alike.union(*(group for group in ALIKE if wanted in group))
    stems = {_stem(word) for word in alike}
    return any(_stem(word) in stems for word in plain)


def _stem(word: str) -> str:
    if not word.isalpha():
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _STEM_MIN:
            word = word.removesuffix(suffix)
            break
    return word[:-1] if len(word) > _STEM_MIN and word[-1] == word[-2] else word


def _grounded(question: Question) -> _Finding:
    """Whether the facts words can tell are in the reference, or were said by somebody else."""
    heard = _heard(question).said
    others = " ".join(line.text for line in question.transcript if line.kind != "agentSaid")
    given = tokens(f"{question.reference} {others} {' '.join(_of_tools(question.transcript))}")
    facts = [word for word in tokens(heard) if _is_fact(word)]
    invented = [word for word in facts if not _is_given(word, given)]
    if invented:
        said = ", ".join(_written(word) for word in invented)
        return _Finding(agrees=False, why=f"not in the reference: {said}")
    if not facts:
        return _Finding(agrees=None, why="no number, time or weekday was said")
    return _Finding(agrees=True, why=f"{len(facts)} numbers, times and weekdays are given")


def _is_given(fact: Token, given: Sequence[Token]) -> bool:
    """True if a fact is among others; a full hour may be written as a number."""
    if _is_said(fact, given):
        return True
    written_otherwise = [word for word in given if isinstance(word, str) != isinstance(fact, str)]
    hour = _full_hour(fact)
    return hour is not None and any(_full_hour(word) == hour for word in written_otherwise)


def _full_hour(word: Token) -> int | None:
    """The hour of half a day that a time or a number stands for."""
    if isinstance(word, Clock):
        return word.hour % _HALF_A_DAY if word.minute == 0 else None
    return (
        int(word) % _HALF_A_DAY
        if re.fullmatch(r"[0-9]{1,2}", word) and int(word) <= _HOURS
        else None
    )


def _is_fact(word: Token) -> bool:
    if isinstance(word, Clock):
        return True
    plain = word.strip(ORDINAL_MARK)
    return (plain.replace(".", "", 1).isdigit() and plain != "1") or plain in WEEKDAYS


def _has_words(clause: str) -> bool:
    return any(char.isalnum() for char in clause)


def _written(word: Token) -> str:
    if isinstance(word, Clock):
        return f"{word.hour}:{word.minute:02} {word.half}".strip()
    return word.strip(ORDINAL_MARK)
