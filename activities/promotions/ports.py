"""What promotions need of the outside."""

from dataclasses import dataclass, field

from trunkline.model.promotions.facts import Pace
from trunkline.ports import (
    Access,
    Accounts,
    Clock,
    Interventions,
    Projects,
    Sources,
    Statuses,
    Wishes,
)
from trunkline.ports.forges import Forges
from trunkline.ports.releasing import (
    EvidenceKeys,
    Promotions,
    ReleaseRecords,
    ReleaseRepositories,
)
from trunkline.ports.testing import ManualResults, RunReports


@dataclass(frozen=True, slots=True)
class PromotionPorts:
    """Everything a look, a release and a rollback read and write; ``pace`` is how long they wait
    where no rule says it. Without ``forges`` nothing can be proposed.
    """

    access: Access
    accounts: Accounts
    clock: Clock
    interventions: Interventions
    keys: EvidenceKeys
    manual_results: ManualResults
    projects: Projects
    promotions: Promotions
    releases: ReleaseRecords
    reports: RunReports
    repositories: ReleaseRepositories
    sources: Sources
    statuses: Statuses
    wishes: Wishes
    pace: Pace = field(default_factory=Pace)
    forges: Forges | None = None
