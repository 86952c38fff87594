"""One promotion from every side, for whoever watches it: how many tests are done, which share of
the calls it has, what people found by calling, which rules wait for an admin.

Reads what others write and decides nothing.
"""

from dataclasses import dataclass

from trunkline.model import limits
from trunkline.model.promotions.guards import manual_passed
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.promotions.telling import runs_of
from trunkline.model.releases import ReleaseStanding, RolloutState
from trunkline.model.testing.repeats import decided
from trunkline.model.testing.results import TestResult, TestRunReport
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.ports.testing import ManualResults, RunReports


@dataclass(frozen=True, slots=True)
class TestsDone:
    """How far a run of tests is: ``done`` of ``expected`` have a verdict."""

    __test__ = False

    run_id: str
    expected: int
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class ManualDone:
    """Passed manual results of the digest by different people, and how many are needed."""

    needed: int
    passed: int


@dataclass(frozen=True, slots=True)
class PromotionView:
    """A promotion and what goes on around it; what is not there is None."""

    record: PromotionRecord
    tests: TestsDone | None = None
    rollout: RolloutState | None = None
    manual: ManualDone | None = None
    rules: PromotionRules | None = None


@dataclass(frozen=True, slots=True)
class ReleaseSide:
    """What an agent's description says of promotions: the open one or the newest, what the last
    look at Git made of its release, how far that is rolled out, and the rules in force.
    """

    promotion: PromotionRecord | None
    standing: ReleaseStanding | None
    rollout: RolloutState | None
    rules: PromotionRules | None


class PromotionViewService:
    """Views of promotions of one store."""

    def __init__(
        self,
        promotions: Promotions,
        releases: ReleaseRecords,
        reports: RunReports,
        manual_results: ManualResults,
    ) -> None:
        self._promotions = promotions
        self._releases = releases
        self._reports = reports
        self._manual_results = manual_results

    async def view(self, record: PromotionRecord) -> PromotionView:
        """The promotion with everything around it."""
        place = (record.project, record.environment, record.agent)
        rules = await self._releases.rules_in_force(record.project, record.environment)
        rollout = await self._releases.rollout(*place) if record.version else None
        is_ours = rollout is not None and rollout.version == record.version
        return PromotionView(
            record=record,
            tests=await self._tests(record),
            rollout=rollout if is_ours else None,
            manual=await self._manual(record, rules),
            rules=rules,
        )

    async def side(self, project: str, environment: str, agent: str) -> ReleaseSide:
        """What is to be said of promotions and releases of an agent in an environment."""
        return ReleaseSide(
            promotion=await self._promotions.last_promotion_of(project, environment, agent),
            standing=await self._releases.standing_of(project, environment, agent),
            rollout=await self._releases.rollout(project, environment, agent),
            rules=await self._releases.rules_in_force(project, environment),
        )

    async def _tests(self, record: PromotionRecord) -> TestsDone | None:
        """The run that goes on now, else the last one that is remembered."""
        for run in reversed(runs_of(record)):
            report = await self._reports.run_report(run.run_id)
            if report is not None and report.project == record.project:
                return _done(report)
        return None

    async def _manual(
        self, record: PromotionRecord, rules: PromotionRules | None
    ) -> ManualDone | None:
        if rules is None or not rules.promotion.tests.manual or record.digest is None:
            return None
        results = await self._manual_results.manual_results(
            record.project, record.agent, limit=limits.API_PAGE_MAX
        )
        passed = manual_passed(results, record.digest)
        return ManualDone(needed=rules.promotion.tests.manual, passed=passed)


def _done(report: TestRunReport) -> TestsDone:
    over = [test for test in report.tests if report.state != "Running" or _is_over(test)]
    return TestsDone(
        run_id=report.id,
        expected=max(report.expected, len(report.tests)),
        done=len(over),
        failed=sum(test.outcome != "passed" for test in over),
    )


def _is_over(test: TestResult) -> bool:
    outcomes = [run.outcome for run in test.runs]
    return decided(outcomes, test.runs_planned, test.runs_needed) is not None
