"""One Twilio account as ``ports.Telephony``: reads only.

While calls are routed natively the voice platform owns a number's voice URL, so nothing here
writes. The vendor's number filter is a pattern, so a number is matched exactly here, and what it
leaves empty comes as null or as an empty string and means the same.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.rest.api.v2010.account.incoming_phone_number import (
    IncomingPhoneNumberInstance,
    IncomingPhoneNumberPage,
)

from trunkline.adapters.rate_limits import Pace
from trunkline.adapters.twilio.refusals import translated
from trunkline.adapters.twilio.transport import PacedTransport
from trunkline.adapters.wire import Wire
from trunkline.model.errors import CredentialsRejected, Unavailable
from trunkline.model.limits import PLATFORM_MAX_PAGES, TELEPHONY_PAGE_SIZE
from trunkline.model.observed import CarrierNumber

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
        self._listing_timeout_s = listing_timeout_s
        self._client = _client(wire, pace, account, token, read_timeout_s)

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

    async def check(self) -> None:
        """Read the account itself. Raises CredentialsRejected, also if it is not active."""
        with self._refusals("the account"):
            account = await self._client.api.v2010.accounts(self._account).fetch_async()
        if account.status != "active":
            raise CredentialsRejected(
                f"the Twilio account {self._account} is {account.status or 'in no known state'}",
                hint="make the account active again in Twilio's console",
            )

    async def numbers(self) -> tuple[CarrierNumber, ...]:
        """Every number of the account, over all pages."""
        return await self._listed()

    async def number(self, number: str) -> CarrierNumber | None:
        """The number in E.164, or None if the account does not hold it."""
        listed = await self._listed(number)
        return next((each for each in listed if each.number == number), None)

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


def _client(wire: Wire, pace: Pace, account: str, token: str, timeout_s: float) -> Client:
    transport = PacedTransport(wire, pace, timeout_s=timeout_s)
    # A filled environment keeps the process's own from choosing a region or an edge.
    steering = {"TWILIO_ACCOUNT_SID": account}
    client = Client(account, token, account, http_client=transport, environment=steering)
    client.api.base_url = wire.base_url
    return client


def _carrier_number(instance: IncomingPhoneNumberInstance) -> CarrierNumber:
    if not instance.sid or not instance.phone_number:
        raise Unavailable("the answer of Twilio names a number without id or digits")
    return CarrierNumber(
        sid=instance.sid,
        number=instance.phone_number,
        friendly_name=instance.friendly_name or "",
        voice_url=instance.voice_url or None,
        voice_fallback_url=instance.voice_fallback_url or None,
        voice_application_sid=instance.voice_application_sid or None,
        trunk_sid=instance.trunk_sid or None,
        status_callback=instance.status_callback or None,
    )
