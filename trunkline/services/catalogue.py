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
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.ports.testing import Baselines, Desks, ManualResults, RunReports
from trunkline.services.access import AccessService
from trunkline.services.applying import ApplyService
from trunkline.services.audit import AuditService
from trunkline.services.behaviour import BehaviourService
from trunkline.services.control import ControlService
from trunkline.services.descriptions import DescriptionService
from trunkline.services.doctor import DoctorService, Outside
from trunkline.services.ejecting import EjectService
from trunkline.services.engine import Engine
from trunkline.services.engine_examination import EngineExamination
from trunkline.services.experiments import ExperimentService
from trunkline.services.health import Checkable, HealthService
from trunkline.services.histories import HistoryService
from trunkline.services.imports import ImportService
from trunkline.services.manual_results import ManualResultService
from trunkline.services.metrics import Countable, MetricsService
from trunkline.services.numbers import NumberService
from trunkline.services.operations import OperationService
from trunkline.services.projects import ProjectService
from trunkline.services.promotion_rules import PromotionRulesService
from trunkline.services.promotion_views import PromotionViewService
from trunkline.services.promotions import PromotionService
from trunkline.services.protection import ProtectionService
from trunkline.services.release_checks import ReleaseCheckService
from trunkline.services.release_commits import ReleaseCommitService
from trunkline.services.releases import ReleaseService
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
    Baselines,
    Promotions,
    ReleaseRecords,
    Protocol,
):
    """What services need of a store."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything people can ask for."""

    access: AccessService
    applying: ApplyService
    audit: AuditService
    behaviour: BehaviourService
    descriptions: DescriptionService
    control: ControlService
    doctor: DoctorService
    ejecting: EjectService
    experiments: ExperimentService
    health: HealthService
    histories: HistoryService
    imports: ImportService
    manual_results: ManualResultService
    metrics: MetricsService
    numbers: NumberService
    operations: OperationService
    projects: ProjectService
    promotion_views: PromotionViewService
    promotion_rules: PromotionRulesService
    promotions: PromotionService
    protection: ProtectionService
    release_checks: ReleaseCheckService
    release_commits: ReleaseCommitService
    releases: ReleaseService
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
    sources = outside.sources if outside else None
    projects = ProjectService(
        store, store, store, access=access, engine=engine, sources=sources, live=live
    )
    operations = OperationService(
        store, store, store, projects=projects, access=access, engine=engine
    )
    status = StatusService(store, store, store)
    releases = ReleaseService(store, status=status, projects=projects)
    views = PromotionViewService(store, store, store, store)
    descriptions = DescriptionService(status, store, store, store, store, store, views)
    return Services(
        access=access,
        applying=_applying(store, operations, access, engine, live=live),
        control=ControlService(
            store, store, store, projects=projects, access=access, engine=engine
        ),
        why=WhyService(store, store, store, store, store, store, store, engine=engine, live=live),
        audit=AuditService(store),
        behaviour=BehaviourService(
            store, store, store, store, releases=releases, access=access, engine=engine
        ),
        experiments=_experiments(store, releases, access, engine, outside),
        descriptions=descriptions,
        doctor=DoctorService(
            store, store, store, engine=EngineExamination(client), outside=outside
        ),
        ejecting=EjectService(store, store, store, projects=projects, access=access, engine=engine),
        health=HealthService(store, engine),
        histories=HistoryService(descriptions, releases, status=status, projects=projects),
        imports=ImportService(
            store, store, store, store, projects=projects, access=access, engine=engine
        ),
        manual_results=ManualResultService(store, status, access=access),
        metrics=MetricsService(store),
        numbers=_numbers(store, projects, outside),
        operations=operations,
        projects=projects,
        promotion_views=views,
        promotion_rules=PromotionRulesService(store, store, store, access=access, engine=engine),
        promotions=_promotions(store, releases, status, access, engine, outside),
        release_checks=ReleaseCheckService(releases, outside),
        release_commits=_release_commits(releases, access, engine, outside),
        releases=releases,
        protection=ProtectionService(store, store, access=access, engine=engine),
        status=status,
        test_runs=TestRunService(store, projects=projects, access=access, engine=engine),
        tokens=TokenService(store, access, projects),
        tools=ToolGatewayService(store),
        webhooks=WebhookService(store, access, engine, secret=webhook_secret),
    )


def _applying(
    store: Store,
    operations: OperationService,
    access: AccessService,
    engine: Engine,
    *,
    live: bool,
) -> ApplyService:
    """Applied plans of an installation; ``live`` says that its accounts are real."""
    return ApplyService(
        store,
        store,
        store,
        store,
        operations=operations,
        access=access,
        engine=engine,
        live=live,
    )


def _promotions(
    store: Store,
    releases: ReleaseService,
    status: StatusService,
    access: AccessService,
    engine: Engine,
    outside: Outside | None,
) -> PromotionService:
    """Promotions of an installation; without ``outside`` there is no key, and none can begin."""
    return PromotionService(
        store,
        releases,
        status,
        projects=store,
        wishes=store,
        interventions=store,
        manual_results=store,
        access=access,
        engine=engine,
        public_key=outside.settings.signing_public_key if outside else "",
    )


def _release_commits(
    releases: ReleaseService, access: AccessService, engine: Engine, outside: Outside | None
) -> ReleaseCommitService:
    """Commits of an installation; without ``outside`` there are none."""
    return ReleaseCommitService(
        releases,
        access=access,
        engine=engine,
        sources=outside.sources if outside else None,
        repositories=outside.repositories if outside else None,
    )


def _experiments(
    store: Store,
    releases: ReleaseService,
    access: AccessService,
    engine: Engine,
    outside: Outside | None,
) -> ExperimentService:
    """Experiments of an installation; without ``outside`` none can begin or end."""
    return ExperimentService(
        releases,
        store,
        store,
        access=access,
        engine=engine,
        repositories=outside.repositories if outside else None,
        keys=outside.keys if outside else None,
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
