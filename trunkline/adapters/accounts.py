"""Which accounts a project's environment uses, and one paced client for each.

The Project manifest in force names credentials, the server's settings say where vendors are, and
the two meet here at every use: a rotated key counts with the next call. The account behind a key
is asked for once per key, because marks, ledger and rate limits belong to accounts and not keys.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from trunkline.adapters.breakers import BreakerRules
from trunkline.adapters.budgets import AccountBudgets
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform, account_of
from trunkline.adapters.rate_limits import Rates
from trunkline.adapters.wire import Wire
from trunkline.model.base import Json, JsonObject
from trunkline.model.budgets import AccountPlace, Allowance, Vendor
from trunkline.model.errors import CredentialsRejected, InvalidSettings
from trunkline.model.kinds.project import (
    Accounts,
    Credential,
    ElevenLabsAccount,
    TwilioAccount,
)
from trunkline.model.kinds.project import Rates as RatesOfProject
from trunkline.model.limits import PLATFORM_ACCOUNTS_MAX
from trunkline.ports import Budgets, Statuses
from trunkline.ports.calls import AgentLines, NativeCalls

if TYPE_CHECKING:
    from trunkline.adapters.twilio.calls import TwilioCarrier
    from trunkline.adapters.twilio.telephony import TwilioTelephony

Entry = TypeVar("Entry")
ProjectManifest = Callable[[str], Awaitable[JsonObject | None]]
"""Answers the Project manifest in force as JSON, or None (``ports.Wishes.project_manifest``)."""

VENDOR_DEFAULTS = Accounts(
    elevenlabs=ElevenLabsAccount(apiKey=Credential(env="ELEVENLABS_API_KEY")),
    twilio=TwilioAccount(
        accountSid=Credential(env="TWILIO_ACCOUNT_SID"),
        authToken=Credential(env="TWILIO_AUTH_TOKEN"),
    ),
)
"""What the first project uses where its manifest names nothing."""


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """Addresses, rates and deadlines (seconds) of the vendors; server settings, never Git.

    ``live`` says that the addresses lead to real accounts.
    """

    live: bool = False
    elevenlabs_url: str = "https://api.elevenlabs.io"
    twilio_url: str = "https://api.twilio.com"
    elevenlabs_rates: Rates = field(default_factory=Rates)
    twilio_rates: Rates = field(default_factory=Rates)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    read_timeout_s: float = 10.0
    listing_timeout_s: float = 40.0
    twilio_shared_keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Keys beside an account's own that may sign its requests: by account, then by their ids."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the manifest in force names for an environment."""

    accounts: Accounts
    rates: RatesOfProject


@dataclass(frozen=True, slots=True)
class TwilioKey:
    """The credential of a telephony account, and how fast who may ask with it."""

    account: str
    token: str = field(repr=False)
    rates: Rates
    place: AccountPlace


@dataclass(slots=True)
class KnownKey:
    """A key that was seen; its platform once its account is known."""

    asking: asyncio.Lock
    platform: ElevenLabsPlatform | None = None


