"""A rollout as steps of an agent's plan: what is written now, and in words what comes later.

The plan an agent has anyhow says what Main lacks. With a rollout that one update is not for now: in
its place come the moves that are, each one external write, and the update itself only at the end.
Objects the new configuration points at are made before the branch that points at them.
"""

from collections.abc import Sequence
from typing import Final

from trunkline.model.planner import drift_only, plan_digest
from trunkline.model.plans import Action, Change, ChangeOrigin, Obstacle, Plan, Step, Subject
from trunkline.model.rollout_moves import is_made, next_rollout, outlook
from trunkline.model.rollouts import (
    MainState,
    Move,
    MoveKind,
    Outlook,
    Rest,
    RolloutFacts,
    rolling_words,
    steps_words,
)

CREATE_BRANCH_CALLS: Final = 6
"""The branches there are, the create, what is on it."""
UPDATE_BRANCH_CALLS: Final = 6
"""The branch as it is, the patch, what is on it then."""
SPLIT_CALLS: Final = 5
"""The branches there are, before and once more, and the split."""
ARCHIVE_CALLS: Final = 5
"""The branches there are, the branch, and the change of it."""
NOT_OF_A_BRANCH: Final = ("name", "tags")
"""What the whole agent has: no branch has it for itself."""
OBSTACLES: Final = {
    "aborted": "RolloutAborted",
    "shared": "TrafficShared",
    "edited": "RolloutEdited",
}
"""Reasons of what stands in the way of a rollout, by the kind of rest."""

_STEPS: Final[dict[MoveKind, tuple[Action, Subject]]] = {
    "create": ("create", "branch"),
    "update": ("update", "branch"),
    "archive": ("archive", "branch"),
    "split": ("split", "traffic"),
    "main": ("update", "agent"),
}


def main_step(plan: Plan) -> Step | None:
    """The step that makes Main as wished, if it is not."""
    return next((s for s in plan.steps if (s.action, s.subject) == ("update", "agent")), None)


def main_state(plan: Plan) -> MainState:
    """How Main is, as the plan of the agent says."""
    step = main_step(plan)
    if step is None:
        return "wished"
    return "drifted" if drift_only(plan.model_copy(update={"steps": (step,)})) else "older"


