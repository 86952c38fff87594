"""A number is imported, assigned and linked again across both vendors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from trunkline.model.calls.signed import FORM, SignedRequest
from trunkline.model.errors import (
    CredentialsRejected,
    OutcomeUnknown,
    PlatformError,
    Rejected,
    RemoteMissing,
)
from trunkline.model.ids import ExternalId

if TYPE_CHECKING:
    from tests.adapters.conftest import Simulated
    from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
    from trunkline.adapters.twilio.telephony import TwilioTelephony
    from trunkline.model.observed import CarrierNumber

NUMBER = "+15005550006"
TIMEOUT_S = 60.0


async def imported(voice: ElevenLabsPlatform, telephony: TwilioTelephony) -> ExternalId:
    return await voice.import_number(
        NUMBER,
        label="main-line",
        sid=telephony.account,
        token=telephony.token,
        timeout_s=TIMEOUT_S,
    )


async def held(telephony: TwilioTelephony) -> CarrierNumber:
    number = await telephony.number(NUMBER)
    assert number is not None
    return number


async def test_the_account_lists_its_numbers(simulated: Simulated) -> None:
    telephony = await simulated.telephony()
    await telephony.check()
    numbers = await telephony.numbers()
    assert {each.number for each in numbers} == {NUMBER, "+15005550007"}
    assert all(each.trunk_sid is None and each.voice_url is None for each in numbers)
    assert await telephony.number("+1500555000") is None


async def test_more_numbers_than_a_page_holds_are_all_listed(simulated: Simulated) -> None:
    stocked = (f"+1500666{n:04}" for n in range(250))
    await asyncio.gather(
        *(simulated.telephony_does("numbers", {"phone_number": each}) for each in stocked)
    )
    assert len(await (await simulated.telephony()).numbers()) == 252


async def test_an_import_sets_the_voice_url_to_the_platforms(simulated: Simulated) -> None:
    voice, telephony = await simulated.voice(), await simulated.telephony()
    assert not voice.is_native_voice_url((await held(telephony)).voice_url)
    number_id = await imported(voice, telephony)
    assert voice.is_native_voice_url((await held(telephony)).voice_url)
    (number,) = await voice.numbers()
    assert (number.external_id, number.number, number.label) == (number_id, NUMBER, "main-line")
    assert number.assigned_agent_id is None


async def test_a_number_rings_an_agent_and_then_nobody(simulated: Simulated) -> None:
    voice, telephony = await simulated.voice(), await simulated.telephony()
    number_id = await imported(voice, telephony)
    agent_id = await voice.create_agent(
        {"name": "Front desk", "conversation_config": {}}, timeout_s=TIMEOUT_S
    )
    assigned = await voice.assign_number(number_id, agent_id, timeout_s=TIMEOUT_S)
    assert assigned.assigned_agent_id == agent_id
    assert (await voice.numbers())[0].assigned_agent_id == agent_id
    nobody = await voice.assign_number(number_id, None, timeout_s=TIMEOUT_S)
    assert nobody.assigned_agent_id is None


async def test_assigning_again_links_a_lost_voice_url_again(simulated: Simulated) -> None:
    voice, telephony = await simulated.voice(), await simulated.telephony()
    number_id = await imported(voice, telephony)
    agent_id = await voice.create_agent(
        {"name": "Front desk", "conversation_config": {}}, timeout_s=TIMEOUT_S
    )
    await voice.assign_number(number_id, agent_id, timeout_s=TIMEOUT_S)
    edit = {"phone_number": NUMBER, "fields": {"VoiceUrl": "https://elsewhere.example.com"}}
    await simulated.telephony_does("edit", edit)
    assert not voice.is_native_voice_url((await held(telephony)).voice_url)
    await voice.assign_number(number_id, agent_id, timeout_s=TIMEOUT_S)
    assert voice.is_native_voice_url((await held(telephony)).voice_url)


async def test_what_shadows_a_voice_url_is_seen(simulated: Simulated) -> None:
    telephony = await simulated.telephony()
    trunk = "TK" + "0" * 32
    await simulated.telephony_does("edit", {"phone_number": NUMBER, "fields": {"TrunkSid": trunk}})
    assert (await held(telephony)).trunk_sid == trunk


async def test_an_import_with_a_wrong_token_is_refused_without_showing_it(
    simulated: Simulated,
) -> None:
    voice, telephony = await simulated.voice(), await simulated.telephony()
    with pytest.raises(PlatformError) as raised:
        await voice.import_number(
            NUMBER, label="x", sid=telephony.account, token="wrong-token", timeout_s=TIMEOUT_S
        )
    assert isinstance(raised.value, Rejected | CredentialsRejected)
    assert "wrong-token" not in str(raised.value)
    assert await voice.numbers() == ()


async def test_an_import_whose_answer_is_lost_is_in_doubt_and_there(simulated: Simulated) -> None:
    voice, telephony = await simulated.voice(), await simulated.telephony()
    route = "/v1/convai/phone-numbers"
    fault = {"kind": "drop-after", "method": "POST", "route": route, "nth": 1}
    await simulated.voice_does("faults", {"faults": [fault]})
    with pytest.raises(OutcomeUnknown):
        await imported(voice, telephony)
    assert [each.number for each in await voice.numbers()] == [NUMBER]


async def test_a_wrong_auth_token_is_refused_by_lists_and_reads(simulated: Simulated) -> None:
    simulated.environment["TWILIO_AUTH_TOKEN"] = "0" * 32
    telephony = await simulated.telephony()
    for read in (telephony.numbers, telephony.check):
        with pytest.raises(CredentialsRejected):
            await read()


async def test_a_rotated_auth_token_counts_with_the_next_call(simulated: Simulated) -> None:
    right = simulated.environment["TWILIO_AUTH_TOKEN"]
    simulated.environment["TWILIO_AUTH_TOKEN"] = "0" * 32
    with pytest.raises(CredentialsRejected):
        await (await simulated.telephony()).check()
    simulated.environment["TWILIO_AUTH_TOKEN"] = right
    await (await simulated.telephony()).check()


@pytest.mark.parametrize(
    ("url", "native"),
    [
        ("https://api.elevenlabs.io/twilio/inbound_call", True),
        ("https://api.us.elevenlabs.io/twilio/inbound_call", True),
        ("https://api.eu.residency.elevenlabs.io/twilio/inbound_call", True),
        ("https://api.elevenlabs.io.evil.example.com/twilio/inbound_call", False),
        ("https://evil.example.com/?https://api.elevenlabs.io/twilio/inbound_call", False),
        ("http://api.elevenlabs.io/twilio/inbound_call", False),
        ("https://api.elevenlabs.io/twilio/status-callback", False),
        ("https://demo.twilio.com/welcome/voice/", False),
        ("", False),
        (None, False),
    ],
)
async def test_only_the_platforms_own_address_is_native(
    url: str | None, native: bool, simulated: Simulated
) -> None:
    assert (await simulated.voice()).is_native_voice_url(url) is native


async def test_a_number_is_read_by_its_id_and_a_strange_id_is_missing(simulated: Simulated) -> None:
    voice, telephony = await simulated.voice(), await simulated.telephony()
    number_id = await imported(voice, telephony)
    assert (await voice.number(number_id)).number == NUMBER
    with pytest.raises(RemoteMissing):
        await voice.number(ExternalId("phnum_0000000000000000000000000"))


async def test_addresses_of_a_number_are_set_one_by_one_and_cleared(simulated: Simulated) -> None:
    telephony = await simulated.telephony()
    sid, url = (await held(telephony)).sid, "https://calls.example.com/fallback"
    answer = await telephony.update_number(sid, voice_fallback_url=url, timeout_s=TIMEOUT_S)
    assert (answer.voice_url, answer.voice_fallback_url) == (None, url)
    await telephony.update_number(sid, voice_url=url, timeout_s=TIMEOUT_S)
    now = await held(telephony)
    assert (now.voice_url, now.voice_fallback_url) == (url, url)
    cleared = await telephony.update_number(sid, voice_fallback_url="", timeout_s=TIMEOUT_S)
    assert (cleared.voice_url, cleared.voice_fallback_url) == (url, None)
    assert "voice" in now.capabilities
    with pytest.raises(RemoteMissing):
        await telephony.update_number("PN" + "0" * 32, voice_url=url, timeout_s=TIMEOUT_S)


async def test_only_the_account_itself_can_have_signed_a_request(simulated: Simulated) -> None:
    simulated.environment["TWILIO_AUTH_TOKEN"] = "12345"
    telephony = await simulated.telephony()
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

    def asked(said: list[tuple[str, str]], signed: str) -> SignedRequest:
        return SignedRequest("/myapp.php?foo=1&bar=2", urlencode(said).encode(), FORM, signed)

    assert telephony.is_signed(asked(fields, signature), url)
    assert not telephony.is_signed(asked(fields[1:], signature), url)
    assert not telephony.is_signed(asked(fields, signature), f"{url}3")
    assert not telephony.is_signed(asked(fields, ""), url)
