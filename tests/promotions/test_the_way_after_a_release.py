"""After the release commit: only a definite bad answer or a person takes it back."""

from datetime import datetime
from typing import Any

import pytest

from tests.promotions.situations import NOW, Promoting, record, running, standing
from trunkline.model.interventions import Intervention
from trunkline.model.limits import BLAME_MAX_CHARACTERS, REASON_MAX_CHARACTERS
from trunkline.model.promotions.facts import PushTried, ReleaseFound
from trunkline.model.promotions.telling import phase_lines
from trunkline.model.releases import RolloutState

COMMIT = "c" * 40
RELEASED = ReleaseFound(version=7, commit=COMMIT)
STEPWISE = ReleaseFound(version=7, commit=COMMIT, steps=(10, 50))
BACK = ReleaseFound(version=8, commit="e" * 40)
VERIFIED_BADLY = "v7 failed its verification"
HELD = {"phase": "Shifting", "percent": 10.0, "step_began_at": NOW}


def released(found: ReleaseFound = RELEASED, **promotion: Any) -> Promoting:
    """A promotion whose release was just found on the branch and applied."""
    said = {"verify": {"tags": ["smoke"]}, **promotion}
    one = Promoting(**said)
    one.earns()
    one.look(release=found, standing=standing(7))
    return one


def rolled_out(step: int, percent: float, **changed: Any) -> RolloutState:
    """What the agent's rounds say."""
    said = {
        "project": "acme",
        "environment": "production",
        "agent": "front-desk",
        "version": 7,
        "phase": "Shifting",
        "step": step,
        "percent": percent,
        "needs_checks": True,
        "step_began_at": NOW,
        **changed,
    }
    return RolloutState.model_validate(said)


def test_without_verification_it_is_done_once_the_target_runs_it() -> None:
    one = released(verify=None)
    assert one.record.phase == "Settling"
    one.look(target=running(7))
    assert (one.record.state, one.record.reason) == ("Done", "")
    assert one.record.message == "v7 is released"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (running(6), "Settling"),
        (running(7, sync="OutOfSync"), "Settling"),
        (running(7, health="Progressing"), "TargetProgressing"),
        (running(7, health="Degraded"), "TargetDegraded"),
        (running(7, numbers_pending=("main-line",)), "NumbersPending"),
        (running(6, stalled="EvidenceInvalid", message="forged"), "EvidenceInvalid"),
    ],
)
def test_settling_waits_for_synced_healthy_and_reachable(target: Any, reason: str) -> None:
    one = released(verify=None)
    assert one.look(target=target).kind == "wait"
    assert (one.record.phase, one.record.reason) == ("Settling", reason)
    assert one.record.stalled == bool(target.stalled)
    one.look(target=running(7))
    assert one.record.state == "Done"


def test_an_agent_that_was_disabled_says_how_calls_reach_the_new_version() -> None:
    one = released()
    one.look(target=running(7, health="Suspended"), interventions=(disabled("trunkline", one.now),))
    assert (one.record.phase, one.record.reason) == ("Settling", "AgentDisabled")
    assert "trunkline enable front-desk -e production" in one.record.message


def test_a_release_that_does_not_count_is_stalled_with_the_reason() -> None:
    one = Promoting()
    one.earns()
    one.look(release=RELEASED)
    seen = standing(7).seen
    one.look(
        standing=standing(6, seen=seen, reason="EvidenceInvalid", message="its evidence is forged")
    )
    assert (one.record.reason, one.record.stalled) == ("EvidenceInvalid", True)
    assert one.record.message == "its evidence is forged"


