"""Which share comes next, when, and what a lost row or somebody's edit makes of it."""

from __future__ import annotations

import pytest

from tests.rollouts.platform import FOREIGN, NOON, Platform
from trunkline.model.rollout_moves import next_rollout, outlook
from trunkline.model.rollouts import RolloutWish, needs_look, rolling_words

V7 = "trunkline-release-v7"
V6 = "trunkline-release-v6"
WISH = RolloutWish(version=7, steps=(10, 50), every_s=600)


def test_the_whole_way_of_a_release() -> None:
    platform = Platform(WISH)
    platform.run()
    assert platform.live == {"Main": 90, V7: 10}
    platform.wait(599)
    platform.run()
    assert platform.live == {"Main": 90, V7: 10}
    platform.wait(1)
    platform.run()
    assert platform.live == {"Main": 50, V7: 50}
    platform.wait(600)
    platform.run()
    assert platform.is_at_main()
    assert platform.shares == {"Main": 100}
    assert platform.log == [
        f"create {V7}",
        "split",
        "split",
        "main",
        "split",
        f"archive {V7}",
    ]
    assert platform.row is not None
    assert platform.row.phase == "Done"
    assert not needs_look(WISH, platform.row)


def test_a_step_is_left_only_once_it_was_checked() -> None:
    platform = Platform(WISH, checks=True)
    platform.run()
    platform.wait(6000)
    platform.run()
    assert platform.live[V7] == 10
    rest = next_rollout(platform.facts()).rest
    assert rest is not None
    assert (
        rolling_words(platform.facts(), rest, moves=False)
        == "v7 at 10 %, waits for its verification tests, then 50 %"
    )
    platform.check(0)
    platform.run()
    assert platform.live[V7] == 50
    platform.wait(6000)
    platform.run()
    assert not platform.is_at_main()
    platform.check(1)
    platform.run()
    assert platform.is_at_main()
    assert platform.live == {"Main": 100}


def test_a_lost_row_is_told_by_the_share_and_its_time_begins_anew() -> None:
    platform = Platform(WISH)
    platform.run()
    platform.wait(600)
    platform.run()
    platform.wait(500)
    platform.row = None
    platform.run()
    assert platform.live[V7] == 50
    platform.wait(599)
    platform.run()
    assert not platform.is_at_main()
    platform.wait(1)
    platform.run()
    assert platform.is_at_main()


@pytest.mark.parametrize("edited", [90.0, 30.0, 0.0, 10.5])
def test_a_share_somebody_changed_goes_back_to_that_of_the_step(edited: float) -> None:
    platform = Platform(WISH)
    platform.run()
    platform.shares = {"Main": 100 - edited, V7: edited}
    platform.run()
    assert platform.live == {"Main": 90, V7: 10}
    platform.wait(599)
    platform.run()
    assert platform.live[V7] == 10, "the time of the step begins anew"


def test_with_the_row_lost_no_share_is_rounded_up() -> None:
    platform = Platform(WISH)
    platform.run()
    platform.row, platform.shares = None, {"Main": 60.0, V7: 40.0}
    platform.run()
    assert platform.live == {"Main": 90, V7: 10}


def test_an_abort_brings_all_calls_back_first() -> None:
    platform = Platform(WISH, checks=True)
    platform.run()
    platform.log.clear()
    platform.abort = "smoke failed"
    platform.run()
    assert platform.log == ["split", f"archive {V7}"]
    assert platform.shares == {"Main": 100}
    assert not platform.is_at_main()
    assert platform.row is not None
    assert platform.row.phase == "Aborted"
    rest = next_rollout(platform.facts()).rest
    assert rest is not None
    assert rest.kind == "aborted"
    assert "smoke failed" in rest.message


def test_an_abort_before_the_branch_writes_nothing() -> None:
    platform = Platform(WISH, abort="not after all")
    platform.run()
    assert platform.log == []
    assert platform.row is not None
    assert platform.row.phase == "Aborted"


def test_an_abort_that_comes_after_main_was_patched_is_too_late() -> None:
    platform = Platform(WISH, main="wished", shares={"Main": 50.0, V7: 50.0}, abort="too late")
    platform.run()
    assert platform.shares == {"Main": 100}
    assert platform.row is not None
    assert platform.row.phase == "Done"


def test_an_aborted_version_stays_aborted_without_its_row() -> None:
    platform = Platform(WISH)
    platform.run()
    platform.abort = "smoke failed"
    platform.run()
    platform.abort, platform.row = "", None
    platform.run()
    assert platform.live == {"Main": 100}
    rest = next_rollout(platform.facts()).rest
    assert rest is not None
    assert rest.kind == "aborted"


def test_a_newer_release_takes_the_older_ones_calls_back_before_its_own() -> None:
    platform = Platform(WISH, shares={"Main": 50.0, V6: 50.0})
    platform.run()
    assert platform.log == ["split", f"archive {V6}", f"create {V7}", "split"]
    assert platform.live == {"Main": 90, V7: 10}


def test_a_rollback_goes_straight_to_main_after_taking_calls_back() -> None:
    wish = RolloutWish(version=7, restores=True)
    platform = Platform(wish, shares={"Main": 50.0, V6: 50.0})
    platform.run()
    assert platform.log == ["split", "main", f"archive {V6}"]
    assert next_rollout(platform.facts()).rest is not None


def test_a_branch_of_somebody_else_stops_the_way_and_is_left_alone() -> None:
    platform = Platform(WISH, shares={"Main": 70.0, FOREIGN: 30.0})
    platform.run()
    assert platform.log == []
    rest = next_rollout(platform.facts()).rest
    assert rest is not None
    assert (rest.kind, FOREIGN in rest.message) == ("shared", True)
    platform.shares = {"Main": 100.0, FOREIGN: 0.0}
    platform.run()
    platform.shares = {"Main": 60.0, FOREIGN: 30.0, V7: 10.0}
    platform.abort = "smoke failed"
    platform.run()
    assert platform.live == {"Main": 70.0, FOREIGN: 30.0}


def test_a_branch_somebody_changed_stays_where_it_is_until_it_is_asked_for() -> None:
    platform = Platform(WISH)
    platform.run()
    platform.contents[V7] = "others"
    platform.wait(6000)
    platform.run()
    assert platform.live[V7] == 10
    asked = platform.facts().model_copy(update={"heals": True})
    move = next_rollout(asked).move
    assert move is not None
    assert (move.kind, move.drift) == ("update", True)


def test_nothing_is_raised_while_the_agent_takes_no_calls() -> None:
    platform = Platform(WISH)
    platform.run()
    platform.paused = "front-desk was disabled by ada: fire"
    platform.wait(6000)
    platform.run()
    assert platform.live[V7] == 10
    platform.paused = ""
    platform.run()
    assert platform.live[V7] == 10, "what was held without calls was not held"
    platform.wait(600)
    platform.run()
    assert platform.live[V7] == 50


def test_words_say_a_moment_and_never_what_is_left() -> None:
    platform = Platform(WISH)
    platform.run()
    ahead = outlook(platform.facts())
    first = rolling_words(platform.facts(), ahead.rest, moves=False)
    platform.wait(300)
    later = rolling_words(platform.facts(), outlook(platform.facts()).rest, moves=False)
    assert first == later == f"v7 at 10 %, next 50 % at {NOON:%Y-%m-%d} 12:10 UTC"


def test_steps_without_a_hold_are_made_one_after_another() -> None:
    platform = Platform(RolloutWish(version=7, steps=(10, 50)))
    moves = [move.kind for move in outlook(platform.facts()).moves]
    assert moves == ["create", "split", "split", "main", "split", "archive"]
