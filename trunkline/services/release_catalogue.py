"""The services of releases, of what they are made and judged by, and agents' past, wired once."""

from typing import Protocol, TypedDict

from trunkline.ports import Interventions, Ledger, Operations, Projects, Statuses, Wishes
from trunkline.ports.calls import Calls
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.ports.testing import Baselines, ManualResults, RunReports
from trunkline.services.access import AccessService
from trunkline.services.behaviour import BehaviourService
from trunkline.services.descriptions import DescriptionService
from trunkline.services.doctor import Outside
from trunkline.services.engine import Engine
from trunkline.services.experiments import ExperimentService
from trunkline.services.histories import HistoryService
from trunkline.services.projects import ProjectService
from trunkline.services.promotion_rules import PromotionRulesService
from trunkline.services.promotion_views import PromotionViewService
from trunkline.services.promotions import PromotionService
from trunkline.services.release_checks import ReleaseCheckService
from trunkline.services.release_commits import ReleaseCommitService
from trunkline.services.releases import ReleaseService
from trunkline.services.stats import StatsService
from trunkline.services.status import StatusService


class ReleaseStore(
    Projects,
    Statuses,
    Wishes,
    Interventions,
    Ledger,
    Operations,
    Promotions,
    ReleaseRecords,
    Baselines,
    ManualResults,
    RunReports,
    Calls,
    Protocol,
):
    """What they need of a store."""


class ReleaseServices(TypedDict):
    """They, by their names among all services."""

    behaviour: BehaviourService
    descriptions: DescriptionService
    experiments: ExperimentService
    histories: HistoryService
    promotion_views: PromotionViewService
    promotion_rules: PromotionRulesService
    promotions: PromotionService
    release_checks: ReleaseCheckService
    release_commits: ReleaseCommitService
    releases: ReleaseService
    stats: StatsService


def release_services(
    store: ReleaseStore,
    outside: Outside | None,
    *,
    status: StatusService,
    projects: ProjectService,
    access: AccessService,
    engine: Engine,
) -> ReleaseServices:
    """Wire them."""
    releases = ReleaseService(store, status=status, projects=projects)
    views = PromotionViewService(store, store, store, store)
    descriptions = DescriptionService(status, store, store, store, store, store, views)
    return ReleaseServices(
        behaviour=_behaviour(store, releases, access, engine),
        descriptions=descriptions,
        experiments=_experiments(store, releases, access, engine, outside),
        histories=HistoryService(descriptions, releases, status=status, projects=projects),
        promotion_views=views,
        promotion_rules=PromotionRulesService(store, store, store, access=access, engine=engine),
        promotions=_promotions(store, releases, status, access, engine, outside),
        release_checks=ReleaseCheckService(releases, outside),
        release_commits=_release_commits(releases, access, engine, outside),
        releases=releases,
        stats=StatsService(store, store, store, store, store, releases=releases, status=status),
    )


def _behaviour(
    store: ReleaseStore, releases: ReleaseService, access: AccessService, engine: Engine
) -> BehaviourService:
    """How released agents behave, held against their own past."""
    return BehaviourService(
        store, store, store, store, releases=releases, access=access, engine=engine
    )


def _promotions(
    store: ReleaseStore,
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


def _experiments(
    store: ReleaseStore,
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
