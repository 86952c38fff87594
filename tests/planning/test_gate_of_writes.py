"""One gate, one order of reasons: what holds a plan back, in words, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.model.approvals import approval
from trunkline.model.gates import HOLD_REASONS, Question, Standing, refusal, verdict
from trunkline.model.ids import ExternalId
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Window
from trunkline.model.planner import join_plans, plan_digest
from trunkline.model.plans import Change, Plan, Step
from trunkline.model.policies import Policy

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CLOSED = Window(allow="Mon-Fri 14:00-17:00")


def policy(**said: Any) -> Policy:
    facts: dict[str, Any] = {
        "mode": "enforce",
        "heals": True,
        "drift_policy": "heal",
        "sweep_interval_s": 300.0,
        **said,
    }
    return Policy(enforces=facts["mode"] == "enforce", **facts)


def decision(verb: Any, **said: Any) -> Intervention:
    facts: dict[str, Any] = {"environment": "testing", "reason": "because", "by": "alice", **said}
    return Intervention(project="acme", verb=verb, at=NOW, **facts)


def plan(origin: Any = "git", *, base: str = "v1", new: Any = 1.1) -> Plan:
    change = Change(operation="~", path="voice.speed", old=1.0, new=new, origin=origin)
    step = Step(
        action="update",
        subject="agent",
        name="front-desk",
        key="front-desk",
        external_id=ExternalId("agent_1"),
        changes=(change,),
        summary="update agent front-desk: 1 attribute",
    )
    return Plan(
        project="acme",
        environment="testing",
        digest=plan_digest((step,), base),
        steps=(step,),
        base_version_id=base,
        parts={"agent/front-desk": base},
    )


def standing(*interventions: Intervention, **said: Any) -> Standing:
    approved = said.pop("approved", None)
    return Standing(
        environment="testing",
        policy=policy(**said),
        now=NOW,
        interventions=interventions,
        approval=approval("plan-1", approved, by="bob") if approved is not None else None,
    )


def asked(made: Plan | None = None, **said: Any) -> Question:
    facts: dict[str, Any] = {"accounts": ("el-1",), **said}
    return Question(kind="agent", name="front-desk", plan=made or plan(), **facts)


SUSPEND = decision("suspend", expires_at=NOW + timedelta(hours=1))
CONFIRMED = decision("enforce", details={"accounts": ["el-1"]})


@pytest.mark.parametrize(
    ("where", "question", "reason"),
    [
        (standing(), asked(), ""),
        (standing(SUSPEND), asked(), "Suspended"),
        (standing(SUSPEND, mode="observe"), asked(), "Suspended"),
        (standing(decision("suspend", environment="")), asked(), "Suspended"),
        (standing(decision("suspend", kind="agent", name="other")), asked(), ""),
        (standing(decision("suspend", environment="production")), asked(), ""),
        (standing(mode="observe"), asked(), "ModeObserve"),
        (standing(mode="observe", approved=plan()), asked(reason="apply"), "ModeObserve"),
        (standing(mode="approve"), asked(), "ApprovalNeeded"),
        (standing(mode="approve", approved=plan()), asked(), ""),
        (standing(mode="approve", approved=plan(base="v0")), asked(), "PlanStale"),
        (standing(mode="approve", approved=plan(new=2)), asked(), "PlanStale"),
        (standing(mode="approve", windows=(CLOSED,), approved=plan()), asked(), "OutsideWindow"),
        (standing(approved=plan(base="v0")), asked(), ""),
        (standing(approved=plan(base="v0")), asked(reason="apply"), "PlanStale"),
        (standing(live=True), asked(), "EnforceNotConfirmed"),
        (standing(CONFIRMED, live=True), asked(), ""),
        (standing(CONFIRMED, live=True), asked(accounts=("el-2",)), "EnforceNotConfirmed"),
        (standing(live=True, mode="approve", approved=plan()), asked(), ""),
        (standing(windows=(CLOSED,)), asked(), "OutsideWindow"),
        (standing(decision("override-window"), windows=(CLOSED,)), asked(), ""),
        (standing(heals=False, drift_policy="report"), asked(plan("drift")), "DriftReported"),
        (standing(heals=False, drift_policy="report"), asked(plan("drift"), reason="sync"), ""),
        (standing(heals=False, drift_policy="report"), asked(), ""),
        (standing(), asked(budget_stop="6 agents are 5 too many"), "PruneBudgetExceeded"),
    ],
)
def test_the_first_reason_in_order_is_told(
    where: Standing, question: Question, reason: str
) -> None:
    found = verdict(where, question)
    assert (found.reason, found.held) == (reason, bool(reason))
    assert reason == "" or reason in HOLD_REASONS
    assert bool(found.message) is bool(reason)


def test_nothing_to_write_is_held_by_nothing() -> None:
    empty = Plan(project="acme", environment="testing", digest=plan_digest((), None))
    assert not verdict(standing(SUSPEND, mode="observe"), asked(empty)).held


def test_an_emergency_passes_everything_but_an_environment_that_never_writes() -> None:
    held = standing(SUSPEND, mode="approve", windows=(CLOSED,), heals=False)
    assert not verdict(held, asked(plan("drift"), break_glass=True)).held
    assert verdict(standing(mode="observe"), asked(break_glass=True)).reason == "ModeObserve"
    unconfirmed = verdict(standing(live=True), asked(break_glass=True))
    assert unconfirmed.reason == "EnforceNotConfirmed"


def test_when_it_may_change_is_data() -> None:
    assert verdict(standing(SUSPEND), asked()).changes_at == NOW + timedelta(hours=1)
    longer = decision("suspend", environment="", expires_at=NOW + timedelta(hours=2))
    assert verdict(standing(SUSPEND, longer), asked()).changes_at == NOW + timedelta(hours=2)
    for_good = decision("suspend", environment="")
    assert verdict(standing(SUSPEND, for_good), asked()).changes_at is None
    opens_at = verdict(standing(windows=(CLOSED,)), asked()).changes_at
    assert opens_at == NOW + timedelta(hours=2)


def test_the_words_say_who_why_and_what_to_type() -> None:
    suspended = verdict(standing(SUSPEND), asked()).message
    assert suspended == (
        "testing was suspended by alice until 2026-03-02 13:00 UTC: because;"
        " 1 step planned, none written"
    )
    approve = verdict(standing(mode="approve"), asked()).message
    assert approve.endswith("to let it through: trunkline apply --environment testing")
    stale = verdict(standing(mode="approve", approved=plan(base="v0")), asked()).message
    assert "it was v0, now it is v1" in stale
    window = verdict(standing(windows=(Window(deny="Mon 11:00-13:00"),)), asked()).message
    assert "frozen by `deny: Mon 11:00-13:00` (UTC), opens 2026-03-02 13:00 UTC" in window


def test_what_the_whole_environment_refuses_is_known_before_anything_starts() -> None:
    joined = join_plans([plan()], project="acme", environment="testing")
    assert refusal(standing(mode="observe"), joined, ()).reason == "ModeObserve"
    assert refusal(standing(SUSPEND), joined, ()).reason == "Suspended"
    assert refusal(standing(windows=(CLOSED,)), joined, ()).reason == "OutsideWindow"
    assert not refusal(standing(mode="approve"), joined, ()).held
