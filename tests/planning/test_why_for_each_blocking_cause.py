"""``why`` for every cause that blocks, word by word: one text file each beside this test."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trunkline.model import errors
from trunkline.model.approvals import approval
from trunkline.model.conditions import Condition
from trunkline.model.gates import Question, Standing, verdict
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Window
from trunkline.model.planner import plan_digest
from trunkline.model.plans import Change, Obstacle, Plan, Step
from trunkline.model.policies import Policy
from trunkline.model.problems import Position, Problem
from trunkline.model.records import SourceState, StatusRow, WishRecord
from trunkline.model.status import Round, failure_of, summarise
from trunkline.model.why import Explanation, Facts, explain, why_text

GOLDEN = Path(__file__).parent / "why"
RECORDING = "TRUNKLINE_RECORD_GOLDENS"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
APPLIED = Revision("3f0c1f7c9f" * 4)
NEWER = Revision("a1b2c3d4e5" * 4)
GOOD = Condition(type="Ready", status="True", reason="Applied")


def plan(base: str = "v1", origin: Any = "git") -> Plan:
    change = Change(operation="~", path="voice.speed", old=1.0, new=1.1, origin=origin)
    step = Step(
        action="update",
        subject="agent",
        name="front-desk",
        key="front-desk",
        external_id=ExternalId("agent_7"),
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


def obstructed(reason: str, message: str) -> Plan:
    obstacle = Obstacle(reason=reason, message=message, waiting=True)
    return Plan(
        project="acme",
        environment="testing",
        digest=plan_digest((), None),
        obstacles=(obstacle,),
    )


def standing(*decided: Intervention, approved: Plan | None = None, **said: Any) -> Standing:
    facts: dict[str, Any] = {"mode": "enforce", "windows": (), **said}
    rules = Policy(
        enforces=facts["mode"] == "enforce",
        sweep_interval_s=300.0,
        **{"heals": True, "drift_policy": "heal", **facts},
    )
    return Standing(
        environment="testing",
        policy=rules,
        now=NOW,
        interventions=decided,
        approval=approval("5e5e5e", approved, by="bob@example.com") if approved else None,
    )


def row(kind: Any = "agent", name: str = "front-desk", **outcome: Any) -> StatusRow:
    """What the last round left, as the reconciler itself words it."""
    facts: dict[str, Any] = {
        "project": "acme",
        "environment": "testing",
        "kind": kind,
        "name": name,
        "revision": APPLIED,
        "external_id": ExternalId("agent_7"),
        "plan": Plan(project="acme", environment="testing", digest=plan_digest((), None)),
        **outcome,
    }
    status = summarise(Round.model_validate(facts))
    return StatusRow(**status.model_dump(by_alias=False), created_at=NOW, changed_at=NOW)


def held(where: Standing, made: Plan | None = None, **question: Any) -> dict[str, Any]:
    """A round that the gate held, with the gate's own words."""
    made = made or plan()
    asked = Question(kind="agent", name="front-desk", plan=made, accounts=("el-1",), **question)
    found = verdict(where, asked)
    assert found.held
    status = row(plan=made, writes=False, hands_off=found.message, held_reason=found.reason)
    return {"standing": where, "status": status}


def failed(error: errors.TrunklineError, position: str = "") -> dict[str, Any]:
    status = row(plan=plan(), failure=failure_of(error), position=position)
    return {"status": status, "next_look_at": NOW + timedelta(seconds=64)}


def source(**said: Any) -> SourceState:
    facts: dict[str, Any] = {
        "seen_revision": APPLIED,
        "applied_revision": APPLIED,
        "author": "Ada",
        "subject": "Speak a little faster",
        "conditions": (GOOD,),
        **said,
    }
    return SourceState(project="acme", **facts)


def refused(error: str, message: str, *problems: Problem, signature: str = "") -> SourceState:
    wrong = Condition(type="Ready", status="False", reason=error, message=message)
    return source(
        seen_revision=NEWER,
        subject="Speak much faster",
        conditions=(wrong,),
        problems=problems,
        signature=signature,
    )


def stalled(kind: Any, name: str, reason: str, message: str) -> StatusRow:
    condition = Condition(type="Stalled", status="True", reason=reason, message=message)
    return StatusRow(
        project="acme",
        environment="testing",
        kind=kind,
        name=name,
        conditions=(condition,),
        created_at=NOW,
        changed_at=NOW,
    )


def wish(**said: Any) -> WishRecord:
    return WishRecord(
        project="acme",
        environment="testing",
        kind=said.pop("kind", "agent"),
        name=said.pop("name", "front-desk"),
        wish_digest=Digest("sha256:" + "5e" * 32),
        revision=APPLIED,
        body={},
        **said,
    )


def answered(**said: Any) -> Explanation:
    facts: dict[str, Any] = {
        "environment": "testing",
        "kind": "agent",
        "name": "front-desk",
        "poll_interval_s": 60.0,
        "source": source(),
        "wish": wish(),
        "standing": standing(),
        "status": row(),
        "answers": True,
        **said,
    }
    return explain(Facts(project="acme", **facts))


