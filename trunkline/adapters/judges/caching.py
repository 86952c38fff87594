"""A judge that is asked the same thing once: answers are kept by what was asked.

The same judge, the same question and the same vote are the same answer, wherever and whenever
they are asked, so a test that is run again over an equal conversation costs nothing. Only definite
answers are kept: a judge that could not tell may be asked again.
"""

from trunkline.model.canonical import digest
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.ports.talking import Judge
from trunkline.ports.testing import JudgeAnswers


def answer_key(identity: str, question: Question, vote: int) -> str:
    """What an answer is kept under. Times of a conversation are not part of what is asked."""
    asked = question.model_dump(
        mode="json", by_alias=True, exclude={"transcript": {"__all__": {"at_ms", "call_id"}}}
    )
    return digest({"judge": identity, "question": asked, "vote": vote})


class CachingJudge:
    """``ports.Judge`` around another one; what it remembers costs nothing."""

    def __init__(self, judge: Judge, answers: JudgeAnswers) -> None:
        self._judge = judge
        self._answers = answers

    @property
    def identity(self) -> str:
        """The judge's own."""
        return self._judge.identity

    async def judge(self, question: Question, *, vote: int = 0) -> JudgeAnswer:
        """The remembered answer, or the judge's. Raises JudgeUnavailable."""
        key = answer_key(self.identity, question, vote)
        known = await self._answers.judge_answer(key)
        if known is not None:
            return known.model_copy(update={"tokens": 0, "usd": 0.0})
        answer = await self._judge.judge(question, vote=vote)
        if answer.agrees is not None:
            await self._answers.put_judge_answer(key, answer)
        return answer

    def price_usd(self, question: Question) -> float:
        """What it costs if it is not remembered."""
        return self._judge.price_usd(question)
