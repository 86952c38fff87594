"""What signing in asks of an identity provider."""

from dataclasses import dataclass, field
from typing import Protocol

from trunkline.model.base import JsonObject


@dataclass(frozen=True, slots=True)
class Departure:
    """What goes with a browser to the provider, or is kept here until it comes back.

    ``verifier`` is the secret half of PKCE; ``state`` and ``nonce`` come back with the browser and
    with the token.
    """

    redirect_address: str
    state: str
    nonce: str
    verifier: str = field(repr=False)


class IdentityProvider(Protocol):
    """One OpenID Connect provider. Every method raises IdentityProviderUnavailable."""

    @property
    def issuer(self) -> str:
        """Its name, which is an address."""

    async def sign_in_address(self, departure: Departure) -> str:
        """Where a browser goes to sign in."""

    async def claims(
        self, code: str, departure: Departure, *, wanted: frozenset[str]
    ) -> JsonObject:
        """What the provider vouches for, for a code a browser came back with.

        Claims that are ``wanted`` and not in the token are asked for. Raises SignInBroken for a
        code or token that cannot be believed.
        """

    async def sign_out_address(self, return_address: str) -> str:
        """Where a browser goes to be signed out there, too; "" if there is no such place."""

    async def check(self) -> None:
        """Ask for its description and its keys now."""
