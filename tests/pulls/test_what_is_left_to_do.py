"""Each look decides afresh what is to be planned and tested, and what it all came to."""

from datetime import timedelta
from typing import Any

import pytest

from tests.pulls.views import BASE, HEAD, SEEN, plan, reading, record
from trunkline.model.forges import PullRequest
from trunkline.model.ids import Revision
from trunkline.model.limits import COMMIT_STATUS_MAX_CHARACTERS, PULL_REQUEST_STATUSES_MAX
from trunkline.model.pull_requests import AgentCheck, CheckState
from trunkline.model.pulls.checks import (
    Findings,
    Trouble,
    as_proposed,
    begun_again,
    checked,
    first_record,
    may_check,
    plan_key,
    run_key,
    verdict,
)
from trunkline.model.pulls.readings import ReviewedAgent
from trunkline.model.pulls.statuses import commit_statuses
from trunkline.model.testing.results import TestRunReport

NEWER, LATER = Revision("a" * 40), Revision("b" * 40)
AGENTS = (
    ReviewedAgent(name="front-desk", change="configuration", tests=2, runner="platform"),
    ReviewedAgent(name="lab", change="added", tests=1),
    ReviewedAgent(name="night-desk", change="configuration"),
)
PLANS = {"testing": plan("testing"), "production": plan("production")}


def pull(**more: Any) -> PullRequest:
    given: dict[str, Any] = {
        "number": 7,
        "title": "A shorter greeting",
        "author": "ada",
        "state": "open",
        "head": HEAD,
        "head_branch": "shorter",
        "head_ref": "refs/pull/7/head",
        "base_branch": "main",
        **more,
    }
    return PullRequest.model_validate(given)


def report(run_id: str, **more: Any) -> TestRunReport:
    given: dict[str, Any] = {
        "id": run_id,
        "project": "acme",
        "environment": "testing",
        "state": "Finished",
        "outcome": "passed",
        **more,
    }
    return TestRunReport.model_validate(given)


def reports(**outcomes: dict[str, Any]) -> dict[str, TestRunReport]:
    """Reports by agent and side: ``front-desk_current``."""
    found = {}
    for place, said in outcomes.items():
        agent, side = place.replace("_desk", "-desk").rsplit("_", 1)
        key = run_key(record(), agent, current=side == "current")
        found[key] = report(key, **said)
    return found


ALL = reports(front_desk_candidate={}, front_desk_current={}, lab_candidate={})


def test_everything_is_left_to_do_at_first() -> None:
    found = checked(record(), reading(agents=AGENTS), Findings())
    assert found.plans == ("testing", "production")
    assert [(run.agent, run.current, run.platform) for run in found.runs] == [
        ("front-desk", False, True),
        ("lab", False, False),
        ("front-desk", True, True),
    ]
    assert [one.state for one in found.record.agents] == ["running", "running"]
    assert verdict(found.record) == "running"


def test_nothing_is_left_to_do_in_the_end() -> None:
    found = checked(record(), reading(agents=AGENTS), Findings(plans=PLANS, reports=ALL))
    assert found.settled
    assert verdict(found.record) == "passed"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"outcome": "failed"}, "failed"),
        ({"outcome": "inconclusive", "reason": "NoPlace"}, "inconclusive"),
        ({"state": "Blocked", "outcome": None, "reason": "BudgetExhausted"}, "inconclusive"),
        ({"state": "Cancelled", "outcome": None}, "inconclusive"),
        ({"state": "Running", "outcome": None}, "running"),
    ],
)
def test_only_what_passed_counts_as_passed(said: dict[str, Any], state: CheckState) -> None:
    given = {**ALL, **reports(front_desk_candidate=said)}
    found = checked(record(), reading(agents=AGENTS), Findings(plans=PLANS, reports=given))
    assert found.record.agents[0].state == state
    assert verdict(found.record) == state


def test_what_runs_now_fails_nobody() -> None:
    given = {**ALL, **reports(front_desk_current={"outcome": "failed"})}
    found = checked(record(), reading(agents=AGENTS), Findings(plans=PLANS, reports=given))
    assert verdict(found.record) == "passed"


def test_a_lost_run_is_inconclusive_and_not_begun_again() -> None:
    key = run_key(record(), "lab", current=False)
    lost = {key: Trouble(key=key, reason="RunLost", message="the run of tests ended")}
    given = {name: one for name, one in ALL.items() if name != key}
    found = checked(
        record(), reading(agents=AGENTS), Findings(plans=PLANS, reports=given, troubles=lost)
    )
    assert found.settled
    assert found.record.agents[1].state == "inconclusive"
    assert "RunLost" in found.record.agents[1].message


