"""Signing in with a browser: to the identity provider, back, and what the browser holds then.

What belongs to one sign-in travels in a sealed cookie, so that it is finished by the browser that
began it and by any process of an installation. The session is a row as a token is: it can be
listed, ends by itself, and is gone when it is removed. Knows no HTTP.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import ValidationError

from trunkline.model import limits
from trunkline.model.base import Frozen, JsonObject
from trunkline.model.errors import (
    Blocked,
    IdentityProviderUnavailable,
    NotConfigured,
    SignInBroken,
    SignInRefused,
)
from trunkline.model.records import TokenRecord
from trunkline.model.sign_in import Identity, SignInRules, named_groups, verified_email
from trunkline.ports import Access
from trunkline.ports.identities import Departure, IdentityProvider
from trunkline.services.access import AccessService, IssuedToken, Principal, new_session

CALLBACK_PATH = "/v1/sign-in/callback"
AGAIN = "Begin it again: GET /v1/sign-in"
_SALT = "trunkline.sign-in"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How people sign in. ``seal`` is a secret every process of an installation has."""

    provider: IdentityProvider
    rules: SignInRules
    public_url: str
    seal: str
    session_age: timedelta = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it holds meanwhile."""

    address: str
    sealed: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the browser holds from now on, and where it goes."""

    issued: IssuedToken
    next_path: str


class _Journey(Frozen):
    """What is sealed while somebody is at the provider."""

    state: str
    nonce: str
    verifier: str
    next_path: str


class SignInService:
    """Sign-ins of people; without settings there are none, and tokens are the only way in."""

    def __init__(
        self, store: Access, access: AccessService, settings: SignInSettings | None = None
    ) -> None:
        self._store = store
        self._access = access
        self._settings = settings

    @property
    def public_url(self) -> str:
        """Where people reach this server; "" where nobody can sign in."""
        return self._settings.public_url if self._settings else ""

    @property
    def session_age_s(self) -> int:
        """How long a browser stays signed in."""
        return int(self._settings.session_age.total_seconds()) if self._settings else 0

    async def begin(self, next_path: str) -> Begun:
        """Send a browser to the provider. Raises NotConfigured, IdentityProviderUnavailable."""
        settings = self._required()
        journey = _Journey(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next_path=next_path,
        )
        address = await settings.provider.sign_in_address(_departure(settings, journey))
        return Begun(address, _sealer(settings).dumps(journey.model_dump()))

    async def finish(
        self, sealed: str, *, state: str, code: str, refusal: str, request_id: str
    ) -> SignedIn:
        """Take a browser back that brings a code, or the provider's ``refusal``.

        Raises NotConfigured, SignInBroken, SignInRefused, IdentityProviderUnavailable.
        """
        settings = self._required()
        journey = _opened(settings, sealed)
        if not secrets.compare_digest(journey.state.encode(), state.encode()):
            raise SignInBroken("This is the answer to another sign-in", hint=AGAIN)
        if refusal or not code:
            raise SignInRefused(f"The identity provider says no: {refusal[:100] or 'no code'}")
        rules = settings.rules
        wanted = {"email", "email_verified"} | ({rules.groups_claim} if rules.groups else set())
        claims = await settings.provider.claims(
            code, _departure(settings, journey), wanted=frozenset(wanted)
        )
        person = _identity(rules, claims)
        grants = rules.grants(person)
        if not grants:
            logger.warning("%s signed in and has no role here", person.email)
            raise SignInRefused(
                f"{person.email} is known to the identity provider and has no role here",
                hint="Ask an admin for one: TRUNKLINE_OIDC_ROLES says who has which",
            )
        issued = new_session(
            person.email, grants, expires_at=datetime.now(UTC) + settings.session_age
        )
        await self._store.forget_ended_sessions()
        await self._store.add_token(issued.record)
        await self._record(issued.record, settings, person, request_id)
        return SignedIn(issued, journey.next_path)

    async def sign_out(self, principal: Principal, *, request_id: str) -> str:
        """Forget the caller's session; answers where to sign out at the provider, or "".

        Raises Blocked for a token: that is revoked instead.
        """
        if principal.kind != "session":
            raise Blocked(
                "A token does not sign out",
                hint=f"Revoke it: trunkline tokens revoke {principal.token_id}",
            )
        await self._store.revoke_token(principal.token_id)
        await self._access.record(
            principal,
            "session.end",
            project=principal.project or "",
            subject=principal.token_id,
            request_id=request_id,
        )
        if self._settings is None:
            return ""
        try:
            return await self._settings.provider.sign_out_address(self._settings.public_url + "/")
        except IdentityProviderUnavailable as error:
            logger.warning("signed out here and not at the provider: %s", error)
            return ""

    async def own(self, principal: Principal) -> TokenRecord | None:
        """The token or session the caller asks with."""
        return await self._store.token_by_id(principal.token_id)

    def _required(self) -> SignInSettings:
        if self._settings is None:
            raise NotConfigured(
                "Nobody can sign in here with a browser",
                hint="Use a token, or set TRUNKLINE_OIDC_ISSUER and what belongs to it",
            )
        return self._settings

    async def _record(
        self, session: TokenRecord, settings: SignInSettings, person: Identity, request_id: str
    ) -> None:
        principal = Principal(session.person, session.role, session.project, session.id)
        ends_at = session.expires_at
        await self._access.record(
            principal,
            "session.begin",
            project=session.project or "",
            subject=session.id,
            request_id=request_id,
            details={"issuer": settings.provider.issuer, "subject": person.subject[:200]},
            after={
                "roles": [_words(grant.role, grant.project) for grant in session.grants],
                "expiresAt": ends_at.isoformat() if ends_at else None,
            },
        )


def _words(role: str, project: str | None) -> str:
    return f"{role}@{project}" if project else role


def _departure(settings: SignInSettings, journey: _Journey) -> Departure:
    return Departure(
        redirect_address=settings.public_url + CALLBACK_PATH,
        state=journey.state,
        nonce=journey.nonce,
        verifier=journey.verifier,
    )


def _identity(rules: SignInRules, claims: JsonObject) -> Identity:
    """The person in believed claims. Raises SignInRefused without a verified e-mail."""
    email = verified_email(claims, trusted=rules.trust_emails)
    if email is None:
        raise SignInRefused(
            "The identity provider does not vouch for an e-mail address of yours",
            hint="Verify it there, and sign in again",
        )
    subject = claims.get("sub")
    return Identity(
        subject=str(subject), email=email, groups=named_groups(claims.get(rules.groups_claim))
    )


def _sealer(settings: SignInSettings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.seal, salt=_SALT)


def _opened(settings: SignInSettings, sealed: str) -> _Journey:
    """What this browser began. Raises SignInBroken for nothing, too old, or not ours."""
    try:
        found = _sealer(settings).loads(sealed, max_age=limits.SIGN_IN_LIFETIME_S)
        return _Journey.model_validate(found)
    except (BadSignature, ValidationError) as error:
        raise SignInBroken(
            "No sign-in of this browser is under way, or it took too long",
            hint=f"{AGAIN}; cookies of this server must be allowed",
        ) from error
