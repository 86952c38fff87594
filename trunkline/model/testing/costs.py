"""What a conversation costs: guessed before it, counted after it.

Platforms do not price a conversation while it goes on, so both figures are estimates at rates that
are data of the project's. They exist to stop a run that would spend the budget, not to check a
bill.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.kinds.conversation import ConversationTestSpec, Mode
from trunkline.model.testing.hearing import replies
from trunkline.model.testing.judging import JudgeAnswer
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.transcripts import Line

SECONDS_PER_TURN: Final = 12.0
"""A caller's sentence, the pause and the reply, spoken: assumed where nothing was measured yet."""
TOKENS_PER_QUESTION: Final = 1_500
"""A short conversation with its criterion and an answer of a sentence or two."""


class TestRates(Frozen):
    """Prices in US dollars. ``agent_minute_usd`` for a minute of spoken conversation,
    ``text_reply_usd`` for a reply in text mode, ``phone_minute_usd`` on top of a placed call,
    ``judge_million_tokens_usd`` for a million tokens of the judge, in and out alike. ``source``
    says where the figures are from.
    """

    __test__ = False

    agent_minute_usd: float = Field(default=0.10, ge=0)
    text_reply_usd: float = Field(default=0.003, ge=0)
    phone_minute_usd: float = Field(default=0.014, ge=0)
    judge_million_tokens_usd: float = Field(default=0.0, ge=0)
    source: str = "estimate: round figures near list prices; set your own plan's rates"


def estimate_usd(script: Script, rates: TestRates) -> float:
    """What all runs of a test may cost: turns times rate, with the votes of the judge."""
    spec = script.spec
    turns = sum(turn.max_turns or 1 for turn in spec.turns)
    talk = turns * _turn_usd(spec.mode, rates)
    asked = sum(_asks(spec)) * spec.judge.votes
    judged = asked * TOKENS_PER_QUESTION * rates.judge_million_tokens_usd / 1e6
    return spec.repeat.runs * (talk + judged)


def counted_usd(
    mode: Mode,
    rates: TestRates,
    *,
    lines: Sequence[Line] = (),
    duration_s: float = 0.0,
    answers: Iterable[JudgeAnswer] = (),
) -> float:
    """What a conversation has cost: replies in text mode, seconds otherwise, and the judge's
    tokens as far as it says.
    """
    judged = sum(_answer_usd(answer, rates) for answer in answers)
    if mode == "text":
        return len(replies(lines)) * rates.text_reply_usd + judged
    return duration_s / 60 * _minute_usd(mode, rates) + judged


def _answer_usd(answer: JudgeAnswer, rates: TestRates) -> float:
    """What the judge says it cost, else its tokens at the rate."""
    return answer.usd or answer.tokens * rates.judge_million_tokens_usd / 1e6


def _turn_usd(mode: Mode, rates: TestRates) -> float:
    if mode == "text":
        return rates.text_reply_usd
    return SECONDS_PER_TURN / 60 * _minute_usd(mode, rates)


def _minute_usd(mode: Mode, rates: TestRates) -> float:
    return rates.agent_minute_usd + (rates.phone_minute_usd if mode == "phone" else 0.0)


def _asks(spec: ConversationTestSpec) -> Iterable[int]:
    """Questions for a judge, by where they come from; those of ``always`` once for each turn."""
    yield sum(each.judge is not None for turn in spec.turns for each in turn.expect)
    yield sum(each.judge is not None for each in spec.always) * max(1, len(spec.turns))
    for line in spec.at_end:
        yield int(bool(line.judge or line.goal or line.grounded_in))