@pytest.mark.parametrize(("definite", "state"), [(True, "failed"), (False, "inconclusive")])
def test_a_plan_that_cannot_be_made_is_told_apart(definite: bool, state: CheckState) -> None:
    key = plan_key(record(), "testing")
    trouble = Trouble(key=key, reason="Unavailable", message="down", definite=definite)
    found = checked(
        record(),
        reading(),
        Findings(plans={"production": PLANS["production"]}, troubles={key: trouble}),
    )
    assert found.settled
    assert found.record.plan == state


def test_an_invalid_head_is_refused_and_begins_nothing() -> None:
    invalid = reading(merged=None, reason="InvalidManifests", message="1 problem")
    found = checked(record(agents=(AgentCheck(agent="a", state="passed"),)), invalid, Findings())
    assert found.settled
    assert (found.record.plan, found.record.agents) == ("refused", ())


def test_a_new_environment_is_planned_after_the_merge() -> None:
    new = reading().model_copy(
        update={
            "environments": tuple(
                one.model_copy(update={"new": one.name == "testing"})
                for one in reading().environments
            )
        }
    )
    assert checked(record(), new, Findings()).plans == ("production",)


def test_a_fork_is_neither_planned_nor_tested_until_its_head_is_trusted() -> None:
    fork = record(is_fork=True)
    found = checked(fork, reading(agents=AGENTS), Findings())
    assert (found.plans, found.runs) == ((), ())
    assert verdict(found.record) == "waiting"
    assert [one.run_id for one in found.record.agents] == [""] * len(found.record.agents)
    trusted = checked(
        fork.model_copy(update={"trusted_head": HEAD}), reading(agents=AGENTS), Findings()
    )
    assert trusted.plans == ("testing", "production")
    assert trusted.runs
    invalid = reading(reason="InvalidManifests", message="1 problem")
    assert checked(fork, invalid, Findings()).record.plan == "refused"
    assert not may_check(fork.model_copy(update={"trusted_head": NEWER}))


def test_another_head_begins_everything_anew_and_is_not_trusted() -> None:
    known = record(is_fork=True, trusted_head=HEAD, plan="passed")
    moved = as_proposed(known, pull(head=NEWER, is_fork=True), BASE, SEEN + timedelta(hours=1))
    assert (moved.head, moved.trusted_head, moved.plan) == (NEWER, None, "waiting")
    assert (moved.plan_round, moved.test_round) == (2, 2)
    assert moved.head_seen_at == SEEN + timedelta(hours=1)
    back = as_proposed(moved, pull(is_fork=True), BASE, SEEN + timedelta(hours=2))
    assert (back.head, back.trusted_head, back.plan_round) == (HEAD, None, 3)


def test_a_branch_that_moves_on_changes_nothing_until_somebody_asks() -> None:
    known = record(plan="passed")
    assert as_proposed(known, pull(), LATER, SEEN).base == BASE
    again = begun_again(known, LATER, plans=True, tests=False)
    assert (again.base, again.plan_round, again.test_round) == (LATER, 2, 2)
    same = begun_again(known, BASE, plans=False, tests=True)
    assert (same.plan_round, same.test_round, same.plan) == (1, 2, "passed")


def test_the_first_look_sees_the_head_now() -> None:
    made = as_proposed(first_record("acme", pull(), SEEN), pull(), BASE, SEEN)
    assert (made.head_seen_at, made.base, made.plan_round) == (SEEN, BASE, 1)
    closed = as_proposed(made, pull(state="merged", head=NEWER), None, SEEN)
    assert (closed.state, closed.head) == ("merged", HEAD)


def test_ids_of_runs_fit_an_address_and_differ() -> None:
    long = "a" * 63
    keys = {
        run_key(record(project=project, number=2**31 - 1), agent, current=current)
        for project in ("acme", "acme-eu")
        for agent in (long, f"{long[:-1]}b")
        for current in (False, True)
    }
    assert len(keys) == 8
    assert all(len(key) <= 128 for key in keys)


def test_statuses_are_few_and_short() -> None:
    agents = tuple(
        AgentCheck(agent=f"agent-{n}", state="passed", message="x" * 500)
        for n in range(PULL_REQUEST_STATUSES_MAX)
    )
    few = commit_statuses(record(plan="passed", agents=agents), reading())
    assert [one.context for one in few[:2]] == ["trunkline/plan", "trunkline/tests/agent-0"]
    assert max(len(one.description) for one in few) == COMMIT_STATUS_MAX_CHARACTERS
    more = (*agents, AgentCheck(agent="last", state="failed"))
    many = commit_statuses(record(plan="passed", agents=more), reading())
    assert [(one.context, one.state, one.description) for one in many[1:]] == [
        ("trunkline/tests", "failure", "1 failed, 20 passed")
    ]


def test_a_status_of_a_closed_pull_request_is_never_left_open() -> None:
    closed = record(
        state="closed", plan="running", agents=(AgentCheck(agent="a", state="running"),)
    )
    assert [one.state for one in commit_statuses(closed, None)] == ["error", "error"]
