"""A judge is asked as long as the day's budget for tests holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.clocks import SystemClock
from activities.judge_budgets import within_the_day
from activities.judging import ask
from tests.judges.model_server import ModelServer
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Revision
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.model.testing.asking import OpenQuestion
from trunkline.model.testing.results import TestRunReport

if TYPE_CHECKING:
    from trunkline.adapters.judges.openai import OpenAIJudge
    from trunkline.model.base import JsonObject
    from trunkline.model.testing.judging import Question

PROJECT: JsonObject = {
    "apiVersion": "trunkline/v1alpha1",
    "kind": "Project",
    "metadata": {"name": "acme"},
    "spec": {
        "environments": [{"name": "testing", "source": "head"}],
        "budgets": {"testsPerDay": {"usd": 0.5}},
    },
}


async def test_nobody_is_asked_once_the_day_is_used_up(
    postgres_url: str, model: ModelServer, judge: OpenAIJudge, question: Question
) -> None:
    asked = (OpenQuestion(id="spec.turns[0].expect[0]#0", question=question),)
    async with PostgresStore(postgres_url) as store:
        await store.register(ProjectRecord(name="acme", repository="https://example.com/a.git"))
        allowed = within_the_day(store, store, SystemClock(), "acme")
        assert await allowed(1_000.0)
        state = SourceState(project="acme", applied_revision=Revision("a" * 40))
        await store.store_tree(state, (), {}, PROJECT)
        report = TestRunReport(id="run-1", project="acme", environment="testing", estimated_usd=0.4)
        await store.open_run(report)
        assert (await ask(judge, asked, allowed=allowed)).problem == ""
        await store.spend("acme", "run-1", 0.6)
        judged = await ask(judge, asked, allowed=allowed)
    assert (judged.answers, judged.problem) == ({}, "BudgetExhausted")
    assert len(model.chats) == 1