class ProjectAccounts:
    """``ports.Accounts``. Owns the connections to both vendors: whoever makes it closes it.

    With ``shared`` the budget of each account is shared with the other processes that use it, and
    ``statuses`` says of an account when it is not asked any more.
    """

    def __init__(
        self,
        options: AccountOptions,
        credentials: Credentials,
        manifest: ProjectManifest,
        *,
        shared: Budgets | None = None,
        statuses: Statuses | None = None,
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._manifest = manifest
        self._elevenlabs = Wire("ElevenLabs", options.elevenlabs_url)
        self._twilio = Wire("Twilio", options.twilio_url)
        self._keys: OrderedDict[str, KnownKey] = OrderedDict()
        self._budgets = AccountBudgets(shared=shared, statuses=statuses, breaker=options.breaker)

    @property
    def live(self) -> bool:
        """True if real accounts are reached and not simulators."""
        return self._options.live

    async def voice(self, project: str, environment: str) -> ElevenLabsPlatform:
        """The environment's ElevenLabs account.

        Raises CredentialsRejected if none is named or stored, or the vendor refuses the key; and
        whatever else asking for the key's owner may raise, once per key.
        """
        named = await self._named(project, environment)
        account = named.accounts.elevenlabs
        if account is None:
            raise _unnamed(project, environment, "elevenlabs")
        rates = self._rates(named.rates, "elevenlabs")
        place = AccountPlace(project=project, environment=environment, vendor="elevenlabs")
        platform = await self._platform(self._value(project, account.api_key), place, rates)
        await self._budgets.use(platform.account, place, rates)
        return platform

    async def lines(self, project: str, environment: str) -> AgentLines:
        """Agents of the environment's ElevenLabs account, on the line. Raises as ``voice`` does."""
        return (await self.voice(project, environment)).lines

    async def native_calls(self, project: str, environment: str) -> NativeCalls:
        """Calls the ElevenLabs account carries by itself. Raises as ``voice`` does."""
        return (await self.voice(project, environment)).native_calls

    async def telephony(self, project: str, environment: str) -> "TwilioTelephony":
        """The environment's Twilio account. Raises CredentialsRejected if unset."""
        from trunkline.adapters.twilio.telephony import (  # noqa: PLC0415 - it takes memory
            TwilioTelephony,
        )

        key = await self._twilio_key(project, environment)
        telephony = TwilioTelephony(
            self._twilio,
            self._budgets.pace(key.account, "twilio", key.rates),
            account=key.account,
            token=key.token,
            read_timeout_s=self._options.read_timeout_s,
            listing_timeout_s=self._options.listing_timeout_s,
            shared_keys=self._options.twilio_shared_keys.get(key.account),
        )
        await self._budgets.use(key.account, key.place, key.rates)
        return telephony

    async def carrier(self, project: str, environment: str) -> "TwilioCarrier":
        """Calls of the environment's Twilio account. Raises CredentialsRejected if unset."""
        from trunkline.adapters.twilio.calls import (  # noqa: PLC0415 - it takes memory
            TwilioCarrier,
        )

        key = await self._twilio_key(project, environment)
        carrier = TwilioCarrier(
            self._twilio,
            self._budgets.pace(key.account, "twilio", key.rates),
            account=key.account,
            token=key.token,
            read_timeout_s=self._options.read_timeout_s,
            shared_keys=self._options.twilio_shared_keys.get(key.account),
        )
        await self._budgets.use(key.account, key.place, key.rates)
        return carrier

    async def allowance(self, project: str) -> Allowance:
        """What the project's voice accounts allow: its ``rates``, else the server's settings."""
        manifest = await self._manifest(project)
        rates = self._rates(_rates((manifest or {}).get("spec")), "elevenlabs")
        return Allowance(
            requests_per_second=rates.requests_per_second, concurrency=rates.concurrency
        )

    def secret(self, project: str, name: str) -> str:
        """A secret's value. Raises InvalidSettings if it is not on the project's allow-list."""
        return self._credentials.secret(project, name)

    async def close(self) -> None:
        """Give the shares of accounts back and close every connection to the vendors."""
        await self._budgets.close()
        await self._elevenlabs.close()
        await self._twilio.close()

    def _rates(self, asked: RatesOfProject, vendor: Vendor) -> Rates:
        options = self._options
        served = options.elevenlabs_rates if vendor == "elevenlabs" else options.twilio_rates
        wanted = asked.elevenlabs if vendor == "elevenlabs" else asked.twilio
        return served.narrowed(wanted.requests_per_second, wanted.concurrency)

    async def _platform(self, key: str, place: AccountPlace, rates: Rates) -> ElevenLabsPlatform:
        known = self._known(key)
        async with known.asking:
            if known.platform is None:
                known.platform = await self._identified(key, place, rates)
        return known.platform

    async def _identified(self, key: str, place: AccountPlace, rates: Rates) -> ElevenLabsPlatform:
        """Until its account is known a key is paced, and found to be down, as one of its own."""
        unknown = f"elevenlabs-of-key-{_digest(key)[:12]}"
        await self._budgets.use(unknown, place, rates)
        client = ElevenLabsClient(
            self._elevenlabs,
            key,
            self._budgets.pace(unknown, "elevenlabs", rates),
            read_timeout_s=self._options.read_timeout_s,
        )
        account = await account_of(client)
        return ElevenLabsPlatform(
            client.paced_by(self._budgets.pace(account, "elevenlabs", rates)),
            account=account,
            listing_timeout_s=self._options.listing_timeout_s,
        )

    async def _twilio_key(self, project: str, environment: str) -> TwilioKey:
        named = await self._named(project, environment)
        account = named.accounts.twilio
        if account is None:
            raise _unnamed(project, environment, "twilio")
        return TwilioKey(
            account=self._value(project, account.account_sid),
            token=self._value(project, account.auth_token),
            rates=self._rates(named.rates, "twilio"),
            place=AccountPlace(project=project, environment=environment, vendor="twilio"),
        )

    def _known(self, key: str) -> KnownKey:
        digest = _digest(key)
        known = self._keys.setdefault(digest, KnownKey(asyncio.Lock()))
        _use(self._keys, digest)
        return known

    async def _named(self, project: str, environment: str) -> Named:
        manifest = await self._manifest(project)
        spec = (manifest or {}).get("spec")
        shared = _accounts(spec)
        own = _accounts(_environment(spec, environment))
        first = self._credentials.may_use_vendor_variables(project)
        defaults = VENDOR_DEFAULTS if first else Accounts()
        accounts = Accounts.model_construct(
            elevenlabs=own.elevenlabs or shared.elevenlabs or defaults.elevenlabs,
            twilio=own.twilio or shared.twilio or defaults.twilio,
        )
        return Named(accounts, _rates(spec))

    def _value(self, project: str, credential: Credential) -> str:
        try:
            if credential.file is not None:
                return self._credentials.file(project, credential.file)
            return self._credentials.variable(project, credential.env or "")
        except InvalidSettings as error:
            raise CredentialsRejected(error.message, hint=error.hint) from error


def _digest(key: str) -> str:
    """Names a key without telling it; salted, so that it compares with no other list of hashes."""
    return hashlib.sha256(b"trunkline account key " + key.encode()).hexdigest()


def _use(entries: OrderedDict[str, Entry], name: str) -> None:
    entries.move_to_end(name)
    while len(entries) > PLATFORM_ACCOUNTS_MAX:
        entries.popitem(last=False)


def _environment(spec: Json, name: str) -> Json:
    environments = spec.get("environments") if isinstance(spec, dict) else None
    listed = environments if isinstance(environments, list) else []
    named = (each for each in listed if isinstance(each, dict) and each.get("name") == name)
    return next(named, None)


def _accounts(part: Json) -> Accounts:
    named = part.get("accounts") if isinstance(part, dict) else None
    try:
        return Accounts.model_validate(named or {})
    except ValidationError as error:
        raise InvalidSettings(
            "the stored Project manifest names accounts we cannot read"
        ) from error


def _rates(spec: Json) -> RatesOfProject:
    named = spec.get("rates") if isinstance(spec, dict) else None
    if not named:
        return RatesOfProject()
    try:
        return RatesOfProject.model_validate(named)
    except ValidationError as error:
        raise InvalidSettings("the stored Project manifest has rates we cannot read") from error


def _unnamed(project: str, environment: str, vendor: str) -> CredentialsRejected:
    return CredentialsRejected(
        f"environment {environment} of project {project} names no {vendor} account",
        hint=f"name one under spec.accounts.{vendor} of the Project manifest",
    )
