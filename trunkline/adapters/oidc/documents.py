"""What an identity provider publishes: its description and its keys, fetched within bounds.

Both are remembered for an hour. A key that is not among the known ones is looked for once, because
providers change keys whenever they like, and not again within seconds, because strangers can make
up names of keys. Whatever keeps us from an answer is one error, IdentityProviderUnavailable.
"""

import json
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from trunkline.model.errors import IdentityProviderUnavailable
from trunkline.model.limits import (
    PROVIDER_ANSWER_MAX_BYTES,
    PROVIDER_KEYS_PAUSE_S,
    PROVIDER_REMEMBERED_S,
    PROVIDER_TIMEOUT_S,
)

DESCRIPTION_PATH = "/.well-known/openid-configuration"
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
"""Signatures that are believed: none by a shared secret, and never ``none``."""
HINT = "Look whether TRUNKLINE_OIDC_ISSUER is its address; tokens work meanwhile"


class Description(BaseModel):
    """What a provider says of itself, as far as we use it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)

    @property
    def algorithms(self) -> list[str]:
        """What it signs with, of what is believed."""
        return [name for name in self.id_token_signing_alg_values_supported if name in ALGORITHMS]


def is_safe(address: str) -> bool:
    """True for https, and for http on this machine."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and (host == "localhost" or _is_loopback(host))


class ProviderDocuments:
    """The description and keys of one provider. Whoever makes one closes it."""

    def __init__(self, issuer: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._clock = clock
        self._client = httpx.AsyncClient(
            timeout=PROVIDER_TIMEOUT_S, follow_redirects=False, trust_env=False
        )
        self._description: tuple[float, Description] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def description(self, *, fresh: bool = False) -> Description:
        """What the provider says of itself. Raises IdentityProviderUnavailable."""
        known = self._description
        if known is None or fresh or self._clock() - known[0] > PROVIDER_REMEMBERED_S:
            address = self.issuer.rstrip("/") + DESCRIPTION_PATH
            known = (self._clock(), self._checked(await self.fetch("GET", address)))
            self._description = known
        return known[1]

    async def keys(self, *, missing: bool = False) -> KeySet:
        """Its keys; ``missing`` says that one is not among them. Raises
        IdentityProviderUnavailable.
        """
        known = self._keys
        age_s = PROVIDER_REMEMBERED_S if known is None else self._clock() - known[0]
        if known is None or age_s > (PROVIDER_KEYS_PAUSE_S if missing else PROVIDER_REMEMBERED_S):
            found = await self.fetch("GET", (await self.description()).jwks_uri)
            try:
                known = (self._clock(), KeySet.import_key_set(_usable(found)))
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise self._useless("its keys cannot be read") from error
            self._keys = known
        return known[1]

    async def fetch(self, method: str, address: str, **request: Any) -> dict[str, Any]:
        """A JSON object. Raises IdentityProviderUnavailable, and ProviderRefused for a 4xx."""
        if not is_safe(address):
            raise self._useless(f"it names {address}, which is not encrypted")
        try:
            async with self._client.stream(method, address, **request) as answer:
                content = b""
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > PROVIDER_ANSWER_MAX_BYTES:
                        raise self._useless("its answer is too large")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._useless(type(error).__name__) from error
        found = _json_object(content)
        if answer.is_client_error and method == "POST":
            raise ProviderRefused(str((found or {}).get("error", answer.status_code)))
        if not answer.is_success or found is None:
            raise self._useless(f"{urlsplit(address).path} answers with {answer.status_code}")
        return found

    def _checked(self, found: dict[str, Any]) -> Description:
        try:
            described = Description.model_validate(found)
        except ValidationError as error:
            where = ".".join(str(step) for step in error.errors()[0]["loc"])
            raise self._useless(f"its description lacks {where}") from error
        if described.issuer.rstrip("/") != self.issuer.rstrip("/"):
            raise self._useless(f"it calls itself {described.issuer[:200]}")
        if not described.algorithms:
            raise self._useless("it signs with nothing that is believed")
        return described

    def _useless(self, why: str) -> IdentityProviderUnavailable:
        return IdentityProviderUnavailable(
            f"The identity provider {self.issuer} is of no use: {why}", hint=HINT
        )


class ProviderRefused(Exception):
    """The provider will not have a code or client; its word for why, as OAuth has them."""


def _usable(found: Mapping[str, Any]) -> Any:
    """The keys of a set that sign: providers publish others, of kinds we need not know."""
    listed = found["keys"]
    signing = [key for key in listed if key.get("kty") in ("RSA", "EC", "OKP")]
    return {"keys": [key for key in signing if key.get("use", "sig") == "sig"]}


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