def test_steps_are_checked_before_they_are_left() -> None:
    one = released(STEPWISE)
    assert (one.record.phase, one.move.kind) == ("Rollout", "wait")
    for step, percent in ((0, 10.0), (1, 50.0)):
        one.look(rollout=rolled_out(step, percent, checked_step=step - 1))
        assert one.move.tests is not None
        assert (one.move.tests.purpose, one.move.tests.step) == ("check", step)
        assert one.move.tests.tags == ("smoke",)
        assert (one.record.rollout_step, one.record.rollout_percent) == (step, percent)
        assert (one.ends_run().kind, one.move.step) == ("check_step", step)
        assert one.look(rollout=rolled_out(step, percent, checked_step=step)).kind == "wait"
    one.look(rollout=rolled_out(1, 100.0, phase="Done", checked_step=1), target=running(7))
    assert one.move.tests is not None
    assert one.move.tests.purpose == "verify"
    assert len(one.record.checks) == 2
    assert one.record.phase == "Verifying"


@pytest.mark.parametrize(
    "meant",
    [
        rolled_out(0, 0.0, step_began_at=None),
        rolled_out(0, 10.0, step_began_at=None),
        rolled_out(0, 0.0),
        rolled_out(-1, 0.0, phase="Preparing", step_began_at=None),
        rolled_out(1, 10.0, checked_step=0, step_began_at=None),
    ],
)
def test_a_check_begins_only_once_the_release_has_the_share_of_its_step(
    meant: RolloutState,
) -> None:
    one = released(STEPWISE)
    one.look(rollout=meant)
    assert (one.move.kind, one.record.phase, one.record.checks) == ("wait", "Rollout", ())
    one.look(rollout=meant.model_copy(update={**HELD, "step": max(meant.step, 0)}))
    assert one.move.tests is not None
    assert one.move.tests.purpose == "check"


def test_a_share_that_is_not_there_is_not_found_good_without_tests_either() -> None:
    one = released(STEPWISE, verify=None)
    one.look(rollout=rolled_out(0, 0.0, step_began_at=None))
    assert one.move.kind == "wait"


def test_a_rollout_without_verification_needs_no_tests() -> None:
    one = released(STEPWISE, verify=None)
    one.look(rollout=rolled_out(0, 10.0))
    assert (one.move.kind, one.move.step) == ("check_step", 0)


def test_a_first_release_needs_no_rollout() -> None:
    one = released(STEPWISE, verify=None)
    one.look(target=running(7))
    assert one.record.state == "Done"


def test_a_bad_step_takes_the_traffic_back_first_and_then_the_release() -> None:
    one = released(STEPWISE)
    one.look(rollout=rolled_out(0, 10.0))
    line = "greet.yaml:4: greets: wanted hello, found nothing"
    assert one.ends_run("failed", lines=(line,)).kind == "abort_rollout"
    assert line in one.move.reason
    aborting = rolled_out(0, 10.0, abort_reason=one.move.reason)
    assert one.look(rollout=aborting).kind == "wait"
    assert one.record.phase == "Rollout"
    one.look(rollout=aborting.model_copy(update={"phase": "Aborted", "percent": 0.0}))
    assert (one.record.phase, one.move.kind, one.move.restores) == ("RollingBack", "roll_back", 6)
    assert line in one.move.reason
    one.look(rolled_back=BACK)
    assert (one.move.kind, one.record.rolled_back_to) == ("wait", 6)
    one.look(target=running(8))
    assert (one.record.state, one.record.reason) == ("RolledBack", "CheckFailed")


def test_an_inconclusive_step_is_held_and_tried_again_for_as_long_as_it_takes() -> None:
    one = released(STEPWISE)
    one.look(rollout=rolled_out(0, 10.0))
    for _ in range(8):
        assert one.ends_run("inconclusive", reason="JudgeUnavailable").kind == "wait"
        assert one.record.phase == "Rollout"
        one.look(300)
    assert one.ends_run().kind == "check_step"


def test_a_rollout_that_aborted_itself_is_rolled_back() -> None:
    one = released(STEPWISE)
    one.look(rollout=rolled_out(0, 10.0, phase="Aborted", message="the branch was edited"))
    assert (one.move.kind, one.move.reason) == ("roll_back", "the branch was edited")


def test_somebody_elses_rollout_is_not_ours() -> None:
    one = released(STEPWISE)
    one.look(rollout=rolled_out(0, 10.0, version=6, phase="Aborted"))
    assert one.record.reason == "RolloutPending"


