"""An agent in numbers: what releases, tests, people and sweeps left behind, counted when asked.

Everything read is bounded, newest first; the answer says how much that was, so that a count that
stopped at its bound is not taken for the whole.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from trunkline.model import limits
from trunkline.model.agent_stats import AgentTally, tally
from trunkline.model.calls.limits import CALLS_COUNTED_MAX
from trunkline.model.calls.records import CallFilter
from trunkline.model.testing import limits as testing_limits
from trunkline.ports import Statuses
from trunkline.ports.calls import Calls
from trunkline.ports.releasing import Promotions
from trunkline.ports.testing import ManualResults, RunReports
from trunkline.services.releases import ReleaseService
from trunkline.services.status import StatusService


@dataclass(frozen=True, slots=True)
class AgentStats:
    """Numbers of an agent; ``complete`` is False if a bound was reached on the way."""

    environment: str
    agent: str
    counted: AgentTally
    complete: bool


class StatsService:
    """Numbers of one store. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        statuses: Statuses,
        promotions: Promotions,
        runs: RunReports,
        manual_results: ManualResults,
        calls: Calls,
        *,
        releases: ReleaseService,
        status: StatusService,
    ) -> None:
        self._statuses = statuses
        self._promotions = promotions
        self._runs = runs
        self._manual_results = manual_results
        self._calls = calls
        self._releases = releases
        self._status = status

    async def agent(self, project: str, name: str, *, environment: str | None) -> AgentStats:
        """Numbers of an agent; the environment may be left out if it is in one only.

        Raises NotFound, InvalidInput.
        """
        where = (
            await self._status.one(project, "agent", name, environment=environment)
        ).environment
        page = limits.API_PAGE_MAX
        releases = await self._releases.newest(project, where, name, limit=page)
        promotions = await self._promotions.promotions(
            project, environment=where, agent=name, limit=page
        )
        runs = await self._runs.run_reports(
            project, agent=name, limit=testing_limits.TEST_RUNS_PAGE_MAX
        )
        manual = await self._manual_results.manual_results(project, name, limit=page)
        events = await self._statuses.events(
            project, environment=where, kind="agent", name=name, limit=page
        )
        calls = await self._calls.calls(
            project, CallFilter(environment=where, agent=name), limit=CALLS_COUNTED_MAX
        )
        digests = {each.digest for each in releases}
        full = len(runs) == testing_limits.TEST_RUNS_PAGE_MAX or len(calls) == CALLS_COUNTED_MAX
        counted = tally(
            version=await self._releases.version(project, where, name),
            releases=releases,
            promotions=promotions,
            tests=[
                test
                for run in runs
                for test in run.tests
                if test.agent == name
                and (test.environment == where or test.agent_digest in digests)
            ],
            manual=[m for m in manual if m.environment == where or m.digest in digests],
            events=events,
            calls=[call for call in calls if not call.test],
            now=datetime.now(UTC),
        )
        bounded = any(len(rows) == page for rows in (releases, promotions, manual, events))
        return AgentStats(where, name, counted, complete=not (bounded or full))
