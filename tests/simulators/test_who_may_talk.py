"""Who gets a conversation with an agent, on which terms, and in which words others are refused."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.simulators.talking import PATIENCE_S, line, public_url, signed_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
LOCKED: Json = {"auth": {"enable_auth": True}}


def test_an_agent_that_wants_authentication_takes_a_signed_url_only(world: World) -> None:
    agent_id = talker(world, platform_settings=LOCKED)
    with talk(public_url(world, agent_id)) as found:
        code, reason = found.end()
    assert code == 1008
    assert "authentication" in reason
    with talk(signed_url(world, agent_id)) as found:
        assert found.reply() == "Welcome."


def test_a_signed_url_is_good_for_a_quarter_of_an_hour(world: World) -> None:
    url = signed_url(world, talker(world))
    world.steer("clock", {"advance_s": 840})
    with talk(url) as found:
        assert found.reply() == "Welcome."
    world.steer("clock", {"advance_s": 61})
    with talk(url) as found:
        assert found.end() == (1008, "The conversation signature has expired.")


def test_a_signature_is_for_one_agent_and_cannot_be_made_up(world: World) -> None:
    signed = signed_url(world, talker(world))
    other = talker(world)
    _, _, signature = signed.partition("&")
    for url in (f"{public_url(world, other)}&{signature}", f"{signed[:-3]}xyz"):
        with talk(url) as found:
            assert found.end()[0] == 1008


def test_an_unknown_agent_is_told_apart_by_words(world: World) -> None:
    with talk(public_url(world, "agent_unknown")) as found:
        code, reason = found.end()
    assert (code, "does not exist" in reason) == (1008, True)
    query = {"agent_id": "agent_unknown"}
    path = "/v1/convai/conversation/get-signed-url"
    assert world.call("GET", path, params=query).status_code == 404
    refused = world.http.get(f"{world.running.elevenlabs_url}{path}", params=query)
    assert refused.status_code == 401


def test_variables_without_a_value_are_named(world: World) -> None:
    agent_id = talker(
        world,
        "Hello {{name}} of {{town}}.",
        agent={"dynamic_variables": {"dynamic_variable_placeholders": {"town": "Ulm"}}},
    )
    url = public_url(world, agent_id)
    with talk(url) as found:
        code, reason = found.end()
    assert (code, "'name'" in reason, "town" in reason) == (1008, True, False)
    with talk(url, dynamic_variables={"name": "Ann"}) as found:
        assert found.reply() == "Hello Ann of Ulm."


def test_an_override_needs_the_agents_permission(world: World) -> None:
    override = {"agent": {"first_message": "Ahoy."}}
    with talk(public_url(world, talker(world)), conversation_config_override=override) as found:
        code, reason = found.end()
    assert code == 1008
    assert reason == "Override for field 'first_message' is not allowed by config."
    allowed = {"conversation_config_override": {"agent": {"first_message": True}}}
    open_agent = talker(world, platform_settings={"overrides": allowed})
    with talk(public_url(world, open_agent), conversation_config_override=override) as found:
        assert found.reply() == "Ahoy."


@pytest.mark.parametrize(
    "override", [{"text_only": True}, {"conversation": {"text_only": True}}], ids=["top", "nested"]
)
def test_text_only_is_taken_where_clients_put_it(world: World, override: Json) -> None:
    allowed = {"conversation_config_override": {"conversation": {"text_only": True}}}
    agent_id = talker(
        world, conversation={"text_only": False}, platform_settings={"overrides": allowed}
    )
    with talk(public_url(world, agent_id), conversation_config_override=override) as found:
        found.until("agent_response_complete")
    assert "audio" not in found.kinds()


def test_who_begins_with_something_else_is_refused(world: World) -> None:
    with line(public_url(world, talker(world))) as found:
        found.say("Hello?")
        assert found.end()[0] == 1008


def test_an_origin_has_to_be_on_the_list(world: World) -> None:
    allowlist = {"allowlist": [{"hostname": "shop.example.com"}]}
    url = public_url(world, talker(world, platform_settings={"auth": allowlist}))
    for origin, closes in (("https://evil.example.com", True), ("https://shop.example.com", False)):
        named = Origin(origin)
        with connect(url, proxy=None, open_timeout=PATIENCE_S, origin=named) as connection:
            with suppress(ConnectionClosed):
                connection.send('{"type": "conversation_initiation_client_data"}')
            if closes:
                with pytest.raises(ConnectionClosed):
                    connection.recv(PATIENCE_S)
            else:
                assert "metadata" in str(connection.recv(PATIENCE_S))


def test_the_protocols_name_is_given_back(world: World) -> None:
    name = Subprotocol("convai")
    url = public_url(world, talker(world))
    with connect(url, proxy=None, open_timeout=PATIENCE_S, subprotocols=[name]) as found:
        assert found.subprotocol == "convai"


def test_another_address_has_no_socket(world: World) -> None:
    base = world.running.elevenlabs_url.replace("http", "ws", 1)
    for url in (f"{base}/v1/convai/elsewhere", world.running.twilio_url.replace("http", "ws")):
        with pytest.raises(InvalidStatus) as refused, line(url):
            raise AssertionError("accepted")
        assert refused.value.response.status_code == 404
