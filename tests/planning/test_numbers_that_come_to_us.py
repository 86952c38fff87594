"""A number whose calls come to us has our addresses at the carrier and its table in the ledger."""

from typing import Any

import pytest

from tests.planning.planned_numbers import NUMBER, actions, held
from trunkline.model.canonical import digest
from trunkline.model.deletion_plans import deletion_plan
from trunkline.model.desired import DesiredLine, DesiredNumber
from trunkline.model.ids import AgentName, EnvironmentName, ExternalId, ProjectName
from trunkline.model.ledger import LedgerEntry
from trunkline.model.number_planner import number_applied, plan_number
from trunkline.model.observed import CarrierNumber
from trunkline.model.own_routing import (
    CARRIER_PATHS,
    DRAINING,
    OwnAddresses,
    given_back,
    in_force,
    own_addresses,
    own_applied,
    with_former,
)
from trunkline.model.plan_text import render_plan
from trunkline.model.planner import drift_only
from trunkline.model.plans import Obstacle, Plan
from trunkline.model.pruning import Decision, Facts
from trunkline.model.routes import effective_route, mismatch

OURS, OTHER = ExternalId("agent_1"), ExternalId("agent_2")
NATIVE = "https://api.elevenlabs.io/twilio/inbound_call"
HOSTED = "https://twimlets.com/forward?PhoneNumber=%2B15005550001"
VOICE = "https://calls.example.com/v1/webhooks/twilio/voice/acme/testing/main-line"
STATUS = "https://calls.example.com/v1/webhooks/twilio/status"


def table(*agents: str) -> tuple[DesiredLine, ...]:
    first = [DesiredLine(agent=AgentName(one), callers=("+44",)) for one in agents[:-1]]
    return (*first, DesiredLine(agent=AgentName(agents[-1])))


def wish(*agents: str, **fields: Any) -> DesiredNumber:
    lines = table(*agents or ("front-desk",))
    said: dict[str, Any] = {
        "project": ProjectName("acme"),
        "environment": EnvironmentName("testing"),
        "name": "main-line",
        "digest": digest({}),
        "number": NUMBER,
        "routing": "bridge",
        "agent": lines[-1].agent,
        "lines": lines,
    }
    return DesiredNumber(**{**said, **fields})


def own(desired: DesiredNumber) -> OwnAddresses:
    return own_addresses("https://calls.example.com/", desired, HOSTED)


def carrier(**fields: Any) -> CarrierNumber:
    said: dict[str, Any] = {
        "sid": "PN1",
        "number": NUMBER,
        "friendly_name": "main",
        "voice_url": VOICE,
        "voice_fallback_url": HOSTED,
        "voice_application_sid": None,
        "trunk_sid": None,
        "status_callback": STATUS,
    }
    return CarrierNumber(**{**said, **fields})


def row(applied: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        project="acme",
        environment="testing",
        kind="number",
        name="main-line",
        account="AC1",
        applied=applied,
    )


def settled(desired: DesiredNumber) -> LedgerEntry:
    return row(own_applied(desired, carrier(), own(desired)))


def plan(desired: DesiredNumber | None = None, **facts: Any) -> Plan:
    wanted = desired or wish()
    known: dict[str, Any] = {
        "agent_external_id": OURS,
        "platform": None,
        "carrier": carrier(),
        "entry": None,
        "native_url_ok": False,
        "managed_agent_ids": {OURS, OTHER},
        "own": own(wanted),
    }
    return plan_number(wanted, **{**known, **facts})


def test_a_number_that_is_as_wished_needs_nothing() -> None:
    made = plan(entry=settled(wish()))
    assert made.empty
    assert made.obstacles == ()


def test_a_native_number_comes_to_us_without_a_moment_in_which_nobody_answers() -> None:
    made = plan(
        platform=held(OURS),
        native_url_ok=True,
        carrier=carrier(voice_url=NATIVE, voice_fallback_url=None, status_callback=None),
        entry=row(number_applied(OURS)),
    )
    assert actions(made) == [
        (
            "assign",
            [
                ("agent", None, "front-desk", "git"),
                ("route", None, "every call: front-desk", "git"),
            ],
        ),
        (
            "update",
            [
                ("voice_url", NATIVE, VOICE, "git"),
                ("voice_fallback_url", None, HOSTED, "git"),
                ("status_callback", None, STATUS, "git"),
            ],
        ),
        ("unassign", [("agent", OURS, None, "git")]),
    ]


def test_a_number_of_ours_goes_back_to_the_platform() -> None:
    back = wish(routing="native", lines=())
    made = plan(back, own=None, platform=held(None), entry=settled(wish()))
    assert actions(made) == [
        ("assign", [("agent", None, OURS, "git")]),
        ("update", [("voice_fallback_url", HOSTED, None, "reset")]),
        ("update", [("status_callback", STATUS, None, "reset")]),
    ]


@pytest.mark.parametrize(
    ("changed", "path", "old", "new"),
    [
        ({"voice_url": "https://x.example.com"}, "voice_url", "https://x.example.com", VOICE),
        ({"voice_url": None}, "voice_url", None, VOICE),
        ({"voice_fallback_url": None}, "voice_fallback_url", None, HOSTED),
        ({"status_callback": "https://x"}, "status_callback", "https://x", STATUS),
    ],
)
def test_what_somebody_else_told_the_carrier_is_drift(
    changed: dict[str, Any], path: str, old: str | None, new: str
) -> None:
    made = plan(carrier=carrier(**changed), entry=settled(wish()))
    assert actions(made) == [("update", [(path, old, new, "drift")])]
    assert drift_only(made)


