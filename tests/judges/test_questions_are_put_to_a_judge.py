"""Votes, samples first, budgets: what a judge did not say is never a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from activities.judging import ask
from tests.judges.model_server import Told
from trunkline.model.testing.asking import OpenQuestion
from trunkline.model.testing.calibration import parse_sample
from trunkline.model.testing.judging import Question, majority

if TYPE_CHECKING:
    from tests.judges.model_server import ModelServer
    from trunkline.adapters.judges.openai import OpenAIJudge

GOOD = "verdict: good\ncriterion: offers a day\n\ncaller: Monday?\nagent: Tuesday is free."
BAD = "verdict: bad\ncriterion: offers a day\n\ncaller: Monday?\nagent: Call again."
YES = Told(content='{"agrees": true, "reason": "yes"}')
NO = Told(content='{"agrees": false, "reason": "no"}')


@pytest.fixture
def asked(question: Question) -> tuple[OpenQuestion, ...]:
    """One question of one check."""
    return (OpenQuestion(id="spec.turns[0].expect[0]#0", question=question),)


def by_reply(answers: dict[str, Told]) -> Any:
    """What to say by the words that are asked about."""

    def say(chat: dict[str, Any]) -> Told:
        evidence = chat["messages"][1]["content"]
        return next(told for words, told in answers.items() if words in evidence)

    return say


async def test_the_majority_of_votes_is_the_verdict(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...]
) -> None:
    model.say = lambda chat: NO if chat["seed"] == 1 else YES
    judged = await ask(judge, asked, votes=3)
    votes = judged.answers[asked[0].id]
    assert [vote.agrees for vote in votes] == [True, False, True]
    assert majority(votes) is True
    assert (judged.judge, judged.problem) == (judge.identity, "")
    assert judged.usd == pytest.approx(3 * 0.0012)


async def test_nobody_is_asked_without_a_question(model: ModelServer, judge: OpenAIJudge) -> None:
    judged = await ask(judge, (), votes=3, samples=(parse_sample("good.txt", GOOD),))
    assert (judged.answers, judged.problem, model.chats) == ({}, "", [])


@pytest.mark.parametrize("trouble", [Told(status=500), Told(content="It agrees.")])
async def test_a_judge_that_does_not_answer_leaves_the_question_open(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...], trouble: Told
) -> None:
    model.tells(trouble)
    judged = await ask(judge, asked)
    assert (judged.answers, judged.problem) == ({}, "JudgeUnavailable")
    assert judged.message
    assert len(model.chats) == 2


async def test_a_judge_is_asked_again_once(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...]
) -> None:
    model.tells(Told(status=500), YES)
    judged = await ask(judge, asked)
    assert [vote.agrees for vote in judged.answers[asked[0].id]] == [True]
    assert judged.problem == ""


async def test_a_vote_that_is_missing_counts_for_nobody(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...]
) -> None:
    model.say = lambda chat: YES if chat["seed"] == 0 else Told(status=500)
    judged = await ask(judge, asked, votes=3)
    votes = judged.answers[asked[0].id]
    assert [vote.agrees for vote in votes] == [True, None, None]
    assert majority(votes) is None


async def test_a_judge_that_gets_its_samples_right_counts(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...]
) -> None:
    model.say = by_reply({"Call again.": NO, "Tuesday": YES})
    samples = (parse_sample("good.txt", GOOD), parse_sample("bad.txt", BAD))
    judged = await ask(judge, asked, samples=samples)
    assert judged.problem == ""
    assert [vote.agrees for vote in judged.answers[asked[0].id]] == [True]


async def test_a_judge_that_gets_a_sample_wrong_does_not_count(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...]
) -> None:
    model.tells(YES)
    samples = (parse_sample("good.txt", GOOD), parse_sample("bad.txt", BAD))
    judged = await ask(judge, asked, samples=samples)
    assert (judged.answers, judged.problem) == ({}, "JudgeNotCalibrated")
    assert "bad.txt" in judged.message
    assert "good.txt" not in judged.message
    assert len(model.chats) == 2


async def test_nobody_is_asked_beyond_the_budget(
    model: ModelServer, judge: OpenAIJudge, asked: tuple[OpenQuestion, ...]
) -> None:
    prices: list[float] = []

    async def allowed(usd: float) -> bool:
        prices.append(usd)
        return False

    judged = await ask(judge, asked, allowed=allowed)
    assert (judged.answers, judged.problem, model.chats) == ({}, "BudgetExhausted", [])
    assert prices == [judge.price_usd(asked[0].question)]
