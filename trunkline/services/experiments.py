"""A lasting split between two released versions: begun, shown side by side, ended.

Beginning and ending one is a release like any other: a signed commit with a version of its own, so
that Git says who answers which share of the calls. Both versions were released before, so nothing
that was never tested reaches a caller. Commits are level-triggered: the tip is fetched, compared
with what is wanted, and only a difference is pushed.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from activities.clocks import SystemClock
from activities.testing_types import TestRunInput
from activities.types import RefreshRequest
from trunkline.manifests.release_files import release_text
from trunkline.model import limits
from trunkline.model.base import Json
from trunkline.model.errors import (
    EngineUnavailable,
    NotConfigured,
    NotFound,
    PromotionRefused,
    PushRejected,
    PushUnanswered,
    SigningKeyMissing,
    SourceError,
)
from trunkline.model.evidence import parse_evidence, release_problem, signed_release
from trunkline.model.ids import Revision, release_path, release_tag
from trunkline.model.kinds.release import Experiment, ReleaseSpec
from trunkline.model.promotions.authors import commit_author
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.versions import next_version
from trunkline.model.testing import limits as testing_limits
from trunkline.model.testing.experiments import RUN_DETAIL, SideBySide, side_by_side
from trunkline.model.testing.results import TestRunReport
from trunkline.model.windows import decide
from trunkline.ports import Clock
from trunkline.ports.releasing import EvidenceKeys, Promotions, ReleaseRepositories
from trunkline.ports.testing import RunReports
from trunkline.services.access import AccessService
from trunkline.services.control import Caller
from trunkline.services.engine import Engine
from trunkline.services.releases import ReleaseService

PUSHES_MAX: Final = 5
"""Somebody else's pushes that are made way for before a person is told to try again."""


@dataclass(frozen=True, slots=True)
class ExperimentOrder:
    """Which formerly released version is to answer which share of an agent's calls."""

    against: int
    percent: int


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """What runs side by side; ``experiment`` None: one version answers every call. ``pending``
    says why a commit does not count yet. ``results`` are of the newest tests of both.
    """

    environment: str
    agent: str
    version: int
    base_version: int
    experiment: Experiment | None
    pending: str = ""
    results: SideBySide | None = None
    testing: bool = False


@dataclass(frozen=True, slots=True)
class _Tip:
    """The release a commit would change, and what allocates its version."""

    revision: Revision
    spec: ReleaseSpec
    version: int


