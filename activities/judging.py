"""Putting a conversation's questions to a judge: votes, samples first, and what it may cost.

What the answers mean is decided elsewhere. Here every question gets as many votes as were asked
for, a judge that gets one of its samples wrong is not asked at all, and nobody is asked once the
budget is used up. A judge that cannot be reached leaves its question open, never answered.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from activities.concurrency import each
from trunkline.model.errors import JudgeUnavailable
from trunkline.model.testing.asking import OpenQuestion
from trunkline.model.testing.calibration import Sample, not_calibrated
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.limits import JUDGE_CONCURRENCY, JUDGE_TRIES
from trunkline.ports.talking import Judge

Allowed = Callable[[float], Awaitable[bool]]
"""True if about so many US dollars may still be spent."""

NOT_CALIBRATED = "JudgeNotCalibrated"
UNAVAILABLE = JudgeUnavailable.reason
BUDGET_EXHAUSTED = "BudgetExhausted"


@dataclass(frozen=True, slots=True)
class Judged:
    """Votes by the id of their question. ``problem`` says in a word why none of them counts, or
    why there are none, and ``message`` in a sentence; both are empty otherwise.
    """

    judge: str
    answers: Mapping[str, tuple[JudgeAnswer, ...]] = field(default_factory=dict)
    problem: str = ""
    message: str = ""
    usd: float = 0.0


async def unlimited(_usd: float) -> bool:
    """No budget."""
    return True


async def ask(
    judge: Judge,
    questions: Sequence[OpenQuestion],
    *,
    votes: int = 1,
    samples: Sequence[Sample] = (),
    allowed: Allowed = unlimited,
) -> Judged:
    """Every question's votes, or why the judge's word does not count. Without questions nobody is
    asked, not even about samples.
    """
    if not questions:
        return Judged(judge.identity)
    sitting = _Sitting(judge, votes, allowed)
    if samples:
        known = await sitting.hear({sample.file: sample.question for sample in samples})
        wrong = not_calibrated(samples, known)
        if sitting.problem:
            return sitting.judged({})
        if wrong:
            words = f"{judge.identity} does not get {', '.join(wrong)} right"
            return Judged(judge.identity, {}, NOT_CALIBRATED, words, sitting.usd)
    answers = await sitting.hear({one.id: one.question for one in questions})
    return sitting.judged(answers)


class _Sitting:
    """One conversation before one judge; counts what it costs."""

    def __init__(self, judge: Judge, votes: int, allowed: Allowed) -> None:
        self._judge = judge
        self._votes = votes
        self._allowed = allowed
        self.usd = 0.0
        self.problem = ""
        self.message = ""

    async def hear(self, questions: Mapping[str, Question]) -> dict[str, tuple[JudgeAnswer, ...]]:
        """Votes on each question that got at least one; a vote that is missing cannot tell."""
        ballots = [(name, vote) for name in questions for vote in range(self._votes)]

        async def one(ballot: tuple[str, int]) -> JudgeAnswer | None:
            return await self._vote(questions[ballot[0]], ballot[1])

        given = await each(one, ballots, concurrent=JUDGE_CONCURRENCY)
        answers: dict[str, tuple[JudgeAnswer, ...]] = {}
        for name in questions:
            mine = [a for (of, _), a in zip(ballots, given, strict=True) if of == name]
            if any(answer is not None for answer in mine):
                answers[name] = tuple(
                    answer or JudgeAnswer(agrees=None, reason=self.message) for answer in mine
                )
        if len(answers) == len(questions) and self.problem == UNAVAILABLE:
            self.problem = ""
        return answers

    def judged(self, answers: Mapping[str, tuple[JudgeAnswer, ...]]) -> Judged:
        """What came of it. Answers that were given count, even if others are missing."""
        problem = "" if answers and self.problem == UNAVAILABLE else self.problem
        return Judged(self._judge.identity, answers, problem, self.message, self.usd)

    async def _vote(self, question: Question, vote: int) -> JudgeAnswer | None:
        for _ in range(JUDGE_TRIES):
            if not await self._may_ask(question):
                return None
            try:
                answer = await self._judge.judge(question, vote=vote)
            except JudgeUnavailable as error:
                self.problem = self.problem or UNAVAILABLE
                self.message = error.message
                continue
            self.usd += answer.usd
            return answer
        return None

    async def _may_ask(self, question: Question) -> bool:
        if self.problem == BUDGET_EXHAUSTED:
            return False
        try:
            price_usd = self._judge.price_usd(question)
        except JudgeUnavailable:
            price_usd = 0.0
        if await self._allowed(price_usd):
            return True
        self.problem = BUDGET_EXHAUSTED
        self.message = "what tests may cost today is used up, so the judge is not asked"
        return False
