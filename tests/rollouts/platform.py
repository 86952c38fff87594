"""A platform of a few lines, driven one move at a time by what the pure core says comes next.

It checks what must hold after every write: shares are 100 in all, nobody else's share moves, and a
release never has more than its step allows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from trunkline.model.branches import Branch
from trunkline.model.ids import is_rollout_branch
from trunkline.model.releases import RolloutState
from trunkline.model.rollout_moves import is_made, next_rollout
from trunkline.model.rollouts import Content, MainState, Move, RolloutFacts, RolloutWish, state_for

PLACE = ("acme", "production", "front-desk")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FOREIGN = "somebodys-branch"


@dataclass
class Platform:
    """One agent's branches, its row, and a clock that only goes when told."""

    wish: RolloutWish
    main: MainState = "older"
    shares: dict[str, float] = field(default_factory=lambda: {"Main": 100.0})
    contents: dict[str, Content] = field(default_factory=dict)
    archived: list[str] = field(default_factory=list)
    row: RolloutState | None = None
    now: datetime = NOON
    checks: bool = False
    paused: str = ""
    abort: str = ""
    log: list[str] = field(default_factory=list)

    def facts(self) -> RolloutFacts:
        """What a look finds."""
        known = self.row
        if self.abort:
            known = state_for(self.wish, known, place=PLACE).model_copy(
                update={"abort_reason": self.abort}
            )
        state = state_for(self.wish, known, place=PLACE)
        own = self.wish.branch
        lost = known is None or known.version != self.wish.version
        return RolloutFacts(
            agent=PLACE[2],
            wish=self.wish,
            state=state.model_copy(update={"needs_checks": self.checks}),
            now=self.now,
            main=self.main,
            branches=tuple(
                Branch(id=name, name=name, main=name == "Main", live_percentage=share)
                for name, share in self.shares.items()
            ),
            contents=self.contents,
            paused=self.paused,
            taken_back=lost and f"{own}.aborted" in self.archived and own not in self.shares,
        )

    def look(self) -> Move | None:
        """One look: the row is written, the move that comes next is answered."""
        found = next_rollout(self.facts())
        self.row = found.state
        return found.move

    def make(self, move: Move) -> None:
        """The write arrives."""
        if move.kind == "create":
            assert move.branch not in self.shares
            self.shares[move.branch] = 0.0
            self.contents[move.branch] = "wished"
        elif move.kind == "update":
            self.contents[move.branch] = "wished"
        elif move.kind == "main":
            self.main = "wished"
        elif move.kind == "archive":
            assert self.shares.pop(move.branch) == 0.0, "a branch with calls is not put away"
            aborted = move.branch == self.wish.branch and self.main == "older" and self.abort
            self.archived.append(f"{move.branch}.aborted" if aborted else move.branch)
        else:
            before = dict(self.shares)
            assert move.split.keys() <= self.shares.keys()
            self.shares = {name: move.split.get(name, 0.0) for name in self.shares}
            self._check(before)
        self.log.append(f"{move.kind} {move.branch}".strip())
        assert is_made(self.facts(), move)

    def _check(self, before: dict[str, float]) -> None:
        assert round(sum(self.shares.values()), 6) == 100
        assert min(self.shares.values()) >= 0
        for name, share in before.items():
            if name != "Main" and not is_rollout_branch(name):
                assert self.shares[name] == share, "somebody else's share was moved"

    def run(self) -> None:
        """Everything that can be done without waiting."""
        for _ in range(40):
            move = self.look()
            if move is None:
                return
            self.make(move)
        raise AssertionError(f"it goes round in circles: {self.log[-8:]}")

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    def check(self, step: int) -> None:
        """A promotion found a step good."""
        if self.row is not None:
            better = max(step, self.row.checked_step)
            self.row = self.row.model_copy(update={"checked_step": better})

    def is_at_main(self) -> bool:
        """True if Main is what the release wants."""
        return self.main == "wished"

    @property
    def live(self) -> dict[str, float]:
        """Shares, those with none left out."""
        return {name: share for name, share in self.shares.items() if share}
