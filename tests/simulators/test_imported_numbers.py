"""Importing a number into ElevenLabs really changes it in Twilio, with the given credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
NUMBERS = "/v1/convai/phone-numbers"
VOICE_URL = "https://api.elevenlabs.io/twilio/inbound_call"
STATUS_URL = "https://api.elevenlabs.io/twilio/status-callback"


def imported(world: World, **body: Any) -> str:
    response = world.import_number(**body)
    assert response.status_code == 200, response.text
    return str(response.json()["phone_number_id"])


def number(world: World, number_id: str) -> Json:
    content: Json = world.call("GET", f"{NUMBERS}/{number_id}").json()
    world.check("GET", f"{NUMBERS}/{number_id}", content)
    return content


def edit_in_twilio(world: World, **fields: str) -> None:
    world.steer("edit", {"phone_number": "+15005550001", "fields": fields}, on="twilio")


def test_an_import_points_twilio_at_elevenlabs(world: World) -> None:
    agent_id = world.new_agent("front desk")
    number_id = imported(world, agent_id=agent_id)
    there = world.twilio_number()
    assert (there["voice_url"], there["voice_method"]) == (VOICE_URL, "POST")
    assert there["status_callback"] == STATUS_URL
    read = number(world, number_id)
    assert read["assigned_agent"]["agent_id"] == agent_id
    assert read["assigned_agent"]["agent_name"] == "front desk"
    assert world.running.twilio_auth_token not in str(read)
    on_agent = world.read_agent(agent_id)["phone_numbers"]
    assert [item["phone_number_id"] for item in on_agent] == [number_id]


def test_a_region_has_its_own_address(world: World) -> None:
    region = {"region_id": "us1", "token": "t", "edge_location": "ashburn"}
    imported(world, region_config=region)
    url = "https://api.us.elevenlabs.io/twilio/inbound_call"
    assert world.twilio_number()["voice_url"] == url


@pytest.mark.parametrize("enabled", [True, False])
def test_messages_are_routed_only_when_asked(world: World, enabled: bool) -> None:
    imported(world, enable_sms=enabled)
    assert bool(world.twilio_number()["sms_url"]) is enabled


def test_wrong_credentials_import_nothing(world: World) -> None:
    response = world.import_number(token="wrong")
    assert response.status_code == 400
    assert response.json()["detail"]["code"] == "invalid_twilio_credentials"
    assert world.call("GET", NUMBERS).json() == []
    assert not world.twilio_number()["voice_url"]


def test_a_number_of_another_account_is_refused(world: World) -> None:
    response = world.import_number("+15005559999")
    assert response.status_code == 400
    assert response.json()["detail"]["code"] == "twilio_phone_number_not_found"


def test_a_number_is_imported_only_once(world: World) -> None:
    imported(world)
    response = world.import_number()
    assert response.status_code == 409
    assert response.json()["detail"]["code"] == "phone_number_already_exists"


def test_an_unknown_agent_or_a_missing_field(world: World) -> None:
    unknown = world.import_number(agent_id="agent_unknown")
    assert (unknown.status_code, unknown.json()["detail"]["param"]) == (400, "agent_id")
    bare = world.call("POST", NUMBERS, json={"provider": "twilio", "label": "x"})
    assert bare.status_code == 422
    missing = [flaw["loc"][-1] for flaw in bare.json()["detail"]]
    assert missing == ["phone_number", "sid", "token"]


def test_assigning_again_links_again(world: World) -> None:
    first, second = world.new_agent("first"), world.new_agent("second")
    number_id = imported(world, agent_id=first)
    edit_in_twilio(world, VoiceUrl="https://elsewhere.example.com/voice")
    assert number(world, number_id)["assigned_agent"]["agent_id"] == first
    world.call("PATCH", f"{NUMBERS}/{number_id}", json={"agent_id": second})
    assert world.twilio_number()["voice_url"] == VOICE_URL
    assert number(world, number_id)["assigned_agent"]["agent_name"] == "second"


def test_a_new_label_leaves_twilio_alone(world: World) -> None:
    number_id = imported(world, agent_id=world.new_agent())
    edit_in_twilio(world, VoiceUrl="https://elsewhere.example.com/voice")
    body = world.call("PATCH", f"{NUMBERS}/{number_id}", json={"label": "renamed"}).json()
    assert (body["label"], body["assigned_agent"] is None) == ("renamed", False)
    assert world.twilio_number()["voice_url"] == "https://elsewhere.example.com/voice"


def test_null_unassigns_and_a_branch_pins(world: World) -> None:
    agent_id = world.new_agent()
    main_id = world.read_agent(agent_id)["main_branch_id"]
    number_id = imported(world, agent_id=agent_id)
    path = f"{NUMBERS}/{number_id}"
    pinned = world.call("PATCH", path, json={"branch_id": main_id}).json()
    assert pinned["assigned_agent"]["branch_id"] == main_id
    assert world.call("PATCH", path, json={"branch_id": "agtbrch_x"}).status_code == 400
    assert world.call("PATCH", path, json={"agent_id": None}).json()["assigned_agent"] is None
    assert world.read_agent(agent_id)["phone_numbers"] == []


def test_deleting_the_agent_unassigns_its_numbers(world: World) -> None:
    agent_id = world.new_agent()
    number_id = imported(world, agent_id=agent_id)
    world.call("DELETE", f"/v1/convai/agents/{agent_id}")
    assert number(world, number_id)["assigned_agent"] is None
    assert world.call("GET", NUMBERS).json()[0]["assigned_agent"] is None


def test_deleting_the_number_takes_the_addresses_out(world: World) -> None:
    number_id = imported(world)
    assert world.call("DELETE", f"{NUMBERS}/{number_id}").status_code == 200
    assert not world.twilio_number()["voice_url"]
    assert world.call("GET", f"{NUMBERS}/{number_id}").status_code == 404
    assert imported(world) != number_id


def test_deleting_leaves_an_address_of_someone_else(world: World) -> None:
    number_id = imported(world)
    edit_in_twilio(world, VoiceUrl="https://elsewhere.example.com/voice")
    world.call("DELETE", f"{NUMBERS}/{number_id}")
    assert world.twilio_number()["voice_url"] == "https://elsewhere.example.com/voice"


def test_an_import_does_not_undo_an_application(world: World) -> None:
    application = world.steer("applications", {"friendly_name": "ivr"}, on="twilio")
    edit_in_twilio(world, VoiceApplicationSid=application["sid"])
    imported(world)
    there = world.twilio_number()
    assert there["voice_application_sid"] == application["sid"]
    assert there["voice_url"] == VOICE_URL


def test_twilio_out_of_reach(world: World) -> None:
    world.fault(on="twilio", kind="drop-before")
    response = world.import_number()
    assert response.status_code == 503
    assert world.call("GET", NUMBERS).json() == []


def test_lists_filter_and_page(world: World) -> None:
    agent_id = world.new_agent()
    for phone_number in ("+15005550001", "+15005550002", "+15005550006"):
        world.import_number(phone_number, agent_id=agent_id, label=f"line {phone_number[-1]}")
    assert len(world.call("GET", NUMBERS, params={"agent_id": agent_id}).json()) == 3
    assert world.call("GET", NUMBERS, params={"provider": "sip_trunk"}).json() == []
    seen: list[str] = []
    query: Json = {"page_size": 2, "sort_direction": "asc"}
    while True:
        page = world.call("GET", "/v1/convai/v2/phone-numbers", params=query).json()
        seen.extend(item["label"] for item in page["phone_numbers"])
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == ["line 1", "line 2", "line 6"]


def test_a_trunk_number_has_nothing_to_do_with_twilio(world: World) -> None:
    body = {"provider": "sip_trunk", "phone_number": "+15005550009", "label": "trunk"}
    response = world.call("POST", NUMBERS, json=body)
    assert response.status_code == 200, response.text
    assert number(world, response.json()["phone_number_id"])["provider"] == "sip_trunk"
    unknown = world.call("POST", NUMBERS, json={**body, "provider": "pigeon"})
    assert unknown.status_code == 422


def test_a_trunk_is_read_without_its_password(world: World) -> None:
    outbound = {
        "address": "sip.example.com",
        "transport": "tls",
        "credentials": {"username": "desk", "password": "never shown"},
    }
    body = {
        "provider": "sip_trunk",
        "phone_number": "+15005550042",
        "label": "trunk",
        "outbound_trunk_config": outbound,
    }
    number_id = world.call("POST", NUMBERS, json=body).json()["phone_number_id"]
    trunk = number(world, number_id)["outbound_trunk"]
    assert (trunk["transport"], trunk["username"]) == ("tls", "desk")
    assert trunk["has_auth_credentials"] is True
    assert "never shown" not in str(trunk)
    path = f"{NUMBERS}/{number_id}"
    inbound = {"allowed_addresses": ["192.0.2.1"]}
    change = {"inbound_trunk_config": inbound, "outbound_trunk_config": None}
    read = world.call("PATCH", path, json={**change, "livekit_stack": "static"}).json()
    assert read["inbound_trunk"]["allowed_addresses"] == ["192.0.2.1"]
    assert (read["outbound_trunk"], read["livekit_stack"]) == (None, "static")
    wrong = {"outbound_trunk_config": {"transport": "tls"}}
    assert world.call("PATCH", path, json=wrong).status_code == 422
