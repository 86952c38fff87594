"""A number reaches the agent Git names, or the plan says what stands in the way."""

from typing import Any

import pytest

from tests.planning.planned_numbers import NUMBER, actions, held
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredNumber
from trunkline.model.ids import AgentName, EnvironmentName, ExternalId, ProjectName
from trunkline.model.ledger import LedgerEntry
from trunkline.model.number_planner import fallback_url, number_applied, plan_number
from trunkline.model.observed import CarrierNumber
from trunkline.model.planner import drift_only
from trunkline.model.plans import SET_BY_PLATFORM

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


def applied(agent: ExternalId | None, **addresses: str) -> LedgerEntry:
    return LedgerEntry(
        project="acme",
        environment="testing",
        kind="number",
        name="main-line",
        account="AC1",
        applied=number_applied(agent, **addresses),
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


def test_a_number_that_is_as_wished_needs_nothing() -> None:
    made = plan(entry=applied(OURS))
    assert made.empty
    assert made.obstacles == ()
    assert made.unchanged == 1


def test_an_unknown_number_is_imported_then_assigned() -> None:
    unset = carrier(voice_url=None)
    assert actions(plan(platform=None, carrier=unset, native_url_ok=False)) == [
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
        (wish(routing="bridge"), {}, "PublicUrlMissing", "routing bridge"),
        (wish(routing="register-call"), {}, "PublicUrlMissing", "set TRUNKLINE_PUBLIC_URL"),
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


FALLBACK = "+15005550001"
ANSWER = "https://calls.example.com/v1/webhooks/twilio/voice/fallback/acme/testing/main-line"


def test_a_fallback_needs_an_address_carriers_can_reach() -> None:
    desired = wish(fallback_number=FALLBACK)
    assert fallback_url("https://calls.example.com/", desired) == ANSWER
    assert fallback_url("https://calls.example.com", wish()) is None
    assert fallback_url(None, desired) is None
    made = plan(desired)
    assert made.empty
    [note] = made.notes
    assert FALLBACK in note
    assert "TRUNKLINE_PUBLIC_URL is not set" in note


def test_a_fallback_is_set_beside_the_platforms_voice_url() -> None:
    desired = wish(fallback_number=FALLBACK)
    made = plan(desired, answer_url=ANSWER, entry=applied(OURS))
    assert actions(made) == [("update", [("voice_fallback_url", None, ANSWER, "git")])]
    assert plan(desired, answer_url=ANSWER, carrier=carrier(voice_fallback_url=ANSWER)).empty


def test_a_fallback_somebody_changed_is_drift_and_one_that_left_git_is_reset() -> None:
    known = applied(OURS, voice_fallback_url=ANSWER)
    moved = carrier(voice_fallback_url="https://elsewhere.example.com")
    made = plan(wish(fallback_number=FALLBACK), answer_url=ANSWER, carrier=moved, entry=known)
    assert drift_only(made)
    made = plan(carrier=carrier(voice_fallback_url=ANSWER), entry=known)
    assert actions(made) == [("update", [("voice_fallback_url", ANSWER, None, "reset")])]
    assert plan(carrier=moved, entry=known).empty


def test_a_number_without_an_agent_rings_its_fallback_before_it_is_detached() -> None:
    desired = wish(agent=None, fallback_number=FALLBACK)
    made = plan(desired, agent_external_id=None, answer_url=ANSWER, entry=applied(OURS))
    assert actions(made) == [
        ("update", [("voice_url", NATIVE, ANSWER, "git")]),
        ("unassign", [("agent", OURS, None, "git")]),
    ]
    there = {"carrier": carrier(voice_url=ANSWER), "native_url_ok": False, "platform": held(None)}
    assert plan(desired, agent_external_id=None, answer_url=ANSWER, **there).empty


def test_an_agent_off_duty_is_left_like_none_and_the_plan_says_why() -> None:
    made = plan(
        wish(fallback_number=FALLBACK), off_duty="front-desk was disabled", answer_url=ANSWER
    )
    assert [step.action for step in made.steps] == ["update", "unassign"]
    assert "front-desk was disabled" in made.notes[0]
    made = plan(wish(), off_duty="front-desk was disabled")
    assert [step.action for step in made.steps] == ["unassign"]


def test_an_agent_on_duty_again_gets_its_number_back_as_git_wants() -> None:
    made = plan(
        wish(fallback_number=FALLBACK),
        answer_url=ANSWER,
        platform=held(OURS),
        carrier=carrier(voice_url=ANSWER, voice_fallback_url=ANSWER),
        native_url_ok=False,
        entry=applied(OURS, voice_url=ANSWER),
    )
    assert actions(made) == [("relink", [("voice_url", ANSWER, SET_BY_PLATFORM, "git")])]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"voice_url": "https://elsewhere.example.com/voice"}, "url https://elsewhere"),
        ({"trunk_sid": "TK1"}, "trunk TK1"),
        ({"voice_application_sid": "AP1"}, "application AP1"),
    ],
)
def test_calls_that_go_elsewhere_are_not_sent_to_a_fallback(
    facts: dict[str, Any], words: str
) -> None:
    desired = wish(agent=None, fallback_number=FALLBACK)
    given = {"agent_external_id": None, "platform": None, "native_url_ok": False}
    made = plan(desired, carrier=carrier(**facts), answer_url=ANSWER, **given)
    assert made.empty
    assert words in made.notes[0]


def test_a_number_pinned_to_a_branch_is_taken_back_to_the_live_ones() -> None:
    pinned = held(OURS).model_copy(update={"branch_id": "agtbrch_1"})
    made = plan(platform=pinned, entry=applied(OURS))
    assert actions(made) == [("assign", [("branch", "agtbrch_1", None, "drift")])]


def test_an_assignment_that_is_not_reached_is_no_assignment() -> None:
    made = plan(carrier=carrier(trunk_sid="TK1"), entry=applied(OURS))
    [obstacle] = made.obstacles
    assert "although the voice platform shows it assigned" in obstacle.message
    assert "detach the number from the trunk" in obstacle.message


def test_a_number_never_moves_to_an_agent_that_is_gone() -> None:
    made = plan(platform=held(OTHER), agent_ready=False)
    assert made.steps == ()
    [obstacle] = made.obstacles
    assert (obstacle.reason, obstacle.waiting) == ("DependencyNotReady", True)


def test_a_number_of_a_project_nobody_knows_yet_waits() -> None:
    made = plan(platform=held(OTHER), contested="it is assigned to agent x of project globex")
    assert made.steps == ()
    [obstacle] = made.obstacles
    assert (obstacle.reason, obstacle.waiting) == ("NumberOwnedElsewhere", True)