def of_a_branch(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes a branch can have for itself."""
    return tuple(c for c in changes if c.path.partition(".")[0] not in NOT_OF_A_BRANCH)


def with_rollout(plan: Plan, facts: RolloutFacts, second: Plan | None = None) -> Plan:
    """The agent's plan with its rollout in it. ``second`` is that of the experiment's version.

    What stands in the way of the plan stands in the way of the rollout, too; only taking traffic
    back goes before it.
    """
    ahead = outlook(facts)
    back = _leading_back(ahead.moves)
    if plan.obstacles:
        if not back:
            return plan
        taken = _with_steps(plan, facts, _steps(plan, facts, back, second))
        return taken.model_copy(update={"rolling": rolling_words(facts, None, moves=True)})
    if not ahead.moves and ahead.rest is not None and ahead.rest.kind in OBSTACLES:
        return _blocked(plan, ahead.rest)
    update = main_step(plan)
    others = [step for step in plan.steps if step is not update]
    drifted = [update] if update is not None and facts.main == "drifted" else []
    later = ahead.moves[len(back) :]
    makes = {move.kind for move in later}
    stops = ahead.rest is not None and ahead.rest.kind == "aborted"
    first = [] if stops and "create" not in makes else others
    if second is not None and any(m.branch == facts.wish.experiment_branch for m in later):
        first = _joined(first, [s for s in second.steps if s.subject != "agent"])
    steps = (
        *_steps(plan, facts, back, second),
        *first,
        *drifted,
        *_steps(plan, facts, later, second),
    )
    found = _with_steps(plan, facts, steps)
    notes = (*plan.notes, *_notes(facts, ahead))
    rolling = rolling_words(facts, ahead.rest, moves=bool(ahead.moves))
    return found.model_copy(update={"notes": notes, "rolling": rolling})


def fits(facts: RolloutFacts, step: Step) -> Move | None:
    """The move that comes next, if it is the one that was planned as this step."""
    move = next_rollout(facts).move
    if move is None or _STEPS[move.kind] != (step.action, step.subject):
        return None
    if move.kind == "main" or step_key(facts, move) == step.key:
        return move
    return None


def was_made(facts: RolloutFacts, step: Step) -> bool:
    """True if the platform is already as the step would make it."""
    kind = next(kind for kind, means in _STEPS.items() if means == (step.action, step.subject))
    if kind == "split":
        live = {branch.name: branch.live_percentage for branch in facts.branches}
        return all(live.get(change.path, 0.0) == (change.new or 0.0) for change in step.changes)
    return is_made(facts, Move(kind=kind, branch=step.key.partition("/")[2]))


def step_key(facts: RolloutFacts, move: Move) -> str:
    """What tells a step from every other of the agent's."""
    if move.kind == "split":
        return f"{facts.agent}/" + ",".join(f"{n}={s:g}" for n, s in sorted(move.split.items()))
    return f"{facts.agent}/{move.branch}"


def _leading_back(moves: Sequence[Move]) -> tuple[Move, ...]:
    """The first moves that only take traffic away."""
    count = next((n for n, move in enumerate(moves) if not move.back), len(moves))
    return tuple(moves[:count])


def _blocked(plan: Plan, rest: Rest) -> Plan:
    """Nothing can be written for the rollout, and nothing else of the agent is either."""
    obstacle = Obstacle(
        reason=OBSTACLES[rest.kind],
        message=f"agent {next(iter(plan.parts), '').partition('/')[2]}: {rest.message}",
        waiting=rest.kind == "aborted",
    )
    return plan.model_copy(
        update={
            "steps": (),
            "obstacles": (obstacle,),
            "digest": plan_digest((), plan.base_version_id),
            "unchanged": 0,
        }
    )


def _with_steps(plan: Plan, facts: RolloutFacts, steps: Sequence[Step]) -> Plan:
    waits = outlook(facts).rest
    idle = not steps and (waits is None or waits.kind == "done")
    return plan.model_copy(
        update={
            "steps": tuple(steps),
            "obstacles": (),
            "digest": plan_digest(steps, plan.base_version_id),
            "unchanged": 1 if idle else 0,
        }
    )


def _steps(
    plan: Plan, facts: RolloutFacts, moves: Sequence[Move], second: Plan | None
) -> tuple[Step, ...]:
    found: list[Step] = []
    for move in moves:
        made = main_step(plan) if move.kind == "main" else _step(plan, facts, move, second)
        found.extend([made] if made is not None else [])
        facts = _seen(facts, move)
    return tuple(found)


def _seen(facts: RolloutFacts, move: Move) -> RolloutFacts:
    """The shares after a split, for what the next one changes."""
    if move.kind != "split":
        return facts
    branches = tuple(
        branch.model_copy(update={"live_percentage": move.split.get(branch.name, 0.0)})
        for branch in facts.branches
    )
    return facts.model_copy(update={"branches": branches})


def _step(plan: Plan, facts: RolloutFacts, move: Move, second: Plan | None) -> Step:
    action, subject = _STEPS[move.kind]
    base = second if move.branch == facts.wish.experiment_branch else plan
    update = main_step(base) if base is not None else None
    changes: tuple[Change, ...] = ()
    calls, summary = ARCHIVE_CALLS, f"put branch {move.branch} of {facts.agent} away"
    if move.kind == "split":
        origin: ChangeOrigin = "drift" if move.drift and facts.main != "older" else "git"
        changes, calls = _shares(facts, move, origin), SPLIT_CALLS
        named = ", ".join(f"{name} {share:g} %" for name, share in sorted(move.split.items()))
        summary = f"divide the calls of {facts.agent}: {named}"
    elif move.kind == "create":
        changes = of_a_branch(update.changes) if update is not None else ()
        calls, summary = CREATE_BRANCH_CALLS, f"create branch {move.branch} of {facts.agent}"
    elif move.kind == "update":
        origin = "drift" if move.drift and facts.main != "older" else "git"
        words = "as wished" if origin == "git" else "as it was left"
        changes = (Change(operation="~", path=move.branch, new=words, origin=origin),)
        calls, summary = UPDATE_BRANCH_CALLS, f"set branch {move.branch} of {facts.agent} {words}"
    return Step(
        action=action,
        subject=subject,
        name=facts.agent,
        key=step_key(facts, move),
        changes=changes,
        calls=calls,
        summary=summary,
    )


def _shares(facts: RolloutFacts, move: Move, origin: ChangeOrigin) -> tuple[Change, ...]:
    """The shares that change, by branch."""
    live = {branch.name: branch.live_percentage for branch in facts.branches}
    return tuple(
        Change(
            operation="~" if live.get(name) else "+",
            path=name,
            old=live.get(name, 0.0),
            new=share,
            origin=origin,
        )
        for name, share in sorted(move.split.items())
        if live.get(name, 0.0) != share
    )


def _joined(first: Sequence[Step], more: Sequence[Step]) -> list[Step]:
    keys = {(step.subject, step.key) for step in first}
    return [*first, *(step for step in more if (step.subject, step.key) not in keys)]


def _notes(facts: RolloutFacts, ahead: Outlook) -> tuple[str, ...]:
    """What comes later, and what of others is left as it is."""
    label = f"agent {facts.agent}"
    notes: list[str] = []
    rest = ahead.rest
    if facts.main == "older" and facts.wish.steps and facts.state.phase != "Done":
        notes.append(f"{label}: {steps_words(facts)}")
        if rest is not None and rest.kind in ("wait", "check", "pause") and not ahead.moves:
            notes.append(f"{label}: {rolling_words(facts, rest, moves=False)}")
    foreign = ", ".join(f"{b.name} ({b.live_percentage:g} %)" for b in facts.foreign)
    if foreign:
        notes.append(f"{label}: calls go to branches that are not ours and stay there: {foreign}")
    if not facts.can_experiment:
        notes.append(
            f"{label}: what v{facts.wish.experiment} was cannot be found out; its experiment waits"
        )
    return tuple(notes)
