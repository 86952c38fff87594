"""What a vendor's filter lets through beyond the question is dropped, and echoes stay hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.model.errors import Rejected, RemoteMissing
from trunkline.model.ids import ExternalId

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors

TAG = "trunkline:acme/testing/front-desk"
SECRET = "token-that-nobody-may-see"


def platform(vendor: ScriptedVendor, vendors: Vendors) -> ElevenLabsPlatform:
    return ElevenLabsPlatform(
        vendors.client(vendor.url), account="elevenlabs-1", listing_timeout_s=60
    )


def line(agent_id: str, *tags: str) -> dict[str, Any]:
    return {"agent_id": agent_id, "name": "n", "tags": tags, "created_at_unix_secs": 1}


async def test_an_agent_with_a_similar_tag_is_not_found(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    listed = [line("a", f"{TAG}-2"), line("b", "other", TAG), line("c"), line("d", TAG.upper())]
    vendor.script(reply(body={"agents": listed, "has_more": False}))
    found = await platform(vendor, vendors).find_agents(TAG)
    assert [each.external_id for each in found] == ["b"]


async def test_a_secret_with_a_longer_name_is_not_found(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    listed = [{"secret_id": name, "name": name} for name in (f"{TAG}2", TAG)]
    vendor.script(reply(body={"secrets": listed, "next_cursor": None}))
    found = await platform(vendor, vendors).find_objects("secret", TAG)
    assert [each.external_id for each in found] == [TAG]


async def test_an_echoed_token_or_value_is_hidden(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    refusal = {"detail": {"status": "bad", "message": f"cannot use {SECRET} here"}}
    vendor.script(reply(status=400, body=refusal))
    voice = platform(vendor, vendors)
    writes = (
        voice.import_number("+1", label="l", sid="AC1", token=SECRET, timeout_s=60),
        voice.create_secret("title", SECRET, timeout_s=60),
        voice.update_secret(ExternalId("id"), "title", SECRET, timeout_s=60),
    )
    for write in writes:
        with pytest.raises(Rejected, match=r"cannot use \[hidden\] here") as raised:
            await write
        assert SECRET not in str(raised.value)


async def test_an_id_cannot_lead_to_another_address(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=404, body={"detail": {"status": "x", "message": "gone"}}))
    with pytest.raises(RemoteMissing, match="gone"):
        await platform(vendor, vendors).agent(ExternalId("../secrets?x=1"))
    assert vendor.heard[0].target == "/v1/convai/agents/..%2Fsecrets%3Fx%3D1"
