"""Half of an identity provider is an error when the server starts, and says what is missing."""

from typing import Any

import httpx
import pytest

from tests.access.browsers import Serve
from tests.access.identity_forger import Forger
from trunkline.model.errors import Blocked, InvalidSettings
from trunkline.services.access import Principal
from trunkline.settings import Settings
from trunkline.signing_in import checked, require_sign_in, sign_in

WHOLE = {
    "TRUNKLINE_OIDC_ISSUER": "https://sso.example.com",
    "TRUNKLINE_OIDC_CLIENT_ID": "trunkline",
    "TRUNKLINE_OIDC_CLIENT_SECRET": "a-long-secret",
    "TRUNKLINE_OIDC_ROLES": '{"groups": {"voice-admins": "admin"}}',
    "TRUNKLINE_PUBLIC_URL": "https://trunkline.example.com/",
}


def settings(**changed: str) -> Settings:
    return Settings.model_validate({**WHOLE, **changed})


def test_a_whole_provider_is_taken() -> None:
    rules, public_url, secret = checked(settings())
    assert [grant.role for grant in rules.groups["voice-admins"]] == ["admin"]
    assert (public_url, secret) == ("https://trunkline.example.com", "a-long-secret")
    assert "a-long-secret" in settings().secret_values()
    assert "a-long-secret" not in repr(settings())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"TRUNKLINE_OIDC_CLIENT_ID": ""}, "not: TRUNKLINE_OIDC_CLIENT_ID$"),
        ({"TRUNKLINE_PUBLIC_URL": ""}, "not: TRUNKLINE_PUBLIC_URL$"),
        ({"TRUNKLINE_OIDC_CLIENT_SECRET": "short"}, "too short"),
        ({"TRUNKLINE_OIDC_ROLES": "{"}, "TRUNKLINE_OIDC_ROLES is not usable"),
        ({"TRUNKLINE_OIDC_ROLES": '{"groups": {"a": "root"}}'}, "groups.a.*'root' is no role"),
        ({"TRUNKLINE_OIDC_ROLES": "{}"}, "gives nobody a role"),
        ({"TRUNKLINE_OIDC_SCOPES": "email"}, "lacks openid"),
        ({"TRUNKLINE_SESSION_AGE": "0s"}, "TRUNKLINE_SESSION_AGE"),
        ({"TRUNKLINE_SESSION_AGE": "721h"}, "TRUNKLINE_SESSION_AGE"),
    ],
)
def test_what_is_missing_or_wrong_is_named(changed: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        require_sign_in(settings(**changed))


@pytest.mark.parametrize("name", ["TRUNKLINE_OIDC_ISSUER", "TRUNKLINE_PUBLIC_URL"])
def test_sign_ins_do_not_travel_unencrypted(name: str) -> None:
    with pytest.raises(Blocked, match=f"{name} has no https"):
        require_sign_in(settings(**{name: "http://trunkline.example.com"}))
    require_sign_in(settings(**{name: "http://127.0.0.1:8080"}))


async def test_without_a_provider_nobody_signs_in_and_nothing_is_wrong() -> None:
    async with sign_in(Settings.model_validate({"TRUNKLINE_OIDC_ISSUER": ""})) as found:
        assert found is None


@pytest.mark.slow
async def test_a_provider_that_is_down_is_said_and_tokens_work(serve: Serve, nobody: int) -> None:
    async with serve(f"http://127.0.0.1:{nobody}") as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        async with httpx.AsyncClient(base_url=place.url, timeout=60) as client:
            begun = await client.get("/v1/sign-in")
            assert begun.status_code == 503
            assert begun.json()["type"] == "urn:trunkline:problem:identity-provider-unavailable"
            assert begun.headers["Retry-After"]
            headers = {"Authorization": f"Bearer {boss.secret}"}
            assert (await client.get("/v1/me", headers=headers)).status_code == 200
        assert await finding(place.services, "sign-in.provider") == "failed"


@pytest.mark.slow
async def test_the_doctor_asks_the_provider(serve: Serve, forger: Forger) -> None:
    async with serve(forger.address) as place:
        assert await finding(place.services, "sign-in.provider") == "ok"
        assert await finding(place.services, "sign-in.redirect") == "ok"
        assert forger.asked["/keys"] == 1


async def finding(services: Any, name: str) -> str:
    """The state of one check of the doctor."""
    found = await services.doctor.examine(Principal("ops@example.com", "operator"))
    [state] = [one.state for one in found if one.name == name]
    return str(state)
