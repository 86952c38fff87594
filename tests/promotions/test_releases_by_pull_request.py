"""A release that somebody merges: proposed when earned, tagged when merged, withdrawn otherwise."""

from datetime import timedelta
from typing import Any

import pytest

from tests.promotions.situations import TESTED, Promoting, record, rules, standing
from trunkline.model.ids import Revision
from trunkline.model.interventions import Intervention
from trunkline.model.promotions.facts import (
    Candidate,
    MergedFound,
    ProposalFound,
    PushTried,
    ReleaseFound,
)
from trunkline.model.promotions.gates import gate_of, gate_words
from trunkline.model.promotions.proposing import WITHDRAWAL_PATIENCE

COMMIT = Revision("c" * 40)
URL = "https://forge.example.com/acme/manifests/pulls/12"
OPEN = ProposalFound(number=12, url=URL, version=7, is_current=True)
NEWER = Candidate(revision=Revision("d" * 40), digest=TESTED.replace("1", "9"), suite_digest="x")


def proposing(**promotion: Any) -> Promoting:
    """A promotion whose pull request is asked for."""
    one = Promoting(**{"via": "pull-request", **promotion})
    assert one.earns().kind == "propose"
    return one


def opened(**promotion: Any) -> Promoting:
    """One whose pull request waits for somebody."""
    one = proposing(**promotion)
    assert one.look(1, proposal=OPEN).kind == "wait"
    return one


def merged(one: Promoting, **changed: Any) -> MergedFound:
    said = {"version": 7, "commit": COMMIT, "at": one.now, **changed}
    return MergedFound.model_validate(said)


def suspended() -> Intervention:
    said = {"project": "acme", "environment": "production", "verb": "suspend", "reason": "loud"}
    return Intervention.model_validate({**said, "by": "bob", "at": "2026-03-02T12:00:00Z"})


def test_a_release_is_proposed_once_everything_is_earned() -> None:
    one = Promoting(via="pull-request")
    seen = {one.look().kind, one.ends_run().kind, one.approves().kind}
    assert seen == {"run_tests", "wait"}
    assert one.look(600).kind == "propose"
    assert (one.record.phase, one.record.version) == ("Releasing", 0)
    assert one.look(1).kind == "propose", "until it is there"


def test_an_open_pull_request_is_waited_for_and_shown() -> None:
    one = opened()
    assert one.record.reason == "PullRequestOpen"
    assert URL in one.record.message
    gate = gate_of(one.record.model_copy(update={"pull_request": 12}))
    assert gate_words(gate, one.now) == "Release PR #12"


def test_what_was_merged_is_tagged_and_only_then_released() -> None:
    one = opened()
    assert one.look(1, merged=merged(one)).kind == "tag"
    assert (one.record.version, one.record.phase) == (0, "Releasing")
    found = ReleaseFound(version=7, commit=COMMIT)
    one.look(1, merged=None, release=found, proposal=None)
    assert (one.record.version, one.record.phase) == (7, "Settling")
    assert one.record.settled_version == 6


def test_a_proposal_of_a_version_that_was_taken_is_made_anew() -> None:
    one = opened()
    stale = OPEN.model_copy(update={"is_current": False})
    assert one.look(one.facts.pace.poll_s, proposal=stale).kind == "propose"


def test_evidence_that_expires_before_the_merge_is_earned_again() -> None:
    one = opened(evidence={"expires": "2h"})
    assert one.look(2 * 3600).kind == "withdraw"
    assert one.record.phase == "Gate"
    closed = OPEN.model_copy(update={"state": "closed"})
    assert one.look(1, proposal=closed).kind == "run_tests"
    one.ends_run()
    assert one.look(60).kind == "propose"


def test_what_was_merged_in_time_counts_however_late_it_is_seen() -> None:
    one = opened(evidence={"expires": "2h"})
    in_time = merged(one)
    assert one.look(3 * 3600, merged=in_time).kind == "tag"


def test_what_was_merged_too_late_is_tested_again_and_never_tagged() -> None:
    one = opened(evidence={"expires": "2h"})
    late = merged(one, at=one.now + timedelta(hours=3))
    assert one.look(3 * 3600, merged=late).kind == "run_tests"
    stale = late.model_copy(update={"is_current": False})
    gone = OPEN.model_copy(update={"state": "merged", "is_current": False})
    one.look(1, merged=stale, proposal=gone)
    one.ends_run()
    assert one.look(60).kind == "propose"


def test_somebody_who_closes_it_rejects_the_promotion() -> None:
    one = opened()
    closed = OPEN.model_copy(update={"state": "closed", "closed_by": "bob"})
    assert one.look(1, proposal=closed).kind == "end"
    assert (one.record.state, one.record.rejected_by) == ("Rejected", "bob")
    assert "#12 was closed unmerged" in one.record.message


