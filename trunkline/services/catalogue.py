"""Every service of one installation, wired once for whoever offers them to people."""

from dataclasses import dataclass
from typing import Protocol

from temporalio.client import Client

from activities.names import WORKFLOW_QUEUE
from activities.types import Timing
from trunkline.ports import (
    Access,
    Ejections,
    Examinable,
    Interventions,
    Ledger,
    Operations,
    Projects,
    Statuses,
    Wishes,
)
from trunkline.ports.testing import Desks, ManualResults, RunReports
from trunkline.services.access import AccessService
from trunkline.services.applying import ApplyService
from trunkline.services.audit import AuditService
from trunkline.services.control import ControlService
from trunkline.services.descriptions import DescriptionService
from trunkline.services.doctor import DoctorService, Outside
from trunkline.services.ejecting import EjectService
from trunkline.services.engine import Engine
from trunkline.services.engine_examination import EngineExamination
from trunkline.services.health import Checkable, HealthService
from trunkline.services.imports import ImportService
from trunkline.services.manual_results import ManualResultService
from trunkline.services.metrics import Countable, MetricsService
from trunkline.services.numbers import NumberService
from trunkline.services.operations import OperationService
from trunkline.services.projects import ProjectService
from trunkline.services.protection import ProtectionService
from trunkline.services.status import StatusService
from trunkline.services.testing import TestRunService
from trunkline.services.tokens import TokenService
from trunkline.services.tool_gateway import ToolGatewayService
from trunkline.services.webhooks import WebhookService
from trunkline.services.why import WhyService


class Store(
    Access,
    Checkable,
    Countable,
    Ejections,
    Examinable,
    Operations,
    Projects,
    Statuses,
    Wishes,
    Interventions,
    Ledger,
    ManualResults,
    RunReports,
    Desks,
    Protocol,
):
    """What services need of a store."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything people can ask for."""

    access: AccessService
    applying: ApplyService
    audit: AuditService
    descriptions: DescriptionService
    control: ControlService
    doctor: DoctorService
    ejecting: EjectService
    health: HealthService
    imports: ImportService
    manual_results: ManualResultService
    metrics: MetricsService
    numbers: NumberService
    operations: OperationService
    projects: ProjectService
    protection: ProtectionService
    status: StatusService
    test_runs: TestRunService
    tokens: TokenService
    tools: ToolGatewayService
    webhooks: WebhookService
    why: WhyService


def build_services(
    store: Store,
    client: Client,
    *,
    task_queue: str = WORKFLOW_QUEUE,
    timing: Timing | None = None,
    webhook_secret: str | None = None,
    outside: Outside | None = None,
    live: bool = False,
) -> Services:
    """Wire the services. ``client`` must use the pydantic data converter, as workers do.

    Without ``outside`` no further project can be registered, and the doctor looks at less.
    """
    engine = Engine(client, task_queue=task_queue, timing=timing or Timing())
    access = AccessService(store)
    projects = ProjectService(
        store,
        store,
        access=access,
        engine=engine,
        sources=outside.sources if outside else None,
        live=live,
    )
    operations = OperationService(
        store, store, store, projects=projects, access=access, engine=engine
    )
    status = StatusService(store, store)
    return Services(
        access=access,
        applying=ApplyService(
            store,
            store,
            store,
            store,
            operations=operations,
            access=access,
            engine=engine,
            live=live,
        ),
        control=ControlService(
            store, store, store, projects=projects, access=access, engine=engine
        ),
        why=WhyService(store, store, store, store, store, engine=engine, live=live),
        audit=AuditService(store),
        descriptions=DescriptionService(status, store, store, store, store, store),
        doctor=DoctorService(
            store, store, store, engine=EngineExamination(client), outside=outside
        ),
        ejecting=EjectService(store, store, store, projects=projects, access=access, engine=engine),
        health=HealthService(store, engine),
        imports=ImportService(
            store, store, store, store, projects=projects, access=access, engine=engine
        ),
        manual_results=ManualResultService(store, status, access=access),
        metrics=MetricsService(store),
        numbers=_numbers(store, projects, outside),
        operations=operations,
        projects=projects,
        protection=ProtectionService(store, store, access=access, engine=engine),
        status=status,
        test_runs=TestRunService(store, projects=projects, access=access, engine=engine),
        tokens=TokenService(store, access, projects),
        tools=ToolGatewayService(store),
        webhooks=WebhookService(store, access, engine, secret=webhook_secret),
    )


def _numbers(store: Store, projects: ProjectService, outside: Outside | None) -> NumberService:
    """The numbers of an installation; without ``outside`` only what the store knows of them."""
    return NumberService(
        store,
        store,
        projects,
        accounts=outside.accounts if outside else None,
        public_url=outside.settings.public_url if outside else None,
    )
