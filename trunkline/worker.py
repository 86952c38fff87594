"""Temporal workers of one process: which workflows and activities, on which queues, how bounded.

Sandbox, pollers and bounds are fixed here once, and the replay of recorded histories uses the same
workflow runner. It is given ports and a client; where they come from is composition's business.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.adoption_requests import AdoptionCalls
from activities.agents import AgentActivities
from activities.call_keeping.schedules import CallSchedules
from activities.calls.ports import CallRows, Carriers
from activities.calls.telling import OrderCalls
from activities.conclusions import ConclusionActivities
from activities.dispatch import DispatchActivities
from activities.drifting import Patches
from activities.ejecting import EjectActivities
from activities.ending import Endings
from activities.experiments import RolloutPorts
from activities.imports import ImportActivities
from activities.names import SEARCH_ATTRIBUTES
from activities.number_drains import NumberDrains
from activities.numbers import NumberActivities
from activities.past_rules import PastRules
from activities.planned_removals import RemovalPlanner
from activities.planning import PlanActivities
from activities.promotion_rules import RulesKept
from activities.promotions.calls import PromotionCalls
from activities.promotions.ports import PromotionPorts
from activities.promotions.rooms import promotion_rooms
from activities.pruning import PruneActivities
from activities.pull_request_types import PullRequestPace
from activities.pull_requests.ports import Decisions
from activities.pull_requests.schedules import PullRequestSchedules
from activities.released_numbers import NumberReleases
from activities.released_objects import HistoryPorts, ReleasedObjects
from activities.releases import ReleaseLooks
from activities.removals import RemovalPorts, Removals
from activities.retest_schedules import RetestSchedules
from activities.rim import ActivityRim
from activities.source import SourceActivities
from activities.sweeps import SweepActivities, SweepSchedules
from activities.telling import Dispatcher
from activities.testing.conversations import MakeStudio
from activities.waking import WakingActivities
from trunkline import __version__
from trunkline.adapters.signing import Ed25519Keys
from trunkline.model.errors import EngineUnavailable, InvalidSettings
from trunkline.model.promotions.facts import Pace
from trunkline.model.pulls.commands import ForgePerson
from trunkline.model.testing.costs import TestRates
from trunkline.ports import (
    Access,
    Accounts,
    Clock,
    Deletions,
    Ejections,
    Interventions,
    Ledger,
    Looks,
    Operations,
    Projects,
    Sources,
    Statuses,
    Wishes,
)
from trunkline.ports.calls import NativePlatforms
from trunkline.ports.forges import Forges, PullRequests
from trunkline.ports.notifying import Notifications, Notifier
from trunkline.ports.releasing import EvidenceKeys, Promotions, ReleaseRecords, ReleaseRepositories
from trunkline.ports.talking import Judges
from trunkline.ports.testing import (
    Baselines,
    Desks,
    Holdings,
    ManualResults,
    Places,
    RunParts,
    RunReports,
)
from trunkline.queues import QUEUES, Queue
from trunkline.reviewing import NoForges, pull_request_rooms
from trunkline.rooms import (
    adoption_rooms,
    call_keeping_rooms,
    delivery_rooms,
    outbound_rooms,
    testing_rooms,
    unconfigured_notifier,
)
from workflows.adoptions import AdoptionWorkflow
from workflows.agents import AgentWorkflow
from workflows.call_keeping import CallKeepingWorkflow
from workflows.calls import CallWorkflow
from workflows.ejecting import EjectWorkflow
from workflows.imports import ImportWorkflow
from workflows.notifications import NotificationWorkflow
from workflows.numbers import NumberWorkflow
from workflows.origins import OriginRim
from workflows.planning import PlanWorkflow
from workflows.projects import ProjectWorkflow
from workflows.promotions import PromotionWorkflow
from workflows.pruning import PruneWorkflow
from workflows.pull_requests import PullRequestsWorkflow, PullRequestWorkflow
from workflows.retests import RetestWorkflow
from workflows.signals import SignalRim
from workflows.sweeps import SweepWorkflow
from workflows.testing import TestRunWorkflow
from workflows.waking import WakeWorkflow

WORKFLOWS: tuple[type, ...] = (
    ProjectWorkflow,
    AgentWorkflow,
    NumberWorkflow,
    SweepWorkflow,
    PlanWorkflow,
    ImportWorkflow,
    WakeWorkflow,
    PruneWorkflow,
    EjectWorkflow,
    TestRunWorkflow,
    RetestWorkflow,
    PromotionWorkflow,
    AdoptionWorkflow,
    NotificationWorkflow,
    PullRequestWorkflow,
    PullRequestsWorkflow,
    CallWorkflow,
    CallKeepingWorkflow,
)
CONCURRENT_WORKFLOW_TASKS = 20
"""Workflow tasks are pure computation under one lock; more only swap memory."""
CACHED_WORKFLOWS = 256
"""Idle agents are the rule: a history of a few dozen events replays faster than it is kept."""
STICKY_TIMEOUT = timedelta(seconds=5)
"""How long a workflow waits for the worker that has it cached; a dead one delays it no longer."""
BUILD_ID = f"trunkline-{__version__}"
"""Named by us: the default hashes the code of every imported module, a second at each start."""
HEARTBEAT_SPACING = timedelta(milliseconds=100)
"""Activities space their heartbeats themselves. The SDK would hold them back for four fifths of
their time-out, and a worker that pauses for the last fifth would be taken for dead.
"""
GRACE = timedelta(seconds=5)
"""What running activities get to end by themselves when a worker is asked to stop."""


class RunStore(RunReports, RunParts, Holdings, Places, Desks, Baselines, ManualResults, Protocol):
    """What runs of tests need of a store, and what asks for them."""


@dataclass(frozen=True, slots=True)
class WorkerPorts:
    """Everything activities need of the outside; ``public_url`` is where vendors reach our API.

    Without ``keys`` of its own a worker verifies evidence and signs none.
    """

    sources: Sources
    projects: Projects
    wishes: Wishes
    ledger: Ledger
    statuses: Statuses
    operations: Operations
    interventions: Interventions
    deletions: Deletions
    looks: Looks
    releases: ReleaseRecords
    repositories: ReleaseRepositories
    promotions: Promotions
    access: Access
    ejections: Ejections
    accounts: Accounts
    clock: Clock
    tests: RunStore
    judges: Judges
    notifications: Notifications
    pull_requests: PullRequests
    calls: CallRows
    carriers: Carriers
    natives: NativePlatforms
    notifier: Notifier = field(default_factory=unconfigured_notifier)
    studio: MakeStudio | None = None
    rates: TestRates = field(default_factory=TestRates)
    public_url: str | None = None
    keys: EvidenceKeys = field(default_factory=Ed25519Keys)
    pace: Pace = field(default_factory=Pace)
    review_pace: PullRequestPace = field(default_factory=PullRequestPace)
    sticky_timeout: timedelta = STICKY_TIMEOUT
    forges: Forges | None = None
    forge_people: Mapping[str, ForgePerson] = field(default_factory=dict)
    decisions: Decisions | None = None


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
    sticky = ports.sticky_timeout
    return [_worker(client, known[name], activities, sticky) for name in queues or known]


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


def _worker(
    client: Client, queue: Queue, activities: dict[str, Callable[..., Any]], sticky: timedelta
) -> Worker:
    return Worker(
        client,
        task_queue=queue.name,
        workflows=WORKFLOWS if queue.serves_workflows else (),
        activities=[activities[name] for name in queue.activities],
        workflow_runner=workflow_runner(),
        build_id=BUILD_ID,
        sticky_queue_schedule_to_start_timeout=sticky,
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=CONCURRENT_WORKFLOW_TASKS,
        max_concurrent_activities=queue.concurrent_activities,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        max_heartbeat_throttle_interval=HEARTBEAT_SPACING,
        graceful_shutdown_timeout=GRACE,
        interceptors=[ActivityRim(), SignalRim(), OriginRim()],
    )


def _activities(client: Client, ports: WorkerPorts) -> dict[str, Callable[..., Any]]:
    """Every activity of the product by its registered name."""
    dispatcher = Dispatcher(client, ports.accounts, ports.wishes, ports.statuses, ports.operations)
    asked = RemovalPorts(
        accounts=ports.accounts,
        ledger=ports.ledger,
        wishes=ports.wishes,
        projects=ports.projects,
        operations=ports.operations,
        interventions=ports.interventions,
        deletions=ports.deletions,
        clock=ports.clock,
    )
    released = _released_objects(ports)
    rooms = (
        *_of_subjects(ports, dispatcher, asked, client),
        *_of_environments(ports, dispatcher, asked, client, released),
        *_of_people(ports, asked, client, released),
        *testing_rooms(ports),
        *delivery_rooms(ports),
        *outbound_rooms(ports),
        *call_keeping_rooms(ports),
        *_of_promotions(ports, dispatcher, client),
        *pull_request_rooms(ports, client),
    )
    named = {name for queue in QUEUES for name in queue.activities}
    return {name: getattr(room, name) for name in named for room in rooms if hasattr(room, name)}


def _of_subjects(
    ports: WorkerPorts, dispatcher: Dispatcher, asked: RemovalPorts, client: Client
) -> tuple[object, ...]:
    """What the workflows of single agents and numbers ask for."""
    removals = Removals(asked)
    patches = Patches(ports.sources, ports.projects)
    return (
        AgentActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.operations,
            ports.statuses,
            ports.clock,
            ports.interventions,
            removals,
            patches=patches,
            rollouts=_rollouts(ports, PromotionCalls(client, ports.promotions)),
            releases=ports.releases,
        ),
        NumberActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.operations,
            ports.clock,
            ports.interventions,
            public_url=ports.public_url,
            removals=removals,
            releases=_number_releases(ports),
            drains=NumberDrains(ports.calls, ports.natives, ports.clock),
        ),
        ConclusionActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.statuses,
            ports.operations,
            dispatcher,
            ports.deletions,
            ports.releases,
            promotions=PromotionCalls(client, ports.promotions),
            adoptions=AdoptionCalls(client),
        ),
        *adoption_rooms(ports),
    )


def _of_promotions(
    ports: WorkerPorts, dispatcher: Dispatcher, client: Client
) -> tuple[object, ...]:
    """What promotions ask for."""
    asked = PromotionPorts(
        access=ports.access,
        accounts=ports.accounts,
        clock=ports.clock,
        interventions=ports.interventions,
        keys=ports.keys,
        manual_results=ports.tests,
        projects=ports.projects,
        promotions=ports.promotions,
        releases=ports.releases,
        reports=ports.tests,
        repositories=ports.repositories,
        sources=ports.sources,
        statuses=ports.statuses,
        wishes=ports.wishes,
        pace=ports.pace,
        forges=ports.forges,
    )
    return promotion_rooms(asked, PromotionCalls(client, ports.promotions), dispatcher)


def _number_releases(ports: WorkerPorts) -> NumberReleases:
    return NumberReleases(ports.releases, ports.wishes, ports.statuses)


def _released_objects(ports: WorkerPorts) -> ReleasedObjects:
    return ReleasedObjects(
        HistoryPorts(
            sources=ports.sources,
            repositories=ports.repositories,
            releases=ports.releases,
            projects=ports.projects,
            wishes=ports.wishes,
        )
    )


def _rollouts(ports: WorkerPorts, calls: PromotionCalls | None = None) -> RolloutPorts:
    return RolloutPorts(
        releases=ports.releases,
        sources=ports.sources,
        projects=ports.projects,
        wishes=ports.wishes,
        statuses=ports.statuses,
        clock=ports.clock,
        calls=calls,
    )


def _of_environments(
    ports: WorkerPorts,
    dispatcher: Dispatcher,
    asked: RemovalPorts,
    client: Client,
    released: ReleasedObjects,
) -> tuple[object, ...]:
    """What looks at a project or an environment as a whole."""
    return (
        SourceActivities(
            ports.sources,
            ports.projects,
            ports.wishes,
            ports.statuses,
            ports.clock,
            ports.interventions,
            ReleaseLooks(ports.repositories, ports.releases, ports.statuses, ports.keys),
            RulesKept(
                ports.releases,
                ports.interventions,
                ports.statuses,
                PastRules(ports.repositories, ports.keys),
            ),
        ),
        DispatchActivities(dispatcher, ports.wishes, ports.operations),
        PruneActivities(asked, ports.statuses, dispatcher, released),
        SweepActivities(
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.statuses,
            dispatcher,
            SweepSchedules(client),
            ports.deletions,
            looks=ports.looks,
            clock=ports.clock,
            interventions=ports.interventions,
            public_url=ports.public_url,
            retests=RetestSchedules(client),
            pulls=PullRequestSchedules(client, ports.forges or NoForges()),
            orders=OrderCalls(client, ports.calls),
            calls=CallSchedules(client, ports.calls, ports.wishes),
            rollouts=_rollouts(ports),
            numbers=_number_releases(ports),
        ),
        WakingActivities(dispatcher, ports.wishes),
    )


def _of_people(
    ports: WorkerPorts, asked: RemovalPorts, client: Client, released: ReleasedObjects
) -> tuple[object, ...]:
    """What somebody asked for, once."""
    patches = Patches(ports.sources, ports.projects)
    return (
        PlanActivities(
            ports.sources,
            ports.projects,
            ports.accounts,
            ports.ledger,
            ports.wishes,
            ports.operations,
            ports.interventions,
            RemovalPlanner(asked, released),
            patches=patches,
            rollouts=_rollouts(ports),
            public_url=ports.public_url,
            releases=_number_releases(ports),
        ),
        ImportActivities(
            ports.sources, ports.projects, ports.accounts, ports.ledger, ports.operations
        ),
        EjectActivities(
            ports.accounts,
            ports.ejections,
            ports.interventions,
            ports.operations,
            ports.statuses,
            endings=Endings(client),
            schedules=SweepSchedules(client),
        ),
    )