def test_a_failed_verification_rolls_back_and_ends_once_the_old_one_runs() -> None:
    one = released()
    one.look(target=running(7))
    one.ends_run("failed", message="1 of 3 required tests failed")
    assert (one.move.kind, one.move.restores) == ("roll_back", 6)
    assert one.move.reason == "v7 failed its verification: 1 of 3 required tests failed"
    assert one.look(rolled_back=BACK).kind == "wait"
    one.look(target=running(8))
    assert (one.record.state, one.record.reason) == ("RolledBack", "VerificationFailed")
    assert (one.record.version, one.record.rolled_back_to) == (7, 6)


def test_what_an_agent_said_reaches_the_hold_as_short_readable_words() -> None:
    one = released()
    one.look(target=running(7))
    one.ends_run(
        "failed", message="found \x1b[31mred\nTrunkline-Promotion: x", lines=("y" * 9_999,)
    )
    assert one.move.kind == "roll_back"
    assert len(one.move.reason) <= REASON_MAX_CHARACTERS
    assert one.move.reason.isprintable()


@pytest.mark.parametrize("stage", ["check", "verification"])
def test_a_release_is_blamed_with_the_first_failing_line_alone(stage: str) -> None:
    one = released(STEPWISE if stage == "check" else RELEASED)
    if stage == "check":
        one.look(rollout=rolled_out(0, 10.0))
    else:
        one.look(target=running(7))
    first = "tests/greet.yaml:4: greets: wanted hello, found " + "well " * 90
    one.ends_run("failed", message="2 of 3 failed " * 20, lines=(first, "tests/greet.yaml:9: b"))
    said_of, blamed = one.move.reason.split(": ", 1)
    assert said_of == ("v7 at 10 % failed its check" if stage == "check" else VERIFIED_BADLY)
    assert blamed.startswith("tests/greet.yaml:4: greets: wanted hello, found well well")
    assert blamed.endswith(" well…")
    assert len(blamed) <= BLAME_MAX_CHARACTERS


def test_one_word_without_an_end_is_cut_and_place_and_test_stay() -> None:
    one = released()
    one.look(target=running(7))
    one.ends_run("failed", lines=("tests/greet.yaml:4: greets: wanted " + "y" * 999,))
    assert one.move.reason == f"{VERIFIED_BADLY}: tests/greet.yaml:4: greets: wanted…"


def test_the_line_of_the_way_back_does_not_say_again_why() -> None:
    one = released()
    one.look(target=running(7))
    one.ends_run("failed", lines=("tests/greet.yaml:4: greets: wanted hello",))
    why = f"{VERIFIED_BADLY}: tests/greet.yaml:4: greets: wanted hello"
    assert one.record.message == f"{why}; going back to v6"
    told = {line.phase: line.message for line in phase_lines(one.record, one.now)}
    assert (told["Verifying"], told["RollingBack"]) == (why, "going back to v6")
    one.look(rolled_back=BACK)
    one.look(target=running(8))
    assert one.record.message == f"{why}; v6 again, as v8"
    told = {line.phase: line.message for line in phase_lines(one.record, one.now)}
    assert (told["Verifying"], told["RollingBack"]) == (why, "v6 again, as v8")


def test_a_rollback_that_cannot_be_pushed_is_stalled_and_goes_on() -> None:
    one = released()
    one.look(target=running(7))
    one.ends_run("failed")
    refused = PushTried(reason="PushRefused", message="protected", at=one.now)
    assert one.look(push=refused).kind == "wait"
    assert (one.record.phase, one.record.stalled) == ("RollingBack", True)
    assert one.look(180).kind == "roll_back"
    assert one.look(release_known=False, source_problem="down").kind == "wait"


def test_without_rollback_a_failed_verification_is_said() -> None:
    one = released(verify={"tags": ["smoke"], "rollback": False})
    one.look(target=running(7))
    one.ends_run("failed")
    assert (one.record.state, one.record.reason) == ("Done", "VerificationFailed")
    assert "trunkline rollback front-desk -e production" in one.record.message


