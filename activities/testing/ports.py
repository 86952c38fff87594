"""What preparing and ending runs of tests need of the outside, and how a rendering is kept."""

from dataclasses import dataclass, field
from datetime import datetime

from activities.calls.ports import Carriers
from trunkline.model.base import Frozen
from trunkline.model.errors import AgentNotDeployed
from trunkline.model.ids import ExternalId
from trunkline.model.testing.costs import TestRates
from trunkline.model.testing.rendering import TestRendering
from trunkline.ports import (
    Accounts,
    Clock,
    Interventions,
    Ledger,
    Operations,
    Projects,
    Sources,
    Statuses,
    Wishes,
)
from trunkline.ports.testing import Holdings, RunParts, RunReports


class StoredRendering(Frozen):
    """A configuration under test as a run keeps it. ``agent_id`` is the agent it is put beside;
    where there is none yet, ``carrier`` is the mark of one that is made for the tests alone.
    ``owner`` is for whom the tests are, "" for the project itself.
    """

    rendering: TestRendering
    agent_id: ExternalId
    gated: bool = True
    branch_id: str = ""
    name: str = ""
    owner: str = ""
    carrier: str = ""
    attempted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TestPorts:
    """What preparing and ending runs of tests need of the outside."""

    sources: Sources
    projects: Projects
    accounts: Accounts
    ledger: Ledger
    wishes: Wishes
    operations: Operations
    interventions: Interventions
    reports: RunReports
    parts: RunParts
    holdings: Holdings
    clock: Clock
    statuses: Statuses
    carriers: Carriers
    public_url: str | None = None
    rates: TestRates = field(default_factory=TestRates)


TestPorts.__test__ = False  # type: ignore[attr-defined]


def not_deployed(name: str, environment: str) -> AgentNotDeployed:
    """There is nobody to speak to yet."""
    return AgentNotDeployed(
        f"agent {name} is not on the platform in {environment}",
        hint=f"Sync it first: trunkline sync {name} --environment {environment}",
    )
