"""An experiment: a second branch with a lasting share, beside whatever Main becomes."""

from __future__ import annotations

import pytest

from tests.rollouts.platform import FOREIGN, Platform
from trunkline.model.rollout_moves import next_rollout
from trunkline.model.rollouts import RolloutWish, needs_look

V7 = "trunkline-release-v7"
X5 = "trunkline-experiment-v5"
X6 = "trunkline-experiment-v6"
WISH = RolloutWish(version=7, experiment=5, experiment_percent=20)


def begun() -> Platform:
    platform = Platform(WISH, main="wished")
    platform.run()
    assert platform.live == {"Main": 80, X5: 20}
    return platform


def test_it_begins_beside_a_main_that_stays() -> None:
    platform = begun()
    assert platform.log == [f"create {X5}", "split"]
    assert platform.row is not None
    assert (platform.row.phase, platform.row.experiment) == ("Done", 5)
    assert needs_look(WISH, platform.row), "somebody may change the split"


@pytest.mark.parametrize("share", [35.0, 5.0])
def test_a_share_somebody_changed_is_set_back_as_drift(share: float) -> None:
    platform = begun()
    platform.shares = {"Main": 100 - share, X5: share}
    move = next_rollout(platform.facts()).move
    assert move is not None
    assert (move.kind, move.drift, move.split) == ("split", True, {"Main": 80, X5: 20})


def test_another_share_in_git_is_no_drift() -> None:
    platform = begun()
    platform.wish = WISH.model_copy(update={"version": 8, "experiment_percent": 40})
    move = next_rollout(platform.facts()).move
    assert move is not None
    assert (move.drift, move.split) == (False, {"Main": 60, X5: 40})


def test_a_release_that_changes_nothing_leaves_it_alone() -> None:
    platform = begun()
    platform.log.clear()
    platform.wish = WISH.model_copy(update={"version": 8})
    platform.run()
    assert platform.log == []
    assert platform.row is not None
    assert (platform.row.version, platform.row.phase) == (8, "Done")


def test_it_keeps_its_share_while_a_release_is_rolled_out() -> None:
    platform = begun()
    platform.main, platform.log = "older", []
    platform.wish = WISH.model_copy(update={"version": 7 + 1, "steps": (10, 95), "every_s": 60})
    platform.run()
    v8 = "trunkline-release-v8"
    assert platform.live == {"Main": 70, v8: 10, X5: 20}
    platform.wait(60)
    platform.run()
    assert platform.live == {v8: 80, X5: 20}, "no share is left for Main"
    platform.wait(60)
    platform.run()
    assert platform.live == {"Main": 80, X5: 20}
    assert platform.is_at_main()


def test_an_abort_leaves_it_its_share() -> None:
    platform = begun()
    platform.main = "older"
    platform.wish = WISH.model_copy(update={"version": 8, "steps": (10,), "every_s": 60})
    platform.run()
    platform.abort = "smoke failed"
    platform.run()
    assert platform.live == {"Main": 80, X5: 20}


def test_it_goes_when_the_release_no_longer_names_it() -> None:
    platform = begun()
    platform.log.clear()
    platform.wish = RolloutWish(version=8)
    platform.run()
    assert platform.log == ["split", f"archive {X5}"]
    assert platform.shares == {"Main": 100}
    assert platform.row is not None
    assert not needs_look(platform.wish, platform.row)


def test_another_version_takes_its_place() -> None:
    platform = begun()
    platform.log.clear()
    platform.wish = WISH.model_copy(update={"version": 8, "experiment": 6})
    platform.run()
    assert platform.log == ["split", f"archive {X5}", f"create {X6}", "split"]
    assert platform.live == {"Main": 80, X6: 20}


def test_what_somebody_wrote_on_it_is_drift() -> None:
    platform = begun()
    platform.contents[X5] = "others"
    move = next_rollout(platform.facts()).move
    assert move is not None
    assert (move.kind, move.branch, move.drift) == ("update", X5, True)


def test_it_waits_for_branches_of_others_and_for_what_it_was() -> None:
    platform = Platform(WISH, main="wished", shares={"Main": 60.0, FOREIGN: 40.0})
    platform.run()
    assert platform.live == {"Main": 60, FOREIGN: 40}
    rest = next_rollout(platform.facts()).rest
    assert rest is not None
    assert rest.kind == "shared"
    unknown = Platform(WISH, main="wished").facts().model_copy(update={"can_experiment": False})
    rest = next_rollout(unknown).rest
    assert rest is not None
    assert rest.kind == "done"
