"""One Twilio account as ``ports.Telephony``.

While calls are routed natively the voice platform owns a number's voice URL; what is written here
is decided elsewhere. The vendor's number filter is a pattern, so a number is matched exactly here,
and what it leaves empty comes as null or as an empty string and means the same.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.rest.api.v2010.account.incoming_phone_number import (
    IncomingPhoneNumberInstance,
    IncomingPhoneNumberPage,
)

from trunkline.adapters.rate_limits import Pace
from trunkline.adapters.twilio.answers import hosted_fallback, transfer
from trunkline.adapters.twilio.refusals import translated
from trunkline.adapters.twilio.signing import is_signed
from trunkline.adapters.twilio.transport import PacedTransport
from trunkline.adapters.wire import Wire
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.errors import CredentialsRejected, Unavailable
from trunkline.model.findings import AccountFacts
from trunkline.model.limits import PLATFORM_MAX_PAGES, TELEPHONY_PAGE_SIZE
from trunkline.model.observed import CarrierNumber

CAPABILITIES = ("voice", "sms", "mms", "fax")
GREETING_URL = re.compile(r"https?://demo\.twilio\.com/(welcome|docs)/.*")
ACCOUNT_PATTERN = re.compile(r"AC[0-9a-zA-Z]{32}")


class TwilioTelephony:
    """One account. Holds no connection of its own, so nothing needs closing."""

    def __init__(
        self,
        wire: Wire,
        pace: Pace,
        *,
        account: str,
        token: str,
        read_timeout_s: float,
        listing_timeout_s: float,
        shared_keys: Mapping[str, str] | None = None,
    ) -> None:
        if ACCOUNT_PATTERN.fullmatch(account) is None:
            raise CredentialsRejected(
                "the Twilio account id is none",
                hint="it begins with AC and has 34 characters; it is no API key and no name",
            )
        if not token.isascii() or not token.isprintable() or not token:
            raise CredentialsRejected(
                "the Twilio auth token holds characters no token has",
                hint="store the token alone, without quotes or line breaks",
            )
        self._account = account
        self._token = token
        self._shared_keys = shared_keys or {}
        self._listing_timeout_s = listing_timeout_s
        self._wire = wire
        self._pace = pace
        self._transport = PacedTransport(wire, pace, timeout_s=read_timeout_s)
        self._client = rest_client(self._transport, wire.base_url, account, token)

    def __repr__(self) -> str:
        return f"TwilioTelephony({self._account})"

    @property
    def account(self) -> str:
        """The account id."""
        return self._account

    @property
    def token(self) -> str:
        """The auth token; only an import of a number may be given it."""
        return self._token

    async def check(self) -> AccountFacts:
        """Read the account itself. Raises CredentialsRejected, also if it is not active."""
        with self._refusals("the account"):
            account = await self._client.api.v2010.accounts(self._account).fetch_async()
        if account.status != "active":
            raise CredentialsRejected(
                f"the Twilio account {self._account} is {account.status or 'in no known state'}",
                hint="make the account active again in Twilio's console",
            )
        return AccountFacts(account=self._account, now=self._transport.answered_at)

    async def numbers(self) -> tuple[CarrierNumber, ...]:
        """Every number of the account, over all pages."""
        return await self._listed()

    async def number(self, number: str) -> CarrierNumber | None:
        """The number in E.164, or None if the account does not hold it."""
        listed = await self._listed(number)
        return next((each for each in listed if each.number == number), None)

    async def update_number(
        self,
        sid: str,
        *,
        voice_url: str | None = None,
        voice_fallback_url: str | None = None,
        status_callback: str | None = None,
        timeout_s: float,
    ) -> CarrierNumber:
        """Set where calls are asked for, by POST; None leaves an address as it is, empty clears it.

        Writing it twice is writing it once. Raises RemoteMissing, OutcomeUnknown.
        """
        fields: dict[str, str] = {}
        if voice_url is not None:
            fields.update(voice_url=voice_url, voice_method="POST")
        if voice_fallback_url is not None:
            fields.update(voice_fallback_url=voice_fallback_url, voice_fallback_method="POST")
        if status_callback is not None:
            fields.update(status_callback=status_callback, status_callback_method="POST")
        transport = PacedTransport(self._wire, self._pace, timeout_s=timeout_s)
        client = rest_client(transport, self._wire.base_url, self._account, self._token)
        numbers = client.api.v2010.accounts(self._account).incoming_phone_numbers
        with self._refusals(f"number {sid}"):
            return _carrier_number(await numbers(sid).update_async(**fields))

    def is_signed(self, request: SignedRequest, url: str) -> bool:
        """True if the account signed the request for this address."""
        return is_signed(request, url, token=self._token, shared_keys=self._shared_keys)

    def forward_answer(self, number: str) -> str:
        """TwiML that dials the number."""
        return transfer(number)

    def hosted_fallback(self, forward_to: str, sentence: str) -> str:
        """An address at Twilio itself that dials a number, or says a sentence."""
        return hosted_fallback(forward_to, sentence)

    async def _listed(self, pattern: str | None = None) -> tuple[CarrierNumber, ...]:
        found: list[CarrierNumber] = []
        try:
            async with asyncio.timeout(self._listing_timeout_s):
                async for page in self._pages(pattern):
                    found.extend(_carrier_number(each) for each in page)
        except TimeoutError as error:
            raise Unavailable(
                f"the numbers were not read whole in {self._listing_timeout_s:g} s"
            ) from error
        return tuple(found)

    async def _pages(self, pattern: str | None) -> AsyncIterator[IncomingPhoneNumberPage]:
        numbers = self._client.api.v2010.accounts(self._account).incoming_phone_numbers
        asked: set[str] = set()
        with self._refusals("numbers"):
            filters = {"phone_number": pattern} if pattern else {}
            page = await numbers.page_async(page_size=TELEPHONY_PAGE_SIZE, **filters)
        for _ in range(PLATFORM_MAX_PAGES):
            yield page
            address = page.next_page_url
            if not address:
                return
            if address in asked:
                raise Unavailable("the list of numbers repeats itself: it cannot be read whole")
            asked.add(address)
            with self._refusals("numbers"):
                page = await numbers.get_page_async(address)
        raise Unavailable(f"the list of numbers has more than {PLATFORM_MAX_PAGES} pages")

    @contextmanager
    def _refusals(self, asked: str) -> Iterator[None]:
        try:
            yield
        except TwilioException as error:
            raise translated(error, asked=asked, token=self._token) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(f"the answer of Twilio about {asked} cannot be read") from error


def rest_client(transport: PacedTransport, address: str, account: str, token: str) -> Client:
    """The official client of one account, its HTTP carried by ours."""
    # A filled environment keeps the process's own from choosing a region or an edge.
    steering = {"TWILIO_ACCOUNT_SID": account}
    client = Client(account, token, account, http_client=transport, environment=steering)
    client.api.base_url = address
    return client


def _carrier_number(instance: IncomingPhoneNumberInstance) -> CarrierNumber:
    if not instance.sid or not instance.phone_number:
        raise Unavailable("the answer of Twilio names a number without id or digits")
    return CarrierNumber(
        sid=instance.sid,
        number=instance.phone_number,
        friendly_name=instance.friendly_name or "",
        voice_url=_voice_url(instance),
        voice_fallback_url=instance.voice_fallback_url or None,
        voice_application_sid=instance.voice_application_sid or None,
        trunk_sid=instance.trunk_sid or None,
        status_callback=instance.status_callback or None,
        capabilities=_capabilities(instance),
    )


def _voice_url(instance: IncomingPhoneNumberInstance) -> str | None:
    """Where calls are asked for; the greeting a new number comes with is nobody's address."""
    url = instance.voice_url or None
    return None if url is not None and GREETING_URL.fullmatch(url) else url


def _capabilities(instance: IncomingPhoneNumberInstance) -> tuple[str, ...]:
    """What the number can do, by Twilio's names; empty if the answer does not say."""
    told: object = instance.capabilities
    return tuple(c for c in CAPABILITIES if told.get(c)) if isinstance(told, dict) else ()
