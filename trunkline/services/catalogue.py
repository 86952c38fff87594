"""Every service of one installation, wired once for whoever offers them to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
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
    Sources,
    Statuses,
    Wishes,
)
from trunkline.ports.forges import PullRequests
from trunkline.ports.idempotency import IdempotentRequests
from trunkline.ports.notifying import Notifications
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.ports.testing import Baselines, Desks, ManualResults, RunReports
from trunkline.services.access import AccessService
from trunkline.services.applying import ApplyService
from trunkline.services.audit import AuditService
from trunkline.services.behaviour import BehaviourService
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
from trunkline.services.projects import ProjectService
from trunkline.services.promotion_rules import PromotionRulesService
from trunkline.services.promotion_views import PromotionViewService
from trunkline.services.promotions import PromotionService
from trunkline.services.protection import ProtectionService
from trunkline.services.pull_requests import PullRequestService
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
    webhook_secret: str | None = None,
    webhook_secrets: Mapping[str, str] | None = None,
    outside: Outside | None = None,
    live: bool = False,
    sign_in: SignInSettings | None = None,
    token_age_max: timedelta | None = None,
) -> Services:
    """Wire the services. ``client`` must use the pydantic data converter, as workers do.

    Without ``outside`` no further project can be registered, and the doctor looks at less. Without
    ``sign_in`` tokens are the only way in.
    """
    engine = Engine(client, task_queue=task_queue, timing=timing or Timing())
    access = AccessService(store)
    sources = outside.sources if outside else None
    projects = _projects(store, access, engine, sources, live=live)
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
        control=_control(store, projects, access, engine),
        why=WhyService(store, store, store, store, store, store, store, engine=engine, live=live),
        audit=AuditService(store),
        behaviour=_behaviour(store, releases, access, engine),
        changes=_changes(store, access, engine, outside),
        experiments=_experiments(store, releases, access, engine, outside),
        descriptions=descriptions,
        doctor=_doctor(store, client, outside, sign_in),
        ejecting=EjectService(store, store, store, projects=projects, access=access, engine=engine),
        health=HealthService(store, engine),
        histories=HistoryService(descriptions, releases, status=status, projects=projects),
        idempotency=IdempotencyService(store),
        imports=_imports(store, projects, access, engine),
        manifests=ManifestViewService(store, sources=sources),
        manual_results=ManualResultService(store, status, access=access),
        metrics=MetricsService(store),
        notifications=_notifications(store, access, client, task_queue),
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
        pull_requests=PullRequestService(store),
        sign_in=SignInService(store, access, sign_in),
        stats=StatsService(store, store, store, store, releases=releases, status=status),
        status=status,
        test_runs=TestRunService(store, projects=projects, access=access, engine=engine),
        tokens=TokenService(store, access, projects, age_max=token_age_max),
        tools=ToolGatewayService(store),
        webhooks=WebhookService(
            store, access, engine, secret=webhook_secret, own_secrets=webhook_secrets or {}
        ),
    )


def _projects(
    store: Store, access: AccessService, engine: Engine, sources: Sources | None, *, live: bool
) -> ProjectService:
    """Registered projects; without ``sources`` no further one can be registered."""
    return ProjectService(
        store, store, store, access=access, engine=engine, sources=sources, live=live
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


def _behaviour(
    store: Store, releases: ReleaseService, access: AccessService, engine: Engine
) -> BehaviourService:
    """How released agents behave, held against their own past."""
    return BehaviourService(
        store, store, store, store, releases=releases, access=access, engine=engine
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
        forges=outside.forges if outside else None,
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