class ExperimentService:
    """Experiments. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        releases: ReleaseService,
        promotions: Promotions,
        reports: RunReports,
        *,
        access: AccessService,
        engine: Engine,
        repositories: ReleaseRepositories | None = None,
        keys: EvidenceKeys | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._releases = releases
        self._promotions = promotions
        self._reports = reports
        self._access = access
        self._engine = engine
        self._repositories = repositories
        self._keys = keys
        self._clock = clock or SystemClock()

    async def start(
        self,
        caller: Caller,
        project: str,
        agent: str,
        order: ExperimentOrder,
        *,
        environment: str | None,
    ) -> ExperimentView:
        """Let a version that was released before answer a share of the calls. Asked again with
        another version or share, that is what counts.

        Raises Forbidden, InvalidInput, NotFound, PromotionRefused with the reason,
        SigningKeyMissing, NotConfigured, a SourceError, EngineUnavailable.
        """
        caller.principal.require("experiment.start")
        place = await self._releases.place(project, environment)
        rules = _rules(place.rules, place.environment)
        self._require_window(rules, place.environment)
        wanted = await self._wanted(project, place.environment, agent, order, rules)
        where = place.environment
        before = await self._running(project, where, agent)
        commit = await self._push(caller, project, where, agent, wanted, rules)
        await self._finish(caller, project, where, agent, commit, wanted, before=before)
        return await self.read(project, agent, environment=where)

    async def stop(
        self, caller: Caller, project: str, agent: str, *, environment: str | None
    ) -> ExperimentView:
        """Let the release answer every call again, whatever window it is.

        Raises what ``start`` raises.
        """
        caller.principal.require("experiment.stop")
        place = await self._releases.place(project, environment)
        rules, where = _rules(place.rules, place.environment), place.environment
        before = await self._running(project, where, agent)
        commit = await self._push(caller, project, where, agent, None, rules)
        await self._finish(caller, project, where, agent, commit, None, before=before)
        return await self.read(project, agent, environment=where)

    async def test(
        self,
        caller: Caller,
        project: str,
        agent: str,
        *,
        environment: str | None,
        tags: tuple[str, ...] = (),
        repeat: int | None = None,
    ) -> tuple[str, str]:
        """Run the same tests of both versions, beside the live agent; the ids of both runs.

        Raises Forbidden, PromotionRefused without an experiment, EngineUnavailable.
        """
        caller.principal.require("test.run")
        where = (await self._releases.place(project, environment)).environment
        spec = await self._applied(project, where, agent)
        if spec.experiment is None:
            raise PromotionRefused(
                f"{agent} has no experiment in {where}",
                hint=f"Begin one: trunkline experiment start {agent} -e {where} --against VERSION",
            )
        pair = secrets.token_hex(6)
        sides = (("first", spec.revision), ("second", spec.experiment.revision))
        for side, revision in sides:
            run_id = f"experiment-{pair}-{side}"
            key = _pair_detail(spec, spec.experiment, pair, side)
            report = TestRunReport(
                id=run_id,
                project=project,
                environment=where,
                requested_by=caller.principal.person,
                agents=(agent,),
                details={RUN_DETAIL: key},
            )
            await self._reports.open_run(report)
            await self._engine.test_run(
                TestRunInput(
                    run_id=run_id,
                    project=project,
                    environment=where,
                    within=where,
                    revision=revision,
                    agents=(agent,),
                    tags=tags,
                    repeat=repeat,
                    requested_by=caller.principal.person,
                    request_id=caller.request_id,
                )
            )
        said: dict[str, Json] = {"environment": where, "experiment": pair}
        await self._access.record(
            caller.principal,
            "test.run",
            project=project,
            subject=agent,
            request_id=caller.request_id,
            details=said,
        )
        return f"experiment-{pair}-first", f"experiment-{pair}-second"

    async def read(self, project: str, agent: str, *, environment: str | None) -> ExperimentView:
        """What runs side by side, with the newest results. Raises NotFound for what is not
        released.
        """
        where = (await self._releases.place(project, environment)).environment
        standing = await self._releases.standing(project, where, agent)
        spec = await self._applied(project, where, agent)
        results, testing = None, False
        if spec.experiment is not None:
            results, testing = await self._results(project, agent, spec, spec.experiment)
        return ExperimentView(
            environment=where,
            agent=agent,
            version=spec.version,
            base_version=await self._base(project, where, agent, spec),
            experiment=spec.experiment,
            pending=standing.message if standing is not None and standing.reason else "",
            results=results,
            testing=testing,
        )

    async def _results(
        self, project: str, agent: str, spec: ReleaseSpec, experiment: Experiment
    ) -> tuple[SideBySide | None, bool]:
        """The newest tests that both versions finished, and whether newer ones are running."""
        newest = await self._reports.run_reports(
            project, agent=agent, limit=testing_limits.TEST_RUNS_PAGE_MAX
        )
        pairs: dict[str, dict[str, TestRunReport]] = {}
        for report in newest:
            said = report.details.get(RUN_DETAIL)
            if not isinstance(said, dict):
                continue
            pair, side = str(said.get("pair")), str(said.get("side"))
            if said == _pair_detail(spec, experiment, pair, side):
                pairs.setdefault(pair, {})[side] = report
        testing = False
        for sides in pairs.values():
            if len(sides) < len(("first", "second")):
                continue
            if any(report.state == "Running" for report in sides.values()):
                testing = True
                continue
            versions = (spec.version, experiment.version)
            return side_by_side(sides["first"], sides["second"], versions=versions), testing
        return None, testing

    async def _wanted(
        self,
        project: str,
        environment: str,
        agent: str,
        order: ExperimentOrder,
        rules: PromotionRules,
    ) -> Experiment:
        """The second version, if it was released and what it was released by still counts."""
        keys = self._require_keys()
        found = await self._releases.release(project, environment, agent, order.against)
        if found is None:
            raise NotFound(
                f"There is no v{order.against} of {agent} in {environment}",
                hint=f"`trunkline history {agent} -e {environment}` lists them",
            )
        if not found.spec:
            raise PromotionRefused(f"What v{order.against} of {agent} was is not in Git any more")
        spec = ReleaseSpec.model_validate(found.spec)
        problem = release_problem(
            project, environment, agent, spec, public_keys=rules.public_keys, keys=keys
        )
        if problem:
            raise PromotionRefused(f"v{order.against} of {agent} cannot be used: {problem}")
        return Experiment.model_validate(
            {
                "version": order.against,
                "revision": spec.revision,
                "digest": spec.digest,
                "percent": order.percent,
            }
        )

    async def _push(
        self,
        caller: Caller,
        project: str,
        environment: str,
        agent: str,
        wanted: Experiment | None,
        rules: PromotionRules,
    ) -> Revision | None:
        """The commit that makes the branch say it; None if it says so already."""
        if self._repositories is None:
            raise NotConfigured("This server writes to no repositories")
        keys = self._require_keys()
        trouble: SourceError | None = None
        repository = await self._repositories.repository(project)
        for _ in range(PUSHES_MAX):
            tip = await self._tip(project, environment, agent, await repository.fetch_tip())
            if tip.spec.experiment == wanted:
                return tip.revision if isinstance(trouble, PushUnanswered) else None
            await self._require_free(project, environment, agent, tip.spec, wanted)
            spec = tip.spec.model_copy(
                update={
                    "version": tip.version,
                    "changes": await self._changes(project, environment, agent, tip.spec, wanted),
                    "promoted_by": caller.principal.person,
                    "experiment": wanted,
                    "rollout": None,
                }
            )
            evidence = parse_evidence(tip.spec.evidence)
            signed = signed_release(project, agent, spec, evidence, keys)
            try:
                return await repository.push_release(
                    tip.revision,
                    edits={release_path(environment, agent): release_text(agent, signed)},
                    message=f"Release {agent} v{spec.version} to {environment}\n\n{spec.changes}\n",
                    author=commit_author(caller.principal.person, rules.people),
                    tag=release_tag(environment, agent, spec.version),
                    tag_revision=Revision(spec.revision),
                    tag_message=spec.changes,
                    urgent=wanted is None,
                )
            except (PushRejected, PushUnanswered) as error:
                trouble = error
        raise trouble or PushRejected("Others keep pushing", hint="Try again in a minute")

    async def _tip(self, project: str, environment: str, agent: str, revision: Revision) -> _Tip:
        if self._repositories is None:
            raise NotConfigured("This server writes to no repositories")
        repository = await self._repositories.repository(project)
        placed = (await repository.releases(revision)).released.get((environment, agent))
        if placed is None:
            raise _never_released(agent, environment)
        spec = placed.manifest.spec
        tags = await repository.release_tags(environment, agent)
        return _Tip(revision=revision, spec=spec, version=next_version(tags, spec))

    async def _require_free(
        self,
        project: str,
        environment: str,
        agent: str,
        spec: ReleaseSpec,
        wanted: Experiment | None,
    ) -> None:
        """Raises PromotionRefused unless what the branch says is what runs, and nobody is about to
        release something else.
        """
        running = await self._promotions.open_promotion_of(project, environment, agent)
        if running is not None:
            raise PromotionRefused(
                f"{agent} is being promoted to {environment}: {running.id}",
                hint="Wait for it, or end it: trunkline abort",
            )
        standing = await self._releases.standing(project, environment, agent)
        if standing is None or standing.reason or standing.applied_version != spec.version:
            words = standing.message if standing is not None and standing.reason else ""
            raise PromotionRefused(
                f"v{spec.version} of {agent} does not run in {environment} yet"
                + (f": {words}" if words else ""),
                hint=f"Look again: trunkline sync {agent} -e {environment}",
            )
        if wanted is not None and wanted.digest == spec.digest:
            raise PromotionRefused(
                f"v{wanted.version} of {agent} is the same as what {environment} runs already"
            )

    async def _changes(
        self,
        project: str,
        environment: str,
        agent: str,
        spec: ReleaseSpec,
        wanted: Experiment | None,
    ) -> str:
        base = await self._base(project, environment, agent, spec)
        if wanted is not None:
            return f"Experiment: v{wanted.version} beside v{base} at {wanted.percent} %"
        ended = spec.experiment.version if spec.experiment is not None else 0
        return f"Experiment ended: v{ended} beside v{base}"

    async def _base(self, project: str, environment: str, agent: str, spec: ReleaseSpec) -> int:
        """The oldest version without a break in which the same closure has run since."""
        base = spec.version
        for each in await self._releases.newest(
            project, environment, agent, before=spec.version, limit=limits.API_PAGE_DEFAULT
        ):
            if each.digest != spec.digest:
                break
            base = each.version
        return base

    async def _applied(self, project: str, environment: str, agent: str) -> ReleaseSpec:
        standing = await self._releases.standing(project, environment, agent)
        if standing is None or standing.removed or standing.applied is None:
            raise _never_released(agent, environment)
        return standing.applied

    async def _running(self, project: str, environment: str, agent: str) -> Experiment | None:
        """What is compared there now, if anything."""
        standing = await self._releases.standing(project, environment, agent)
        return standing.applied.experiment if standing and standing.applied else None

    def _require_keys(self) -> EvidenceKeys:
        if self._keys is None or not self._keys.public_key:
            raise SigningKeyMissing(
                "TRUNKLINE_SIGNING_KEY is not set, so this server can release nothing",
                hint="Set it for the API server as for the workers",
            )
        return self._keys

    def _require_window(self, rules: PromotionRules, environment: str) -> None:
        is_open, opens_at = decide(rules.promotion.windows, self._clock.now())
        if not is_open:
            when = f"; it opens {opens_at:%a %Y-%m-%d %H:%M} UTC" if opens_at else ""
            raise PromotionRefused(f"The window of {environment} is closed{when}")

    async def _finish(
        self,
        caller: Caller,
        project: str,
        environment: str,
        agent: str,
        commit: Revision | None,
        wanted: Experiment | None,
        *,
        before: Experiment | None,
    ) -> None:
        said: dict[str, Json] = {
            "environment": environment,
            "commit": commit,
            "experiment": wanted.model_dump(mode="json") if wanted is not None else None,
        }
        await self._access.record(
            caller.principal,
            "experiment.start" if wanted is not None else "experiment.stop",
            project=project,
            subject=agent,
            request_id=caller.request_id,
            details=said,
            before={"experiment": _shared(before)},
            after={"experiment": _shared(wanted)},
        )
        if commit is None:
            return
        try:
            await self._engine.refresh(project, RefreshRequest())
        except EngineUnavailable as error:
            raise EngineUnavailable(
                f"It is committed as {commit[:10]}, but nobody could be told: {error.message}",
                hint="It is found at the next look at Git",
            ) from error


def _rules(rules: PromotionRules | None, environment: str) -> PromotionRules:
    if rules is None:
        raise PromotionRefused(
            f"No rules of promotion are in force for {environment} yet",
            hint="Sync the project: trunkline sync",
        )
    return rules


def _shared(experiment: Experiment | None) -> Json:
    """An experiment as the audit log has it."""
    return {"version": experiment.version, "percent": experiment.percent} if experiment else None


def _never_released(agent: str, environment: str) -> PromotionRefused:
    return PromotionRefused(
        f"{agent} is not released to {environment}",
        hint=f"Promote it first: trunkline promote {agent} -e {environment}",
    )


def _pair_detail(
    spec: ReleaseSpec, experiment: Experiment, pair: str, side: str
) -> dict[str, Json]:
    """What a run of tests says it is: by digests, so that a change of shares changes nothing."""
    return {"first": spec.digest, "second": experiment.digest, "pair": pair, "side": side}
