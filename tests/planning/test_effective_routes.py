"""Where a call really goes: the strongest layer that says anything wins over all the others."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.ids import ExternalId
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.routes import Route, effective_route, mismatch

NUMBER = "+15005550006"
NATIVE = "https://api.elevenlabs.io/twilio/inbound_call"
ELSEWHERE = "https://elsewhere.example.com/voice"
ANSWER = "https://calls.example.com/fallback"
OURS, OTHER = ExternalId("agent_1"), ExternalId("agent_2")


def carrier(url: str | None, trunk: str | None, application: str | None) -> CarrierNumber:
    return CarrierNumber(
        sid="PN1",
        number=NUMBER,
        friendly_name="",
        voice_url=url,
        voice_fallback_url=None,
        voice_application_sid=application,
        trunk_sid=trunk,
        status_callback=None,
    )


def held(agent: ExternalId | None, branch: str | None = None) -> PlatformNumber:
    return PlatformNumber(
        external_id=ExternalId("phnum_1"),
        number=NUMBER,
        label="",
        assigned_agent_id=agent,
        assigned_agent_name="Front desk" if agent else "",
        branch_id=branch,
    )


CARRIERS = st.one_of(
    st.none(),
    st.builds(
        carrier,
        st.sampled_from([None, NATIVE, ELSEWHERE, ANSWER]),
        st.sampled_from([None, "TK1"]),
        st.sampled_from([None, "AP1"]),
    ),
)
PLATFORMS = st.one_of(
    st.none(),
    st.builds(held, st.sampled_from([None, OURS, OTHER])),
    st.builds(held, st.sampled_from([OURS, OTHER]), st.sampled_from([None, "agtbrch_1"])),
)


def route(seen: CarrierNumber | None, platform: PlatformNumber | None) -> Route:
    native = seen is not None and seen.voice_url == NATIVE
    return effective_route(seen, platform, native_url=native, fallback_url=ANSWER)


@given(CARRIERS, PLATFORMS)
def test_exactly_one_layer_decides_and_nothing_below_it_counts(
    seen: CarrierNumber | None, platform: PlatformNumber | None
) -> None:
    found = route(seen, platform)
    states = [layer.state for layer in found.layers]
    assert [layer.layer for layer in found.layers] == [
        "trunk", "application", "url", "platform", "agent", "branch",
    ]  # fmt: skip
    assert states.count("decides") == 1
    decided = states.index("decides")
    assert set(states[:decided]) <= {"empty", "passes"}
    assert set(states[decided + 1 :]) <= {"empty", "shadowed"}


@given(CARRIERS, PLATFORMS)
def test_a_trunk_wins_over_everything_and_an_application_over_the_rest(
    seen: CarrierNumber | None, platform: PlatformNumber | None
) -> None:
    found = route(seen, platform)
    if seen is None:
        assert found.reaches == "unknown"
    elif seen.trunk_sid:
        assert (found.reaches, found.target) == ("trunk", "TK1")
    elif seen.voice_application_sid:
        assert (found.reaches, found.target) == ("application", "AP1")
    elif seen.voice_url != NATIVE:
        assert found.reaches in ("url", "nobody", "fallback")
    elif platform is None or platform.assigned_agent_id is None:
        assert found.reaches == "nobody"
    else:
        assert found.words.startswith("agent Front desk")


@given(CARRIERS, PLATFORMS)
def test_only_a_call_that_arrives_at_the_agents_live_branches_is_no_mismatch(
    seen: CarrierNumber | None, platform: PlatformNumber | None
) -> None:
    found = route(seen, platform)
    arrives = (
        found.reaches == "agent"
        and platform is not None
        and platform.assigned_agent_id == OURS
        and platform.branch_id is None
    )
    assert (mismatch(found, OURS) is None) == arrives


@given(CARRIERS, PLATFORMS)
def test_what_we_cannot_mend_is_at_the_carrier(
    seen: CarrierNumber | None, platform: PlatformNumber | None
) -> None:
    wrong = mismatch(route(seen, platform), OURS)
    shadowed = seen is None or bool(seen.trunk_sid or seen.voice_application_sid)
    assert wrong is None or wrong.ours != shadowed
    assert wrong is None or (wrong.message and wrong.remedy)


def test_a_number_that_only_looks_assigned_is_said_to() -> None:
    for trunk, application in product([None, "TK1"], [None, "AP1"]):
        seen = carrier(ELSEWHERE, trunk, application)
        wrong = mismatch(route(seen, held(OURS)), OURS)
        assert wrong is not None
        assert "although the voice platform shows it assigned" in wrong.message
        assert wrong.layer == ("trunk" if trunk else "application" if application else "url")


@pytest.mark.parametrize(
    ("seen", "platform", "words"),
    [
        (carrier(None, None, None), held(OURS), "nobody"),
        (carrier(NATIVE, None, None), None, "nobody"),
        (carrier(NATIVE, None, None), held(None), "nobody"),
        (carrier(NATIVE, None, None), held(OURS, "agtbrch_1"), "agent Front desk, branch"),
        (carrier(ELSEWHERE, None, None), held(OURS), f"url {ELSEWHERE}"),
        (carrier(ANSWER, None, None), held(None), "fallback"),
        (None, held(OURS), "unknown"),
    ],
)
def test_a_destination_has_a_few_words(
    seen: CarrierNumber | None, platform: PlatformNumber | None, words: str
) -> None:
    assert route(seen, platform).words.startswith(words)
