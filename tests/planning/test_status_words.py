"""What a round's outcome is called; equal meaning is an equal row, and events mark transitions."""

from typing import Any

import pytest

from trunkline.model import errors
from trunkline.model.ids import ExternalId, Revision
from trunkline.model.planner import plan_digest
from trunkline.model.plans import Change, Obstacle, Plan, Step
from trunkline.model.records import StatusRecord
from trunkline.model.status import (
    Failure,
    Round,
    details_markdown,
    failure_of,
    summarise,
    transitions,
)


def plan_of(*origins: Any, obstacles: tuple[Obstacle, ...] = ()) -> Plan:
    changes = tuple(Change(operation="~", path=f"p{n}", origin=o) for n, o in enumerate(origins))
    said: dict[str, Any] = {
        "action": "update",
        "subject": "agent",
        "name": "front-desk",
        "key": "front-desk",
        "changes": changes,
        "summary": "update agent front-desk",
        "calls": 4,
    }
    steps = (Step(**said),) if changes else ()
    return Plan(
        project="acme",
        environment="testing",
        digest=plan_digest(steps, None),
        steps=steps,
        obstacles=obstacles,
    )


def outcome(**facts: Any) -> Round:
    said: dict[str, Any] = {
        "project": "acme",
        "environment": "testing",
        "kind": "agent",
        "name": "front-desk",
        "external_id": ExternalId("agent_1"),
        "plan": plan_of(),
    }
    return Round(**{**said, **facts})


def words(status: StatusRecord) -> tuple[str, str, list[tuple[str, str, str]]]:
    return (
        status.sync,
        status.health,
        [(c.type, c.status, c.reason) for c in status.conditions],
    )


BLOCKED = Obstacle(reason="NumberTaken", message="number main is taken")
WAITING = Obstacle(reason="DependencyNotReady", message="waits for its agent", waiting=True)


@pytest.mark.parametrize(
    ("facts", "sync", "health", "conditions"),
    [
        ({}, "Synced", "Healthy", [("Ready", "True", "AsWished")]),
        (
            {"plan": plan_of("git"), "executed": True},
            "Synced",
            "Healthy",
            [("Ready", "True", "AsWished")],
        ),
        ({"lifecycle": "inactive"}, "Synced", "Suspended", [("Ready", "True", "Inactive")]),
        (
            {"plan": None, "external_id": None},
            "Unknown",
            "Progressing",
            [("Ready", "Unknown", "Pending"), ("Reconciling", "True", "Pending")],
        ),
        (
            {"plan": plan_of("git")},
            "OutOfSync",
            "Progressing",
            [("Ready", "Unknown", "Applying"), ("Reconciling", "True", "Applying")],
        ),
        (
            {"plan": plan_of("git"), "writes": False, "hands_off": "mode is observe"},
            "OutOfSync",
            "Healthy",
            [("Ready", "True", "ChangesPlanned")],
        ),
        (
            {"plan": plan_of("git"), "writes": False, "external_id": None},
            "OutOfSync",
            "Progressing",
            [("Ready", "False", "ChangesPlanned")],
        ),
        (
            {"plan": plan_of("drift"), "writes": False},
            "OutOfSync",
            "Healthy",
            [("Ready", "True", "DriftReported"), ("Drifted", "True", "ChangedOutsideGit")],
        ),
        (
            {"plan": plan_of("drift"), "executed": True},
            "Synced",
            "Healthy",
            [("Ready", "True", "AsWished")],
        ),
        (
            {
                "plan": plan_of("drift"),
                "kind": "number",
                "writes": False,
                "held_reason": "DriftReported",
            },
            "OutOfSync",
            "Degraded",
            [("Ready", "True", "DriftReported"), ("Drifted", "True", "ChangedOutsideGit")],
        ),
        (
            {"plan": plan_of(obstacles=(BLOCKED,))},
            "OutOfSync",
            "Degraded",
            [("Ready", "False", "NumberTaken"), ("Stalled", "True", "NumberTaken")],
        ),
        (
            {"plan": plan_of(obstacles=(WAITING,)), "kind": "number", "external_id": None},
            "OutOfSync",
            "Progressing",
            [
                ("Ready", "False", "DependencyNotReady"),
                ("Reconciling", "True", "DependencyNotReady"),
            ],
        ),
        (
            {"plan": plan_of(obstacles=(WAITING, BLOCKED))},
            "OutOfSync",
            "Degraded",
            [("Ready", "False", "NumberTaken"), ("Stalled", "True", "NumberTaken")],
        ),
        ({"removed": True}, "Synced", "Healthy", [("Ready", "True", "Kept")]),
        (
            {"removed": True, "external_id": None},
            "Synced",
            "Missing",
            [("Ready", "True", "Kept")],
        ),
    ],
)
def test_an_outcome_has_its_words(
    facts: dict[str, Any], sync: str, health: str, conditions: list[tuple[str, str, str]]
) -> None:
    assert words(summarise(outcome(**facts))) == (sync, health, conditions)


