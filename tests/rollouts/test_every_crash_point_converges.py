"""Killed anywhere, with rows lost and shares edited: it ends at Main, whole, and never runs ahead.

A run is a list of things that happen; after it time passes and checks are given until nothing is
left to do. What a release may have at most is counted here, apart from the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from tests.rollouts.platform import Platform
from trunkline.model.rollout_moves import next_rollout
from trunkline.model.rollouts import RolloutWish

Happening = Literal["move", "die before", "row lost", "wait", "check", "edit", "abort"]
EVERY_S = 600.0
HAPPENINGS: tuple[Happening, ...] = (
    "move",
    "move",
    "move",
    "die before",
    "row lost",
    "wait",
    "wait",
    "check",
    "edit",
    "abort",
)


@dataclass
class Watch:
    """What a release may have, told from what happened and from nothing else."""

    platform: Platform
    since: dict[int, float] = field(default_factory=dict)
    checked: int = -1
    clock: float = 0.0

    def moved(self, before: float) -> None:
        """A write arrived: a larger share than before has to have been earned."""
        wish = self.platform.wish
        share = self.platform.shares.get(wish.branch, 0.0)
        if share <= before or share == 0:
            return
        assert self.platform.main == "older"
        assert share in wish.steps
        step = wish.steps.index(int(share))
        if step:
            held_since = self.since.get(step - 1)
            assert held_since is not None, "a step was left out"
            assert self.clock - held_since >= EVERY_S, "a step was not held"
            if self.platform.checks:
                assert self.checked >= step - 1, "a step was not checked"
        self.since.setdefault(step, self.clock)

    def main_patched(self) -> None:
        """Main gets it only after the last step."""
        last = len(self.platform.wish.steps) - 1
        assert self.clock - self.since[last] >= EVERY_S
        assert not self.platform.checks or self.checked >= last


def one_move(watch: Watch, *, dies: bool = False) -> bool:
    """A look, and the write it asks for; False if there is nothing to do now."""
    platform = watch.platform
    move = platform.look()
    if move is None or dies:
        return move is not None
    before = platform.shares.get(platform.wish.branch, 0.0)
    if move.kind == "main":
        watch.main_patched()
    platform.make(move)
    watch.moved(before)
    return True


def happen(watch: Watch, what: Happening) -> None:
    """One of the things that happen."""
    platform = watch.platform
    if what in ("move", "die before"):
        one_move(watch, dies=what == "die before")
    elif what == "row lost":
        platform.row = None
    elif what == "wait":
        platform.wait(EVERY_S / 2)
        watch.clock += EVERY_S / 2
    elif what == "check" and platform.row is not None and platform.row.step_began_at is not None:
        platform.check(platform.row.step)
        watch.checked = max(watch.checked, platform.row.step)
    elif what == "edit" and platform.shares.get(platform.wish.branch):
        lower = platform.shares[platform.wish.branch] / 2
        platform.shares[platform.wish.branch] = lower
        platform.shares["Main"] = 100 - lower
    elif what == "abort" and platform.main == "older":
        platform.abort = "smoke failed"


@given(
    happenings=st.lists(st.sampled_from(HAPPENINGS), max_size=40),
    steps=st.sampled_from([(10, 50), (5,), (1, 2, 99), ()]),
    checks=st.booleans(),
)
def test_any_story_ends_well(
    happenings: list[Happening], steps: tuple[int, ...], *, checks: bool
) -> None:
    wish = RolloutWish(version=7, steps=steps, every_s=EVERY_S)
    platform = Platform(wish, checks=checks)
    watch = Watch(platform)
    if not steps:
        happenings = [what for what in happenings if what != "edit"]
        watch.since[-1] = -EVERY_S
    for what in happenings:
        happen(watch, what)
    for _ in range(8 * (len(steps) + 2)):
        while one_move(watch):
            pass
        happen(watch, "check")
        happen(watch, "wait")
    assert platform.shares == {"Main": 100}
    rest = next_rollout(platform.facts()).rest
    assert rest is not None
    aborted = bool(platform.abort) and platform.main == "older"
    assert rest.kind == ("aborted" if aborted else "done")
    assert platform.main == ("older" if aborted else "wished")
    assert not one_move(watch)


@given(place=st.integers(min_value=0, max_value=12), lost=st.booleans())
def test_a_row_lost_before_any_move_makes_no_move_twice(*, place: int, lost: bool) -> None:
    """Apart from time that begins anew: as many writes as without the loss."""
    platform = Platform(RolloutWish(version=7, steps=(10, 50), every_s=EVERY_S))
    watch = Watch(platform)
    made = 0
    for _ in range(12):
        while True:
            if made == place and lost:
                platform.row, lost = None, False
            if not one_move(watch):
                break
            made += 1
        happen(watch, "wait")
    assert len(platform.log) == 6
    assert platform.shares == {"Main": 100}
