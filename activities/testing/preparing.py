"""What a run of tests needs before anybody speaks: scripts, configurations, tools, branches.

Nothing of what is live is written. Tools for tests are made by the same claims as all others, a
configuration under test goes on a branch without traffic, and both are held by the run as long as
it lasts, so that runs side by side share them and the last one puts them away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import translated
from activities.heartbeats import beating
from activities.names import PREPARE_TEST_RUN
from activities.needs import needed_objects
from activities.policies import Standings
from activities.proposals import merged_revision
from activities.testing.carriers import carrier_mark
from activities.testing.gates import test_verdict
from activities.testing.phone_plans import PhoneFacts, PhonePlans
from activities.testing.ports import StoredRendering, TestPorts, not_deployed
from activities.testing.results import excused, put_content, put_part
from activities.testing_types import (
    PreparedRendering,
    PreparedRun,
    PreparedTest,
    TestRunInput,
)
from activities.types import ObjectReference
from trunkline.model.base import Json
from trunkline.model.canonical import digest
from trunkline.model.closures import Shared
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import (
    ClaimPending,
    InvalidInput,
    NotFound,
    NotOnNumber,
    TestImpossible,
    TrunklineError,
)
from trunkline.model.ids import ExternalId, Revision, short_digest
from trunkline.model.kinds.conversation import Comparison, ConversationTest
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.manifests import Manifests
from trunkline.model.resolution import agent_wish
from trunkline.model.shared_objects import claim_reference
from trunkline.model.testing.choosing import chosen_tests
from trunkline.model.testing.costs import estimate_usd
from trunkline.model.testing.limits import CONVERSATION_MAX_S, TEST_HOLD_S, TESTS_PER_RUN_MAX
from trunkline.model.testing.own_objects import is_own, own_documents
from trunkline.model.testing.placed import PHONE_AROUND_S, plan_key
from trunkline.model.testing.rendering import is_test_tool
from trunkline.model.testing.repeats import stops_early
from trunkline.model.testing.results import TestRunReport
from trunkline.model.testing.runs import HoldingKind, TestHolding
from trunkline.model.testing.scripts import Script, compile_script, suite_digest
from trunkline.ports import (
    VoicePlatform,
)

A_DAY = timedelta(days=1)
BUDGET_EXHAUSTED = "BudgetExhausted"


@dataclass(frozen=True, slots=True)
class _Tip:
    """What was read of Git, and the two environments it is about."""

    manifests: Manifests
    revision: str
    target: Environment
    within: Environment
    foreign: bool


class TestPreparation:
    """The activities before the first conversation."""

    __test__ = False

    def __init__(self, ports: TestPorts) -> None:
        self._ports = ports
        self._standings = Standings(
            ports.wishes,
            ports.interventions,
            ports.operations,
            ports.clock,
            live=ports.accounts.live,
        )

    @activity.defn(name=PREPARE_TEST_RUN)
    async def prepare_test_run(self, request: TestRunInput) -> PreparedRun:
        """Choose the tests, render what they speak to, and say what has to be made first."""
        with translated(request.timing):
            async with beating() as progress:
                progress.words = "reading the repository"
                tip = await self._tip(request)
                tests = chosen_tests(
                    tip.manifests, agents=request.agents, tags=request.tags, names=request.tests
                )
                if len(tests) > TESTS_PER_RUN_MAX:
                    raise InvalidInput(
                        f"these are {len(tests)} tests, and one request has at most"
                        f" {TESTS_PER_RUN_MAX}",
                        hint="Ask for some agents, tags or names.",
                    )
                progress.words = "preparing"
                return await self._prepared(request, tip, tests)

    async def _tip(self, request: TestRunInput) -> _Tip:
        source = await self._ports.sources.source(request.project, branch=request.branch)
        record = await self._ports.projects.project(request.project)
        foreign = bool(request.branch) and record is not None and request.branch != record.branch
        revision = Revision(request.revision)
        if request.proposal is not None:
            foreign, revision = True, await merged_revision(source, request.proposal)
        if not revision:
            known = await self._ports.projects.source(request.project)
            applied = known.applied_revision if known is not None and not foreign else None
            revision = (await source.head(known=applied)).revision
        manifests = await source.manifests(revision)
        project = manifests.project.manifest
        target = _environment(project, request.environment)
        within = _environment(project, request.within) if request.within else _home(project, target)
        return _Tip(manifests, revision, target, within, foreign)

    async def _prepared(
        self, request: TestRunInput, tip: _Tip, tests: tuple[ConversationTest, ...]
    ) -> PreparedRun:
        voice = await self._ports.accounts.voice(request.project, tip.within.name)
        work = _Preparing(self._ports, request, tip, voice)
        standing = await self._standings.standing(request.project, tip.within.name)
        names = sorted({test.spec.agent for test in tests})
        verdicts = {n: test_verdict(standing, request.project, n, voice.account) for n in names}
        prepared = PreparedRun(
            environment=tip.target.name, within=tip.within.name, revision=tip.revision
        )
        if request.current:
            await work.take_current(names)
        held = [found for found in verdicts.values() if found.held]
        scripts = {test.name: work.script(test) for test in tests}
        report = await self._describe(request, tip, scripts.values())
        if held and len(held) == len(names):
            return prepared.model_copy(
                update={"blocked": held[0].reason, "message": held[0].message}
            )
        over = await self._over_budget(request.project, report)
        if over:
            return prepared.model_copy(update={"blocked": BUDGET_EXHAUSTED, "message": over})
        for test in tests:
            script = scripts[test.name]
            found = verdicts[test.spec.agent]
            if found.held:
                await work.excuse(script, found.reason, found.message)
            else:
                await work.add(script)
        told: dict[str, Json] = {**report.details, "differences": [*sorted(work.differences)]}
        await self._ports.reports.describe_run(report.model_copy(update={"details": told}))
        return prepared.model_copy(
            update={"tests": tuple(work.tests), "renderings": tuple(work.renderings.values())}
        )

    async def _describe(
        self, request: TestRunInput, tip: _Tip, scripts: Iterable[Script]
    ) -> TestRunReport:
        """Say what will be tested and what it will cost about, before the budget is looked at."""
        listed = tuple(scripts)
        estimate = sum(estimate_usd(script, self._ports.rates) for script in listed)
        report = await self._ports.reports.run_report(request.run_id)
        opened = report or TestRunReport(
            id=request.run_id, project=request.project, environment=tip.target.name
        )
        described = opened.model_copy(
            update={
                "environment": tip.target.name,
                "revision": tip.revision,
                "requested_by": request.requested_by or opened.requested_by,
                "runner": request.runner,
                "agents": tuple(sorted({script.spec.agent for script in listed})),
                "expected": len(listed),
                "estimated_usd": round(estimate, 6),
                "suite_digest": suite_digest([script.test_digest for script in listed]),
                "details": {**opened.details, "within": tip.within.name, "branch": request.branch},
            }
        )
        await self._ports.reports.open_run(described)
        await self._ports.reports.describe_run(described)
        return described

    async def _over_budget(self, project: str, report: TestRunReport) -> str:
        """Words if the day's budget does not reach for this run too; it counts itself already."""
        manifest = await self._ports.wishes.project_manifest(project)
        budget = Project.model_validate(manifest).spec.budgets.tests_per_day if manifest else None
        if budget is None:
            return ""
        since = self._ports.clock.now() - A_DAY
        spent = await self._ports.reports.spent_usd(project, since)
        if spent <= budget.usd:
            return ""
        return (
            f"this run is estimated at {report.estimated_usd:.2f} USD; with it the tests of a day"
            f" come to {spent:.2f} USD, and the budget is {budget.usd:.2f} USD"
        )


