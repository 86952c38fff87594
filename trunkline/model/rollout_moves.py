"""How a release gets its traffic: from what the platform says to the one thing that comes next.

A release with traffic steps is first put on a branch of its own, which gets a share of the calls,
then a larger one, each held for a while and, where the environment verifies, checked. At the end
Main is patched, gets all calls, and the branch is put away. Everything is read from the platform
each time: which branches there are, their shares, and what is on them. The row only adds what the
platform cannot say: since when a share is held, what a promotion said, what we meant to do next.
With the row lost the step is told by the share, and its time starts anew.

What holds, whenever anything dies: shares are 100 in all, because the whole split is declared at
once; a release's share is never above the step it is at; the share of a branch that is not ours is
never touched. Taking traffic back needs no time and no check and goes before everything else.
"""

from datetime import datetime, timedelta

from trunkline.model.branches import Branch, Split
from trunkline.model.ids import is_rollout_branch
from trunkline.model.releases import RolloutState
from trunkline.model.rollouts import (
    ALL,
    TAKEN_BACK_BEFORE,
    Move,
    Next,
    Outlook,
    Rest,
    RestKind,
    RolloutFacts,
)

SHARE_DIGITS = 6
"""Digits of a share that are compared: a third and two thirds are 100 in all."""
MOVES_MAX = 12
"""Moves one plan may hold: every branch of ours created, shifted and put away once, and Main."""


def next_rollout(facts: RolloutFacts) -> Next:
    """The one thing that comes next. Pure and total."""
    return _Decision(facts).next()


def outlook(facts: RolloutFacts) -> Outlook:
    """What can be done now without waiting, each move seen as made, and what comes then."""
    first = next_rollout(facts)
    step, moves = first, list[Move]()
    while step.move is not None and len(moves) < MOVES_MAX:
        moves.append(step.move)
        facts = after(facts, step)
        step = next_rollout(facts)
    return Outlook(state=first.state, moves=tuple(moves), rest=step.rest)


def after(facts: RolloutFacts, made: Next) -> RolloutFacts:
    """The facts once a move was made."""
    move = made.move
    changes: dict[str, object] = {"state": made.state}
    if move is not None and move.kind == "create":
        changes["branches"] = (*facts.branches, Branch(id="", name=move.branch))
        changes["contents"] = {**facts.contents, move.branch: "wished"}
    elif move is not None and move.kind == "update":
        changes["contents"] = {**facts.contents, move.branch: "wished"}
    elif move is not None and move.kind == "main":
        changes["main"] = "wished"
    elif move is not None and move.kind == "archive":
        changes["branches"] = tuple(b for b in facts.branches if b.name != move.branch)
    elif move is not None:
        changes["branches"] = tuple(
            branch.model_copy(update={"live_percentage": move.split.get(branch.name, 0.0)})
            for branch in facts.branches
        )
    return facts.model_copy(update=changes)


def is_made(facts: RolloutFacts, move: Move) -> bool:
    """True if the platform already is as the move would make it."""
    branch = facts.branch(move.branch)
    if move.kind == "create":
        return branch is not None
    if move.kind == "archive":
        return branch is None
    if move.kind == "update":
        return branch is not None and facts.contents.get(move.branch) == "wished"
    if move.kind == "main":
        return facts.main == "wished"
    live = {each.name: each.live_percentage for each in facts.branches if each.live_percentage}
    return _same(live, move.split)