def kept(reason: str, words: str) -> dict[str, Any]:
    """A round that left something Git no longer names where it is."""
    message = f"removed from Git; {words}"
    status = row(removed=True, plan=None, kept_reason=reason, kept_message=message)
    return {"wish": wish(removed=True), "status": status}


BROKEN = Problem(
    message="`speed` must be at most 1.2",
    position=Position(file="agents/front-desk.yaml", line=9, column=12),
)
SUSPENDED = Intervention(
    project="acme",
    environment="testing",
    verb="suspend",
    reason="the booking system is down",
    by="alice@example.com",
    at=NOW,
    expires_at=NOW + timedelta(hours=2),
)
FROZEN = Window(deny="Mon-Fri 11:00-13:30", timezone="Europe/London")
BUDGET = "6 agents to delete are more than the 5 allowed at once"

CAUSES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "unreadable-repository": (
        {"source": refused("SourceUnreachable", "git.example.com does not answer")},
        ["commit"],
    ),
    "unsigned-head": (
        {"source": refused("HeadUnsigned", "a1b2c3d4e5 is not signed", signature="unsigned")},
        ["signature"],
    ),
    "invalid-commit": (
        {"source": refused("InvalidManifests", "1 problem in the manifests", BROKEN)},
        ["validity"],
    ),
    "mode-observe": (held(standing(mode="observe")), ["mode"]),
    "approval-needed": (held(standing(mode="approve")), ["mode"]),
    "stale-plan": (
        held(standing(mode="approve", approved=plan("v0")), reason="apply"),
        ["mode"],
    ),
    "enforce-not-confirmed": (held(standing(live=True)), ["mode"]),
    "drift-reported": (
        held(standing(heals=False, drift_policy="report"), plan(origin="drift")),
        ["mode"],
    ),
    "adoption-differs": (
        held(standing(), plan().model_copy(update={"differs": ("agent front-desk: voice.speed",)})),
        ["mode"],
    ),
    "suspended": (held(standing(SUSPENDED)), ["suspension"]),
    "window-closed": (held(standing(windows=(FROZEN,))), ["window"]),
    "prune-budget": (
        {
            "wish": wish(removed=True),
            "environment_row": stalled("environment", "testing", "PruneBudgetExceeded", BUDGET),
        },
        ["budget"],
    ),
    "prune-paused": (kept("PrunePaused", "kept, pruning is paused: the store is new"), ["budget"]),
    "prune-pending": (kept("PrunePending", "deleted at 12:30 unless it comes back"), ["budget"]),
    "prune-protected": (kept("Protected", "kept, alice protects it: the main line"), ["budget"]),
    "prune-unverified": (kept("PruneUnverified", "kept, the newest commit is bad"), ["budget"]),
    "dependency-not-ready": (
        {
            "kind": "number",
            "name": "main-line",
            "wish": wish(kind="number", name="main-line"),
            "status": row(
                "number",
                "main-line",
                plan=obstructed(
                    "DependencyNotReady", "number main-line waits for agent front-desk"
                ),
            ),
            "next_look_at": NOW + timedelta(seconds=8),
        },
        ["dependency"],
    ),
    "rate-limited": (
        failed(errors.RateLimited("ElevenLabs allows no more requests", retry_after_s=60.0)),
        ["rate limit"],
    ),
    "account-unavailable": (
        {
            "accounts": (
                stalled(
                    "account",
                    "elevenlabs",
                    "AccountUnavailable",
                    "ElevenLabs failed 5 times in a row; not asked for 30s",
                ),
            )
        },
        ["rate limit"],
    ),
    "vendor-rejected": (
        failed(
            errors.Rejected("speed: Input should be at most 1.2", path="voice.speed"),
            "agents/front-desk.yaml:9:12",
        ),
        ["vendor"],
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_whole_chain_is_told(cause: str) -> None:
    facts, blocking = CAUSES[cause]
    found = answered(**facts)
    assert list(found.blocking) == blocking
    told = why_text(found)
    golden = GOLDEN / f"{cause}.txt"
    if os.environ.get(RECORDING):
        golden.write_text(told)
    assert told == golden.read_text()


def test_every_golden_text_belongs_to_a_cause() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CAUSES)


def test_several_causes_are_all_told_and_what_was_not_tried_is_not_judged() -> None:
    where = standing(SUSPENDED, mode="observe", windows=(FROZEN,))
    found = answered(**held(where))
    assert found.blocking == ("mode", "suspension", "window")
    states = {link.name: link.state for link in found.links}
    assert states["dependency"] == states["rate limit"] == states["vendor"] == "not-reached"
    assert states["budget"] == "ok"


def test_what_nobody_answered_is_unknown_and_not_guessed() -> None:
    found = answered(source=None, wish=None, standing=None, status=None, answers=False)
    assert {link.state for link in found.links} <= {"unknown", "ok"}
    states = {link.name: link.state for link in found.links}
    assert states["mode"] == states["vendor"] == states["commit"] == "unknown"


def test_a_settled_agent_tells_what_would_hold_its_next_change() -> None:
    found = answered(standing=standing(SUSPENDED))
    assert "the next change would be held back by: suspension" in found.headline
