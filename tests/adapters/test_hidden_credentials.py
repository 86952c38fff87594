"""No key, token or secret value can be read in an error, a log or a repr."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from trunkline.adapters.elevenlabs.answers import CreatedSecret, UserAnswer
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Call, Wire
from trunkline.model.errors import CredentialsRejected, InvalidSettings, PlatformError

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors
    from trunkline.model.base import JsonObject

KEY = "xi-key-that-nobody-may-see"
VALUE = "value-that-nobody-may-see"


def everything_about(error: BaseException) -> str:
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    facts = [repr(vars(each)) + str(each) + repr(each) for each in chain]
    requests = [each.request for each in chain if isinstance(each, httpx.RequestError)]
    facts.extend(repr(request.headers.raw) for request in requests)
    return "".join([*traceback.format_exception(error), *facts])


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 401, "body": {"detail": {"status": "bad", "message": f"{KEY} {VALUE}"}}},
        {"status": 422, "body": {"detail": [{"loc": ["body"], "msg": VALUE, "input": VALUE}]}},
        {"status": 500, "body": {"detail": f"{KEY} {VALUE}"}},
        {"body": {"id": 1}},
        {"body": b"{"},
        {"fault": "reset"},
        {"fault": "silence"},
    ],
)
async def test_an_error_shows_neither_key_nor_value(
    answer: dict[str, Any],
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor.script(reply(**answer))
    client = vendors.client(vendor.url, key=KEY)
    body: JsonObject = {"type": "new", "name": "n", "value": VALUE}
    with pytest.raises(PlatformError) as raised:
        await client.write(
            CreatedSecret.model_validate, "POST", "/s", body, timeout_s=60, hidden=[VALUE]
        )
    assert vendor.heard[0].headers["xi-api-key"] == KEY
    shown = everything_about(raised.value) + caplog.text + repr(client)
    assert KEY not in shown
    assert VALUE not in shown


async def test_a_call_is_logged_without_its_key(
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor.script(reply(body={"user_id": "u"}))
    await vendors.client(vendor.url, key=KEY).read(UserAnswer.model_validate, "/v1/user")
    ours = [each for each in caplog.records if each.name == "trunkline.adapters.wire"]
    assert [each.getMessage() for each in ours] == ["ElevenLabs GET /v1/user: 200"]
    assert vars(ours[0])["outcome"] == "200"
    assert KEY not in caplog.text


@pytest.mark.parametrize("key", ["", "two\nlines", "a b", "schlüssel", f"{KEY}\r"])
async def test_a_key_that_no_header_can_carry_is_refused_unseen(
    key: str, vendor: ScriptedVendor, vendors: Vendors
) -> None:
    with pytest.raises(CredentialsRejected) as raised:
        vendors.client(vendor.url, key=key)
    assert not key or key not in everything_about(raised.value)


def test_a_call_shows_no_credentials() -> None:
    call = Call("GET", "/x", write=False, timeout_s=1, credentials={"xi-api-key": KEY})
    assert KEY not in repr(call) + str(call)


@pytest.mark.parametrize("address", ["ftp://host", "host", "https://", "http://me:pass@host"])
async def test_an_address_that_is_no_plain_web_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Wire("ElevenLabs", address)
    assert "me:pass" not in str(raised.value)


async def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidSettings):
        Pace(Rates(requests_per_second=0))
