"""Twilio's side with its official client: pages, patterns, precedence, errors, noise."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
)
from twilio.rest.api.v2010.account.incoming_phone_number import (
    IncomingPhoneNumberInstance,
)

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
TRUNK = "TK" + "a" * 32


def numbers(world: World) -> Any:
    return world.twilio.incoming_phone_numbers


def first(world: World) -> Any:
    return numbers(world)(world.twilio_number()["sid"])


def stock(world: World, count: int) -> None:
    for position in range(count):
        body = {"phone_number": f"+1312555{position:04}"}
        world.steer("numbers", body, on="twilio")


def test_a_number_has_every_field_the_client_reads(world: World) -> None:
    payload = world.twilio_number()
    instance = numbers(world).list(phone_number="+15005550001")[0]
    read = {
        line.split('"')[1]
        for line in inspect.getsource(IncomingPhoneNumberInstance.__init__).splitlines()
        if 'payload.get("' in line
    }
    assert read - set(payload) == set()
    assert instance.sid == payload["sid"]
    assert instance.date_created.tzinfo is not None
    assert payload["date_created"].endswith("+0000")
    assert instance.capabilities["voice"] is True


def test_the_account_is_fetched(world: World) -> None:
    sid = world.running.twilio_account_sid
    account = world.twilio.api.accounts(sid).fetch()
    assert (account.sid, account.status) == (sid, "active")
    assert [found.sid for found in world.twilio.api.accounts.list()] == [sid]


def test_the_list_pages_to_the_end(world: World) -> None:
    stock(world, 9)
    found = numbers(world).list(page_size=5)
    assert len(found) == len({number.sid for number in found}) == 12


def test_a_page_says_where_it_is(world: World) -> None:
    stock(world, 2)
    account = world.running.twilio_account_sid
    path = f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json"
    auth = (account, world.running.twilio_auth_token)
    page: Json = world.http.get(f"{world.running.twilio_url}{path}?PageSize=3", auth=auth).json()
    assert (page["page"], page["page_size"], page["start"], page["end"]) == (0, 3, 0, 2)
    assert page["next_page_uri"].startswith(f"{path}?PageSize=3&Page=1&PageToken=PA")
    assert page["previous_page_uri"] is None
    last = world.http.get(f"{world.running.twilio_url}{page['next_page_uri']}", auth=auth).json()
    assert (last["page"], last["start"], last["end"]) == (1, 3, 4)
    assert last["next_page_uri"] is None
    assert len(last["incoming_phone_numbers"]) == 2


@pytest.mark.parametrize(
    ("pattern", "count"), [("+15005550001", 1), ("500555", 3), ("+1500*6", 1), ("999", 0)]
)
def test_the_number_filter_is_a_pattern(world: World, pattern: str, count: int) -> None:
    assert len(numbers(world).list(phone_number=pattern)) == count


def test_an_update_sets_only_what_was_sent(world: World) -> None:
    first(world).update(voice_url="https://a.example.com/voice", friendly_name="Main")
    updated = first(world).update(voice_method="GET")
    assert updated.voice_url == "https://a.example.com/voice"
    assert (updated.friendly_name, updated.voice_method) == ("Main", "GET")
    cleared = first(world).update(voice_url="")
    assert cleared.voice_url in ("", None)


def test_a_trunk_and_an_application_exclude_each_other(world: World) -> None:
    application = world.twilio.applications.create(friendly_name="ivr").sid
    first(world).update(voice_url="https://a.example.com/voice")
    applied = first(world).update(voice_application_sid=application)
    assert (applied.voice_application_sid, applied.trunk_sid or "") == (application, "")
    trunked = first(world).update(trunk_sid=TRUNK)
    assert (trunked.trunk_sid, trunked.voice_application_sid or "") == (TRUNK, "")
    assert trunked.voice_url == "https://a.example.com/voice"
    back = first(world).update(voice_application_sid=application)
    assert (back.voice_application_sid, back.trunk_sid or "") == (application, "")
    assert world.twilio.applications(application).fetch().friendly_name == "ivr"
    assert len(world.twilio.applications.list()) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"voice_url": "not a url"}, 21402),
        ({"voice_method": "PUT"}, 21403),
        ({"voice_application_sid": "AP0"}, 20001),
        ({"friendly_name": "x" * 65}, 20001),
        ({"trunk_sid": "nonsense"}, 20001),
    ],
)
def test_an_update_that_is_refused_changes_nothing(
    world: World, change: dict[str, str], code: int
) -> None:
    before = world.twilio_number()
    with pytest.raises(TwilioRestException) as raised:
        first(world).update(**change)
    assert (raised.value.status, raised.value.code) == (400, code)
    assert world.twilio_number() == before


def test_an_unknown_number_is_20404(world: World) -> None:
    with pytest.raises(TwilioRestException) as raised:
        numbers(world)("PN" + "0" * 32).fetch()
    assert (raised.value.status, raised.value.code) == (404, 20404)


def test_wrong_credentials_are_20003(world: World) -> None:
    url = f"{world.running.twilio_url}/2010-04-01/Accounts.json"
    for auth in ((world.running.twilio_account_sid, "wrong"), ("AC" + "0" * 32, "x"), None):
        response = world.http.get(url, auth=auth)
        assert (response.status_code, response.json()["code"]) == (401, 20003)


def test_a_list_that_fails_raises_the_plain_exception(world: World) -> None:
    world.fault(on="twilio", kind="status-before", status=500)
    with pytest.raises(TwilioException) as raised:
        numbers(world).list()
    response = raised.value.args[1]
    assert response.status_code == 500
    assert json.loads(response.text)["status"] == 500


def test_buying_and_releasing(world: World) -> None:
    bought = numbers(world).create(phone_number="+13125550100", friendly_name="New")
    assert bought.friendly_name == "New"
    with pytest.raises(TwilioRestException) as raised:
        numbers(world).create(phone_number="+13125550100")
    assert raised.value.code == 21422
    assert numbers(world)(bought.sid).delete() is True
    assert numbers(world).list(phone_number="+13125550100") == []


def test_nothing_reads_back_as_empty_text_or_as_null(world: World) -> None:
    stock(world, 20)
    found = {repr(number.voice_fallback_url) for number in numbers(world).list()}
    assert found == {"''", "None"}
    world.steer("noise", {"enabled": False}, on="twilio")
    quiet = {repr(number.voice_fallback_url) for number in numbers(world).list()}
    assert quiet == {"''"}
