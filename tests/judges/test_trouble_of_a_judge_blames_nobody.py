"""Whatever goes wrong with a judge, the run is inconclusive with the reason: never passed, never
failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from activities.judging import ask
from tests.judges.model_server import KEY, Told
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.testing.calibration import parse_sample
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over, TurnWatch
from trunkline.model.testing.verdicts import RunFacts, conclude, questions

if TYPE_CHECKING:
    from tests.judges.model_server import ModelServer

SAID = (
    Line(at_ms=0, turn=0, kind="callerSaid", text="Monday at nine, please."),
    Line(at_ms=300, turn=0, kind="agentSaid", text="I can offer you Tuesday."),
)
WRONG = "verdict: bad\ncriterion: offers a day\n\ncaller: Monday?\nagent: Call again."


def judged_script(votes: int = 1) -> Script:
    """A test with one check, which only a judge can decide."""
    turn = {"say": "Monday at nine, please.", "expect": [{"judge": "offers another day"}]}
    test = ConversationTest.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "ConversationTest",
            "metadata": {"name": "judged"},
            "spec": {"agent": "desk", "turns": [turn], "judge": {"votes": votes}},
        }
    )
    return Script(test=test, environment="testing")


async def run(
    judges: InstalledJudges, *, samples: tuple[str, ...] = (), votes: int = 1
) -> RunResult:
    """The conversation, judged and concluded as a worker does it."""
    script = judged_script(votes)
    watch = TurnWatch(script.spec.turns[0], 0, "text", 0)
    for line in SAID:
        watch.observe(line)
    over = watch.verdict(60_000)
    assert isinstance(over, Over)
    facts = RunFacts()
    asked = questions(script, SAID, (over,), facts)
    assert len(asked) == 1
    wanted = [parse_sample("wrong.txt", text) for text in samples]
    judged = await ask(judges.judge(), asked, votes=votes, samples=wanted)
    heard = facts.model_copy(update={"judge": judged.judge, "judge_problem": judged.problem})
    return conclude(script, SAID, (over,), judged.answers, heard)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (Told(status=429, content="slow down"), "JudgeUnavailable"),
        (Told(status=500, content="oops"), "JudgeUnavailable"),
        (Told(silent=True), "JudgeUnavailable"),
        (Told(raw=b"<html>"), "JudgeUnavailable"),
        (Told(content="It agrees."), "JudgeUnavailable"),
        (Told(content='{"agrees": "yes"}'), "JudgeUnavailable"),
        (Told(content='{"agrees": true} {"agrees": false}'), "JudgeUnavailable"),
        (Told(content=None, refusal="I will not."), "JudgeUndecided"),
        (Told(content='{"agrees": null, "reason": "unclear"}'), "JudgeUndecided"),
    ],
)
async def test_a_judge_in_trouble_leaves_the_run_inconclusive(
    model: ModelServer, told: Told, reason: str
) -> None:
    model.tells(told)
    patience_s = 0.3 if told.silent else 60.0
    options = JudgeOptions(url=model.url, model="m", key=KEY, timeout_s=patience_s)
    judges = InstalledJudges(options)
    result = await run(judges)
    assert (result.outcome, result.reason) == ("inconclusive", reason)
    await judges.close()


async def test_a_key_that_is_refused_leaves_it_inconclusive(model: ModelServer) -> None:
    judges = InstalledJudges(JudgeOptions(url=model.url, model="m", key="sk-wrong"))
    result = await run(judges)
    assert (result.outcome, result.reason) == ("inconclusive", "JudgeUnavailable")
    await judges.close()


async def test_a_judge_that_is_not_calibrated_leaves_it_inconclusive(model: ModelServer) -> None:
    judges = InstalledJudges(JudgeOptions(url=model.url, model="m", key=KEY))
    result = await run(judges, samples=(WRONG,))
    assert (result.outcome, result.reason) == ("inconclusive", "JudgeNotCalibrated")
    await judges.close()


@pytest.mark.parametrize(
    ("agrees", "outcome", "reason"),
    [("true", "passed", ""), ("false", "failed", "JudgeDisagrees")],
)
async def test_a_judge_that_answers_decides(
    model: ModelServer, agrees: str, outcome: str, reason: str
) -> None:
    model.tells(Told(content=f'{{"agrees": {agrees}, "reason": "because"}}'))
    judges = InstalledJudges(JudgeOptions(url=model.url, model="m", key=KEY))
    result = await run(judges, votes=3)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert len(result.checks[0].votes) == 3
    assert result.judge.startswith("m at http://127.0.0.1:")
    await judges.close()
