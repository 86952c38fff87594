"""A run keeps in what its configuration differed from the real one, so that evidence can say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import clinic, conversation_test, installed
from trunkline.model.evidence import gate_evidence
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.testing.results import TestRunReport

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

BOOKS = {
    "tools": {"book_slot": [{"reply": {"booked": True}}]},
    "turns": [
        {"expect": [{"says": "hello"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot"}],
        },
    ],
}


@pytest.mark.slow
async def test_tools_and_limits_differ_and_nothing_the_agent_says(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(clinic(texts, books=conversation_test("books", BOOKS)), unhurried=True)
    async with installed(stack) as world, stack.working():
        await stack.sync()
        said = await world.tested()
        report = await stack.store.run_report(said["id"])
    assert isinstance(report, TestRunReport)
    [tested] = report.tests
    record = PromotionRecord.model_validate(
        {
            "project": report.project,
            "environment": report.environment,
            "agent": tested.agent,
            "number": 1,
            "origin": "testing",
            "digest": tested.agent_digest,
        }
    )
    assert report.finished_at is not None
    evidence = gate_evidence(report, record, expires_at=report.finished_at)
    assert evidence.rendered_digest == tested.rendered_digest
    found = set(evidence.allowed_differences)
    assert "conversation_config.agent.prompt.tool_ids" in found
    assert "platform_settings.call_limits.agent_concurrency_limit" in found
    spoken = ("conversation_config.agent.prompt.prompt", "first_message", "language", "llm", "tts")
    assert not [path for path in found if any(word in path for word in spoken)]
