"""A promotion waits for exactly what it has not earned yet, and says what that is."""

from datetime import timedelta
from typing import Any

import pytest

from tests.promotions.situations import (
    NOW,
    RENDERED,
    SOURCE,
    SUITE,
    TESTED,
    Promoting,
    facts,
    record,
    rules,
    running,
    standing,
)
from trunkline.model.interventions import Intervention
from trunkline.model.limits import PROMOTION_GATES_MAX
from trunkline.model.promotions.facts import (
    Candidate,
    Deployed,
    PushTried,
    PushTrouble,
    ReleaseFound,
    RunFound,
)

RELEASED = ReleaseFound(version=7, commit="c" * 40)


def test_everything_in_order_ends_as_released_and_verified() -> None:
    one = Promoting(verify={"tags": ["smoke"]}, rollout=None)
    assert one.look().kind == "run_tests"
    assert one.move.tests is not None
    gate = one.move.tests
    assert (gate.purpose, gate.environment, gate.within) == ("gate", "production", "testing")
    assert (gate.revision, gate.agent, gate.tags) == (SOURCE, "front-desk", ())
    one.ends_run(evidence={"tests": [1]}, message="12 of 12 required tests passed")
    assert (one.record.phase, one.record.reason) == ("Soak", "Soaking")
    assert one.record.waits_until == NOW + timedelta(seconds=601)
    assert one.record.evidence == {"tests": [1]}
    one.look(600)
    assert one.record.message == (
        "waiting for 1 of 1 approvals: trunkline approve front-desk -e production"
    )
    assert one.approves().kind == "release"
    assert one.record.settled_version == 6
    one.look(release=RELEASED)
    assert (one.record.version, one.record.phase) == (7, "Settling")
    assert one.look(standing=standing(7), target=running(7)).kind == "run_tests"
    assert one.move.tests is not None
    verify = one.move.tests
    assert (verify.purpose, verify.within, verify.tags) == ("verify", "production", ("smoke",))
    assert one.ends_run().kind == "end"
    assert (one.record.state, one.record.reason) == ("Done", "")
    assert one.record.message == "v7 is released and verified"
    assert one.phases == [
        *("Starting", "Gate", "Soak", "Approval", "Window"),
        *("Releasing", "Settling", "Verifying", "Ended"),
    ]
    assert all(entry.ended_at is not None for entry in one.record.timeline)
    assert one.record.finished_at == one.now


def test_an_ended_promotion_stays_as_it_is() -> None:
    one = Promoting()
    one.look(public_key="")
    before = one.record
    assert one.look(1000, public_key="x", release=RELEASED).kind == "end"
    assert one.record == before


def test_tests_begin_once_the_origin_has_the_configuration() -> None:
    one = Promoting()
    old = Deployed(there=True, sync="OutOfSync", digest=TESTED, message="2 steps planned")
    assert one.look(origin=old).kind == "wait"
    assert (one.record.phase, one.record.reason) == ("Starting", "OriginNotSynced")
    assert "2 steps planned" in one.record.message
    one.look(origin=old.model_copy(update={"stalled": "Rejected"}))
    assert one.record.stalled
    assert one.look(origin=facts().origin).kind == "run_tests"
    assert not one.record.stalled


def test_what_could_not_be_found_out_is_waited_for() -> None:
    one = Promoting()
    unknowns: list[dict[str, Any]] = [{"rules": None}, {"candidate": None}, {"origin": None}]
    for unknown in unknowns:
        look = Promoting()
        assert look.look(**unknown).kind == "wait", unknown
        assert look.record.is_open
    one.look()
    one.ends_run()
    one.look(3600, candidate=None, authors=None, standing=None)
    assert one.record.phase == "Approval"
    assert one.approves().kind == "release"


def test_a_failed_gate_ends_it_with_the_failing_line() -> None:
    one = Promoting()
    one.look()
    line = "agents/front-desk/tests/hours.yaml:12: hours: wanted 9 to 18, found 24 hours"
    one.ends_run("failed", message="1 of 12 required tests failed", lines=(line,))
    assert (one.record.state, one.record.reason) == ("Failed", "GateFailed")
    assert one.record.message == f"1 of 12 required tests failed; {line}"
    assert one.record.gate is not None
    assert one.record.gate.lines == (line,)


