"""A token counts if the provider's key signed it for us, for this sign-in, and its time is now."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.access.identity_forger import CLIENT, SECRET, Forger, new_key
from trunkline.adapters.oidc.provider import OpenIdProvider
from trunkline.model.errors import IdentityProviderUnavailable, SignInBroken
from trunkline.ports.identities import Departure

DEPARTURE = Departure("http://127.0.0.1/cb", state="s", nonce="nonce-1", verifier="v" * 64)


class Clock:
    """Seconds as the test says."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def provider(forger: Forger, clock: Clock) -> AsyncIterator[OpenIdProvider]:
    found = OpenIdProvider(forger.address, CLIENT, SECRET, "openid email", clock=clock)
    async with found:
        yield found


async def redeem(provider: OpenIdProvider, *wanted: str) -> dict[str, Any]:
    """Go there and come back, as an honest browser would."""
    address = await provider.sign_in_address(DEPARTURE)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    code = f"{asked['nonce']}.{asked['code_challenge']}"
    return dict(await provider.claims(code, DEPARTURE, wanted=frozenset(wanted)))


async def test_an_honest_token_is_believed(provider: OpenIdProvider, forger: Forger) -> None:
    claims = await redeem(provider, "email", "groups")
    assert (claims["email"], claims["groups"]) == ("ada@example.com", ["voice-admins"])
    [form] = forger.redeemed
    assert form["grant_type"] == "authorization_code"
    assert form["authorization"].startswith("Basic ")
    assert "client_secret" not in form
    assert "/person" not in forger.asked


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "nonce-2"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "somebody-else"},
    "no audience": {"aud": None},
    "several audiences and no party": {"aud": [CLIENT, "other"]},
    "several audiences and another party": {"aud": [CLIENT, "other"], "azp": "other"},
    "another issuer": {"iss": "https://sso.example.com"},
    "no issuer": {"iss": None},
    "over": {"exp": timedelta(minutes=-2)},
    "no end": {"exp": None},
    "an end that is no number": {"exp": "tomorrow"},
    "issued in the future": {"iat": timedelta(minutes=15)},
    "not yet": {"nbf": timedelta(minutes=15)},
    "of nobody": {"sub": None},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_lies_is_not_believed(
    provider: OpenIdProvider, forger: Forger, lie: str
) -> None:
    forger.claims = LIES[lie]
    with pytest.raises(SignInBroken, match="cannot be believed"):
        await redeem(provider)


async def test_clocks_may_differ_by_a_minute(provider: OpenIdProvider, forger: Forger) -> None:
    forger.claims = {"exp": timedelta(seconds=-30), "iat": timedelta(seconds=30)}
    assert (await redeem(provider))["sub"] == "person-1"


async def test_a_key_of_somebody_else_is_not_believed(
    provider: OpenIdProvider, forger: Forger
) -> None:
    forger.key = new_key("first")
    with pytest.raises(SignInBroken, match="cannot be believed: bad_signature"):
        await redeem(provider)


def _unsigned(forger: Forger) -> str:
    signed = forger.token("nonce-1").split(".")
    header = "eyJhbGciOiJub25lIn0"
    return f"{header}.{signed[1]}."


def _by_the_public_key(forger: Forger) -> str:
    """The oldest trick: the public key, taken as a shared secret."""
    claims: dict[str, Any] = {"iss": forger.address, "aud": CLIENT, "sub": "x", "nonce": "nonce-1"}
    claims |= {"exp": int(time.time()) + 300, "iat": int(time.time())}
    parts = [_encoded(part) for part in ({"alg": "HS256", "kid": "first"}, claims)]
    secret = forger.keys[0].as_pem(private=False)
    seal = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(seal).rstrip(b"=")]).decode()