@pytest.mark.parametrize(
    ("how", "state"),
    [("abort", "Aborted"), ("reject", "Rejected"), ("newer", "Superseded")],
)
def test_what_ends_a_promotion_closes_its_pull_request_first(how: str, state: str) -> None:
    one = opened()
    move = one.look(1, candidate=NEWER) if how == "newer" else one.says(how)
    assert move.kind == "withdraw"
    assert one.record.is_open
    assert one.look(1).kind == "withdraw", "until it is closed"
    closed = OPEN.model_copy(update={"state": "closed"})
    assert one.look(1, proposal=closed).kind == "end"
    assert one.record.state == state


def test_a_forge_that_stays_away_does_not_keep_a_promotion_from_ending() -> None:
    one = opened()
    one.says("abort")
    away = {"proposal": None, "proposal_known": False, "forge_trouble": "it does not answer"}
    one.look(120, **away)
    assert one.record.is_open
    assert one.look(WITHDRAWAL_PATIENCE.total_seconds()).kind == "end"
    assert one.record.state == "Aborted"
    assert "could not be closed" in one.record.message


def test_a_forge_that_cannot_be_asked_decides_nothing() -> None:
    one = opened()
    away = {"proposal": None, "proposal_known": False, "forge_trouble": "it does not answer"}
    assert one.look(60, **away).kind == "wait"
    assert (one.record.phase, one.record.reason) == ("Releasing", "ForgeUnknown")
    assert one.look(1, merged=merged(one)).kind == "tag"


def test_a_word_before_the_tag_is_heard_after_the_merge() -> None:
    one = opened()
    one.facts = one.facts.model_copy(update={"merged": merged(one)})
    assert one.says("abort").kind == "end"
    assert one.record.state == "Aborted"
    assert f"revert {COMMIT[:10]}" in one.record.message


def test_a_newer_commit_is_too_late_once_it_is_merged() -> None:
    one = opened()
    assert one.look(1, merged=merged(one), candidate=NEWER).kind == "tag"


def test_a_window_that_closes_leaves_the_proposal_and_holds_back_the_tag() -> None:
    one = opened(windows=[{"allow": "Mon-Sun 08:00-14:00"}])
    assert one.look(4 * 3600).kind == "wait"
    assert one.record.phase == "Window"
    assert one.look(1, merged=merged(one)).kind == "wait"
    assert (one.record.reason, one.record.version) == ("OutsideWindow", 0)
    assert one.look(16 * 3600).kind == "tag"


def test_a_suspension_holds_back_the_tag() -> None:
    one = opened()
    assert one.look(1, merged=merged(one), interventions=(suspended(),)).kind == "wait"
    assert one.record.reason == "AgentSuspended"
    assert one.look(1, interventions=()).kind == "tag"


def test_rules_that_ask_for_commits_again_close_it_first() -> None:
    one = opened()
    assert one.look(1, rules=rules(via="commit")).kind == "withdraw"
    closed = OPEN.model_copy(update={"state": "closed"})
    assert one.look(1, proposal=closed).kind == "release"


def test_approvals_that_rules_ask_for_later_close_it() -> None:
    one = opened()
    more = rules(via="pull-request", approvals={"count": 2})
    assert one.look(1, rules=more).kind == "withdraw"
    assert one.record.phase == "Approval"


def test_a_refused_branch_is_said_and_tried_later() -> None:
    one = proposing()
    refused = PushTried(reason="PushRefused", message="no branches", at=one.now)
    assert one.look(1, push=refused).kind == "wait"
    assert (one.record.stalled, one.record.message) == (True, "no branches")
    assert one.look(one.facts.pace.push_pause_s).kind == "propose"


def test_without_a_forge_it_does_not_begin() -> None:
    one = Promoting(via="pull-request")
    assert one.look(forge_problem="the repository is on no forge").kind == "end"
    assert (one.record.state, one.record.reason) == ("Failed", "PullRequestNeeded")
    assert "the repository is on no forge" in one.record.message


def test_a_rollback_is_a_commit_whatever_the_rules_say() -> None:
    one = Promoting(via="pull-request")
    one.record = record(kind="rollback", restores=5)
    assert one.look(restorable=True, forge_problem="no forge").kind == "release"


def test_a_rollback_that_had_to_be_merged_is_tagged() -> None:
    one = Promoting(via="pull-request")
    one.record = record(kind="rollback", restores=5)
    one.look(restorable=True)
    refused = PushTried(reason="PushRefused", message="proposed as #13", at=one.now)
    proposed = {**one.record.details, "proposed": True}
    one.record = one.record.model_copy(update={"details": proposed})
    assert one.look(1, push=refused, proposal=OPEN).kind == "wait"
    assert one.record.message == "proposed as #13"
    assert one.look(1, push=None, merged=merged(one)).kind == "tag"


def test_a_way_back_that_had_to_be_merged_is_tagged() -> None:
    one = opened()
    one.look(1, merged=None, release=ReleaseFound(version=7, commit=COMMIT), proposal=None)
    one.look(1, standing=standing(7))
    assert one.says("abort").kind == "roll_back"
    back = merged(one, version=8, is_back=True)
    assert one.look(1, merged=back).kind == "tag"
    assert one.record.phase == "RollingBack"
