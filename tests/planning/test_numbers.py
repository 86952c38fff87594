"""A number reaches the agent Git names, or the plan says what stands in the way."""

from typing import Any

import pytest

from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredNumber
from trunkline.model.ids import AgentName, EnvironmentName, ExternalId, ProjectName
from trunkline.model.ledger import LedgerEntry
from trunkline.model.number_planner import number_applied, plan_number
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.planner import drift_only
from trunkline.model.plans import SET_BY_PLATFORM

NUMBER = "+15005550006"
OURS, OTHER, THEIRS = ExternalId("agent_1"), ExternalId("agent_2"), ExternalId("agent_9")
NATIVE = "https://api.elevenlabs.io/twilio/inbound_call"


def wish(**fields: Any) -> DesiredNumber:
    said: dict[str, Any] = {
        "project": ProjectName("acme"),
        "environment": EnvironmentName("testing"),
        "name": "main-line",
        "digest": digest({}),
        "number": NUMBER,
        "agent": AgentName("front-desk"),
    }
    return DesiredNumber(**{**said, **fields})


def carrier(**fields: Any) -> CarrierNumber:
    said: dict[str, Any] = {
        "sid": "PN1",
        "number": NUMBER,
        "friendly_name": "main",
        "voice_url": NATIVE,
        "voice_fallback_url": None,
        "voice_application_sid": None,
        "trunk_sid": None,
        "status_callback": None,
    }
    return CarrierNumber(**{**said, **fields})


def held(agent: ExternalId | None) -> PlatformNumber:
    return PlatformNumber(
        external_id=ExternalId("phnum_1"), number=NUMBER, label="main", assigned_agent_id=agent
    )


def applied(agent: ExternalId | None) -> LedgerEntry:
    return LedgerEntry(
        project="acme",
        environment="testing",
        kind="number",
        name="main-line",
        account="AC1",
        applied=number_applied(agent),
    )


def plan(desired: DesiredNumber | None = None, **facts: Any) -> Any:
    known: dict[str, Any] = {
        "agent_external_id": OURS,
        "platform": held(OURS),
        "carrier": carrier(),
        "entry": None,
        "native_url_ok": True,
        "managed_agent_ids": {OURS, OTHER},
    }
    return plan_number(desired or wish(), **{**known, **facts})


def actions(made: Any) -> list[tuple[str, list[tuple[str, object, object, str]]]]:
    return [
        (step.action, [(c.path, c.old, c.new, c.origin) for c in step.changes])
        for step in made.steps
    ]


def test_a_number_that_is_as_wished_needs_nothing() -> None:
    made = plan(entry=applied(OURS))
    assert made.empty
    assert made.obstacles == ()
    assert made.unchanged == 1


def test_an_unknown_number_is_imported_then_assigned() -> None:
    assert actions(plan(platform=None, native_url_ok=False)) == [
        ("import", [("number", None, NUMBER, "git"), ("voice_url", None, SET_BY_PLATFORM, "git")]),
        ("assign", [("agent", None, OURS, "git")]),
    ]


def test_a_number_moves_from_one_of_our_agents_to_another() -> None:
    made = plan(platform=held(OTHER), entry=applied(OTHER))
    assert actions(made) == [("assign", [("agent", OTHER, OURS, "git")])]
    assert made.steps[0].external_id == "phnum_1"


def test_a_number_somebody_moved_is_drift() -> None:
    made = plan(platform=held(OTHER), entry=applied(OURS))
    assert actions(made) == [("assign", [("agent", OTHER, OURS, "drift")])]
    assert drift_only(made)


def test_a_lost_voice_url_is_linked_again() -> None:
    lost = carrier(voice_url="https://elsewhere.example.com/voice")
    made = plan(carrier=lost, native_url_ok=False, entry=applied(OURS))
    assert actions(made) == [("relink", [("voice_url", lost.voice_url, SET_BY_PLATFORM, "drift")])]


def test_an_assignment_links_by_itself() -> None:
    made = plan(platform=held(None), native_url_ok=False)
    assert [step.action for step in made.steps] == ["assign"]


def test_an_inactive_agents_number_is_detached() -> None:
    made = plan(wish(agent=None), agent_external_id=None, entry=applied(OURS))
    assert actions(made) == [("unassign", [("agent", OURS, None, "git")])]
    assert plan(wish(agent=None), agent_external_id=None, platform=held(None)).empty
    assert plan(wish(agent=None), agent_external_id=None, platform=None).empty


def test_a_number_is_not_detached_from_somebody_elses_agent() -> None:
    made = plan(wish(agent=None), agent_external_id=None, platform=held(THEIRS))
    assert made.empty
    [note] = made.notes
    assert note.endswith("is assigned to agent agent_9, which Trunkline does not manage")


@pytest.mark.parametrize(
    ("desired", "facts", "reason", "words"),
    [
        (wish(), {"carrier": None}, "NumberNotInAccount", "buy it there"),
        (wish(), {"carrier": carrier(trunk_sid="TK1")}, "RouteShadowed", "trunk TK1"),
        (
            wish(),
            {"carrier": carrier(trunk_sid="TK1", voice_application_sid="AP1")},
            "RouteShadowed",
            "trunk TK1",
        ),
        (
            wish(),
            {"carrier": carrier(voice_application_sid="AP1")},
            "RouteShadowed",
            "application AP1",
        ),
        (wish(), {"platform": held(THEIRS)}, "NumberTaken", "takeover: true"),
        (wish(routing="bridge"), {}, "RoutingNotEnabled", "routing bridge"),
        (wish(routing="register-call"), {}, "RoutingNotEnabled", "use routing: native"),
    ],
)
def test_what_stands_in_the_way_is_said(
    desired: DesiredNumber, facts: dict[str, Any], reason: str, words: str
) -> None:
    made = plan(desired, **facts)
    assert made.steps == ()
    [obstacle] = made.obstacles
    assert (obstacle.reason, obstacle.waiting) == (reason, False)
    assert words in obstacle.message
    assert NUMBER in obstacle.message


def test_a_number_waits_for_its_agent() -> None:
    made = plan(agent_external_id=None, platform=None)
    assert made.steps == ()
    [obstacle] = made.obstacles
    assert (obstacle.reason, obstacle.waiting) == ("DependencyNotReady", True)


def test_a_plan_that_makes_the_agent_may_assign_it() -> None:
    made = plan(agent_external_id=None, agent_planned=True, platform=None)
    assert [step.action for step in made.steps] == ["import", "assign"]
    assert made.steps[1].changes[0].new == "trunkline-ref:agent/front-desk"


def test_takeover_takes_a_number_and_says_from_whom() -> None:
    made = plan(wish(takeover=True), platform=held(THEIRS))
    assert actions(made) == [("assign", [("agent", THEIRS, OURS, "git")])]
    assert "takeover is allowed" in made.notes[0]


def test_a_fallback_nobody_serves_is_said() -> None:
    made = plan(wish(fallback_number="+15005550001"))
    assert made.notes == ("number main-line: native routing has no fallback; it is not written",)