class _Preparing:
    """One run while it is put together."""

    def __init__(
        self, ports: TestPorts, request: TestRunInput, tip: _Tip, voice: VoicePlatform
    ) -> None:
        self._ports = ports
        self._request = request
        self._tip = tip
        self._voice = voice
        self._wishes: dict[str, DesiredAgent | None] = {}
        self._ids: dict[str, ExternalId | None] = {}
        self.tests: list[PreparedTest] = []
        self.renderings: dict[str, PreparedRendering] = {}
        self.differences: set[str] = set()

    async def take_current(self, names: Iterable[str]) -> None:
        """Test what the environment wants now in the place of what the commit says."""
        for name in names:
            place = (self._request.project, self._tip.target.name)
            record = await self._ports.wishes.wish(*place, "agent", name)
            self._wishes[name] = None
            if record is not None and not record.removed:
                self._wishes[name] = DesiredAgent.model_validate(record.body)

    def script(self, test: ConversationTest) -> Script:
        """The test with everything its conversations need."""
        request, tip = self._request, self._tip
        desired = self._wish(test.spec.agent)
        rendered = self._voice.render(desired).digest if desired is not None else ""
        script = compile_script(
            tip.manifests,
            test.name,
            environment=tip.target.name,
            first_message=desired.first_message if desired is not None else None,
            agent_digest=desired.digest if desired is not None else "",
            rendered_digest=rendered,
            mode=request.mode or None,
            repeat=request.repeat,
        )
        return _compared(script, request.compare)

    async def add(self, script: Script) -> None:
        """A test that will be carried out, or its result if it cannot be."""
        is_phone = script.spec.mode == "phone" and self._request.runner == "conversations"
        try:
            key = await (self._phone_plan(script) if is_phone else self._rendering(script))
            baseline = "" if is_phone else await self._baseline(script)
        except TrunklineError as error:
            if error.retryable:
                raise
            hint = f". {error.hint}" if error.hint else ""
            await self.excuse(script, error.reason, f"{error.message}{hint}")
            return
        await put_part(self._ports.parts, self._request.run_id, "script", script.name, script)
        for sound_digest in sorted(set(script.sounds.values())):
            await self._keep_sound(sound_digest)
        repeat = script.spec.repeat
        self.tests.append(
            PreparedTest(
                name=script.name,
                key=script.name,
                rendering=key,
                conversations=repeat.must_pass if stops_early(script) else repeat.runs,
                seconds=(script.spec.limits.seconds or CONVERSATION_MAX_S)
                + (PHONE_AROUND_S if is_phone else 0.0),
                baseline=baseline,
            )
        )

    async def _keep_sound(self, sound_digest: str) -> None:
        """Keep a recording for the conversations."""
        uploads = self._tip.manifests.uploads.values()
        found = next((each for each in uploads if each.digest == sound_digest), None)
        if found is not None:
            parts, run_id = self._ports.parts, self._request.run_id
            await put_content(parts, run_id, sound_digest, found.content)

    async def _keep_documents(
        self, desired: DesiredAgent, missing: tuple[ObjectReference, ...]
    ) -> None:
        """Keep what documents hold that have to be made: they may not be applied yet."""
        names = {each.name for each in missing if each.kind == "document"}
        held = Shared(self._tip.manifests).contents() if names else {}
        parts, run_id = self._ports.parts, self._request.run_id
        for document in desired.documents:
            key = document.content_digest
            if document.name in names and key is not None and key in held:
                await put_content(parts, run_id, key, held[key])

    async def excuse(self, script: Script, reason: str, message: str) -> None:
        """Write down at once that it cannot be carried out, and why."""
        await self._ports.reports.put_result(self._request.run_id, excused(script, reason, message))

    async def _rendering(self, script: Script) -> str:
        """The configuration the test speaks to. Raises TestImpossible."""
        name = script.spec.agent
        desired = self._wish(name)
        agent_id = await self._agent_id(name)
        if desired is None or (agent_id is None and not self._may_be_carried()):
            raise not_deployed(name, self._tip.within.name)
        if script.spec.tools.live and self._tip.foreign:
            raise TestImpossible(
                "a test of another branch than the project's never reaches real tools",
                hint="Leave `tools: {live: true}` to the project's own branch.",
            )
        return await self._rendered(script, desired, agent_id)

    async def _phone_plan(self, script: Script) -> str:
        """The call the test is. Raises TestImpossible."""
        request, name = self._request, script.spec.agent
        if self._tip.foreign or request.owner:
            raise NotOnNumber(
                "what is proposed is on no number, and a call reaches only what is deployed",
                hint="It is tested over the telephone once it is merged and deployed",
            )
        desired = self._wish(name)
        if desired is None:
            raise not_deployed(name, self._tip.within.name)
        ports = self._ports
        facts = PhoneFacts(ports.wishes, ports.statuses, ports.carriers, ports.public_url)
        places = (self._tip.target.name, self._tip.within.name)
        plan = await PhonePlans(facts, request.project, self._voice).plan(script, desired, places)
        key = plan_key(script.name)
        await put_part(ports.parts, request.run_id, "rendering", key, plan)
        return key

    async def _baseline(self, script: Script) -> str:
        """What another environment runs now, put beside the same agent; "" if that is nothing."""
        comparison, name = script.spec.compare, script.spec.agent
        agent_id = await self._agent_id(name)
        if comparison is None or agent_id is None or self._request.runner == "platform":
            return ""
        _environment(self._tip.manifests.project.manifest, comparison.to)
        record = await self._ports.wishes.wish(self._request.project, comparison.to, "agent", name)
        if record is None or record.removed:
            return ""
        desired = DesiredAgent.model_validate(record.body)
        return await self._rendered(script, desired, agent_id, of=f"@{comparison.to}")

    async def _rendered(
        self, script: Script, desired: DesiredAgent, agent_id: ExternalId | None, *, of: str = ""
    ) -> str:
        """A configuration under test, prepared once for all tests that share it; its key."""
        name, tools = script.spec.agent, script.spec.tools
        stubbed = frozenset(tools.stubs) if tools.live else None
        suffix = "stubs" if stubbed is None else short_digest(digest([*sorted(stubbed)]))
        if self._request.runner == "platform":
            stubbed, suffix = frozenset(), "platform"
        key = f"{name}{of}/{suffix}"
        if key in self.renderings:
            return key
        placed = desired.model_copy(update={"environment": self._tip.within.name})
        rendering = self._voice.render_for_tests(
            await self._with_own_documents(placed),
            public_url=self._ports.public_url,
            stubbed=stubbed,
        )
        gated = self._tip.foreign if self._request.runner == "platform" else stubbed is None
        request = self._request
        place = (request.project, self._tip.within.name, name)
        stored = StoredRendering(
            rendering=rendering,
            agent_id=agent_id or ExternalId(""),
            gated=gated,
            owner=request.owner,
            carrier="" if agent_id is not None else carrier_mark(request.owner, *place),
        )
        await put_part(self._ports.parts, self._request.run_id, "rendering", key, stored)
        missing = await self._missing(rendering.desired)
        await self._keep_documents(rendering.desired, missing)
        self.renderings[key] = PreparedRendering(key=key, agent=name, objects=missing)
        if not of:
            self.differences.update(rendering.differences)
        return key

    async def _missing(self, desired: DesiredAgent) -> tuple[ObjectReference, ...]:
        """What has to be made before the branch; tools for tests are held from now on."""
        needed = needed_objects(desired)
        for each in needed:
            if each.kind == "tool" and is_test_tool(each.name):
                await self._hold("tool", desired, each.name, each.digest)
            elif each.kind == "document" and is_own(each.name, self._request.owner):
                await self._hold("document", desired, each.name, each.digest)
        claims = await self._ports.ledger.claims(
            self._voice.account,
            desired.project,
            desired.environment,
            names=sorted({each.name for each in needed}),
        )
        known = {claim_reference(claim) for claim in claims if claim.external_id is not None}
        return tuple(
            ObjectReference(kind=each.kind, name=each.name, digest=each.digest)
            for each in needed
            if each.reference not in known
        )

    def _may_be_carried(self) -> bool:
        """True if an agent that is not there yet is tested on one made for that."""
        request = self._request
        return bool(request.owner) and not request.current and request.runner == "conversations"

    async def _with_own_documents(self, desired: DesiredAgent) -> DesiredAgent:
        """The wish with documents of its own in the place of those that are not there: whoever
        tests for somebody leaves none behind.
        """
        owner = self._request.owner
        if not owner or self._request.runner == "platform":
            return desired
        claims = await self._ports.ledger.claims(
            self._voice.account,
            desired.project,
            desired.environment,
            names=sorted({each.name for each in desired.documents}),
        )
        return own_documents(desired, claims, owner)

    async def _hold(
        self, kind: HoldingKind, desired: DesiredAgent, name: str, tool_digest: str
    ) -> None:
        holding = TestHolding(
            kind=kind,
            project=desired.project,
            environment=desired.environment,
            account=self._voice.account,
            name=name,
            digest=tool_digest,
        )
        expires_at = self._ports.clock.now() + timedelta(seconds=TEST_HOLD_S)
        if not await self._ports.holdings.hold(holding, self._request.run_id, expires_at):
            raise ClaimPending(f"{kind} {name} is being put away")

    def _wish(self, name: str) -> DesiredAgent | None:
        if name not in self._wishes:
            self._wishes[name] = agent_wish(self._tip.manifests, self._tip.target, name)
        return self._wishes[name]

    async def _agent_id(self, name: str) -> ExternalId | None:
        if name not in self._ids:
            place = (self._request.project, self._tip.within.name)
            entry = await self._ports.ledger.entry(*place, "agent", name)
            self._ids[name] = entry.external_id if entry is not None else None
        return self._ids[name]


def _compared(script: Script, to: str) -> Script:
    """The script compared with an environment somebody asked for, by its own measure if it has
    one; without one the difference is told and fails nothing.
    """
    if not to:
        return script
    own = script.spec.compare
    told = Comparison.model_validate({"to": to, "notWorseBy": {"passRate": 1.0}})
    wanted = own.model_copy(update={"to": to}) if own is not None else told
    spec = script.spec.model_copy(update={"compare": wanted})
    return script.model_copy(update={"test": script.test.model_copy(update={"spec": spec})})


def _environment(project: Project, name: str) -> Environment:
    """The named environment, else the one that follows the branch, else the first."""
    listed = project.spec.environments
    if not name:
        return next((each for each in listed if each.source == "head"), listed[0])
    found = project.environment(name)
    if found is None:
        raise NotFound(
            f"{project.name} has no environment {name!r}",
            hint=f"Its environments are: {', '.join(each.name for each in listed)}",
        )
    return found


def _home(project: Project, target: Environment) -> Environment:
    """Where a configuration is tested: an environment that follows the branch tests its own, any
    other one's is put beside the agents it is promoted from.
    """
    if target.source == "head":
        return target
    origin = target.promotion.from_environment if target.promotion is not None else ""
    return _environment(project, origin)
