"""A check of an account reads each part once, harmlessly, and takes the vendor's time along."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.model.errors import CredentialsRejected, Unavailable
from trunkline.services.diagnoses import account_findings

if TYPE_CHECKING:
    from tests.adapters.conftest import Heard, Reply, ScriptedVendor, Simulated, Vendors

SLOW_CLOCK = {"Date": "Mon, 02 Mar 2026 11:58:30 GMT"}
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def platform(vendors: Vendors, vendor: ScriptedVendor) -> ElevenLabsPlatform:
    return ElevenLabsPlatform(
        vendors.client(vendor.url), account="elevenlabs-1", listing_timeout_s=60.0
    )


async def test_everything_readable_and_a_clock_that_is_late(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={}, headers=SLOW_CLOCK))
    facts = await platform(vendors, vendor).check()
    assert facts.refused == ()
    assert facts.now == datetime(2026, 3, 2, 11, 58, 30, tzinfo=UTC)
    assert {heard.method for heard in vendor.heard} == {"GET"}
    assert len(vendor.heard) == 6
    [_, clock] = account_findings("elevenlabs", facts, NOW)
    assert (clock.state, clock.found) == ("failed", "this machine is 90 s ahead of it")


async def test_a_read_that_is_refused_is_named_and_the_rest_goes_on(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    def answer(heard: Heard) -> Reply:
        refused = heard.target.startswith(("/v1/convai/tools", "/v1/convai/secrets"))
        detail = {"detail": {"status": "missing_permissions", "message": "not this key"}}
        return reply(status=401, body=detail) if refused else reply(body={})

    vendor.make = answer
    facts = await platform(vendors, vendor).check()
    assert facts.refused == ("tools", "secrets")
    assert facts.now is None


async def test_a_vendor_that_fails_is_no_missing_permission(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={}), reply(status=503, body={}))
    with pytest.raises(Unavailable):
        await platform(vendors, vendor).check()


async def test_both_simulators_let_their_account_in(simulated: Simulated) -> None:
    voice = await (await simulated.voice()).check()
    telephony = await (await simulated.telephony()).check()
    assert voice.refused == ()
    assert telephony.account == simulated.running.twilio_account_sid
    for facts in (voice, telephony):
        assert facts.now is not None
        assert abs((datetime.now(UTC) - facts.now).total_seconds()) < 60


async def test_a_wrong_token_of_the_carrier(simulated: Simulated) -> None:
    simulated.environment["TWILIO_AUTH_TOKEN"] = "f" * 32
    with pytest.raises(CredentialsRejected):
        await (await simulated.telephony()).check()
