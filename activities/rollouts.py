"""Rollouts of releases as rounds of their agents carry them out: one look, one move, one row.

What the next move is the pure core says (``model.rollout_moves``); here the platform is asked for
branches, shares and what is on them, and the row is kept. A move's intent is written down before
it, and the platform is asked again after it. What an earlier try made is found made and not
repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from activities.errors import superseded
from activities.experiments import ExperimentWishes, RolloutPorts, SecondWish
from activities.gathering import AgentCorners, Gatherer
from activities.needs import needed_objects
from activities.types import StepResult, Timing
from trunkline.model.base import JsonObject
from trunkline.model.branches import Branch
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import Conflict, NotPersisted, RemoteMissing
from trunkline.model.gates import disabled_words
from trunkline.model.ids import ExternalId, is_rollout_branch, short_digest
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.kinds.release import Experiment
from trunkline.model.limits import ROLLOUT_CHECK_LOOK_S
from trunkline.model.observed import ObservedAgent
from trunkline.model.plans import Plan, Step
from trunkline.model.policies import Policy
from trunkline.model.records import EventRecord, WishRecord
from trunkline.model.releases import ReleaseStanding, RolloutState
from trunkline.model.rollout_moves import next_rollout, outlook
from trunkline.model.rollout_plans import (
    fits,
    main_state,
    main_step,
    of_a_branch,
    was_made,
    with_rollout,
)
from trunkline.model.rollouts import (
    Content,
    Move,
    RolloutFacts,
    events_of,
    needs_look,
    state_for,
    wish_of,
)
from trunkline.model.shared_objects import object_key
from trunkline.model.writes import update_patch

OURS = "trunkline "
"""What the descriptions of versions we commit begin with."""
ABORTED_LABEL = "aborted"
"""What the name of a branch says that was put away because its release was taken back."""
ASKED = ("sync", "apply")
"""Who may set back what somebody did to a branch on its way: a person who asks for it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What people said that a rollout goes by: who woke it, why no share is raised, what of drift
    is nobody's business.
    """

    reason: str = ""
    paused: str = ""
    ignored: tuple[str, ...] = ()


def said_of(decided: Sequence[Intervention], policy: Policy, desired: DesiredAgent) -> Said:
    """What is in force about an agent."""
    disabled = in_force(decided, "disable", desired.environment, "agent", desired.name)
    return Said(paused=disabled_words(disabled), ignored=policy.ignored_paths(desired.name))


@dataclass(frozen=True, slots=True)
class RolloutLook:
    """What was found out about one agent's rollout. ``known`` is the row as it was read, ``second``
    the experiment's version as it would be on Main.
    """

    facts: RolloutFacts
    known: RolloutState | None
    corners: AgentCorners
    plan: Plan
    second: AgentCorners | None = None
    second_plan: Plan | None = None

    @property
    def takes_back(self) -> bool:
        """True if callers are to be brought away from something bad."""
        return self.facts.takes_back

    def planned(self, stalled: Plan | None = None) -> Plan:
        """The agent's plan with its rollout in it; of a ``stalled`` one only what takes back."""
        plan = self.plan
        if stalled is not None:
            plan = plan.model_copy(update={"obstacles": stalled.obstacles})
        return with_rollout(plan, self.facts, self.second_plan)

    def look_again_s(self) -> float | None:
        """When there is something to do by itself, in seconds; None: only when woken."""
        ahead = outlook(self.facts)
        if ahead.moves:
            return 0.0
        if ahead.rest is not None and ahead.rest.until is not None:
            return max((ahead.rest.until - self.facts.now).total_seconds(), 0.0)
        waits = ahead.rest is not None and ahead.rest.kind == "check"
        return ROLLOUT_CHECK_LOOK_S if waits else None


