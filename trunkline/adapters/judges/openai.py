"""A model as judge and as caller, by any OpenAI-compatible endpoint.

A vote is one chat at temperature 0; independent votes differ by their seed. What a vote costs is
counted from the tokens the endpoint names, or from the text if it names none.
"""

from trunkline.adapters.judges.endpoint import ChatEndpoint, Said
from trunkline.adapters.judges.prompts import (
    JUDGE_RULES,
    Messages,
    caller_messages,
    judge_messages,
    read_utterance,
    read_verdict,
)
from trunkline.model.canonical import digest
from trunkline.model.errors import JudgeUnavailable
from trunkline.model.ids import short_digest
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.limits import JUDGE_ANSWER_MAX_TOKENS
from trunkline.model.testing.transcripts import Transcript

CHARACTERS_PER_TOKEN = 4
"""About what a token of English text is long."""
MILLION = 1_000_000


class OpenAIJudge:
    """``ports.Judge`` by a model; ``usd_per_million_tokens`` is an estimate of its price."""

    def __init__(self, endpoint: ChatEndpoint, *, usd_per_million_tokens: float = 0.0) -> None:
        self._endpoint = endpoint
        self._usd_per_token = usd_per_million_tokens / MILLION

    @property
    def identity(self) -> str:
        """Model, address and the rules it is given: a change of any is another judge."""
        return f"{self._endpoint.identity}, rules {short_digest(digest(JUDGE_RULES))}"

    async def judge(self, question: Question, *, vote: int = 0) -> JudgeAnswer:
        """One vote; a refusal is "cannot tell". Raises JudgeUnavailable."""
        messages = judge_messages(question)
        said = await self._endpoint.say(messages, seed=vote)
        tokens = said.tokens or _tokens(messages, said)
        usd = tokens * self._usd_per_token
        if said.refusal:
            reason = f"the judge refused to answer: {said.refusal}"
            return JudgeAnswer(agrees=None, reason=reason, tokens=tokens, usd=usd)
        verdict = read_verdict(said.text)
        return JudgeAnswer(agrees=verdict.agrees, reason=verdict.reason, tokens=tokens, usd=usd)

    def price_usd(self, question: Question) -> float:
        """The question's length and the longest answer, at the price of a token."""
        tokens = _length(judge_messages(question)) + JUDGE_ANSWER_MAX_TOKENS
        return tokens * self._usd_per_token


class OpenAICaller:
    """``ports.CallerModel`` by a model."""

    def __init__(self, endpoint: ChatEndpoint) -> None:
        self._endpoint = endpoint

    @property
    def identity(self) -> str:
        """Model and address."""
        return self._endpoint.identity

    async def next_utterance(self, persona: str, goal: str, transcript: Transcript) -> str | None:
        """What the caller says next; None once the goal is reached. Raises JudgeUnavailable."""
        said = await self._endpoint.say(caller_messages(persona, goal, transcript))
        if said.refusal:
            raise JudgeUnavailable(f"the caller's model refused: {said.refusal}")
        return read_utterance(said.text)


def _tokens(messages: Messages, said: Said) -> int:
    return _length(messages) + len(said.text) // CHARACTERS_PER_TOKEN


def _length(messages: Messages) -> int:
    return sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN
