"""Signing in with OpenID Connect: the code flow with PKCE, and tokens that are looked at closely.

Authlib knows the protocol, joserfc the signatures; connections, deadlines and bounds are ours. A
token counts if a key of the provider signed it for this client, in answer to this browser's
question, and its time has come and is not over. Nothing the provider issues is kept.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jws import JWSRegistry

from trunkline.adapters.oidc.documents import Description, ProviderDocuments, ProviderRefused
from trunkline.model.base import JsonObject
from trunkline.model.errors import SignInBroken
from trunkline.model.limits import CLOCK_SKEW_S
from trunkline.ports.identities import Departure

AGAIN = "Sign in again"


class OpenIdProvider:
    """The IdentityProvider port. Use it as an asynchronous context manager."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        scopes: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._documents = ProviderDocuments(issuer, clock=clock)
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._documents.close()

    @property
    def issuer(self) -> str:
        """Its name, which is an address."""
        return self._documents.issuer

    async def sign_in_address(self, departure: Departure) -> str:
        """Where a browser goes to sign in. Raises IdentityProviderUnavailable."""
        described = await self._documents.description()
        return str(
            prepare_grant_uri(
                described.authorization_endpoint,
                client_id=self._client_id,
                response_type="code",
                redirect_uri=departure.redirect_address,
                scope=self._scopes,
                state=departure.state,
                nonce=departure.nonce,
                code_challenge=create_s256_code_challenge(departure.verifier),
                code_challenge_method="S256",
            )
        )

    async def claims(
        self, code: str, departure: Departure, *, wanted: frozenset[str]
    ) -> JsonObject:
        """What the provider vouches for, for a code a browser came back with.

        Claims that are ``wanted`` and not in the token are asked for. Raises SignInBroken for a
        code or token that cannot be believed, IdentityProviderUnavailable.
        """
        described = await self._documents.description()
        issued = await self._redeemed(described, code, departure)
        claims = await self._believed(described, issued, departure)
        if described.userinfo_endpoint and not wanted <= claims.keys():
            more = await self._asked(described, issued, claims)
            claims = {**more, **claims}
        return claims

    async def sign_out_address(self, return_address: str) -> str:
        """Where a browser goes to be signed out there, too; "" if there is no such place."""
        described = await self._documents.description()
        if not described.end_session_endpoint:
            return ""
        fields = {"client_id": self._client_id, "post_logout_redirect_uri": return_address}
        joint = "&" if "?" in described.end_session_endpoint else "?"
        return f"{described.end_session_endpoint}{joint}{urlencode(fields)}"

    async def check(self) -> None:
        """Ask for its description and its keys now. Raises IdentityProviderUnavailable."""
        await self._documents.description(fresh=True)
        await self._documents.keys(missing=True)

    async def _redeemed(
        self, described: Description, code: str, departure: Departure
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": departure.redirect_address,
            "code_verifier": departure.verifier,
        }
        request: dict[str, Any] = {"data": form}
        if "client_secret_post" in described.token_endpoint_auth_methods_supported:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        else:
            request["auth"] = httpx.BasicAuth(
                quote(self._client_id, safe=""), quote(self._client_secret, safe="")
            )
        try:
            return await self._documents.fetch("POST", described.token_endpoint, **request)
        except ProviderRefused as refused:
            raise SignInBroken(
                f"The identity provider refuses the sign-in: {str(refused)[:100]}", hint=AGAIN
            ) from refused

    async def _believed(
        self, described: Description, issued: dict[str, Any], departure: Departure
    ) -> JsonObject:
        """The claims of the token, after every check of OpenID Connect Core, 3.1.3.7."""
        token = issued.get("id_token")
        if not isinstance(token, str):
            raise SignInBroken("The identity provider sent no token", hint=AGAIN)
        try:
            verified = await self._verified(described, token)
            claims = CodeIDToken(
                verified.claims,
                verified.header,
                {
                    "iss": {"essential": True, "value": described.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "nonce": {"essential": True, "value": departure.nonce},
                },
                {
                    "nonce": departure.nonce,
                    "client_id": self._client_id,
                    "access_token": issued.get("access_token"),
                },
            )
            claims.validate(leeway=CLOCK_SKEW_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            word = getattr(error, "error", type(error).__name__)
            raise SignInBroken(
                f"The token of the identity provider cannot be believed: {word}"
                f" {getattr(error, 'description', '')}".rstrip(),
                hint=f"{AGAIN}; if it happens again, compare the clocks: trunkline doctor",
            ) from error
        return dict(claims)

    async def _verified(self, described: Description, token: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=described.algorithms, strict_check_header=False)
        try:
            return jwt.decode(token, await self._documents.keys(), registry=registry)
        except (InvalidKeyIdError, BadSignatureError):
            keys = await self._documents.keys(missing=True)
            return jwt.decode(token, keys, registry=registry)

    async def _asked(
        self, described: Description, issued: dict[str, Any], claims: JsonObject
    ) -> JsonObject:
        """What the provider says beyond the token, if it speaks of the same person."""
        bearer = {"Authorization": f"Bearer {issued.get('access_token', '')}"}
        found = await self._documents.fetch("GET", described.userinfo_endpoint, headers=bearer)
        if found.get("sub") != claims.get("sub"):
            raise SignInBroken("The identity provider spoke of somebody else", hint=AGAIN)
        return found