def test_who_assigns_the_number_on_the_platform_is_undone() -> None:
    made = plan(platform=held(OTHER), entry=settled(wish()))
    assert actions(made) == [("unassign", [("agent", OTHER, None, "drift")])]


def test_another_agent_is_a_move_and_another_condition_is_none() -> None:
    moved = plan(wish("new-desk"), entry=settled(wish()))
    assert moved.steps[0].changes[0].path == "agent"
    ranked = plan(wish("front-desk", "front-desk"), entry=settled(wish()))
    assert [change.path for change in ranked.steps[0].changes] == ["route"]
    assert ranked.steps[0].changes[0].new == "callers +44: front-desk; every call: front-desk"


def test_a_move_waits_for_an_agent_that_is_not_there_and_nothing_else_does() -> None:
    waits = plan(wish("new-desk"), entry=settled(wish()), agent_external_id=None)
    assert [one.reason for one in waits.obstacles] == ["DependencyNotReady"]
    lost = plan(carrier=carrier(voice_url=None), entry=settled(wish()), agent_external_id=None)
    assert [step.action for step in lost.steps] == ["update"]


def test_a_disabled_agent_keeps_its_number_here_where_the_fallback_is_dialled() -> None:
    made = plan(entry=settled(wish()), off_duty="front-desk was disabled by ada: it swears")
    assert made.empty
    assert made.notes == (
        f"number main-line ({NUMBER}): front-desk was disabled by ada: it swears",
    )


def test_without_an_address_of_ours_it_says_so() -> None:
    [obstacle] = plan(own=None).obstacles
    assert (obstacle.reason, obstacle.waiting) == ("PublicUrlMissing", False)
    assert "set TRUNKLINE_PUBLIC_URL" in obstacle.message


def test_a_trunk_goes_before_us() -> None:
    [obstacle] = plan(carrier=carrier(trunk_sid="TK1")).obstacles
    assert obstacle.reason == "RouteShadowed"


def test_running_calls_hold_up_a_move_and_no_mending() -> None:
    moves = plan(wish("new-desk"), entry=settled(wish()), draining="moves later")
    assert moves.steps == ()
    assert moves.obstacles == (
        Obstacle(
            reason=DRAINING, message=f"number main-line ({NUMBER}): moves later", waiting=True
        ),
    )
    lost = plan(carrier=carrier(voice_url=None), entry=settled(wish()), draining="moves later")
    assert [step.action for step in lost.steps] == ["update"]


def test_what_is_not_released_is_not_taken_over() -> None:
    why = Obstacle(reason="AwaitingRelease", message="not yet", waiting=True)
    assert plan(wish("new-desk"), entry=settled(wish()), unreleased=why).obstacles == (why,)


def test_the_table_that_was_taken_over_is_in_force_until_the_next_is() -> None:
    newer = wish("new-desk")
    kept = in_force(newer, settled(wish("day", "night")).applied)
    assert kept.lines == table("day", "night")
    assert in_force(newer, {}) == newer
    assert in_force(newer, {"route": {"lines": 7}}) == newer


def test_the_effective_route_knows_our_own_address() -> None:
    route = effective_route(
        carrier(), held(OURS), native_url=False, own_url=VOICE, own_agents="front-desk"
    )
    assert (route.words, route.decided_by) == ("bridge front-desk", "url")
    assert route.layers[2].words == "Trunkline's own address: the number's table decides"
    assert mismatch(route, OURS, own=True) is None
    astray = effective_route(carrier(voice_url="https://x"), None, native_url=False, own_url=VOICE)
    found = mismatch(astray, OURS, own=True)
    assert found is not None
    assert found.message == "calls go to url https://x and do not come to us"


def test_what_is_ours_at_the_carrier_is_given_back_and_nothing_else() -> None:
    theirs = "https://switchboard.example.com/voice"
    told = own_applied(wish(), carrier(), own(wish()))
    before = with_former(told, carrier(voice_url=theirs, status_callback=None), CARRIER_PATHS, {})
    again = with_former(before, carrier(), ["voice_url"], before)
    assert again == before, "what was ours already is nobody else's"
    mine = carrier(voice_fallback_url="https://twimlets.com/echo")
    gone = given_back(mine, before)
    assert [(one.operation, one.path, one.old, one.new) for one in gone] == [
        ("~", "voice_url", VOICE, theirs),
        ("-", "status_callback", STATUS, None),
    ]
    assert given_back(carrier(voice_url=theirs, status_callback=theirs), told)[0].old == HOSTED
    assert given_back(mine, {}) == ()


def test_a_plan_shows_which_addresses_a_number_that_leaves_gives_back() -> None:
    told = own_applied(wish(), carrier(), own(wish()))
    facts = Facts(rings=False, addresses=given_back(carrier(), told))
    decision = Decision(
        kind="number",
        name="main-line",
        external_id=ExternalId(NUMBER),
        verdict="delete",
        reason="Pruning",
        message="removed from Git",
    )
    plan = deletion_plan("acme", "testing", decision, facts)
    assert actions(plan) == [
        (
            "delete",
            [
                ("voice_url", VOICE, None, "git"),
                ("voice_fallback_url", HOSTED, None, "git"),
                ("status_callback", STATUS, None, "git"),
            ],
        )
    ]
    shown = render_plan(plan)
    assert VOICE in shown
    assert STATUS in shown