def test_a_verification_nobody_could_carry_out_never_rolls_back() -> None:
    one = released()
    one.look(target=running(7))
    for pause_s in (30, 120, 300):
        one.ends_run("inconclusive", reason="JudgeUnavailable")
        one.look(pause_s)
    one.ends_run("inconclusive", reason="JudgeUnavailable")
    assert (one.record.state, one.record.reason) == ("Done", "VerificationInconclusive")


def test_without_a_predecessor_calls_are_taken_away() -> None:
    one = Promoting(verify={"tags": ["smoke"]})
    one.facts = one.facts.model_copy(update={"standing": None, "target": None})
    one.earns()
    assert one.record.settled_version == 0
    one.look(release=ReleaseFound(version=1, commit=COMMIT), standing=standing(1))
    one.look(target=running(1))
    assert one.ends_run("failed").kind == "disable"
    assert one.look().kind == "disable"
    one.look(interventions=(disabled("trunkline", one.now),))
    assert (one.record.state, one.record.reason) == ("RolledBack", "NoPredecessor")
    assert one.record.rolled_back_to is None


def test_a_hold_that_cannot_be_pushed_is_tried_again_although_calls_were_taken_away() -> None:
    one = Promoting(verify={"tags": ["smoke"]})
    one.facts = one.facts.model_copy(update={"standing": None, "target": None})
    one.earns()
    one.look(release=ReleaseFound(version=1, commit=COMMIT), standing=standing(1))
    one.look(target=running(1))
    assert one.ends_run("failed").kind == "disable"
    refused = PushTried(reason="PushRefused", message="protected", at=one.now)
    one.look(interventions=(disabled("trunkline", one.now),), push=refused)
    assert (one.record.is_open, one.record.stalled, one.move.kind) == (True, True, "wait")
    assert one.look(180).kind == "disable"
    one.look(standing=standing(1, spec={"hold": {"reason": "it failed", "by": "trunkline"}}))
    assert (one.record.state, one.record.reason) == ("RolledBack", "NoPredecessor")


def test_what_was_taken_out_of_service_is_no_predecessor() -> None:
    one = Promoting()
    one.facts = one.facts.model_copy(update={"interventions": (disabled("trunkline", NOW),)})
    assert one.earns().kind == "release"
    assert one.record.settled_version == 0
    one.look(release=RELEASED, standing=standing(7), target=running(7, health="Suspended"))
    assert one.says("abort").kind == "disable"


def test_a_rollout_over_what_is_out_of_service_is_stopped_before_calls_are_taken_away() -> None:
    one = Promoting()
    taken = (disabled("trunkline", NOW),)
    one.facts = one.facts.model_copy(update={"interventions": taken, "standing": standing(6)})
    one.earns()
    assert one.record.settled_version == 0
    one.look(release=STEPWISE, standing=standing(7), rollout=rolled_out(1, 50.0))
    assert one.says("abort").kind == "abort_rollout"
    one.look(rollout=rolled_out(1, 0.0, phase="Aborting", abort_reason="said so"))
    assert (one.record.phase, one.move.kind) == ("Rollout", "wait")
    one.look(rollout=rolled_out(1, 0.0, phase="Aborted", abort_reason="said so"))
    assert one.move.kind == "disable"


def test_an_abort_during_the_rollout_takes_the_traffic_back() -> None:
    one = released(STEPWISE)
    one.look(rollout=rolled_out(0, 10.0))
    assert one.says("abort", "cyd", "callers complain").kind == "abort_rollout"
    assert one.move.reason == "aborted by cyd: callers complain"
    one.look(rollout=rolled_out(0, 0.0, phase="Aborted", abort_reason=one.move.reason))
    assert (one.move.kind, one.move.reason) == ("roll_back", "aborted by cyd: callers complain")
    one.look(rolled_back=BACK, target=running(8))
    assert (one.record.state, one.record.reason) == ("RolledBack", "Aborted")
    assert one.record.abort_requested_by == "cyd"


@pytest.mark.parametrize("phase", ["Settling", "Verifying"])
def test_an_abort_after_the_rollout_rolls_back(phase: str) -> None:
    one = released()
    if phase == "Verifying":
        one.look(target=running(7))
    assert one.record.phase == phase
    assert one.says("abort").kind == "roll_back"