def test_an_inconclusive_gate_is_tried_again_with_pauses_and_then_given_up() -> None:
    one = Promoting()
    one.look()
    names = []
    for pause_s in (30, 120, 300):
        assert one.move.tests is not None
        names.append(one.move.tests.run_id)
        assert one.ends_run("inconclusive", reason="JudgeUnavailable").kind == "wait"
        assert one.record.waits_until == one.now + timedelta(seconds=pause_s)
        assert one.look(pause_s - 1).kind == "wait"
        assert one.look(1).kind == "run_tests"
    assert one.move.tests is not None
    assert len({*names, one.move.tests.run_id}) == 4
    assert one.ends_run("inconclusive", reason="JudgeUnavailable").kind == "end"
    assert (one.record.state, one.record.reason) == ("Inconclusive", "JudgeUnavailable")


def test_no_required_test_is_inconclusive_at_once() -> None:
    one = Promoting()
    one.look()
    assert one.ends_run("inconclusive", reason="NoRequiredTests").kind == "end"
    assert (one.record.state, one.record.reason) == ("Inconclusive", "NoRequiredTests")


def test_tests_that_are_not_required_still_fail_a_promotion_and_never_hold_it() -> None:
    one = Promoting(tests={"required": False}, soak="0s")
    one.look()
    one.ends_run("inconclusive", reason="NoRequiredTests")
    assert one.record.phase == "Approval"
    other = Promoting(tests={"required": False})
    other.look()
    other.ends_run("failed")
    assert other.record.state == "Failed"


def test_a_run_about_something_else_proves_nothing() -> None:
    others: list[dict[str, Any]] = [
        {"digest": f"sha256:{'9' * 64}"},
        {"suite_digest": "sha256:other"},
    ]
    for other in others:
        one = Promoting()
        one.look()
        one.ends_run(**other)
        assert (one.record.state, one.record.reason) == ("Inconclusive", "OtherConfiguration")


def test_runs_of_promotions_are_never_shared() -> None:
    ids = set()
    for changed in (
        {},
        {"project": "other"},
        {"environment": "canary"},
        {"number": 4},
        {"agent": "f" * 63},
        {"agent": "f" * 62 + "g"},
    ):
        one = Promoting()
        one.record = record(**changed)
        one.look()
        assert one.move.tests is not None
        ids.add(one.move.tests.run_id)
    assert len(ids) == 6
    assert all(len(run_id) <= 128 for run_id in ids)


def test_a_soak_counts_only_if_the_agent_is_healthy_at_its_end() -> None:
    one = Promoting()
    one.look()
    one.ends_run()
    ill = Deployed(there=True, sync="Synced", health="Degraded", digest=TESTED, message="no voice")
    one.look(600, origin=ill)
    assert (one.record.phase, one.record.reason) == ("Soak", "OriginUnhealthy")
    assert one.record.stalled
    assert "no voice" in one.record.message
    one.look(60, origin=facts().origin)
    assert (one.record.reason, one.record.stalled) == ("Soaking", False)
    assert one.record.waits_until == one.now + timedelta(minutes=10)
    one.look(600)
    assert one.record.phase == "Approval"


def test_approvals_before_the_soak_is_over_do_not_shorten_it() -> None:
    one = Promoting()
    one.look()
    one.approves()
    assert one.phases[-1] == "Gate"
    one.ends_run()
    assert one.phases[-1] == "Soak"
    one.look(599)
    assert one.phases[-1] == "Soak"
    assert one.look(1).kind == "release"


def test_rules_that_become_stricter_send_a_promotion_back() -> None:
    one = Promoting(windows=[{"allow": "Tue 09:00-10:00"}])
    one.earns()
    assert one.phases[-1] == "Window"
    one.look(rules=rules(approvals={"count": 2}, windows=[{"allow": "Tue 09:00-10:00"}]))
    assert one.phases[-1] == "Approval"
    assert one.record.message.startswith("waiting for 1 of 2 approvals")
    assert one.approves("cyd").kind == "wait"
    assert one.phases[-1] == "Window"


def test_a_closed_window_says_when_it_opens_where_people_live() -> None:
    windows = [{"allow": "Tue 09:00-10:00", "timezone": "America/New_York"}]
    one = Promoting(windows=windows, evidence={"expires": "48h"})
    one.earns()
    assert one.record.message == "opens Tue 2026-03-03 09:00 America/New_York"
    assert one.record.waits_until is not None
    assert one.move.until == one.now + timedelta(seconds=60)
    left_s = (one.record.waits_until - one.now).total_seconds()
    assert one.look(left_s - 1).kind == "wait"
    assert one.look(1).kind == "release"


