"""Answers of judges by content: the same judge, the same question, the same vote. One room of the
store.
"""

from trunkline.adapters.postgres.rows import readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.testing.judging import JudgeAnswer


class JudgeAnswerTables(Tables):
    """The JudgeAnswers port."""

    async def judge_answer(self, key: str) -> JudgeAnswer | None:
        """A remembered answer."""
        row = await self._found("SELECT answer FROM judge_answers WHERE key = %s", (key,))
        return JudgeAnswer.model_validate(row["answer"]) if row else None

    async def put_judge_answer(self, key: str, answer: JudgeAnswer) -> None:
        """Remember an answer; the first one counts."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO judge_answers (key, answer) VALUES (%s, %s)
                ON CONFLICT (key) DO NOTHING
                """,
                (key, readable_json(answer)),
            )
