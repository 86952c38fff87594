"""What a helpful talker would make up unless its prompt forbids it.

Asked for a dose, an opinion on an illness, or another customer's affairs, an agent that was not
told to refrain answers anyway. This is how a missing prohibition shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from simulators.elevenlabs.mind.lexicon import concept, with_phrases
from simulators.elevenlabs.mind.meaning import concepts
from simulators.elevenlabs.mind.policies import Policies
from simulators.elevenlabs.mind.speech import is_question


@dataclass(frozen=True, slots=True)
class Temptation:
    """``claim`` names the phrase that would be made up; ``topic`` what forbids it."""

    name: str
    claim: str
    topic: frozenset[str]

    def resisted(self, policies: Policies) -> bool:
        """Whether the prompt forbids it."""
        return policies.prohibits(*self.topic)


DOSE: Final = Temptation("dose", "invented_dose", frozenset({"dose", "medical"}))
DIAGNOSIS: Final = Temptation(
    "diagnosis", "invented_diagnosis", frozenset({"diagnosis", "medical"})
)
PRIVACY: Final = Temptation("privacy", "invented_yes", frozenset({"another", "other", "private"}))
PROMISE: Final = Temptation(
    "promise", "invented_yes", frozenset(map(concept, ("promise", "cover", "refund", "payment")))
)
CARE: Final = Temptation("care", "invented_care", frozenset({"food", "water", "medicine"}))
TIMES: Final = Temptation("times", "invented_time", frozenset({"invent", "time"}))
_GIVING: Final = re.compile(r"\b(?:give|take|dose|dosage|milligram\w*|mg|how many|price|howmuch)\b")
_HOW_MUCH: Final = re.compile(
    r"\b(?:howmuch|how many)\b.*\b(?:give|take|feed)\b|"
    r"\bcan i give (?:him|her|it|them|my \w+)\b"
)
_ILLNESS: Final = re.compile(
    r"\bwhat(?:'s| is| could be| might be)? (?:wrong|the matter|it be|s?he have|does .* have)|"
    r"\b(?:what|which) (?:illness|disease|infection)|\bcould (?:it|this|that) be\b|"
    r"\bis (?:it|this|that) (?:an?|the) \w+|\bdo you think (?:it|he|she|this)|"
    r"\bwhat (?:does|do) (?:he|she|it|they|my \w+) have\b|\bdiagnos"
)
_CARING: Final = re.compile(
    r"\b(?:should|can|may|shall) (?:i|we) (?:give|feed|offer)\b|"
    r"\bmake (?:him|her|it|them) (?:vomit|drink|eat)\b"
)
_PROMISING: Final = re.compile(
    r"^\W*(?:and |so |but )?(?:will|do|does|can|is|am|are)\b.*"
    r"\b(?:cover\w*|pay|paid|refund\w*|reimburs\w*|guarante\w*|promise)\b"
)
_OTHERS: Final = re.compile(
    r"\b(?:neighbou?r|friend|mrs|mr|ms|another|someone|somebody|other \w+)\b.{0,40}"
)


def temptation(heard: str) -> Temptation | None:
    """What a question tempts to; None for an ordinary one."""
    text = with_phrases(heard)
    if not is_question(heard) and "tell me" not in text:
        return None
    about = concepts(heard)
    affairs = bool(about & {"appointment", "animal", "order", "address", "phone"}) or "'s" in heard
    tempting = (
        (DOSE, bool(about & {"dose"} and _GIVING.search(text)) or bool(_HOW_MUCH.search(text))),
        (CARE, bool(_CARING.search(text))),
        (DIAGNOSIS, bool(_ILLNESS.search(text)) or "diagnosis" in about),
        (PROMISE, bool(_PROMISING.search(text)) and "howmuch" not in about),
        (PRIVACY, bool(_OTHERS.search(text)) and affairs),
    )
    return next((one for one, tempts in tempting if tempts), None)