class Rollouts:
    """Looks at rollouts and makes their moves."""

    def __init__(self, ports: RolloutPorts, gatherer: Gatherer) -> None:
        self._releases = ports.releases
        self._statuses = ports.statuses
        self._clock = ports.clock
        self._calls = ports.calls
        self._gatherer = gatherer
        self._experiments = ExperimentWishes(ports)

    async def look(
        self, corners: AgentCorners, plan: Plan, said: Said, *, remember: bool = True
    ) -> RolloutLook | None:
        """Everything the next move depends on, and the row written as it has to be before it; None
        where no release is to be rolled out.

        Raises Conflict if the wish and its release are not of one reading of Git, and what the
        platform, the store and Git raise.
        """
        place = _place(corners.desired)
        release = await self._releases.standing_of(*place)
        if release is None or release.applied is None or release.removed:
            return None
        if corners.observed is None or corners.adoption is not None:
            return None
        if release.applied.digest != corners.desired.digest:
            raise Conflict(f"agent {place[2]}: its release was read again meanwhile")
        known = await self._releases.rollout(*place)
        wish = wish_of(release.applied, straight=corners.desired.lifecycle != "active")
        if not needs_look(wish, known):
            return None
        found = await self._look(corners, plan, said, release, known)
        if found is not None and remember:
            await self._remember(found)
        return found

    async def is_aborted(self, record: WishRecord) -> bool:
        """True if a promotion wants the traffic back, and it is not all back yet."""
        known = await self._releases.rollout(record.project, record.environment, record.name)
        return known is not None and bool(known.abort_reason) and known.phase != "Aborted"

    async def under_way(self, desired: DesiredAgent) -> bool:
        """True if the agent's own rounds are bringing a release about, or keep an experiment."""
        place = _place(desired)
        release = await self._releases.standing_of(*place)
        if release is None or release.applied is None:
            return False
        known = await self._releases.rollout(*place)
        return known is not None and needs_look(wish_of(release.applied), known)

    async def second_wish(self, desired: DesiredAgent, step: Step) -> SecondWish | None:
        """The experiment's version, if the step makes an object of it and not of the release."""
        if _needs(desired, step):
            return None
        release = await self._releases.standing_of(*_place(desired))
        experiment = release.applied.experiment if release and release.applied else None
        if experiment is None:
            return None
        second = await self._experiments.wish(desired, experiment)
        if second is None or not _needs(second, step):
            return None
        return SecondWish(second, self._experiments, experiment)

    def require_main(self, look: RolloutLook) -> None:
        """Raises a Superseded ApplicationError unless Main may be written now."""
        following = next_rollout(look.facts).move
        if look.facts.main == "older" and (following is None or following.kind != "main"):
            raise superseded(f"the rollout of {look.facts.agent} does not come to Main yet")

    async def execute(
        self, look: RolloutLook, step: Step, record: WishRecord, timing: Timing
    ) -> StepResult:
        """Make the planned move if it still is the next one; one that was made already is done.

        Raises a Superseded ApplicationError if something else comes next by now.
        """
        facts = look.facts
        move = fits(facts, step)
        if move is None:
            if was_made(facts, step):
                return StepResult(external_id=_agent_id(look), note="already so")
            raise superseded(f"the rollout of {facts.agent} went on meanwhile")
        await self._put(look, next_rollout(facts).state)
        note = await self._make(look, move, record, timing)
        if move.drift:
            await self._tell_drift(look, step.summary)
        return StepResult(external_id=_agent_id(look), note=note)

    async def _make(self, look: RolloutLook, move: Move, record: WishRecord, timing: Timing) -> str:
        branches = look.corners.voice.branches
        agent_id = _agent_id(look)
        if move.kind == "split":
            ids = {branch.name: branch.id for branch in look.facts.branches}
            split = {ids[name]: share for name, share in move.split.items()}
            now = await branches.split_traffic(agent_id, split, timeout_s=timing.request_timeout_s)
            return ", ".join(f"{name} {now.get(ids[name], 0.0):g} %" for name in move.split)
        if move.kind == "archive":
            branch = _branch(look, move.branch)
            label = ABORTED_LABEL if _is_aborted(look, move) else ""
            await branches.archive_branch(
                agent_id, branch.id, label=label, timeout_s=timing.request_timeout_s
            )
            return f"{move.branch} was put away"
        return await self._write(look, move, record, timing)

    async def _write(
        self, look: RolloutLook, move: Move, record: WishRecord, timing: Timing
    ) -> str:
        """Create a branch with the configuration, or set one back to it, and read it back."""
        second = move.branch == look.facts.wish.experiment_branch
        corners = look.second if second and look.second is not None else look.corners
        voice, agent_id = look.corners.voice, _agent_id(look)
        description = f"{OURS}{record.revision[:12]} {short_digest(corners.rendering.digest)}"
        if move.kind == "create":
            home = look.corners.observed
            if home is None:
                raise RemoteMissing(f"agent {look.facts.agent} is not there any more")
            branch = await voice.branches.create_branch(
                agent_id,
                parent_version_id=home.version_id,
                name=move.branch,
                description=description,
                patch=_patch(corners, home),
                timeout_s=timing.request_timeout_s,
            )
        else:
            branch = _branch(look, move.branch)
            tip = await voice.branches.tip(agent_id, branch.id)
            await voice.branches.update_branch(
                agent_id,
                branch.id,
                _patch(corners, tip),
                description=description,
                timeout_s=timing.request_timeout_s,
            )
        lacks = _lacking(corners, await voice.branches.tip(agent_id, branch.id))
        if lacks:
            raise NotPersisted(
                f"agent {look.facts.agent}: the platform accepted branch {move.branch} and did not"
                f" keep {', '.join(lacks)}",
                hint="Take the field out of the manifest, or give it a value the platform keeps.",
            )
        return f"{move.branch} is as wished"

    async def _look(
        self,
        corners: AgentCorners,
        plan: Plan,
        said: Said,
        release: ReleaseStanding,
        known: RolloutState | None,
    ) -> RolloutLook | None:
        desired, observed, spec = corners.desired, corners.observed, release.applied
        if observed is None or spec is None:
            return None
        branches = await corners.voice.branches.branches(observed.external_id)
        wish = wish_of(spec, straight=desired.lifecycle != "active")
        rules = await self._releases.rules_in_force(desired.project, desired.environment)
        checked = rules is not None and rules.promotion.verify is not None
        state = state_for(wish, known, place=_place(desired))
        facts = RolloutFacts(
            agent=desired.name,
            wish=wish,
            state=state.model_copy(
                update={"needs_checks": checked, "rendered_digest": corners.rendering.digest}
            ),
            now=self._clock.now(),
            main=main_state(plan),
            branches=branches,
            paused=said.paused,
            heals=said.reason in ASKED,
        )
        second = await self._second(corners, spec.experiment)
        contents = await self._contents(corners, second, facts)
        facts = facts.model_copy(
            update={
                "contents": contents,
                "can_experiment": spec.experiment is None or second is not None,
                "taken_back": await self._was_taken_back(corners, facts, known),
            }
        )
        second_plan = None
        if second is not None:
            second_plan = second.plan(said.ignored)
        return RolloutLook(facts, known, corners, plan, second, second_plan)

    async def _second(
        self, corners: AgentCorners, experiment: Experiment | None
    ) -> AgentCorners | None:
        """The corners of the experiment's version, beside the same agent."""
        if experiment is None:
            return None
        desired = await self._experiments.wish(corners.desired, experiment)
        if desired is None:
            return None
        return await self._gatherer.beside(corners, desired)

    async def _contents(
        self, corners: AgentCorners, second: AgentCorners | None, facts: RolloutFacts
    ) -> dict[str, Content]:
        """What is on the branches that stay. A rollout that is taken back asks nothing."""
        found: dict[str, Content] = {}
        wish = facts.wish
        wanted = {wish.experiment_branch: second}
        if facts.main == "older" and wish.steps and not facts.state.abort_reason:
            wanted[wish.branch] = corners
        for branch in facts.branches:
            holder = wanted.get(branch.name)
            if holder is not None and is_rollout_branch(branch.name):
                found[branch.name] = await _content(corners, holder, branch)
        return found

    async def _was_taken_back(
        self, corners: AgentCorners, facts: RolloutFacts, known: RolloutState | None
    ) -> bool:
        """True if the platform remembers that this version was aborted, where no row does."""
        wish, observed = facts.wish, corners.observed
        if known is not None and known.version == wish.version:
            return False
        if not wish.steps or facts.main != "older" or facts.branch(wish.branch) or not observed:
            return False
        names = await corners.voice.branches.archived_names(observed.external_id)
        return any(name.startswith(f"{wish.branch}.{ABORTED_LABEL}~") for name in names)

    async def _remember(self, look: RolloutLook) -> None:
        """The row as it has to be before the next move. A share that was held and is another one
        by now is somebody's doing: said here, because the row forgets that it was held.
        """
        following = next_rollout(look.facts)
        move = following.move
        drifted = move is not None and move.drift and look.facts.main == "older"
        if move is not None and drifted and move.kind == "split":
            named = ", ".join(f"{name} {share:g} %" for name, share in move.split.items())
            await self._tell_drift(look, f"the calls of {look.facts.agent}: {named}")
        await self._put(look, following.state)

    async def _put(self, look: RolloutLook, state: RolloutState) -> None:
        if look.known == state:
            return
        share = look.facts.branch(look.facts.wish.branch)
        told = events_of(
            look.known, state, percent=share.live_percentage if share is not None else 0.0
        )
        if told:
            await self._statuses.add_events(told)
        await self._releases.put_rollout(state)
        if self._calls is not None:
            await self._calls.nudge(state.project, state.environment, state.agent)

    async def _tell_drift(self, look: RolloutLook, words: str) -> None:
        """Somebody changed a branch or the shares, and it is set back: said each time."""
        desired = look.corners.desired
        event = EventRecord(
            project=desired.project,
            environment=desired.environment,
            name=desired.name,
            type="Warning",
            reason="RolloutDrifted",
            message=f"changed outside of Git while it answers calls, and set back: {words}",
        )
        await self._statuses.add_events([event])


