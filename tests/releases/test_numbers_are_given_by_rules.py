"""Who may give a production number to an agent, and when: the gate of writes, purely."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trunkline.model.approvals import approval
from trunkline.model.desired import DesiredNumber
from trunkline.model.gates import Assignment, Question, Standing, verdict
from trunkline.model.ids import AgentName, EnvironmentName, ExternalId, ProjectName
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Window
from trunkline.model.ledger import LedgerEntry
from trunkline.model.number_planner import gives_away, plan_number
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.plans import Obstacle, Plan
from trunkline.model.policies import Policy

MONDAY = datetime(2026, 3, 9, 10, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 8, 10, tzinfo=UTC)
WEEKDAYS = Window(allow="Mon-Fri 09:00-17:00")
POLICY = Policy(
    enforces=True, heals=True, mode="enforce", drift_policy="heal", sweep_interval_s=300.0
)
NUMBER = DesiredNumber(
    project=ProjectName("acme"),
    environment=EnvironmentName("production"),
    name="main-line",
    digest=f"sha256:{'a' * 64}",
    number="+15005550006",
    routing="native",
    agent=AgentName("desk"),
)
WAITING = Obstacle(reason="AwaitingRelease", message="promote it", waiting=True)


def planned(
    holder: str | None, *, applied: str | None = None, unreleased: Obstacle | None = None
) -> Plan:
    """The plan of the number, which is to reach agent_new."""
    entry = None
    if applied is not None:
        entry = LedgerEntry(
            project="acme",
            environment="production",
            kind="number",
            name="main-line",
            account="AC1",
            external_id=ExternalId("phnum_1"),
            applied={"agent": applied},
        )
    return plan_number(
        NUMBER,
        agent_external_id=ExternalId("agent_new"),
        platform=PlatformNumber(
            external_id=ExternalId("phnum_1"),
            number=NUMBER.number,
            label="main-line",
            assigned_agent_id=ExternalId(holder) if holder else None,
        ),
        carrier=CarrierNumber(
            sid=ExternalId("PN1"),
            number=NUMBER.number,
            friendly_name="Main line",
            voice_url="https://platform.example.com/voice",
            voice_fallback_url=None,
            voice_application_sid=None,
            trunk_sid=None,
            status_callback=None,
        ),
        entry=entry,
        native_url_ok=True,
        managed_agent_ids=("agent_old",),
        unreleased=unreleased,
    )


def asked(plan: Plan, **more: Any) -> Question:
    """The question about the plan."""
    return Question(kind="number", name="main-line", plan=plan, **more)


def standing(now: datetime = MONDAY, **more: Any) -> Standing:
    """The environment at a moment."""
    return Standing(environment="production", policy=POLICY, now=now, **more)


def test_another_agent_and_a_first_one_are_given_and_a_restored_one_is_not() -> None:
    assert any(map(gives_away, planned("agent_old", applied="agent_old").steps))
    assert any(map(gives_away, planned(None).steps))
    assert not any(map(gives_away, planned("agent_old", applied="agent_new").steps))


def test_a_number_is_not_given_before_the_release_is_in_place() -> None:
    held = planned("agent_old", applied="agent_old", unreleased=WAITING)
    assert (held.steps, held.obstacles) == ((), (WAITING,))
    healed = planned("agent_old", applied="agent_new", unreleased=WAITING)
    assert healed.steps
    assert planned("agent_new", applied="agent_new", unreleased=WAITING).obstacles == ()


@pytest.mark.parametrize(
    ("rules", "now", "reason"),
    [
        (None, SUNDAY, ""),
        (Assignment(windows=(WEEKDAYS,), roles=("approver",), covered=True), MONDAY, ""),
        (Assignment(windows=(WEEKDAYS,), covered=True), SUNDAY, "OutsideWindow"),
        (Assignment(windows=(WEEKDAYS,), roles=("approver",)), MONDAY, "ApprovalNeeded"),
        (Assignment(windows=(WEEKDAYS,), roles=()), MONDAY, ""),
    ],
)
def test_the_rules_of_promotion_hold_a_number_back(
    rules: Assignment | None, now: datetime, reason: str
) -> None:
    plan = planned("agent_old", applied="agent_old")
    assert verdict(standing(now), asked(plan, assignment=rules)).reason == reason


@pytest.mark.parametrize(("role", "reason"), [("approver", ""), ("operator", "ApprovalNeeded")])
def test_an_applied_plan_counts_if_its_person_had_the_role(role: str, reason: str) -> None:
    plan = planned("agent_old", applied="agent_old")
    rules = Assignment(roles=("approver",))
    applied = approval("plan-1", plan, by="ada", role=role)
    assert verdict(standing(approval=applied), asked(plan, assignment=rules)).reason == reason


def test_an_applied_plan_of_something_else_does_not_count() -> None:
    applied = approval("plan-1", planned(None), by="ada", role="approver")
    question = asked(
        planned("agent_old", applied="agent_old"), assignment=Assignment(roles=("approver",))
    )
    assert verdict(standing(approval=applied), question).reason == "PlanStale"


def test_an_emergency_and_an_overridden_window_go_through() -> None:
    plan = planned("agent_old", applied="agent_old")
    rules = Assignment(windows=(WEEKDAYS,), roles=("approver",))
    emergency = asked(plan, assignment=rules, break_glass=True)
    assert verdict(standing(SUNDAY), emergency).reason == ""
    override = Intervention(
        project="acme",
        environment="production",
        verb="override-window",
        reason="now",
        by="ada",
        at=SUNDAY,
    )
    covered = rules.model_copy(update={"covered": True})
    found = verdict(standing(SUNDAY, interventions=(override,)), asked(plan, assignment=covered))
    assert found.reason == ""