STALLED = [
    errors.Rejected("voice_id is unknown", path="conversation_config.tts.voice_id"),
    errors.CredentialsRejected("the key is wrong"),
    errors.NotPersisted("tts.speed did not persist"),
    errors.InvalidInput("cannot be said"),
    errors.CreateUnresolved("5 creates were sent and none appeared"),
]
RECONCILING = [
    errors.RateLimited("slow down", retry_after_s=2.0),
    errors.Unavailable("no answer"),
    errors.OutcomeUnknown("the answer was lost"),
    errors.RemoteMissing("no such agent"),
    errors.Conflict("somebody committed"),
    errors.ClaimPending("another agent makes it"),
    errors.StoreUnavailable("PostgreSQL does not answer"),
]


@pytest.mark.parametrize("error", STALLED, ids=lambda error: error.reason)
def test_errors_that_need_a_person_stall(error: errors.TrunklineError) -> None:
    status = summarise(outcome(failure=failure_of(error)))
    assert words(status) == (
        "OutOfSync",
        "Degraded",
        [("Ready", "False", error.reason), ("Stalled", "True", error.reason)],
    )
    missing = summarise(outcome(failure=failure_of(error), external_id=None))
    assert missing.health == "Missing"


@pytest.mark.parametrize("error", RECONCILING, ids=lambda error: error.reason)
def test_errors_that_pass_keep_reconciling(error: errors.TrunklineError) -> None:
    status = summarise(outcome(failure=failure_of(error)))
    assert words(status) == (
        "Unknown",
        "Unknown",
        [("Ready", "Unknown", error.reason), ("Reconciling", "True", error.reason)],
    )


def test_a_refusal_has_the_vendors_words_and_the_manifest_line() -> None:
    refused = errors.Rejected(
        "A voice with id x was not found.", path="conversation_config.tts.voice_id", request_id="r1"
    )
    status = summarise(
        outcome(failure=failure_of(refused), position="agents/front-desk/agent.yaml:21:5")
    )
    assert status.message == (
        "agents/front-desk/agent.yaml:21:5: A voice with id x was not found."
        " (at conversation_config.tts.voice_id)"
    )


def test_a_status_holds_nothing_that_changes_by_itself() -> None:
    first = errors.RateLimited("slow down", retry_after_s=2.0, request_id="r1")
    second = errors.RateLimited("slow down", retry_after_s=3.5, request_id="r2")
    assert summarise(outcome(failure=failure_of(first))) == summarise(
        outcome(failure=failure_of(second))
    )


def test_a_failure_survives_the_way_through_json() -> None:
    failure = failure_of(errors.RateLimited("slow down", retry_after_s=2.0))
    assert Failure.model_validate_json(failure.model_dump_json()) == failure
    assert failure.retry_after_s == 2.0


def test_a_long_message_is_bounded() -> None:
    status = summarise(outcome(failure=Failure(reason="Rejected", message="x" * 10_000)))
    assert len(status.message) == 2_000


def test_events_are_written_on_transitions_only() -> None:
    ready = summarise(outcome())
    stalled = summarise(outcome(failure=failure_of(STALLED[0])))
    assert [(e.type, e.reason) for e in transitions(None, ready)] == [("Normal", "AsWished")]
    assert transitions(ready, ready) == ()
    assert [(e.type, e.reason) for e in transitions(ready, stalled)] == [("Warning", "Rejected")]
    assert transitions(stalled, stalled) == ()
    assert [(e.type, e.reason) for e in transitions(stalled, ready)] == [("Normal", "AsWished")]


def test_drift_and_its_end_are_events() -> None:
    ready = summarise(outcome())
    drifted = summarise(outcome(plan=plan_of("drift"), writes=False))
    assert ("Warning", "ChangedOutsideGit") in [
        (e.type, e.reason) for e in transitions(ready, drifted)
    ]
    assert ("Normal", "DriftResolved") in [(e.type, e.reason) for e in transitions(drifted, ready)]


def test_details_read_like_a_status_page() -> None:
    status = summarise(
        outcome(plan=plan_of("git"), revision=Revision("3f0c" * 10), numbers=("+15005550006",))
    )
    assert details_markdown(status, plan_of("git")) == (
        "**agent front-desk** in testing\n"
        "OutOfSync · Progressing\n"
        "\n"
        "- **Ready** Unknown, Applying: update agent front-desk\n"
        "- **Reconciling** True, Applying: update agent front-desk\n"
        "- id `agent_1`\n"
        "- revision `3f0c3f0c3f`\n"
        "- numbers +15005550006\n"
        "- last plan, 4 provider calls:\n"
        "  1. update agent front-desk\n"
    )


@pytest.mark.parametrize(
    ("reason", "sync", "conditions"),
    [
        ("PrunePending", "Synced", [("Ready", "True", "PrunePending")]),
        ("Protected", "Synced", [("Ready", "True", "Protected")]),
        ("PruneNotEnabled", "Synced", [("Ready", "True", "Kept")]),
        (
            "PrunePaused",
            "OutOfSync",
            [("Ready", "True", "PrunePaused"), ("Stalled", "True", "PrunePaused")],
        ),
    ],
)
def test_what_is_kept_says_why(
    reason: str, sync: str, conditions: list[tuple[str, str, str]]
) -> None:
    kept = outcome(removed=True, plan=None, kept_reason=reason, kept_message="removed from Git; …")
    assert words(summarise(kept)) == (sync, "Healthy", conditions)
