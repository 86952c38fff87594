"""Temporal workers of one process: which workflows and activities, on which queues, how bounded.

Sandbox, pollers and bounds are fixed here once, and the replay of recorded histories uses the same
workflow runner. It is given ports and a client; where they come from is composition's business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.agents import AgentActivities
from activities.conclusions import ConclusionActivities
from activities.dispatch import DispatchActivities
from activities.numbers import NumberActivities
from activities.planning import PlanActivities
from activities.source import SourceActivities
from activities.sweeps import SweepActivities, SweepSchedules
from activities.telling import Dispatcher
from activities.types import SEARCH_ATTRIBUTES
from trunkline.model.errors import EngineUnavailable, InvalidSettings
from trunkline.ports import (
    Accounts,
    Clock,
    Ledger,
    Operations,
    Projects,
    Sources,
    Statuses,
    Wishes,
)
from trunkline.queues import QUEUES, Queue
from workflows.agents import AgentWorkflow
from workflows.numbers import NumberWorkflow
from workflows.planning import PlanWorkflow
from workflows.projects import ProjectWorkflow
from workflows.sweeps import SweepWorkflow

WORKFLOWS: tuple[type, ...] = (
    ProjectWorkflow,
    AgentWorkflow,
    NumberWorkflow,
    SweepWorkflow,
    PlanWorkflow,
)
CONCURRENT_WORKFLOW_TASKS = 20
"""Workflow tasks are pure computation under one lock; more only swap memory."""
CACHED_WORKFLOWS = 256
"""Idle agents are the rule: a history of a few dozen events replays faster than it is kept."""
STICKY_TIMEOUT = timedelta(seconds=5)
"""How long a workflow waits for the worker that has it cached; a dead one delays it no longer."""
GRACE = timedelta(seconds=5)
"""What running activities get to end by themselves when a worker is asked to stop."""


@dataclass(frozen=True, slots=True)
class WorkerPorts:
    """Everything activities need of the outside."""

    sources: Sources
    projects: Projects
    wishes: Wishes
    ledger: Ledger
    statuses: Statuses
    operations: Operations
    accounts: Accounts
    clock: Clock


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox workflows run and are replayed in; our pure modules are shared, not reloaded."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("trunkline", "activities")
    )


def build_workers(
    client: Client, ports: WorkerPorts, *, queues: Sequence[str] = ()
) -> list[Worker]:
    """Workers for the named queues, all of them if none is named; not yet running.

    Raises InvalidSettings for a queue that does not exist.
    """
    known = {queue.name: queue for queue in QUEUES}
    unknown = sorted(set(queues) - known.keys())
    if unknown:
        raise InvalidSettings(
            f"no such task queue: {', '.join(unknown)}",
            hint=f"The queues are {', '.join(known)}.",
        )
    activities = _activities(client, ports)
    return [_worker(client, known[name], activities) for name in queues or known]


async def ensure_search_attributes(client: Client) -> None:
    """Register the attributes workflows set; a workflow task fails on one that is not there.

    Raises EngineUnavailable.
    """
    try:
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = [name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes]
        if missing:
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes=dict.fromkeys(missing, keyword),
                )
            )
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:
            return
        raise EngineUnavailable(f"Temporal did not register search attributes: {error}") from error


def _worker(client: Client, queue: Queue, activities: dict[str, Callable[..., Any]]) -> Worker:
    return Worker(
        client,
        task_queue=queue.name,
        workflows=WORKFLOWS if queue.serves_workflows else (),
        activities=[activities[name] for name in queue.activities],
        workflow_runner=workflow_runner(),
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=CONCURRENT_WORKFLOW_TASKS,
        max_concurrent_activities=queue.concurrent_activities,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=GRACE,
    )


def _activities(client: Client, ports: WorkerPorts) -> dict[str, Callable[..., Any]]:
    """Every activity of the product by its registered name."""
    dispatcher = Dispatcher(client, ports.accounts, ports.wishes, ports.statuses, ports.operations)
    rooms: tuple[object, ...] = (
        SourceActivities(ports.sources, ports.projects, ports.wishes, ports.statuses),
        DispatchActivities(dispatcher, ports.wishes, ports.operations),
        AgentActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.operations,
            ports.statuses,
            ports.clock,
        ),
        NumberActivities(ports.accounts, ports.ledger, ports.wishes, ports.operations, ports.clock),
        ConclusionActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.statuses,
            ports.operations,
            dispatcher,
        ),
        SweepActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.statuses,
            dispatcher,
            SweepSchedules(client),
        ),
        PlanActivities(
            ports.sources,
            ports.projects,
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.operations,
        ),
    )
    named = {name for queue in QUEUES for name in queue.activities}
    return {name: getattr(room, name) for name in named for room in rooms if hasattr(room, name)}
