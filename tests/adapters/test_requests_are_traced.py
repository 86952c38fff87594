"""A vendor is told for which request of a person a call is made, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.adapters.elevenlabs.answers import UserAnswer
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.twilio.transport import PacedTransport
from trunkline.asking import Urgency, asking

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors


async def test_both_vendors_hear_the_id_of_the_request(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={"user_id": "u"}))
    client = vendors.client(vendor.url)
    transport = PacedTransport(vendors.wire(vendor.url, "Twilio"), Pace(Rates()), timeout_s=60)
    with asking(Urgency.INTERACTIVE, request_id="request-1"):
        await client.read(UserAnswer.model_validate, "/v1/user")
        await transport.request("GET", f"{vendor.url}/2010-04-01/Accounts.json")
    assert [heard.headers["x-request-id"] for heard in vendor.heard] == ["request-1", "request-1"]


async def test_without_a_request_no_id_is_made_up(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body={"user_id": "u"}))
    await vendors.client(vendor.url).read(UserAnswer.model_validate, "/v1/user")
    assert "x-request-id" not in vendor.heard[0].headers
