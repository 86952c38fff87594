"""How an agent is told to behave all the time: lengths, offers, consent, claims, languages.

Each is read from whatever sentence of the prompt says it, by what it is about rather than by its
words; a sentence that is not there leaves the agent to its habits, which are those of a helpful
talker who checks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.elevenlabs.mind.languages import languages_in, numeral
from simulators.elevenlabs.mind.meaning import concepts, terms
from simulators.elevenlabs.mind.reading import QUOTE, Sentence, split_condition
from simulators.elevenlabs.mind.words import tokens

_LIMIT: Final = re.compile(
    r"(?:at most|no more than|not more than|never more than|more than|up to|a maximum of|maximum|"
    r"max|under|within|longer than|exceed|limit\w* (?:\w+ )?to|only)\s+(\w+)"
)
_AT_MOST_AFTER: Final = re.compile(r"\b(\w+) (?:\w+ )?(?:at most|at the most|or fewer|or less)\b")
_NEGATIVE: Final = re.compile(
    r"\b(?:never|not|no|don't|nothing|neither|nor|avoid|without|cannot|refuse|refrain|fail\w*)\b"
)
_EVERY: Final = re.compile(
    r"\b(?:every|each|all)\b.{0,30}\b(?:answer|reply|response|message|turn|sentence)s?\b|\balways\b"
    r"|\bwhenever you (?:speak|answer|reply)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Policies:
    """What the prompt says about everything. None and False where it says nothing."""

    sentences_max: int | None = None
    sentence_words_max: int | None = None
    reply_words_max: int | None = None
    options_max: int | None = None
    earliest_first: bool = False
    one_at_a_time: bool = False
    natural_times: bool = False
    uses_name: bool = False
    code_group: int | None = None
    repeats: bool = False
    clear_yes: bool = False
    only_returned: bool = False
    no_false_claims: bool = False
    nothing_else: bool = False
    calm: bool = False
    brief: bool = False
    short: bool = False
    forbidden: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    follows: bool = False
    translates: bool = True
    keeps_names: bool = False
    formal: bool = False
    prohibited: tuple[frozenset[str], ...] = ()
    not_understood: int | None = None

    def prohibits(self, *topic: str) -> bool:
        """Whether some prohibition is about one of these concepts."""
        return any(one & set(topic) for one in self.prohibited)


def read_policies(sentences: Sequence[Sentence]) -> Policies:
    """The policies of a prompt."""
    texts = [sentence.text for sentence in sentences]
    lowered = [text.lower().replace("\u2019", "'") for text in texts]
    sentence_words, reply_words = _words_max(lowered)
    sentences_max = _sentences_max(lowered)
    language = [text for text in texts if languages_in(text)]
    follows = any(_follows(text) for text in texts)
    brief = any(_brief(text) for text in lowered)
    return Policies(
        sentences_max=sentences_max,
        sentence_words_max=sentence_words,
        reply_words_max=reply_words,
        options_max=_options_max(lowered),
        earliest_first=_any(lowered, r"\b(?:earliest|soonest|nearest)\b|\border of time\b"),
        one_at_a_time=_any(
            lowered,
            r"\bone (?:\w+ )?(?:at a time|by one|after the other|after another)|"
            r"\b(?:single|one) question\b|\bone by one\b",
        ),
        natural_times=any(_natural(text) for text in lowered),
        uses_name=_any(
            lowered,
            r"\bname\b.*\b(?:once|when|as soon as|after|whenever)\b.*"
            r"\b(?:know|learn\w*|told|given|have|heard)\b|"
            r"\b(?:once|when|as soon as|after)\b.*\b(?:know|learn\w*|told|heard)\b.*\bname\b",
        ),
        code_group=_group(lowered),
        repeats=_any(
            lowered,
            r"\b(?:repeat|recap|summari[sz]e|restate|read back|say back|go over)\b(?! the question)"
            r"(?!.*\bcode\b)",
        ),
        clear_yes=any(_needs_yes(text) for text in lowered),
        only_returned=any(
            re.search(r"\b(?:only|unless|except)\b", text)
            and re.search(r"\b(?:return|came|come|gave|give|provide|list|offer|found)", text)
            and re.search(r"`|\b\w+_\w+\b", text)
            and not _about_claims(text)
            and concepts(text) & {"time", "appointment", "option", "day"}
            and not _needs_yes(text)
            for text in lowered
        ),
        no_false_claims=any(_about_claims(text) for text in lowered),
        nothing_else=_any(lowered, r"\bnothing (?:else|more|further)\b|\bno other\b|\bonly that\b"),
        calm=_any(lowered, r"\bcalm(?:ly)?\b"),
        brief=brief,
        short=brief
        or bool(sentences_max or sentence_words or reply_words)
        or any(concepts(text) & {"short"} for text in lowered),
        forbidden=tuple(quote for text in texts for quote in _forbidden(text)),
        endings=tuple(ending for text in texts for ending in _ending(text)),
        serves=tuple(dict.fromkeys(code for text in language for code in languages_in(text))),
        follows=follows,
        translates=_translates(lowered, spoken_of=bool(language)),
        keeps_names=_any(
            lowered,
            r"\b(?:keep|leave|say)\b.*\b(?:as they are|exactly|as it is|unchanged|untranslated)\b|"
            r"\b(?:never|not|don't) translate\b",
        ),
        formal=any(re.search(r"\busted\b|\bformal|\bvous\b|\bSie\b", text) for text in texts),
        prohibited=tuple(
            topic for sentence in sentences for topic in _topics(sentence.text) if topic
        ),
        not_understood=_twice(lowered),
    )


def _any(texts: Iterable[str], pattern: str) -> bool:
    return any(re.search(pattern, text) for text in texts)


def _limits(text: str) -> Iterable[tuple[int, str]]:
    for pattern in (_LIMIT, _AT_MOST_AFTER):
        for match in pattern.finditer(text):
            value = numeral(match[1])
            if value:
                yield value, text[match.start() : match.end() + 24]


def _sentences_max(texts: Iterable[str]) -> int | None:
    for text in texts:
        if "sentence" not in text and not re.search(r"\bphrases?\b", text):
            continue
        for most, around in _limits(text):
            if "word" not in around and "minute" not in around:
                return most
        exact = re.search(r"\b(?:in|with|of|or) (\w+) (?:short |brief )?sentences?\b", text)
        if exact and "message" not in text and (value := numeral(exact[1])) and value > 1:
            return value
    return None


def _words_max(texts: Iterable[str]) -> tuple[int | None, int | None]:
    for text in texts:
        for value, around in _limits(text):
            if "word" in around:
                return (value, None) if "sentence" in text else (None, value)
    return None, None


def _options_max(texts: Iterable[str]) -> int | None:
    for text in texts:
        if not re.search(r"\b(?:offer|propose|suggest|present|name|give)\w*\b", text):
            continue
        if "sentence" in text or "word" in text:
            continue
        for value, around in _limits(text):
            if "minute" not in around:
                return value
    return None


def _natural(text: str) -> bool:
    about = re.search(r"\b(?:times?|hours?|days?|dates?)\b", text)
    saying = re.search(r"\b(?:say|said|speak|spoken|read|pronounce|express|state|told)\b", text)
    manner = re.search(
        r"\b(?:people|person|natural\w*|everyday|conversation\w*|someone|spoken|colloquial\w*|"
        r"speech|human)\b",
        text,
    )
    return bool(about and saying and manner) and not _NEGATIVE.search(text)


def _group(texts: Iterable[str]) -> int | None:
    for text in texts:
        if "code" not in text and "reference" not in text:
            continue
        found = re.search(
            r"(?:groups?|chunks?|blocks?|sets?) of (\w+)|(\w+) (?:characters|letters|digits) "
            r"(?:at a time|by)|(\w+) (?:characters|letters|digits) at",
            text,
        )
        value = numeral(next(one for one in found.groups() if one)) if found else None
        if value:
            return value
    return None


def _needs_yes(text: str) -> bool:
    return bool(
        re.search(
            r"\b(?:clear|explicit|definite|unmistakable|express|plain|firm|unambiguous)\w* "
            r"(?:yes|agree\w*|consent|confirm\w*|approv\w*|ok)|"
            r"\b(?:only|not|never|until|unless|before)\b.{0,60}\b(?:(?:say\w*|said) yes|agree\w*|"
            r"confirm(?:s|ed)\b|consent\w*|approv\w*|a yes\b)",
            text,
        )
    ) and not re.search(r"\breturned\b", text)


def _about_claims(text: str) -> bool:
    if re.search(r"\bonly\b.*\b(?:confirmed|announced|called|told)\b.*\breturned\b", text):
        return True
    return bool(
        re.search(
            r"\b(?:not|never|don't)\b.{0,20}\b(?:say|claim|tell|promise|state|announce)\b", text
        )
        and re.search(
            r"\b(?:done|booked|made|placed|complete\w*|confirmed|success\w*|fixed)\b", text
        )
    )


def _brief(text: str) -> bool:
    return bool(
        re.search(
            r"\bbe (?:brief|quick|short)\b|"
            r"\bkeep (?:the call|calls|the conversation) (?:brief|short)\b",
            text,
        )
        or re.search(r"\bcall\b.*\b(?:less than|under|within|at most)\b.*\bminutes?\b", text)
    )


def _forbidden(text: str) -> Iterable[str]:
    pattern = (
        r"\s*(?:you )?(?:never|do not|don't|avoid)\b.{0,12}\b(?:say\w*|us\w+|utter\w*|words?)\b"
    )
    if re.match(pattern, text, re.IGNORECASE):
        yield from QUOTE.findall(text)


def _ending(text: str) -> Iterable[str]:
    if not _EVERY.search(text) or _NEGATIVE.search(QUOTE.sub(" ", text).lower()):
        return
    quotes = QUOTE.findall(text)
    if quotes:
        yield from quotes
        return
    told = re.match(r"always (?:mention|say|add)(?: that)? (.+)", text, re.IGNORECASE)
    if told:
        yield told[1].strip(" .")


def _follows(text: str) -> bool:
    lower = text.lower()
    verbs = r"\b(?:continue|switch|change|follow|answer|reply|respond|speak|go on|carry on)\b"
    body = split_condition(text)[2].lower()
    if not re.match(rf"\W*(?:(?:then|always|just|please) )*{verbs}", body):
        return False
    about = bool(languages_in(text)) or "language" in lower
    caller = re.search(r"\b(?:caller|customer|they|them|their|guest|person|speaker)", lower)
    return bool(
        about
        and re.search(verbs, lower)
        and caller
        and not re.search(r"\bdo not\b|\bdocument", lower)
    ) and not re.match(r"\s*(?:never|don't)\b", lower)


def _translates(texts: Iterable[str], *, spoken_of: bool) -> bool:
    told = any(
        re.search(r"\btranslat\w+|\b(?:put|render|turn)\w* .*\binto\b.*\blanguage\b", text)
        or re.search(r"\bdo not read \w+ aloud\b", text)
        for text in texts
    )
    return told or not spoken_of


def _topics(text: str) -> Iterable[frozenset[str]]:
    lower = text.lower()
    if not _NEGATIVE.search(lower) or re.match(r"\s*if\b", lower):
        return
    denied = {term.concept for term in terms(text) if term.denied}
    for match in _NEGATIVE.finditer(lower):
        rest = re.split(r"[.;:]", lower[match.end() :])[0]
        about = rest if len(concepts(rest)) > 1 else lower
        denied |= concepts(about) | (set(tokens(about)) & {"other", "others", "another"})
    yield frozenset(denied)


def _twice(texts: Iterable[str]) -> int | None:
    for text in texts:
        if "understand" in text and _NEGATIVE.search(text):
            found = re.search(r"\b(twice|once|(\w+) times|again|second time)\b", text)
            if found:
                return {"once": 1}.get(found[1], numeral(found[2] or "") or 2)
    return None