class _Decision:
    """One look at the facts."""

    def __init__(self, facts: RolloutFacts) -> None:
        self._facts = facts
        self._wish = facts.wish
        self._state = facts.state
        self._branch = facts.branch(facts.wish.branch)

    def next(self) -> Next:
        back = self._take_back()
        if back is not None:
            return back
        if self._aborting and not self._is_ahead:
            return self._put_away() or self._aborted()
        if self._facts.main == "older":
            found = self._shift() if self._steps else self._straight()
            if found is not None:
                return found
        return self._put_away() or self._experiment() or self._done()

    @property
    def _steps(self) -> tuple[int, ...]:
        return () if self._state.phase == "Done" else self._wish.steps

    @property
    def _aborting(self) -> bool:
        said = bool(self._state.abort_reason) or self._state.phase == "Aborted"
        return said or (self._facts.taken_back and self._branch is None)

    @property
    def _is_ahead(self) -> bool:
        """Main is what the release wants: there is nothing to take back any more."""
        return self._facts.main != "older"

    @property
    def _strays(self) -> tuple[Branch, ...]:
        """Branches of ours that have no part in what is wished now."""
        keeps = {self._wish.experiment_branch}
        if self._steps and not self._is_ahead and not self._aborting:
            keeps.add(self._wish.branch)
        return tuple(
            branch
            for branch in self._facts.branches
            if is_rollout_branch(branch.name) and branch.name not in keeps
        )

    def _take_back(self) -> Next | None:
        """Calls of branches that have none to answer go to Main; nobody else's share moves."""
        loses = {branch.name for branch in self._strays if branch.live_percentage}
        if not loses:
            return None
        shares = self._live()
        moved = sum(shares[name] for name in loses)
        home = self._facts.home.name
        split = {name: 0.0 if name in loses else share for name, share in shares.items()}
        split[home] = _rounded(split.get(home, 0.0) + moved)
        phase = "Finishing" if self._is_ahead else "Aborting" if self._aborting else None
        state = self._state.model_copy(update={"phase": phase}) if phase else self._state
        return Next(state=state, move=Move(kind="split", split=split, back=True))

    def _put_away(self) -> Next | None:
        """Their calls were taken back before, so none of them has any."""
        stray = next(iter(self._strays), None)
        if stray is None:
            return None
        return Next(state=self._state, move=Move(kind="archive", branch=stray.name))

    def _aborted(self) -> Next:
        why = self._state.abort_reason or TAKEN_BACK_BEFORE
        state = self._state.model_copy(
            update={"phase": "Aborted", "percent": 0.0, "branch_id": "", "step_began_at": None}
        )
        message = f"v{self._wish.version} was taken back and is not brought about: {why}"
        return Next(state=state, rest=Rest(kind="aborted", message=message))

    def _straight(self) -> Next:
        return Next(state=self._state, move=Move(kind="main"))

    def _shift(self) -> Next:
        """The way of a release with steps while Main is still what it was."""
        stray = self._put_away()
        if stray is not None:
            return stray
        branch, facts = self._branch, self._facts
        if facts.paused and not (branch is not None and branch.live_percentage):
            return self._rest("pause", percent=0.0, coming=self._share(0), message=facts.paused)
        if facts.foreign:
            return self._rest("shared", message=_shared_words(facts.foreign))
        if branch is None:
            return Next(state=self._state, move=Move(kind="create", branch=self._wish.branch))
        edited = self._content_of(branch)
        return edited or self._step(branch)

    def _content_of(self, branch: Branch) -> Next | None:
        content = self._facts.contents.get(branch.name, "wished")
        if content == "ours" or (content == "others" and self._facts.heals):
            return Next(
                state=self._known(branch),
                move=Move(kind="update", branch=branch.name, drift=content == "others"),
            )
        if content == "others":
            words = (
                f"somebody changed branch {branch.name}, which answers {branch.live_percentage:g} %"
                " of the calls; it stays there until that is set back"
            )
            return self._rest("edited", percent=branch.live_percentage, message=words)
        return None

    def _step(self, branch: Branch) -> Next:
        """Where the release is on its way, and what the next share is."""
        state, live = self._known(branch), branch.live_percentage
        if state.step < 0:
            if not live:
                return self._raised(state, 0)
            state = state.model_copy(update={"step": self._step_of(live), "step_began_at": None})
        wanted = self._share(state.step)
        if not _equal(live, wanted):
            drift = state.step_began_at is not None
            return self._raised(state, state.step, drift=drift)
        if state.step_began_at is None:
            state = state.model_copy(update={"step_began_at": self._facts.now})
        return self._held(state)

    def _held(self, state: RolloutState) -> Next:
        """The share is there: hold it, have it checked, go on."""
        began = state.step_began_at or self._facts.now
        last = state.step + 1 >= len(self._steps)
        coming = ALL if last else self._share(state.step + 1)
        percent = self._share(state.step)
        if self._facts.paused:
            stopped = state.model_copy(update={"step_began_at": None})
            return self._rest(
                "pause", state=stopped, percent=percent, coming=coming, message=self._facts.paused
            )
        until = began + timedelta(seconds=self._wish.every_s)
        if self._facts.now < until:
            return self._rest("wait", state=state, percent=percent, coming=coming, until=until)
        if state.needs_checks and state.checked_step < state.step:
            return self._rest("check", state=state, percent=percent, coming=coming)
        if last:
            finishing = state.model_copy(update={"phase": "Finishing"})
            return Next(state=finishing, move=Move(kind="main"))
        return self._raised(state, state.step + 1)

    def _raised(self, state: RolloutState, step: int, *, drift: bool = False) -> Next:
        """Give the release the share of a step; its time begins once the platform has it."""
        split = self._live()
        split[self._wish.branch] = self._share(step)
        second = self._wish.experiment_branch
        if split.get(second):
            split[second] = self._wish.experiment_percent
        meant = state.model_copy(update={"phase": "Shifting", "step": step, "step_began_at": None})
        return Next(state=meant, move=Move(kind="split", split=self._whole(split), drift=drift))

    def _experiment(self) -> Next | None:
        """The second branch, once Main is what the release wants."""
        name, facts = self._wish.experiment_branch, self._facts
        if not name or not facts.can_experiment:
            return None
        branch = facts.branch(name)
        if branch is None:
            return Next(state=self._state, move=Move(kind="create", branch=name))
        content = facts.contents.get(name, "wished")
        if content in ("ours", "others"):
            move = Move(kind="update", branch=name, drift=content == "others")
            return Next(state=self._state, move=move)
        return self._experiment_share(branch)

    def _experiment_share(self, branch: Branch) -> Next | None:
        name, facts, wanted = branch.name, self._facts, self._wish.experiment_percent
        begins = not branch.live_percentage
        if _equal(branch.live_percentage, wanted) or (facts.paused and begins):
            return None
        if facts.foreign:
            return self._rest("shared", message=_shared_words(facts.foreign))
        seen = (self._state.experiment, self._state.experiment_percent)
        split = self._whole({**self._live(), name: wanted})
        drift = seen == (self._wish.experiment, wanted)
        return Next(state=self._state, move=Move(kind="split", split=split, drift=drift))

    def _done(self) -> Next:
        second = self._facts.branch(self._wish.experiment_branch)
        share = second.live_percentage if second is not None else 0.0
        state = self._state.model_copy(
            update={
                "phase": "Done",
                "percent": ALL,
                "branch_id": "",
                "experiment": self._wish.experiment if share else 0,
                "experiment_percent": share,
            }
        )
        return Next(state=state, rest=Rest(kind="done", percent=ALL))

    def _rest(
        self,
        kind: RestKind,
        *,
        state: RolloutState | None = None,
        percent: float = 0.0,
        coming: float = 0.0,
        until: datetime | None = None,
        message: str = "",
    ) -> Next:
        rest = Rest(kind=kind, until=until, percent=percent, next_percent=coming, message=message)
        return Next(state=state or self._state, rest=rest)

    def _known(self, branch: Branch) -> RolloutState:
        """The row with what the platform says of the branch."""
        phase = "Preparing" if self._state.step < 0 and not branch.live_percentage else "Shifting"
        return self._state.model_copy(
            update={
                "branch_id": branch.id or self._state.branch_id,
                "branch_name": branch.name,
                "percent": branch.live_percentage,
                "phase": phase,
            }
        )

    def _share(self, step: int) -> float:
        """The share of a step; a second branch that has traffic keeps its own."""
        second = self._facts.branch(self._wish.experiment_branch)
        taken = (
            self._wish.experiment_percent if second is not None and second.live_percentage else 0.0
        )
        return _rounded(min(float(self._steps[step]), ALL - taken))

    def _step_of(self, live: float) -> int:
        """The first step whose share it is, else the last one below it: never more than was."""
        shares = [self._share(step) for step in range(len(self._steps))]
        exact = next((n for n, share in enumerate(shares) if _equal(share, live)), None)
        if exact is not None:
            return exact
        return max((n for n, share in enumerate(shares) if share <= live), default=0)

    def _live(self) -> Split:
        return {
            branch.name: branch.live_percentage
            for branch in self._facts.branches
            if branch.live_percentage
        }

    def _whole(self, split: Split) -> Split:
        """The split with what is left for Main."""
        home = self._facts.home.name
        others = sum(share for name, share in split.items() if name != home)
        return {**split, home: _rounded(ALL - others)}


def _shared_words(foreign: tuple[Branch, ...]) -> str:
    named = ", ".join(f"{branch.name} ({branch.live_percentage:g} %)" for branch in foreign)
    return (
        f"branches that are not ours answer calls: {named}; nobody's share is taken away here."
        " Give it back to Main on the platform, or archive the branch there"
    )


def _rounded(share: float) -> float:
    return round(share, SHARE_DIGITS)


def _equal(one: float, other: float) -> bool:
    return _rounded(one - other) == 0


def _same(one: Split, other: Split) -> bool:
    return all(
        _equal(one.get(name, 0.0), other.get(name, 0.0)) for name in one.keys() | other.keys()
    )