def test_a_window_that_never_opens_is_said_to_be_stalled() -> None:
    one = Promoting(windows=[{"deny": "Mon-Sun 00:00-24:00"}])
    one.earns()
    assert one.record.stalled
    assert one.record.message == "it never opens (closed by `deny: Mon-Sun 00:00-24:00`)"


def test_a_window_can_be_overridden_by_a_person() -> None:
    one = Promoting(windows=[{"allow": "Tue 09:00-10:00"}])
    one.earns()
    assert one.look(interventions=(decision("override-window"),)).kind == "release"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"digest": f"sha256:{'9' * 64}"}, "changes front-desk"),
        ({"suite_digest": f"sha256:{'8' * 64}"}, "changes the tests of front-desk"),
    ],
)
@pytest.mark.parametrize("ends_gate", [False, True])
def test_a_newer_commit_supersedes_it(
    changed: dict[str, Any], words: str, *, ends_gate: bool
) -> None:
    one = Promoting()
    one.look()
    if ends_gate:
        one.ends_run()
    candidate = candidate_at("d" * 40).model_copy(update=changed)
    assert one.look(candidate=candidate).kind == "end"
    assert one.record.state == "Superseded"
    assert words in one.record.message
    assert "dddddddddd" in one.record.message


def test_a_newer_commit_of_the_same_digest_and_suite_goes_on() -> None:
    one = Promoting()
    one.look()
    before = one.move
    assert one.look(candidate=candidate_at("d" * 40)) == before
    assert one.record.revision == SOURCE


def test_an_agent_that_left_the_branch_is_superseded() -> None:
    one = Promoting()
    one.look()
    one.look(candidate=None, candidate_gone=True)
    assert (one.record.state, one.record.message) == (
        "Superseded",
        "front-desk is gone from the branch",
    )


def test_another_rendering_for_the_target_is_tested_again() -> None:
    one = Promoting()
    one.look()
    one.ends_run()
    assert one.record.rendered_digest == RENDERED
    changed = candidate_at(SOURCE).model_copy(update={"rendered_digest": f"sha256:{'7' * 64}"})
    assert one.look(600, candidate=changed).kind == "run_tests"
    assert (one.record.phase, one.record.gate_passed_at) == ("Gate", None)
    one.ends_run()
    assert one.record.phase == "Approval"
    assert one.record.rendered_digest == changed.rendered_digest


def test_expired_evidence_is_renewed_before_the_release_and_soaks_no_second_time() -> None:
    one = Promoting(evidence={"expires": "1h"}, soak="2h")
    one.look()
    one.ends_run()
    first = one.record.gate
    assert one.look(7200).kind == "wait"
    assert one.approves().kind == "run_tests"
    assert one.record.phase == "Gate"
    assert one.record.gate != first
    assert one.ends_run().kind == "release"


def test_evidence_that_always_expires_in_time_does_not_test_for_ever() -> None:
    one = Promoting(evidence={"expires": "0s"}, soak="0s", approvals={"count": 0})
    one.look()
    asked = 0
    while one.move.kind == "run_tests":
        asked += 1
        one.ends_run()
    assert asked == PROMOTION_GATES_MAX
    assert (one.record.state, one.record.reason) == ("Inconclusive", "GateExhausted")


def test_a_promotion_is_rejected_or_aborted_by_an_audit_row_alone() -> None:
    for action, state in (("reject", "Rejected"), ("abort", "Aborted")):
        one = Promoting()
        one.look()
        one.ends_run()
        assert one.says(action, "bob", "wrong day").kind == "end"
        assert one.record.state == state
        assert "by bob: wrong day" in one.record.message
    assert one.record.abort_requested_by == "bob"


def test_rows_about_another_promotion_end_nothing() -> None:
    one = Promoting()
    one.look()
    other = Promoting()
    other.record = record(number=2)
    other.look()
    other.says("abort")
    assert one.look(audit=other.facts.audit).kind == "run_tests"


@pytest.mark.parametrize(
    "changed",
    [
        {"public_key": ""},
        {"interventions": ()},
    ],
)
def test_what_comes_up_after_the_start_holds_the_release(changed: dict[str, Any]) -> None:
    if "interventions" in changed:
        changed = {"interventions": (decision("suspend"),)}
    one = Promoting()
    one.look()
    one.ends_run()
    one.look(600)
    one.look(**changed)
    one.approves()
    assert (one.record.phase, one.move.kind) == ("Releasing", "wait")
    assert one.look(public_key=facts().public_key, interventions=()).kind == "release"


