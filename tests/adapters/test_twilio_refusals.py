"""Whichever way Twilio's client reports a refusal, its status and code decide what it means."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.twilio.telephony import TwilioTelephony
from trunkline.model.errors import (
    CredentialsRejected,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors

SID = "AC" + "0" * 32
TOKEN = "token-that-nobody-may-see"
NUMBER = "+15005550006"


def telephony(vendor: ScriptedVendor, vendors: Vendors) -> TwilioTelephony:
    return TwilioTelephony(
        vendors.wire(vendor.url, "Twilio"),
        Pace(Rates()),
        account=SID,
        token=TOKEN,
        read_timeout_s=60,
        listing_timeout_s=120,
    )


def refusal(status: int, code: int) -> dict[str, Any]:
    return {"code": code, "message": f"words {TOKEN}", "more_info": "https://x", "status": status}


REFUSALS: list[tuple[int, Any, type[PlatformError]]] = [
    (401, refusal(401, 20003), CredentialsRejected),
    (403, refusal(403, 20003), CredentialsRejected),
    (403, refusal(403, 20005), CredentialsRejected),
    (401, b"", CredentialsRejected),
    (404, refusal(404, 20404), RemoteMissing),
    (404, b"<html>", Unavailable),
    (429, refusal(429, 20429), RateLimited),
    (400, refusal(400, 21200), Rejected),
    (500, refusal(500, 20500), Unavailable),
    (503, b"upstream", Unavailable),
    (200, b"{", Unavailable),
    (200, ["not", "a", "page"], Unavailable),
]


@pytest.mark.parametrize(("status", "body", "leaf"), REFUSALS)
async def test_a_list_and_a_single_read_mean_the_same(
    status: int,
    body: Any,
    leaf: type[PlatformError],
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor.script(reply(status=status, body=body))
    for read in (telephony(vendor, vendors).numbers, telephony(vendor, vendors).check):
        with pytest.raises(PlatformError) as raised:
            await read()
        assert type(raised.value) is leaf
        assert TOKEN not in str(raised.value) + caplog.text
    assert [heard.method for heard in vendor.heard] == ["GET", "GET"]


@pytest.mark.parametrize("fault", ["reset", "half", "silence"])
async def test_a_read_without_a_whole_answer_is_unavailable(
    fault: Any, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(fault=fault, body={"incoming_phone_numbers": []}))
    with pytest.raises(Unavailable):
        await telephony(vendor, vendors).numbers()
    assert len(vendor.heard) == 1


async def test_a_429_silences_the_account_as_long_as_twilio_says(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=429, body=refusal(429, 20429), headers={"Retry-After": "3000"}))
    account = telephony(vendor, vendors)
    with pytest.raises(RateLimited) as first:
        await account.numbers()
    with pytest.raises(RateLimited) as second:
        await account.check()
    assert first.value.retry_after_s == 3000
    assert second.value.retry_after_s > 2000
    assert len(vendor.heard) == 1


@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_an_account_that_is_not_active_is_refused(
    status: str, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={"sid": SID, "status": status}))
    with pytest.raises(CredentialsRejected, match=status):
        await telephony(vendor, vendors).check()


def page(next_uri: str | None, *numbers: str) -> dict[str, Any]:
    listed = [{"sid": f"PN{n}", "phone_number": n, "voice_url": ""} for n in numbers]
    return {"incoming_phone_numbers": listed, "next_page_uri": next_uri, "page": 0}


async def test_pages_are_followed_and_empty_text_is_nothing(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body=page("/2010-04-01/next?Page=1", "+1")), reply(body=page(None, "+2")))
    numbers = await telephony(vendor, vendors).numbers()
    assert [each.number for each in numbers] == ["+1", "+2"]
    assert numbers[0].voice_url is None
    assert vendor.heard[1].target == "/2010-04-01/next?Page=1"
    assert "PageSize=200" in vendor.heard[0].target


async def test_a_number_that_only_resembles_the_wanted_one_is_not_it(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body=page(None, f"{NUMBER}1", f"1{NUMBER}")))
    assert await telephony(vendor, vendors).number(NUMBER) is None
    assert "PhoneNumber=%2B15005550006" in vendor.heard[0].target


async def test_a_list_that_repeats_itself_is_an_error(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body=page("/2010-04-01/again", "+1")))
    with pytest.raises(Unavailable, match="repeats"):
        await telephony(vendor, vendors).numbers()


async def test_a_page_elsewhere_is_never_asked_for(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    elsewhere = {"meta": {"key": "n", "next_page_url": "http://127.0.0.1:1/steal"}, "n": []}
    vendor.script(reply(body=elsewhere))
    with pytest.raises(Unavailable, match="away"):
        await telephony(vendor, vendors).numbers()
    assert len(vendor.heard) == 1
