"""Whom to test again unchanged, and what a retest comes to: a baseline, a mark, two events.

Only what certainly runs as released is tested: anything on its way has no past to be held against.
Nothing here talks to a platform; the conversations are had by runs of tests like any other.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio import activity

from activities.errors import translated
from activities.names import CHOOSE_RETESTS, JUDGE_RETEST
from activities.policies import environments
from activities.testing_types import (
    RetestBatch,
    RetestInput,
    RetestJudgement,
    RetestJudgementRequest,
    RetestTarget,
)
from trunkline.model.behaviour import (
    behaviour_drift,
    behaviour_mark,
    drift_event,
    recovery_event,
)
from trunkline.model.ids import Digest
from trunkline.model.interventions import Intervention, InterventionVerb, in_force
from trunkline.model.kinds.project import Project
from trunkline.model.kinds.project import Retest as RetestPolicy
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.records import EventRecord
from trunkline.model.releases import ReleaseStanding
from trunkline.model.testing.baselines import (
    Baseline,
    Retest,
    behaviour_digest,
    compared,
    confirmed,
    evidence_counts,
    grown,
)
from trunkline.model.testing.limits import RETESTS_PER_BATCH
from trunkline.model.testing.results import TestRunReport
from trunkline.ports import Clock, Interventions, Statuses, Wishes
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.ports.testing import Baselines, RunReports

A_DAY = timedelta(days=1)
DUE_SHARE = 0.9
"""An agent is due a little early, so that a retest that took minutes does not skip the next one."""
ROLLED_OUT = frozenset({"Done", "Aborted"})
HOLDING: Final[tuple[InterventionVerb, ...]] = ("suspend", "disable")
"""Decisions after which an agent is left alone."""
EVENTS_LOOKED_BACK = 50
"""Events of an agent read to see whether something was told already."""


@dataclass(frozen=True, slots=True)
class RetestPorts:
    """What retests need of the outside."""

    baselines: Baselines
    reports: RunReports
    promotions: Promotions
    releases: ReleaseRecords
    interventions: Interventions
    statuses: Statuses
    wishes: Wishes
    clock: Clock


class RetestActivities:
    """The activities around the runs of tests."""

    def __init__(self, ports: RetestPorts) -> None:
        self._ports = ports

    @activity.defn(name=CHOOSE_RETESTS)
    async def choose_retests(self, request: RetestInput) -> RetestBatch:
        """The next agents of the environment to test again, by name."""
        with translated(request.timing, patient=True):
            ports, place = self._ports, (request.project, request.environment)
            policy = await retest_policy(ports.releases, ports.wishes, *place)
            if policy is None:
                return RetestBatch(details=f"{request.environment} tests nothing again")
            over = await self._over_budget(request.project)
            if over:
                return RetestBatch(details=over)
            standings = [
                one
                for one in await ports.releases.standings(*place)
                if one.agent > request.after and (not request.agents or one.agent in request.agents)
            ]
            decided = await ports.interventions.interventions(*place)
            targets: list[RetestTarget] = []
            skipped: list[str] = []
            for standing in standings[:RETESTS_PER_BATCH]:
                asked = standing.agent in request.agents
                target, why = await self._target(standing, policy, decided, asked=asked)
                if target is not None:
                    targets.append(target)
                elif why:
                    skipped.append(f"{standing.agent}: {why}")
            left = standings[RETESTS_PER_BATCH:]
            return RetestBatch(
                targets=tuple(targets),
                skipped=len(skipped),
                after=standings[RETESTS_PER_BATCH - 1].agent if left else "",
                details="\n".join(f"- {words}" for words in skipped),
            )

    @activity.defn(name=JUDGE_RETEST)
    async def judge_retest(self, request: RetestJudgementRequest) -> RetestJudgement:
        """Hold the runs against the baseline; the last word is written down and told."""
        with translated(request.timing, patient=True):
            target = request.target
            place = (request.project, request.environment, target.agent)
            standing = await self._ports.releases.standing_of(*place)
            applied = standing.applied if standing is not None and not standing.removed else None
            if applied is None or applied.digest != target.digest:
                return RetestJudgement(outcome="discarded", message="something else runs by now")
            reports = [await self._report(request, run_id) for run_id in request.run_ids]
            spoken = {test.agent_digest for report in reports for test in report.tests}
            if spoken - {target.digest, ""}:
                words = "the tests spoke to another closure than the released one"
                return RetestJudgement(outcome="discarded", message=words)
            baseline = await self._baseline(place, applied, reports)
            retest = self._retest(baseline, reports, runs=target.runs)
            if retest.outcome == "worse" and len(reports) == 1:
                return RetestJudgement(outcome="worse", again=True, message=retest.message)
            await self._ports.baselines.put_baseline(grown(baseline, retest))
            await self._mark(baseline, retest, applied)
            return RetestJudgement(outcome=retest.outcome, message=retest.message)

    async def _target(
        self,
        standing: ReleaseStanding,
        policy: RetestPolicy,
        decided: Sequence[Intervention],
        *,
        asked: bool,
    ) -> tuple[RetestTarget | None, str]:
        """The agent to be tested, or why not now; no words for one that is not due."""
        place = (standing.project, standing.environment, standing.agent)
        applied = standing.applied
        if applied is None or standing.removed:
            return None, "nothing of it is released"
        baseline = await self._ports.baselines.baseline(*place)
        last = baseline.last.at if baseline is not None and baseline.last is not None else None
        if (
            not asked
            and last is not None
            and self._ports.clock.now() < last + policy.every * DUE_SHARE
        ):
            return None, ""
        why = await self._unfit(standing, applied, decided)
        if why:
            return None, why
        run_ids = (_run_id(), _run_id())
        return (
            RetestTarget(
                agent=standing.agent,
                version=applied.version,
                revision=applied.revision,
                digest=applied.digest,
                tags=policy.tags,
                runs=policy.runs,
                run_ids=run_ids,
            ),
            "",
        )

    async def _unfit(
        self, standing: ReleaseStanding, applied: ReleaseSpec, decided: Sequence[Intervention]
    ) -> str:
        """Why what the platform has may not be what was released, or may not be spoken to."""
        project, environment, agent = standing.project, standing.environment, standing.agent
        held = [verb for verb in HOLDING if in_force(decided, verb, environment, "agent", agent)]
        if held:
            return f"a person said {held[0]}"
        row = await self._ports.statuses.status(project, environment, "agent", agent)
        if row is None or row.external_id is None:
            return "it is not on the platform"
        if row.sync != "Synced" or row.digest != applied.digest:
            return "it is not synced with its release"
        if await self._ports.promotions.open_promotion_of(project, environment, agent) is not None:
            return "it is being promoted"
        rollout = await self._ports.releases.rollout(project, environment, agent)
        running = rollout is not None and rollout.version == applied.version
        if rollout is not None and running and rollout.phase not in ROLLED_OUT:
            return "its release is being rolled out"
        return ""

    async def _over_budget(self, project: str) -> str:
        """Words if the day's budget for tests is spent."""
        manifest = await self._ports.wishes.project_manifest(project)
        budget = Project.model_validate(manifest).spec.budgets.tests_per_day if manifest else None
        if budget is None:
            return ""
        spent = await self._ports.reports.spent_usd(project, self._ports.clock.now() - A_DAY)
        if spent < budget.usd:
            return ""
        return f"tests of a day came to {spent:.2f} USD, and the budget is {budget.usd:.2f} USD"

    async def _report(self, request: RetestJudgementRequest, run_id: str) -> TestRunReport:
        """The report of a run; one that never began says so."""
        found = await self._ports.reports.run_report(run_id)
        if found is not None:
            return found
        return TestRunReport(
            id=run_id,
            project=request.project,
            environment=request.environment,
            message="the tests never began",
        )

    async def _baseline(
        self, place: tuple[str, str, str], applied: ReleaseSpec, reports: Sequence[TestRunReport]
    ) -> Baseline:
        """The one of exactly what was tested: as it is kept, else from what evidence names."""
        said = applied.evidence
        gated = str(said.get("renderedDigest") or "")
        rendered = next((t.rendered_digest for r in reports for t in r.tests), gated)
        name = behaviour_digest(applied.digest, rendered, str(said.get("suiteDigest") or ""))
        known = await self._ports.baselines.baseline(*place)
        if known is not None and known.digest == name:
            return known
        project, environment, agent = place
        return Baseline(
            project=project,
            environment=environment,
            agent=agent,
            digest=name,
            version=applied.version,
            tests=evidence_counts(said) if gated in (rendered, "") else (),
        )

    def _retest(self, baseline: Baseline, reports: Sequence[TestRunReport], *, runs: int) -> Retest:
        """What the runs say; those that were judged already say what they said then."""
        run_ids = tuple(report.id for report in reports)
        if baseline.last is not None and baseline.last.run_ids == run_ids:
            return baseline.last
        first, *more = [compared(baseline, report, runs=runs) for report in reports]
        whole = confirmed(first, more[0]) if more else first
        return whole.model_copy(update={"at": self._ports.clock.now()})

    async def _mark(self, baseline: Baseline, retest: Retest, applied: ReleaseSpec) -> None:
        """Mark or unmark the agent. It is told first: a mark that is there was told of."""
        place = (baseline.project, baseline.environment)
        agent, at = baseline.agent, retest.at or self._ports.clock.now()
        decided = await self._ports.interventions.interventions(*place)
        mark = behaviour_drift(decided, baseline.environment, agent, closure=applied.digest)
        if retest.outcome == "worse" and mark is None:
            closure = Digest(applied.digest)
            mark = behaviour_mark(baseline, retest, closure=closure, version=applied.version, at=at)
            await self._tell(drift_event(mark))
            await self._ports.interventions.put_intervention(mark)
            return
        former = in_force(decided, "behaviour-drifted", baseline.environment, "agent", agent)
        recovered = mark is not None and retest.outcome in ("unchanged", "better")
        if former is None or not (recovered or mark is None):
            return
        again, newer = f"as it was: {retest.message}", f"version {applied.version} runs since"
        await self._tell(recovery_event(former, again if recovered else newer))
        await self._ports.interventions.lift_intervention(
            *place, "agent", agent, "behaviour-drifted"
        )

    async def _tell(self, event: EventRecord) -> None:
        """Once, also if this is tried again."""
        told = await self._ports.statuses.events(
            event.project,
            environment=event.environment,
            kind="agent",
            name=event.name,
            limit=EVENTS_LOOKED_BACK,
        )
        said = (event.reason, event.message, event.details)
        if said not in [(each.reason, each.message, each.details) for each in told]:
            await self._ports.statuses.add_events((event,))


async def retest_policy(
    releases: ReleaseRecords, wishes: Wishes, project: str, environment: str
) -> RetestPolicy | None:
    """How an environment tests again, by the rules of promotion in force; None if it does not."""
    rules = await releases.rules_in_force(project, environment)
    if rules is not None:
        return rules.promotion.retest
    manifest = await wishes.project_manifest(project)
    for described in environments(manifest) if manifest is not None else ():
        if described.name == environment and described.promotion is not None:
            return described.promotion.retest
    return None


def _run_id() -> str:
    return f"retest-{secrets.token_hex(8)}"
