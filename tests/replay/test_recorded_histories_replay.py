"""Every recorded history replays on today's workflow code, so a deploy breaks no running workflow.

If one fails, the workflow's commands changed: keep the old path behind ``workflow.patched`` while
such workflows may run. Histories of new scenarios are added with ``make record-histories``.
"""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from trunkline.worker import WORKFLOWS, workflow_runner

HISTORIES = Path(__file__).parent / "histories"
RECORDED = sorted(HISTORIES.glob("*/*.json"))
LARGEST_BYTES = 200_000


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_history_replays(recorded: Path) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=pydantic_data_converter,
    )
    text = await asyncio.to_thread(recorded.read_text)
    history = WorkflowHistory.from_json(f"{recorded.parent.name}/{recorded.stem}", text)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert result.replay_failure is None


def test_every_kind_of_workflow_is_recorded_small() -> None:
    kinds = {path.parent.name for path in RECORDED}
    assert kinds == {"agent", "number", "plan", "project", "sweep"}
    assert [path.name for path in RECORDED if path.stat().st_size > LARGEST_BYTES] == []
