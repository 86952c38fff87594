"""Whether a carrier really asked: by its signature over our public address, once, and in time.

Whoever cannot sign learns nothing, also not which projects and numbers there are. A signature joins
fields without separators, so one request could be told as another under the same signature: what
came once under a signature may come again only as it was.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from activities.policies import environments
from trunkline.model.calls.addresses import MEDIA_ROUTE, media_address, public_address
from trunkline.model.calls.limits import (
    CARRIER_ACCOUNTS_AGAIN_S,
    CARRIER_ACCOUNTS_KNOWN_S,
    CARRIER_ACCOUNTS_MAX,
    REQUEST_SEEN_S,
)
from trunkline.model.calls.signed import Fields, SignedRequest, value_of
from trunkline.model.errors import (
    CredentialsRejected,
    Forbidden,
    InvalidInput,
    NotConfigured,
    TrunklineError,
)
from trunkline.ports import Projects, Wishes
from trunkline.ports.calls import CallPlatforms, Calls, Carrier

UNSIGNED: Final = "The request was not signed by the telephony account it is about"
ALTERED: Final = "Another request came under this signature before"
_CALL_ID = re.compile(r"CA[0-9a-f]{32}")


class CallPlace(NamedTuple):
    """An environment of a project, whose telephony account signed something."""

    project: str
    environment: str


@dataclass(frozen=True, slots=True)
class ProvedRequest:
    """A request that its account signed, and what it says."""

    carrier: Carrier
    call_id: str
    fields: Fields
    is_repeated: bool

    def said(self, name: str) -> str:
        """A field's value, "" for none."""
        return value_of(self.fields, name)


class CarrierRequests:
    """Proves requests of carriers; without ``platforms`` or ``public_url`` none can be."""

    def __init__(
        self,
        calls: Calls,
        projects: Projects,
        wishes: Wishes,
        *,
        platforms: CallPlatforms | None,
        public_url: str | None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._projects = projects
        self._wishes = wishes
        self._platforms = platforms
        self._public_url = public_url
        self._clock_s = clock_s
        self._known: tuple[tuple[CallPlace, Carrier], ...] = ()
        self._known_at_s: float | None = None

    @property
    def public_url(self) -> str:
        """Where carriers reach us. Raises NotConfigured."""
        if self._platforms is None or not self._public_url:
            raise NotConfigured(
                "This server does not answer carriers",
                hint="Set TRUNKLINE_PUBLIC_URL to the address at which it can be reached",
            )
        return self._public_url

    @property
    def platforms(self) -> CallPlatforms:
        """Both ends of calls. Raises NotConfigured."""
        if self._platforms is None:
            raise NotConfigured("This server has no accounts to carry calls with")
        return self._platforms

    async def proved(self, place: CallPlace, request: SignedRequest) -> ProvedRequest:
        """The request, if the account of the place signed it and it is about a call of it.

        Raises Forbidden, NotConfigured, InvalidInput.
        """
        url = public_address(self.public_url, request.target)
        carrier = await self._carrier(place)
        fields = request.fields()
        request.query()
        if carrier is None or not carrier.is_signed(request, url):
            raise Forbidden(UNSIGNED)
        call_id = value_of(fields, "CallSid")
        if value_of(fields, "AccountSid") != carrier.account:
            raise Forbidden(UNSIGNED)
        require_call_id(call_id)
        repeated = await self._is_repeated(url, request)
        return ProvedRequest(carrier, call_id, fields, repeated)

    async def signers(self, request: SignedRequest, account: str) -> frozenset[CallPlace]:
        """Places with this account if it signed the request; empty if it is forged.

        Raises NotConfigured, InvalidInput.
        """
        url = public_address(self.public_url, request.target)
        return await self._signers(request, url, account) if account else frozenset()

    async def upgrade_signers(self, request: SignedRequest) -> frozenset[CallPlace]:
        """Places whose account signed the opening of a media stream; empty refuses it.

        The opening says nothing of a call, so every account is tried; whose call it is the stream
        says by its ticket, and that call must be of one of these places.
        """
        if request.target != MEDIA_ROUTE or request.content:
            return frozenset()
        url = media_address(self.public_url, request.target)
        return await self._signers(request, url, "")

    async def _signers(
        self, request: SignedRequest, url: str, account: str
    ) -> frozenset[CallPlace]:
        if not request.signature:
            return frozenset()
        found = self._matching(await self._accounts(), request, url, account)
        if not found and self._is_older_than(CARRIER_ACCOUNTS_AGAIN_S):
            self._known_at_s = None
            found = self._matching(await self._accounts(), request, url, account)
        return found

    def _matching(
        self,
        known: tuple[tuple[CallPlace, Carrier], ...],
        request: SignedRequest,
        url: str,
        account: str,
    ) -> frozenset[CallPlace]:
        return frozenset(
            place
            for place, carrier in known
            if account in ("", carrier.account) and carrier.is_signed(request, url)
        )

    async def _accounts(self) -> tuple[tuple[CallPlace, Carrier], ...]:
        """Every place that has a telephony account, looked up now and then."""
        if not self._is_older_than(CARRIER_ACCOUNTS_KNOWN_S):
            return self._known
        found: list[tuple[CallPlace, Carrier]] = []
        for project in await self._projects.projects():
            manifest = await self._wishes.project_manifest(project.name)
            for environment in _named(manifest):
                place = CallPlace(project.name, environment)
                carrier = await self._carrier(place)
                if carrier is not None:
                    found.append((place, carrier))
        self._known = tuple(found[:CARRIER_ACCOUNTS_MAX])
        self._known_at_s = self._clock_s()
        return self._known

    def _is_older_than(self, age_s: float) -> bool:
        return self._known_at_s is None or self._clock_s() - self._known_at_s >= age_s

    async def _carrier(self, place: CallPlace) -> Carrier | None:
        try:
            return await self.platforms.carrier(place.project, place.environment)
        except (CredentialsRejected, InvalidInput):
            return None

    async def _is_repeated(self, url: str, request: SignedRequest) -> bool:
        """True for a request that came before. Raises Forbidden if only its signature did."""
        signed = hashlib.sha256(f"{url}\n{request.settings}\n{request.signature}".encode())
        whole = signed.copy()
        whole.update(request.content_type.encode() + b"\n" + request.content)
        same = await self._calls.was_seen(f"request {whole.hexdigest()}", keep_s=REQUEST_SEEN_S)
        known = await self._calls.was_seen(f"signature {signed.hexdigest()}", keep_s=REQUEST_SEEN_S)
        if known and not same:
            raise Forbidden(ALTERED)
        return same


def require_call_id(text: str) -> None:
    """Raises InvalidInput for what is no carrier's id of a call."""
    if _CALL_ID.fullmatch(text) is None:
        raise InvalidInput("The request names no call")


def _named(manifest: object) -> tuple[str, ...]:
    if not isinstance(manifest, dict):
        return ()
    try:
        return tuple(environment.name for environment in environments(manifest))
    except TrunklineError:
        return ()
