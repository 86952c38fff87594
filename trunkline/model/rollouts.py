"""What a release says of its traffic, what is known of it, and what people are told.

Shapes and words only; what comes next is decided in ``rollout_moves``. Nothing here knows a
platform, a store or a plan.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.branches import Branch, Split
from trunkline.model.gates import shown
from trunkline.model.ids import experiment_branch, is_rollout_branch, release_branch
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.records import EventRecord
from trunkline.model.releases import RolloutState

Content = Literal["", "wished", "ours", "others"]
"""What is on a branch: as wished; not as wished and left by us; changed by somebody else. Empty
where nobody looked."""
MainState = Literal["wished", "drifted", "older"]
"""Main as the release wants it; only not so because somebody changed it; still what was before."""
MoveKind = Literal["create", "update", "split", "main", "archive"]
RestKind = Literal["wait", "check", "pause", "done", "aborted", "shared", "edited"]

ALL: Final = 100.0
TAKEN_BACK_BEFORE: Final = "it was taken back before the store was emptied"


class RolloutWish(Frozen):
    """What a release says of how it is brought about. No ``steps``: straight to Main.

    ``experiment`` is the version on the second branch, 0 without one. ``restores``: a rollback.
    """

    version: int
    restores: bool = False
    steps: tuple[int, ...] = ()
    every_s: float = 0.0
    experiment: int = 0
    experiment_percent: float = 0.0

    @property
    def branch(self) -> str:
        """The branch the release is rolled out on."""
        return release_branch(self.version)

    @property
    def experiment_branch(self) -> str:
        """The branch of the second version; empty without one."""
        return experiment_branch(self.experiment) if self.experiment else ""


class RolloutFacts(Frozen):
    """Everything the next move depends on.

    ``branches`` are those in use, Main first; ``contents`` says what is on ours, by name.
    ``paused`` says in words why no share is raised now. ``taken_back``: an earlier rollout of this
    version was aborted, as the platform alone tells. ``heals``: a branch that somebody changed is
    set back. ``can_experiment``: what the second branch is to hold could be found out.
    """

    agent: str
    wish: RolloutWish
    state: RolloutState
    now: datetime
    main: MainState
    branches: tuple[Branch, ...]
    contents: dict[str, Content] = Field(default_factory=dict)
    paused: str = ""
    taken_back: bool = False
    heals: bool = False
    can_experiment: bool = True

    def branch(self, name: str) -> Branch | None:
        """A branch in use by its name."""
        return next((branch for branch in self.branches if branch.name == name), None)

    @property
    def home(self) -> Branch:
        """Main."""
        return self.branches[0]

    @property
    def foreign(self) -> tuple[Branch, ...]:
        """Branches of others that answer calls."""
        return tuple(
            branch
            for branch in self.branches
            if branch.live_percentage and not branch.main and not is_rollout_branch(branch.name)
        )

    @property
    def takes_back(self) -> bool:
        """True if callers are to be brought away from something bad: no window waits for that."""
        return bool(self.state.abort_reason) or self.wish.restores


class Move(Frozen):
    """One external write. ``split`` maps every branch that has or had traffic, by name, to its
    share. ``drift``: it undoes what somebody else did. ``back``: it only takes traffic away.
    """

    kind: MoveKind
    branch: str = ""
    split: Split = Field(default_factory=dict)
    drift: bool = False
    back: bool = False


class Rest(Frozen):
    """Why nothing is to be done now: until when, and in words. ``percent`` is the release's share,
    ``next_percent`` the one that comes next, 100 for Main.
    """

    kind: RestKind
    until: datetime | None = None
    percent: float = 0.0
    next_percent: float = 0.0
    message: str = ""


class Next(Frozen):
    """A move or a rest, and the row as it has to be before it."""

    state: RolloutState
    move: Move | None = None
    rest: Rest | None = None


class Outlook(Frozen):
    """The moves that can be made one after another now, and what comes after them."""

    state: RolloutState
    moves: tuple[Move, ...]
    rest: Rest | None


def wish_of(spec: ReleaseSpec, *, straight: bool = False) -> RolloutWish:
    """What a release says; a rollback and a ``straight`` one take no steps."""
    steps = spec.rollout.steps if spec.rollout is not None else ()
    return RolloutWish(
        version=spec.version,
        restores=spec.restores is not None,
        steps=() if straight or spec.restores is not None else steps,
        every_s=spec.rollout.every.total_seconds() if spec.rollout is not None else 0.0,
        experiment=spec.experiment.version if spec.experiment is not None else 0,
        experiment_percent=spec.experiment.percent if spec.experiment is not None else 0.0,
    )


def state_for(
    wish: RolloutWish, known: RolloutState | None, *, place: tuple[str, str, str]
) -> RolloutState:
    """The row to go on from: the known one if it is this version's, else a new one. What was seen
    of a second branch outlives the release that began it.
    """
    if known is not None and known.version == wish.version:
        return known
    project, environment, agent = place
    return RolloutState(
        project=project,
        environment=environment,
        agent=agent,
        version=wish.version,
        experiment=known.experiment if known is not None else 0,
        experiment_percent=known.experiment_percent if known is not None else 0.0,
    )


def needs_look(wish: RolloutWish, known: RolloutState | None) -> bool:
    """False if nothing about branches can have to be done: the rollout is done and forgotten."""
    done = known is not None and known.version == wish.version and known.phase == "Done"
    return not done or bool(wish.experiment or (known is not None and known.experiment))


def rolling_words(facts: RolloutFacts, rest: Rest | None, *, moves: bool) -> str:
    """What people read while a rollout is under way; empty if it is not.

    Times are moments that a step has once, never how long something still takes.
    """
    if rest is not None and rest.kind == "done":
        return ""
    if rest is None or rest.kind not in ("wait", "check", "pause"):
        words = "is taken back" if facts.state.abort_reason else "is on its way"
        return f"v{facts.wish.version} {words}" if moves else ""
    at = f"v{facts.wish.version} at {rest.percent:g} %"
    if moves:
        return at
    then = "all calls" if rest.next_percent == ALL else f"{rest.next_percent:g} %"
    if rest.kind == "pause":
        return f"{at}; {rest.message}: no more until that is over"
    if rest.kind == "check":
        return f"{at}, waits for its verification tests, then {then}"
    return f"{at}, next {then} at {shown(rest.until)}" if rest.until else at


def steps_words(facts: RolloutFacts) -> str:
    """The whole way of a release that is rolled out in steps."""
    wish = facts.wish
    shares = ", ".join(f"{step} %" for step in wish.steps)
    checked = " and checked" if facts.state.needs_checks else ""
    return (
        f"v{wish.version} gets {shares} of the calls, each held for {wish.every_s:g} s{checked},"
        " then all of them"
    )


def events_of(
    before: RolloutState | None, now: RolloutState, *, percent: float
) -> tuple[EventRecord, ...]:
    """What is told when the row moves on: a share was reached, it is done. That it was taken back
    is what the agent's status comes to say.
    """
    version = f"v{now.version}"
    same = before is not None and before.version == now.version
    began = before.step_began_at if same and before is not None else None
    phase = before.phase if same and before is not None else "Preparing"
    events: list[EventRecord] = []
    if now.step_began_at is not None and (
        began is None or before is None or before.step != now.step
    ):
        events.append(_event(now, "RolloutStep", f"{version} answers {percent:g} % of the calls"))
    if now.phase == "Done" and phase in ("Shifting", "Finishing"):
        events.append(_event(now, "RolloutDone", f"{version} answers all calls"))
    return tuple(events)


def _event(state: RolloutState, reason: str, message: str) -> EventRecord:
    return EventRecord(
        project=state.project,
        environment=state.environment,
        name=state.agent,
        reason=reason,
        message=message,
        details={"version": state.version, "step": state.step},
    )
