"""Every environment speaks to the account its project names, with the credential of this moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.model.base import JsonObject
from trunkline.model.errors import CredentialsRejected, InvalidSettings, RateLimited, Unavailable

if TYPE_CHECKING:
    from tests.adapters.conftest import Heard, Reply, ScriptedVendor

SID = "AC" + "0" * 32
OWNERS = {
    "k1": {"user_id": "user_1", "workspace_id": "workspace_1"},
    "k1-rotated": {"user_id": "user_3", "workspace_id": "workspace_1"},
    "k2": {"user_id": "user_2"},
}

Open = Callable[..., ProjectAccounts]


def project(*more: JsonObject, **accounts: Any) -> JsonObject:
    environments: list[Any] = [{"name": "testing"}, *more]
    spec: JsonObject = {"accounts": accounts, "environments": environments}
    return {"kind": "Project", "metadata": {"name": "acme"}, "spec": spec}


def elevenlabs(variable: str) -> JsonObject:
    return {"apiKey": {"env": variable}}


@pytest.fixture
async def opened(vendor: ScriptedVendor, reply: type[Reply], tmp_path: Path) -> AsyncIterator[Open]:
    """Opens accounts against a vendor that knows three keys of two accounts."""

    def answer(heard: Heard) -> Reply:
        owner = OWNERS.get(heard.headers["xi-api-key"])
        if owner is None:
            refusal = {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
            return reply(status=401, body=refusal)
        return reply(body={**owner, "subscription": {"tier": "free"}})

    vendor.make = answer
    made: list[ProjectAccounts] = []

    def open_accounts(
        manifest: JsonObject | None, environment: dict[str, str], first: str = "acme"
    ) -> ProjectAccounts:
        async def in_force(name: str) -> JsonObject | None:
            return manifest if name == "acme" else None

        asked: Callable[[str], Awaitable[JsonObject | None]] = in_force
        accounts = ProjectAccounts(
            AccountOptions(elevenlabs_url=vendor.url, twilio_url=vendor.url, read_timeout_s=60),
            Credentials(first_project=first, environment=environment, secrets_folder=tmp_path),
            asked,
        )
        made.append(accounts)
        return accounts

    yield open_accounts
    for accounts in made:
        await accounts.close()


async def test_the_first_project_uses_the_vendor_variables_by_default(opened: Open) -> None:
    environment = {
        "ELEVENLABS_API_KEY": "k1",
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": "token",
    }
    accounts = opened(None, environment)
    assert (await accounts.voice("acme", "testing")).account.startswith("elevenlabs-")
    telephony = await accounts.telephony("acme", "testing")
    assert (telephony.account, telephony.token) == (SID, "token")
    assert "token" not in repr(telephony)


async def test_another_project_has_no_default(opened: Open) -> None:
    accounts = opened(project(), {"ELEVENLABS_API_KEY": "k1"}, first="other")
    with pytest.raises(CredentialsRejected) as raised:
        await accounts.voice("acme", "testing")
    assert "spec.accounts.elevenlabs" in raised.value.hint
    with pytest.raises(CredentialsRejected):
        await accounts.telephony("acme", "testing")


async def test_an_environment_may_name_its_own_account(opened: Open) -> None:
    named: JsonObject = {"elevenlabs": elevenlabs("TRUNKLINE_SECRET_ACME_K")}
    own: JsonObject = {"name": "production", "accounts": named}
    manifest = project(own, elevenlabs=elevenlabs("ELEVENLABS_API_KEY"))
    accounts = opened(manifest, {"ELEVENLABS_API_KEY": "k1", "TRUNKLINE_SECRET_ACME_K": "k2"})
    testing = await accounts.voice("acme", "testing")
    production = await accounts.voice("acme", "production")
    assert testing.account != production.account


async def test_a_rotated_key_counts_with_the_next_call_and_keeps_its_account(
    opened: Open, vendor: ScriptedVendor
) -> None:
    environment = {"ELEVENLABS_API_KEY": "k1"}
    accounts = opened(project(), environment)
    before = await accounts.voice("acme", "testing")
    environment["ELEVENLABS_API_KEY"] = "k1-rotated"
    after = await accounts.voice("acme", "testing")
    assert before.account == after.account
    assert vendor.heard[-1].headers["xi-api-key"] == "k1-rotated"
    assert "k1" not in before.account


async def test_the_owner_of_a_key_is_asked_for_once(opened: Open, vendor: ScriptedVendor) -> None:
    accounts = opened(project(), {"ELEVENLABS_API_KEY": "k1"})
    found = await asyncio.gather(*(accounts.voice("acme", "testing") for _ in range(10)))
    assert len({id(platform) for platform in found}) == 1
    assert [heard.target for heard in vendor.heard] == ["/v1/user"]


async def test_two_keys_of_one_account_share_its_pace(
    opened: Open, vendor: ScriptedVendor, reply: type[Reply]
) -> None:
    named: JsonObject = {"elevenlabs": elevenlabs("TRUNKLINE_SECRET_ACME_K")}
    own: JsonObject = {"name": "second", "accounts": named}
    manifest = project(own, elevenlabs=elevenlabs("ELEVENLABS_API_KEY"))
    accounts = opened(
        manifest, {"ELEVENLABS_API_KEY": "k1", "TRUNKLINE_SECRET_ACME_K": "k1-rotated"}
    )
    one = await accounts.voice("acme", "testing")
    other = await accounts.voice("acme", "second")
    limited = reply(status=429, body=b"", headers={"Retry-After": "3000"})
    vendor.make = lambda _heard: limited
    heard = len(vendor.heard)
    for platform in (one, other):
        with pytest.raises(RateLimited):
            await platform.numbers()
    assert len(vendor.heard) == heard + 1


async def test_a_refused_key_is_asked_again_after_it_was_replaced(opened: Open) -> None:
    environment = {"ELEVENLABS_API_KEY": "wrong"}
    accounts = opened(project(), environment)
    with pytest.raises(CredentialsRejected) as raised:
        await accounts.voice("acme", "testing")
    assert "wrong" not in str(raised.value)
    environment["ELEVENLABS_API_KEY"] = "k2"
    assert (await accounts.voice("acme", "testing")).account


@pytest.mark.parametrize("environment", [{}, {"ELEVENLABS_API_KEY": ""}])
async def test_a_missing_key_is_named(environment: dict[str, str], opened: Open) -> None:
    with pytest.raises(CredentialsRejected, match="ELEVENLABS_API_KEY"):
        await opened(project(), environment).voice("acme", "testing")


async def test_an_unreachable_vendor_is_no_wrong_key(
    opened: Open, vendor: ScriptedVendor, reply: type[Reply]
) -> None:
    vendor.make = lambda _heard: reply(fault="reset")
    accounts = opened(project(), {"ELEVENLABS_API_KEY": "k1"})
    with pytest.raises(Unavailable):
        await accounts.voice("acme", "testing")


async def test_a_credential_of_another_project_is_refused(opened: Open) -> None:
    manifest = project(elevenlabs=elevenlabs("TRUNKLINE_SECRET_OTHER_KEY"))
    accounts = opened(manifest, {"TRUNKLINE_SECRET_OTHER_KEY": "k1"})
    with pytest.raises(CredentialsRejected, match="TRUNKLINE_SECRET_OTHER_KEY"):
        await accounts.voice("acme", "testing")


async def test_an_account_id_of_the_wrong_form_is_refused(opened: Open) -> None:
    environment = {"TWILIO_ACCOUNT_SID": "AC1/../x", "TWILIO_AUTH_TOKEN": "t"}
    with pytest.raises(CredentialsRejected):
        await opened(project(), environment).telephony("acme", "testing")


async def test_a_secret_is_read_from_the_allow_list(opened: Open) -> None:
    accounts = opened(project(), {"TRUNKLINE_SECRET_ACME_BOOKING": "b"})
    assert accounts.secret("acme", "TRUNKLINE_SECRET_ACME_BOOKING") == "b"
    with pytest.raises(InvalidSettings):
        accounts.secret("acme", "TRUNKLINE_SECRET_ACME_OTHER")
