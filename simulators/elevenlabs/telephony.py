"""The vendor's own calls to Twilio, made with the credentials a number was imported with.

Real HTTP to whatever answers as Twilio: importing a number here changes it there, as the real
pair does. This module knows Twilio's public API and nothing of its look-alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from simulators.elevenlabs.errors import Refused, refused
from simulators.limits import LINK_TIMEOUT_S
from simulators.trust import trust
from simulators.wire import Json

HOSTS = {"us1": "https://api.us.elevenlabs.io"}
INBOUND_PATH = "/twilio/inbound_call"
STATUS_PATH = "/twilio/status-callback"
DEFAULT_HOST = "https://api.elevenlabs.io"
ACCOUNTS = "/2010-04-01/Accounts"
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account SID with its token, or an API key SID with its secret."""

    sid: str
    token: str


def voice_url(region_id: str | None) -> str:
    """Where Twilio asks for a call's TwiML once the vendor owns the number."""
    return HOSTS.get(region_id or "", DEFAULT_HOST) + INBOUND_PATH


def status_url(region_id: str | None) -> str:
    """Where Twilio reports how a call went."""
    return HOSTS.get(region_id or "", DEFAULT_HOST) + STATUS_PATH


def sms_url(region_id: str | None) -> str:
    """Where Twilio delivers text messages."""
    return HOSTS.get(region_id or "", DEFAULT_HOST) + "/twilio/inbound_sms"


class TwilioAccount:
    """Reads and writes numbers of the accounts whose credentials users entered."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=LINK_TIMEOUT_S, trust_env=False, verify=trust()
        )

    async def find(self, credentials: Credentials, phone_number: str) -> tuple[str, str]:
        """Account SID and number SID of a number. Raises Refused (400, 503)."""
        account_sid = credentials.sid
        if not account_sid.startswith("AC"):
            accounts = await self._call(credentials, "GET", f"{ACCOUNTS}.json")
            account_sid = accounts["accounts"][0]["sid"]
        path = f"{ACCOUNTS}/{account_sid}/IncomingPhoneNumbers.json"
        found = await self._call(credentials, "GET", path, {"PhoneNumber": phone_number})
        for number in found["incoming_phone_numbers"]:
            if number["phone_number"] == phone_number:
                return account_sid, number["sid"]
        raise refused(
            400,
            "twilio_phone_number_not_found",
            f"Phone number {phone_number} was not found in the Twilio account.",
            param="phone_number",
        )

    async def write(
        self, credentials: Credentials, account_sid: str, number_sid: str, fields: dict[str, str]
    ) -> None:
        """Set fields of a number. Raises Refused (400, 503)."""
        path = f"{ACCOUNTS}/{account_sid}/IncomingPhoneNumbers/{number_sid}.json"
        await self._call(credentials, "POST", path, fields)

    async def read(self, credentials: Credentials, account_sid: str, number_sid: str) -> Json:
        """A number as Twilio shows it. Raises Refused (400, 503)."""
        path = f"{ACCOUNTS}/{account_sid}/IncomingPhoneNumbers/{number_sid}.json"
        return await self._call(credentials, "GET", path)

    async def place(
        self, credentials: Credentials, account_sid: str, fields: Mapping[str, str | list[str]]
    ) -> Json:
        """Start a call; the call as Twilio shows it. Raises Refused (400, 503)."""
        path = f"{ACCOUNTS}/{account_sid}/Calls.json"
        return await self._call(credentials, "POST", path, fields)

    async def _call(
        self,
        credentials: Credentials,
        method: str,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
    ) -> Json:
        try:
            response = await self._client.request(
                method,
                path,
                params=fields if method == "GET" else None,
                data=fields if method != "GET" else None,
                auth=(credentials.sid, credentials.token),
            )
        except httpx.HTTPError as error:
            raise refused(503, "twilio_unavailable", "Twilio did not answer.") from error
        if response.is_success:
            content: Json = response.json()
            return content
        raise _translated(response)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()


def _translated(response: httpx.Response) -> Refused:
    if response.status_code == UNAUTHORIZED:
        return refused(
            400, "invalid_twilio_credentials", "The Twilio credentials are invalid.", param="token"
        )
    return refused(400, "twilio_error", f"Twilio answered with status {response.status_code}.")