def _place(desired: DesiredAgent) -> tuple[str, str, str]:
    return desired.project, desired.environment, desired.name


def _agent_id(look: RolloutLook) -> ExternalId:
    observed = look.corners.observed
    if observed is None:
        raise RemoteMissing(f"agent {look.facts.agent} is not there any more")
    return observed.external_id


def _branch(look: RolloutLook, name: str) -> Branch:
    found = look.facts.branch(name)
    if found is None:
        raise Conflict(f"agent {look.facts.agent} has no branch {name} any more")
    return found


def _is_aborted(look: RolloutLook, move: Move) -> bool:
    facts = look.facts
    return (
        move.branch == facts.wish.branch
        and facts.main == "older"
        and bool(facts.state.abort_reason)
    )


def _needs(desired: DesiredAgent, step: Step) -> bool:
    return any(
        needed.kind == step.subject
        and step.key
        == (needed.name if needed.kind == "secret" else object_key(needed.name, needed.digest))
        for needed in needed_objects(desired)
    )


def _update(corners: AgentCorners, base: ObservedAgent) -> Step | None:
    """What a version of the agent lacks to be as wished, as far as a branch has it."""
    step = main_step(replace(corners, observed=base).plan(()))
    if step is None:
        return None
    changes = of_a_branch(step.changes)
    return step.model_copy(update={"changes": changes}) if changes else None


def _patch(corners: AgentCorners, base: ObservedAgent) -> JsonObject:
    step = _update(corners, base)
    if step is None:
        return {}
    return update_patch(
        step,
        corners.rendering,
        corners.known.bindings,
        nonce=corners.entry.nonce if corners.entry is not None else None,
        observed_tags=base.tags,
        observed_body=base.body,
        shared_sets=corners.voice.rules.contains,
    )


def _lacking(corners: AgentCorners, tip: ObservedAgent) -> tuple[str, ...]:
    step = _update(corners, tip)
    return tuple(change.path for change in step.changes) if step is not None else ()


async def _content(corners: AgentCorners, holder: AgentCorners, branch: Branch) -> Content:
    """What is on a branch; one that is not as wished is asked who made its last version."""
    observed = corners.observed
    if observed is None:
        return ""
    tip = await corners.voice.branches.tip(observed.external_id, branch.id)
    if _update(holder, tip) is None:
        return "wished"
    version = await corners.voice.version(observed.external_id, tip.version_id)
    ours = version.parent_id is None or version.description.startswith(OURS)
    return "ours" if ours else "others"
