"""The judge that is built in: deterministic, local, and named as such in every result."""

from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.plain_judge import PLAIN_JUDGE, plain_answer


class PlainJudge:
    """``ports.Judge`` by plain words; it costs nothing and leaves open what it cannot tell."""

    @property
    def identity(self) -> str:
        """Its name and the version of its rules."""
        return PLAIN_JUDGE

    async def judge(self, question: Question, *, vote: int = 0) -> JudgeAnswer:
        """The same answer for every vote."""
        del vote
        return plain_answer(question)

    def price_usd(self, question: Question) -> float:
        """Nothing."""
        del question
        return 0.0
