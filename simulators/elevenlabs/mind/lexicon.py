"""Which words mean about the same: a small lexicon of general English.

A concept is named by one of its words. What a word means beyond that comes from the agent's own
configuration, never from here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from simulators.elevenlabs.mind.words import folded, stem

_PHRASES: Final = (
    ("right away|straight away|at once|as soon as possible|without delay|this minute", "now"),
    ("make it|come in|come over|come by|drop in|pop in|get there", "come"),
    ("look up|looks up|looking up|look for|looks for|search for|check for", "find"),
    ("find out|found out", "learn"),
    ("set out|set off|head out|get going|on your way|start out", "depart"),
    ("throw up|threw up|throwing up|thrown up|throws up|being sick", "vomit"),
    ("pass out|passed out|passes out|passing out|fell over|keel over|keeled over", "collapse"),
    ("stand up|get up|stay on his feet|stay on her feet|stay on its feet", "stand"),
    ("how much|what does it cost|how expensive", "price howmuch"),
    ("how long", "duration"),
    ("how old", "age"),
    ("how heavy|how much does he weigh|how much does she weigh|how much does it weigh", "weight"),
    ("what time|at what hour|which hours|what hours|until when|when do you|your hours", "opening"),
    ("opening hours|business hours|office hours", "opening"),
    ("call back|ring back|phone back|calls back|called back|calling back|give a call", "callback"),
    ("calm down", "calm"),
    ("fewer than|not more than|no more than|at the most|up to", "at most"),
    ("a lot of|lots of|a great deal of|plenty of", "heavy"),
    ("going on", "happen"),
    ("such as|for example|for instance", "like"),
    ("in case", "if"),
    ("should not have|shouldn't have|should not|shouldn't|not supposed to", "forbidden"),
    (r"(?:see|be seen by) (?:the|a) (?:vet|doctor|dentist|mechanic)|be seen", "come"),
    (r"bring (?:him|her|it|my \w+)(?: in)?", "come"),
    ("shall have|should have", "should have"),
    ("tomcat|tom cat", "male cat"),
    ("having a fit|had a fit|has a fit|having fits", "seizure"),
    ("does it last|long does it take", "duration"),
    ("give birth|giving birth|gives birth", "birth"),
)

_GROUPS: Final = (
    "appointment slot booking reservation booked book reserve schedule bookings",
    "come visit",
    "breathe breathing breath gasp wheeze air",
    "poison poisonous toxic poisoned venom poisoning",
    "swallow eat ingest gulp lick chew devour",
    "bleed bleeding blood",
    "heavy heavily badly severe severely profuse strongly lot strong",
    "seizure convulsion convulse spasm seizing",
    "collapse collapsed faint fainted unconscious",
    "urine urinate pee wee",
    "male tom tomcat",
    "belly stomach abdomen tummy",
    "vomit vomiting puke",
    "diarrhoea diarrhea",
    "choke choking",
    "opening open close closing opened closed shut",
    "price cost charge fee expensive pay payment prices",
    "weight weigh weighs",
    "duration takes",
    "address location located where directions situated",
    "parking park",
    "name names",
    "kind type sort breed species",
    "owner caller client customer guest person patron",
    "day date",
    "time",
    "option",
    "vehicle",
    "weekday",
    "medical",
    "invent fabricate",
    "private privacy confidential",
    "need",
    "language",
    "reason purpose cause",
    "confirmation confirm reference",
    "code",
    "now immediately urgent urgently instantly",
    "emergency emergencies crisis danger dangerous serious",
    "wait waits later",
    "fail fails failed failure error broken unavailable unreachable unsuccessful",
    "free available availability vacant",
    "find search lookup retrieve list fetch check",
    "wake page alert notify summon alarm paging paged",
    "cancel cancellation",
    "move change postpone reschedule shift",
    "vaccination vaccinate vaccine shot shots jab booster inoculation vaccinations",
    "examination exam checkup consultation examine",
    "trim trimming clip cut",
    "claw nail",
    "tooth teeth dental",
    "neuter neutering spay castrate castration sterilise",
    "dose dosage doses milligram mg",
    "medicine medication pill tablet drug remedy medicines",
    "diagnosis diagnose diagnoses illness disease",
    "goodbye bye farewell",
    "thanks thank",
    "good fine ok okay well great right correct",
    "normal normally properly usual regularly",
    "bad ill sick unwell poorly",
    "vet veterinarian doctor veterinary",
    "big large huge",
    "small little tiny",
    "repeat again",
    "suit suits convenient",
    "bring carry",
    "packaging packet wrapper package box",
    "holiday holidays",
    "voicemail answerphone mailbox",
    "stop quit cease",
    "message text sms",
    "insurer insurance",
    "document documents information",
    "translate render translation",
    "short brief briefly concise crisp concisely",
    "sentence sentences",
    "group groups chunk block",
    "character characters letter letters digit",
    "understand",
    "forbid forbidden should_not shouldn",
    "operation surgery operate",
    "phone telephone ring call",
    "discount reduced reduction cheaper less",
    "age old",
    "buy purchase order",
    "tell say state mention explain inform announce",
)

_KINDS: Final = {
    "animal": "dog cat rabbit bird horse reptile puppy kitten hamster pet tortoise parrot snake "
    "beagle poodle terrier labrador spaniel dachshund collie retriever bulldog siamese persian "
    "budgie canary mouse guinea bunny pup mutt hound kitty animal",
    "vehicle": "car van truck motorbike motorcycle scooter lorry bicycle bike vehicle",
    "weekday": "monday tuesday wednesday thursday friday saturday sunday",
}

_SAME_KIND: Final = {
    "dog": "puppy beagle poodle terrier labrador spaniel dachshund collie retriever bulldog pup "
    "mutt hound",
    "cat": "kitten tomcat siamese persian kitty",
    "rabbit": "bunny",
    "bird": "parrot budgie canary",
    "reptile": "snake tortoise",
    "bicycle": "bike",
    "motorbike": "motorcycle scooter",
}

_SAYING_LITTLE: Final = """
a an the and or but of to in on at by for with from as is be it its this that these those i you he
she we they him her them my your his our their me us do does did have has had will would can could
may might shall should must there here what which who whom whose when how so then than too very
just also into out up down about over please hello hi hey oh well ok yes no not am are was were
been being s t ll ve re d m if because while any some such one get got let like want need go going
know think mean something anything thing everything an each both all more most other same own only
once again further still already altogether entirely twice whether certain particular somebody
someone
"""
STOP_WORDS: Final = frozenset(_SAYING_LITTLE.split())

_ANYWHERE: Final = """
animal pet thing person owner caller ask say want tell moment tomorrow tonight yesterday today
really still since ago hour minute day week month year long even seem known suspected kind need
help question small big tiny within after before
"""
GENERIC: Final = frozenset(stem(word) for word in _ANYWHERE.split())

_QUALITIES: Final = """
hard soft big small large heavy strong weak blue white red green yellow black new old hot cold
loud quiet sharp severe mild deep open closed broken torn sore swollen
"""
ADJECTIVES: Final = frozenset(_QUALITIES.split())

_DENYING: Final = """
not no never without none nothing hardly barely cannot unable neither nor trouble difficulty
problem problems struggle struggles struggling stopped fails nobody refuse refuses nt dont cant
wont isnt doesnt fail failed failing
"""
NEGATORS: Final = frozenset(_DENYING.split())

_AGREEING: Final = """
yes yeah yep yup correct right exactly sure certainly absolutely definitely perfect please indeed
ok okay agreed fine sí si correcto claro vale exacto ja genau richtig oui exact d'accord stimmt
parfait perfecto
"""
YES: Final = frozenset(_AGREEING.split())
CLEAR_YES: Final = YES - {"fine", "ok", "okay", "please", "right", "perfect", "si"} | {"sí"}
NO: Final = frozenset(
    ["no", "nope", "not", "nah", "nein", "non", "cannot", "never", "wrong", "incorrect"]
)


def _build() -> tuple[dict[str, str], dict[str, str]]:
    concepts: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for group in _GROUPS:
        words = group.split()
        for word in words:
            concepts.setdefault(stem(word), words[0])
    for kind, members in _SAME_KIND.items():
        for word in members.split():
            concepts[stem(word)] = stem(kind)
    for above, members in _KINDS.items():
        for word in members.split():
            kinds[concepts.get(stem(word), stem(word))] = above
    return concepts, kinds


_CONCEPTS, _ABOVE = _build()
_PHRASE_PATTERNS: Final = tuple((re.compile(rf"\b(?:{forms})\b"), put) for forms, put in _PHRASES)


@lru_cache(maxsize=8192)
def concept(word: str) -> str:
    """The concept a word belongs to: its own stem, unless a group has it."""
    stemmed = stem(word)
    return _CONCEPTS.get(stemmed, stemmed)


def above(one: str) -> str | None:
    """What a concept is a kind of: a beagle is an animal. None if nothing is known."""
    found = _ABOVE.get(one)
    return None if found == one else found


def with_phrases(text: str) -> str:
    """The text in lower case with phrases of several words put as the one word they mean."""
    plain = folded(text)
    for pattern, put in _PHRASE_PATTERNS:
        plain = pattern.sub(put, plain)
    return plain
