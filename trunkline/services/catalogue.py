"""Every service of one installation, wired once for whoever offers them to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from temporalio.client import Client

from activities.names import WORKFLOW_QUEUE
from activities.pull_request_types import PullRequestPace
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
from trunkline.ports.calls import CallOrders, Calls
from trunkline.ports.forges import PullRequests
from trunkline.ports.idempotency import IdempotentRequests
from trunkline.ports.notifying import Notifications
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.ports.testing import Baselines, Desks, ManualResults, RunReports
from trunkline.services.access import AccessService
from trunkline.services.applying import ApplyService
from trunkline.services.audit import AuditService
from trunkline.services.behaviour import BehaviourService
from trunkline.services.call_catalogue import call_services
from trunkline.services.call_control import CallControlService
from trunkline.services.call_reports import CallReportService
from trunkline.services.call_routing import CallRoutingService
from trunkline.services.calls import CallService
from trunkline.services.changes import ChangeService
from trunkline.services.control import ControlService
from trunkline.services.deliveries import Deliveries
from trunkline.services.descriptions import DescriptionService
from trunkline.services.doctor import DoctorService, Outside
from trunkline.services.ejecting import EjectService
from trunkline.services.engine import Engine
from trunkline.services.engine_examination import EngineExamination
from trunkline.services.experiments import ExperimentService
from trunkline.services.health import Checkable, HealthService
from trunkline.services.histories import HistoryService
from trunkline.services.idempotency import IdempotencyService
from trunkline.services.imports import ImportService
from trunkline.services.manifest_views import ManifestViewService
from trunkline.services.manual_results import ManualResultService
from trunkline.services.metrics import Countable, MetricsService
from trunkline.services.notifications import NotificationService
from trunkline.services.numbers import NumberService
from trunkline.services.operations import OperationService
from trunkline.services.outbound import OutboundService
from trunkline.services.platform_news import PlatformNewsService
from trunkline.services.projects import ProjectService
from trunkline.services.promotion_rules import PromotionRulesService
from trunkline.services.promotion_views import PromotionViewService
from trunkline.services.promotions import PromotionService
from trunkline.services.protection import ProtectionService
from trunkline.services.pull_requests import PullRequestService
from trunkline.services.release_catalogue import release_services
from trunkline.services.release_checks import ReleaseCheckService
from trunkline.services.release_commits import ReleaseCommitService
from trunkline.services.releases import ReleaseService
from trunkline.services.sign_in import SignInService, SignInSettings
from trunkline.services.stats import StatsService
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
    PullRequests,
    ReleaseRecords,
    IdempotentRequests,
    Notifications,
    Calls,
    CallOrders,
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
    calls: CallService
    call_control: CallControlService
    call_reports: CallReportService
    call_routing: CallRoutingService
    changes: ChangeService
    descriptions: DescriptionService
    control: ControlService
    doctor: DoctorService
    ejecting: EjectService
    experiments: ExperimentService
    health: HealthService
    histories: HistoryService
    idempotency: IdempotencyService
    imports: ImportService
    manifests: ManifestViewService
    manual_results: ManualResultService
    metrics: MetricsService
    notifications: NotificationService
    numbers: NumberService
    operations: OperationService
    outbound: OutboundService
    platform_news: PlatformNewsService
    projects: ProjectService
    promotion_views: PromotionViewService
    promotion_rules: PromotionRulesService
    promotions: PromotionService
    protection: ProtectionService
    pull_requests: PullRequestService
    release_checks: ReleaseCheckService
    release_commits: ReleaseCommitService
    releases: ReleaseService
    sign_in: SignInService
    stats: StatsService
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
    review_pace: PullRequestPace | None = None,
    webhook_secret: str | None = None,
    webhook_secrets: Mapping[str, str] | None = None,
    platform_secret: str | None = None,
    platform_secrets: Mapping[str, str] | None = None,
    outside: Outside | None = None,
    live: bool = False,
    sign_in: SignInSettings | None = None,
    token_age_max: timedelta | None = None,
) -> Services:
    """Wire the services. ``client`` must use the pydantic data converter, as workers do.

    Without ``outside`` no further project can be registered, and the doctor looks at less. Without
    ``sign_in`` tokens are the only way in.
    """
    pace = timing or Timing()
    engine = Engine(client, task_queue=task_queue, timing=pace, review_pace=review_pace)
    access = AccessService(store)
    projects = _projects(store, access, engine, outside, live=live)
    operations = OperationService(
        store, store, store, projects=projects, access=access, engine=engine
    )
    status = StatusService(store)
    releases = release_services(
        store, outside, status=status, projects=projects, access=access, engine=engine
    )
    calls = call_services(
        store,
        outside,
        status=status,
        projects=projects,
        access=access,
        engine=engine,
        platform_secret=platform_secret,
        platform_secrets=platform_secrets,
    )
    return Services(
        access=access,
        applying=_applying(store, operations, access, engine, live=live),
        control=_control(store, projects, access, engine),
        why=WhyService(store, store, store, store, store, store, store, engine=engine, live=live),
        audit=AuditService(store),
        changes=_changes(store, access, engine, outside),
        doctor=_doctor(store, client, outside, sign_in),
        ejecting=EjectService(store, store, store, projects=projects, access=access, engine=engine),
        health=HealthService(store, engine),
        idempotency=IdempotencyService(store),
        imports=_imports(store, projects, access, engine),
        manifests=ManifestViewService(store, sources=outside.sources if outside else None),
        metrics=MetricsService(store),
        notifications=_notifications(store, access, client, task_queue),
        operations=operations,
        projects=projects,
        protection=ProtectionService(store, store, access=access, engine=engine),
        pull_requests=PullRequestService(store),
        sign_in=SignInService(store, access, sign_in),
        status=status,
        test_runs=TestRunService(store, projects=projects, access=access, engine=engine),
        tokens=TokenService(store, access, projects, age_max=token_age_max),
        tools=ToolGatewayService(store),
        webhooks=_webhooks(store, access, engine, webhook_secret, webhook_secrets),
        **calls,
        **releases,
    )


def _webhooks(
    store: Store,
    access: AccessService,
    engine: Engine,
    secret: str | None,
    own_secrets: Mapping[str, str] | None,
) -> WebhookService:
    """What forges tell of; ``own_secrets`` are those of projects."""
    return WebhookService(store, access, engine, secret=secret, own_secrets=own_secrets or {})


def _projects(
    store: Store, access: AccessService, engine: Engine, outside: Outside | None, *, live: bool
) -> ProjectService:
    """Registered projects; without ``outside`` no further one can be registered."""
    sources = outside.sources if outside else None
    return ProjectService(
        store,
        store,
        store,
        access=access,
        engine=engine,
        sources=sources,
        notifications=store,
        live=live,
    )


def _doctor(
    store: Store, client: Client, outside: Outside | None, sign_in: SignInSettings | None
) -> DoctorService:
    """The examination of an installation; without ``outside`` it looks at less."""
    return DoctorService(
        store,
        store,
        store,
        engine=EngineExamination(client),
        outside=outside,
        sign_in=sign_in,
        notifications=store,
    )


def _control(
    store: Store, projects: ProjectService, access: AccessService, engine: Engine
) -> ControlService:
    """What people decide about carrying wishes out."""
    return ControlService(store, store, store, projects=projects, access=access, engine=engine)


def _imports(
    store: Store, projects: ProjectService, access: AccessService, engine: Engine
) -> ImportService:
    """Accounts that become manifests."""
    return ImportService(
        store, store, store, store, projects=projects, access=access, engine=engine
    )


def _notifications(
    store: Store, access: AccessService, client: Client, task_queue: str
) -> NotificationService:
    """Who is told of what in an installation."""
    deliveries = Deliveries(client, store, task_queue=task_queue)
    return NotificationService(store, store, access=access, deliveries=deliveries)


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


def _changes(
    store: Store, access: AccessService, engine: Engine, outside: Outside | None
) -> ChangeService:
    """Changes of an installation; without ``outside`` there are none."""
    return ChangeService(
        store,
        store,
        access=access,
        engine=engine,
        sources=outside.sources if outside else None,
        repositories=outside.repositories if outside else None,
        forges=outside.forges if outside else None,
    )
