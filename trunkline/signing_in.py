"""Composition of signing in: what the settings say of an identity provider, and the provider.

Whoever sets half of it is told at the start of the server and not when the first person fails to
sign in.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError

from trunkline.model.errors import Blocked, InvalidSettings
from trunkline.model.limits import SESSION_AGE_MAX_S
from trunkline.model.sign_in import SignInRules
from trunkline.services.sign_in import SignInSettings
from trunkline.settings import Settings

_SECRET_MIN_CHARACTERS = 8
"""What a seal needs at the least; providers make up secrets of thirty characters and more."""


@asynccontextmanager
async def sign_in(settings: Settings) -> AsyncIterator[SignInSettings | None]:
    """How people sign in, None where no provider is named. Raises InvalidSettings, Blocked."""
    if not settings.oidc_issuer:
        yield None
        return
    rules, public_url, secret = checked(settings)
    from trunkline.adapters.oidc.provider import OpenIdProvider  # noqa: PLC0415 - it takes memory

    async with OpenIdProvider(
        settings.oidc_issuer, settings.oidc_client_id, secret, settings.oidc_scopes
    ) as provider:
        yield SignInSettings(
            provider=provider,
            rules=rules,
            public_url=public_url,
            seal=secret,
            session_age=settings.session_age,
        )


def require_sign_in(settings: Settings) -> None:
    """Raises InvalidSettings and Blocked for a provider that is named and of no use."""
    if settings.oidc_issuer:
        checked(settings)


def checked(settings: Settings) -> tuple[SignInRules, str, str]:
    """Rules, public address and client secret. Raises InvalidSettings, Blocked."""
    secret = settings.oidc_client_secret
    missing = [
        name
        for name, value in (
            ("TRUNKLINE_OIDC_CLIENT_ID", settings.oidc_client_id),
            ("TRUNKLINE_OIDC_CLIENT_SECRET", secret),
            ("TRUNKLINE_OIDC_ROLES", settings.oidc_roles),
            ("TRUNKLINE_PUBLIC_URL", settings.public_url),
        )
        if not value
    ]
    if missing or secret is None or settings.public_url is None:
        raise InvalidSettings(
            f"TRUNKLINE_OIDC_ISSUER is set and not: {', '.join(missing)}",
            hint="docs/access.md says what each of them is",
        )
    if len(secret.get_secret_value()) < _SECRET_MIN_CHARACTERS:
        raise InvalidSettings("TRUNKLINE_OIDC_CLIENT_SECRET is too short to be one")
    if "openid" not in settings.oidc_scopes.split():
        raise InvalidSettings("TRUNKLINE_OIDC_SCOPES lacks openid")
    if not 0 < settings.session_age.total_seconds() <= SESSION_AGE_MAX_S:
        raise InvalidSettings("TRUNKLINE_SESSION_AGE is more than nothing and at most 720h")
    from trunkline.adapters.oidc.documents import is_safe  # noqa: PLC0415 - it takes memory

    for name, address in (
        ("TRUNKLINE_OIDC_ISSUER", settings.oidc_issuer),
        ("TRUNKLINE_PUBLIC_URL", settings.public_url),
    ):
        if not is_safe(address):
            raise Blocked(
                f"{name} has no https: sign-ins do not travel unencrypted",
                hint="give an address with https, or one on this machine",
            )
    return rules(settings.oidc_roles), settings.public_url.rstrip("/"), secret.get_secret_value()


def rules(text: str) -> SignInRules:
    """TRUNKLINE_OIDC_ROLES. Raises InvalidSettings."""
    try:
        found = SignInRules.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InvalidSettings(
            f"TRUNKLINE_OIDC_ROLES is not usable: {where}: {first['msg']}".replace(": :", ":"),
            hint='write JSON such as {"groups": {"voice-admins": "admin", "ops": "operator@acme"}}',
        ) from None
    if found.are_empty:
        raise InvalidSettings(
            "TRUNKLINE_OIDC_ROLES gives nobody a role, so nobody could sign in",
            hint='name at least one group: {"groups": {"voice-admins": "admin"}}',
        )
    return found