def _encoded(part: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def _cut(forger: Forger) -> str:
    return forger.token("nonce-1")[:-4]


FORGERIES: dict[str, Callable[[Forger], str]] = {
    "unsigned": _unsigned,
    "signed with what everybody knows": _by_the_public_key,
    "cut": _cut,
    "empty": lambda _forger: "",
    "no token": lambda _forger: "a.b.c",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forgery_is_not_believed(
    provider: OpenIdProvider, forger: Forger, forgery: str
) -> None:
    forger.raw = FORGERIES[forgery](forger)
    with pytest.raises(SignInBroken):
        await redeem(provider)


async def test_a_code_without_its_secret_half_is_worth_nothing(
    provider: OpenIdProvider,
) -> None:
    with pytest.raises(SignInBroken, match="refuses the sign-in: invalid_grant"):
        await provider.claims("nonce-1.of-another-verifier", DEPARTURE, wanted=frozenset())


async def test_a_changed_key_is_looked_for_once(
    provider: OpenIdProvider, forger: Forger, clock: Clock
) -> None:
    await redeem(provider)
    forger.key = new_key("second")
    forger.keys = [forger.key]
    clock.now_s += 5
    with pytest.raises(SignInBroken):
        await redeem(provider)
    assert forger.asked["/keys"] == 1, "strangers must not make us ask at every token"
    clock.now_s += 6
    assert (await redeem(provider))["sub"] == "person-1"
    assert forger.asked["/keys"] == 2
    assert (await redeem(provider))["sub"] == "person-1"
    assert forger.asked["/keys"] == 2


async def test_description_and_keys_are_remembered_for_an_hour(
    provider: OpenIdProvider, forger: Forger, clock: Clock
) -> None:
    for _ in range(3):
        await redeem(provider)
    path = "/.well-known/openid-configuration"
    assert (forger.asked[path], forger.asked["/keys"]) == (1, 1)
    clock.now_s += 3_601
    await redeem(provider)
    assert (forger.asked[path], forger.asked["/keys"]) == (2, 2)


async def test_what_the_token_lacks_is_asked_for(provider: OpenIdProvider, forger: Forger) -> None:
    forger.claims = {"groups": None}
    forger.person = {"sub": "person-1", "groups": ["acme-ops"], "email": "eve@example.com"}
    claims = await redeem(provider, "email", "groups")
    assert claims["groups"] == ["acme-ops"]
    assert claims["email"] == "ada@example.com", "what is signed counts before what is said"


async def test_what_is_said_of_somebody_else_is_not_taken(
    provider: OpenIdProvider, forger: Forger
) -> None:
    forger.claims = {"groups": None}
    forger.person = {"sub": "person-2", "groups": ["voice-admins"]}
    with pytest.raises(SignInBroken, match="somebody else"):
        await redeem(provider, "groups")


USELESS: dict[str, dict[str, Any]] = {
    "calls itself": {"issuer": "https://sso.example.com"},
    "lacks token_endpoint": {"token_endpoint": None},
    "signs with nothing": {"id_token_signing_alg_values_supported": ["HS256", "none"]},
}


@pytest.mark.parametrize("problem", USELESS)
async def test_a_provider_that_describes_itself_badly_is_of_no_use(
    provider: OpenIdProvider, forger: Forger, problem: str
) -> None:
    forger.described = USELESS[problem]
    with pytest.raises(IdentityProviderUnavailable, match=problem):
        await provider.sign_in_address(DEPARTURE)


async def test_nothing_travels_unencrypted_to_another_machine(
    provider: OpenIdProvider, forger: Forger
) -> None:
    forger.described = {"token_endpoint": "http://sso.example.com/token"}
    with pytest.raises(IdentityProviderUnavailable, match="not encrypted"):
        await redeem(provider)


async def test_a_provider_that_is_not_there_is_said_so(nobody: int) -> None:
    address = f"http://127.0.0.1:{nobody}"
    async with OpenIdProvider(address, CLIENT, SECRET, "openid") as provider:
        with pytest.raises(IdentityProviderUnavailable, match="ConnectError") as told:
            await provider.sign_in_address(DEPARTURE)
        assert told.value.retryable
        with pytest.raises(IdentityProviderUnavailable):
            await provider.check()


async def test_an_answer_without_end_is_cut(provider: OpenIdProvider, forger: Forger) -> None:
    forger.described = {"padding": "x" * 1_100_000}
    with pytest.raises(IdentityProviderUnavailable, match="too large"):
        await provider.sign_in_address(DEPARTURE)


async def test_signing_out_there_is_offered_where_there_is_a_place(
    provider: OpenIdProvider, forger: Forger, clock: Clock
) -> None:
    assert await provider.sign_out_address("http://127.0.0.1/") == ""
    forger.described = {"end_session_endpoint": f"{forger.address}/logout?a=b"}
    clock.now_s += 3_601
    address = await provider.sign_out_address("http://127.0.0.1/")
    assert address.startswith(f"{forger.address}/logout?a=b&client_id={CLIENT}&post_logout")
