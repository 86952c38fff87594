"""Every recorded history replays on today's workflow code, so a deploy breaks no running workflow.

Those of older releases stand for workflows that are still running. Histories of new scenarios are
added with ``make record-histories``; the fingerprint beside this says when commands changed.
"""

import asyncio

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.replay.recordings import Recording, recordings
from tests.replay.test_commands_change_on_purpose import ADVICE
from trunkline.worker import WORKFLOWS, workflow_runner

RECORDED = recordings()
LARGEST_BYTES = 200_000


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
async def test_history_replays(recorded: Recording) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=pydantic_data_converter,
        debug_mode=True,  # a task may take as long as the machine needs
    )
    text = await asyncio.to_thread(recorded.path.read_text)
    history = WorkflowHistory.from_json(recorded.name, text)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert result.replay_failure is None, ADVICE


def test_every_kind_of_workflow_is_recorded_small() -> None:
    kinds = {recorded.kind for recorded in RECORDED}
    assert kinds == {
        "adoptions",
        "agent",
        "call",
        "call-keeping",
        "eject",
        "import",
        "notifications",
        "number",
        "plan",
        "project",
        "promotion",
        "prune",
        "pull-request",
        "pull-requests",
        "retests",
        "sweep",
        "tests",
        "wake",
    }
    assert [each.name for each in RECORDED if each.path.stat().st_size > LARGEST_BYTES] == []
