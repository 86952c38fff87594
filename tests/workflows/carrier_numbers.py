"""The number of a stack, as its carrier has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.workflows.conftest import Stack

NUMBER = "+15005550006"


async def at_carrier(stack: Stack) -> dict[str, Any]:
    """The number as the carrier has it."""
    account = stack.simulators.twilio_account_sid
    path = f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json?PhoneNumber={quote(NUMBER)}"
    (number,) = (await stack.twilio.http.get(path)).json()["incoming_phone_numbers"]
    found: dict[str, Any] = number
    return found