def test_a_hold_stops_only_what_nobody_asked_for() -> None:
    held = standing(6, spec={"hold": {"reason": "rolled back", "by": "trunkline"}})
    for automatic, kind in ((True, "wait"), (False, "release")):
        one = Promoting(approvals={"count": 0}, soak="0s")
        one.record = record(automatic=automatic)
        one.look()
        one.look(standing=held)
        assert one.ends_run().kind == kind
        assert one.record.stalled is False
    assert one.record.phase == "Releasing"


def test_a_refused_push_is_stalled_and_tried_again_later() -> None:
    one = Promoting()
    one.earns()
    refused = PushTried(reason="PushRefused", message="protected branch: allow it", at=one.now)
    assert one.look(push=refused).kind == "wait"
    assert (one.record.phase, one.record.stalled) == ("Releasing", True)
    assert one.record.message == "protected branch: allow it"
    assert one.look(180).kind == "release"


@pytest.mark.parametrize("reason", ["PushRejected", "PushUnanswered"])
def test_a_push_that_came_to_nothing_is_tried_at_once_a_few_times(reason: PushTrouble) -> None:
    one = Promoting()
    one.earns()
    for attempts in range(1, 5):
        tried = PushTried(reason=reason, message="moved", at=one.now, attempts=attempts)
        assert one.look(push=tried).kind == "release"
    tried = PushTried(reason=reason, message="moved", at=one.now, attempts=5)
    assert one.look(push=tried).kind == "wait"
    assert not one.record.stalled
    assert one.look(180).kind == "release"


def test_nothing_ends_while_an_unanswered_push_may_have_arrived() -> None:
    one = Promoting()
    one.earns()
    lost = PushTried(reason="PushUnanswered", message="no answer", at=one.now)
    newer = candidate_at("d" * 40).model_copy(update={"digest": f"sha256:{'9' * 64}"})
    assert one.look(push=lost, candidate=newer, release_known=False).kind == "wait"
    assert one.look(1, release_known=True).kind == "wait"
    assert one.record.is_open
    one.look(1, release=RELEASED)
    assert (one.record.version, one.record.is_open) == (7, True)


def test_nothing_ends_after_a_push_was_begun_while_git_cannot_be_asked() -> None:
    one = Promoting()
    one.earns()
    one.look(release_known=False, source_problem="no route")
    assert one.says("abort").kind == "wait"
    assert one.record.is_open
    assert "no route" in one.record.message
    one.look(release_known=True)
    assert one.record.state == "Aborted"


def test_an_unanswered_push_that_did_not_arrive_is_made_again() -> None:
    one = Promoting()
    one.earns()
    lost = PushTried(reason="PushUnanswered", message="no answer", at=one.now)
    assert one.look(push=lost, release_known=False, source_problem="down").kind == "wait"
    assert one.look(release_known=True).kind == "release"
    newer = candidate_at("d" * 40).model_copy(update={"digest": f"sha256:{'9' * 64}"})
    assert one.look(60, candidate=newer).kind == "end"
    assert one.record.state == "Superseded"


def test_a_release_found_by_its_trailer_counts_in_any_phase() -> None:
    for earned in (False, True):
        one = Promoting()
        if earned:
            one.earns()
        one.look(release=RELEASED)
        assert (one.record.version, one.record.phase) == (7, "Settling")
        assert one.record.release_commit == RELEASED.commit


def test_a_run_that_is_still_going_on_is_asked_for_again_by_the_same_name() -> None:
    one = Promoting()
    first = one.look()
    assert first.tests is not None
    going = RunFound(run_id=first.tests.run_id)
    assert one.look(3600, runs=(going,)) == first


def decision(verb: str, by: str = "bob", **changed: Any) -> Intervention:
    """Somebody's word about the agent in production."""
    said = {
        "project": "acme",
        "environment": "production",
        "kind": "agent",
        "name": "front-desk",
        "verb": verb,
        "reason": "because",
        "by": by,
        "at": NOW,
        **changed,
    }
    return Intervention.model_validate(said)


def candidate_at(revision: str) -> Candidate:
    """The agent unchanged, at another commit."""
    return Candidate.model_validate(
        {
            "revision": revision,
            "digest": TESTED,
            "suite_digest": SUITE,
            "rendered_digest": RENDERED,
        }
    )