def test_an_abort_of_a_release_that_does_not_count_goes_straight_back() -> None:
    one = Promoting()
    one.earns()
    one.look(release=STEPWISE)
    seen = standing(7).seen
    one.look(standing=standing(6, seen=seen, reason="EvidenceInvalid", message="forged"))
    assert one.says("abort").kind == "roll_back"


def test_an_abort_of_the_way_back_ends_it_for_somebody_elses_rollback() -> None:
    one = released()
    one.look(target=running(7))
    one.ends_run("failed")
    one.look(5, rolled_back=BACK)
    assert one.record.is_open
    one.says("abort")
    assert (one.record.state, one.record.reason) == ("RolledBack", "VerificationFailed")


def test_a_rejection_after_the_release_is_too_late() -> None:
    one = released()
    one.says("reject")
    assert (one.record.phase, one.record.is_open) == ("Settling", True)


@pytest.mark.parametrize("back", [False, True])
def test_what_somebody_released_over_it_is_left_alone(*, back: bool) -> None:
    one = released()
    if back:
        one.look(target=running(7))
        one.ends_run("failed")
    assert one.look(standing=standing(9)).kind == "end"
    assert (one.record.state, one.record.reason) == ("Superseded", "Overtaken")


def test_a_release_that_was_removed_from_the_branch_is_over() -> None:
    one = released()
    one.look(standing=standing(7, removed=True))
    assert (one.record.state, one.record.reason) == ("Superseded", "Overtaken")


def test_what_was_removed_before_it_was_released_again_ends_nothing() -> None:
    one = Promoting()
    one.earns()
    one.look(release=RELEASED, standing=standing(6, removed=True))
    assert (one.record.phase, one.record.is_open) == ("Settling", True)


def test_a_newer_commit_does_not_touch_what_is_released() -> None:
    one = released()
    one.look(candidate=None, candidate_gone=True)
    assert (one.record.phase, one.record.is_open) == ("Settling", True)


def test_a_rollback_waits_for_no_window_soak_gate_or_approval() -> None:
    one = Promoting(windows=[{"deny": "Mon-Sun 00:00-24:00"}], approvals={"count": 5})
    one.record = record(kind="rollback", restores=5, changes="", digest=None, suite_digest="")
    held = standing(6, spec={"hold": {"reason": "because", "by": "bob"}})
    suspended = disabled("bob", NOW).model_copy(update={"verb": "suspend"})
    facts: dict[str, Any] = {"standing": held, "candidate": None, "candidate_gone": True}
    assert one.look(**facts, origin=None, interventions=(suspended,)).kind == "release"
    one.look(release=RELEASED, standing=standing(7))
    assert one.record.phase == "Settling"
    one.look(target=running(7, health="Suspended"))
    assert (one.record.state, one.record.reason) == ("Done", "")
    assert one.record.message == "v5 runs again, as v7"
    assert one.phases == ["Starting", "Releasing", "Settling", "Ended"]


def test_a_rollback_to_what_never_was_is_refused() -> None:
    one = Promoting()
    one.record = record(kind="rollback", restores=5)
    one.look(restorable=False)
    assert (one.record.state, one.record.reason) == ("Failed", "NeverReleased")
    assert "front-desk v5 was never released to production" in one.record.message


def test_a_rollback_can_be_aborted_before_it_is_committed_only() -> None:
    one = Promoting()
    one.record = record(kind="rollback", restores=5)
    one.look()
    one.says("abort")
    assert one.record.state == "Aborted"
    other = Promoting()
    other.record = record(kind="rollback", restores=5)
    other.look()
    other.look(release=RELEASED, standing=standing(7))
    other.says("abort")
    assert other.record.is_open


def disabled(by: str, at: datetime) -> Intervention:
    """The agent's calls are taken away."""
    return Intervention(
        project="acme",
        environment="production",
        kind="agent",
        name="front-desk",
        verb="disable",
        reason="v1 failed",
        by=by,
        at=at,
    )
