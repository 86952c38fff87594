"""The engine's own floor: what Temporal takes for as many workflows that do nothing.

A workflow with two activities is the least a reconciled agent can be; whatever our figures are,
they stand on this one, taken on the same server in the same run.
"""

from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.concurrency import each
from benchmarks.figures import report, stopwatch

STARTS_CONCURRENT = 20
ACTIVITY_TIMEOUT = timedelta(seconds=60)


@activity.defn(name="bench_nothing")
async def nothing(step: int) -> int:
    """Answer what was asked."""
    return step


@workflow.defn(name="BenchFloor")
class FloorWorkflow:
    """Two activities, one after the other."""

    @workflow.run
    async def run(self) -> None:
        """Do nothing twice."""
        for step in range(2):
            await workflow.execute_activity(nothing, step, start_to_close_timeout=ACTIVITY_TIMEOUT)


async def engine_floor(address: str, workflows: int) -> None:
    """Start that many and wait for all of them."""
    client = await Client.connect(address)
    queue = f"bench-{uuid4().hex}"

    async def one(number: int) -> None:
        await client.execute_workflow(FloorWorkflow.run, id=f"{queue}-{number}", task_queue=queue)

    async with Worker(
        client,
        task_queue=queue,
        workflows=[FloorWorkflow],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        elapsed = stopwatch()
        await each(one, range(workflows), concurrent=STARTS_CONCURRENT)
        report("engine's floor", f"{elapsed():.1f} s for {workflows:,} workflows of two activities")
