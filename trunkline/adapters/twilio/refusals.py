"""What Twilio means when it says no, whichever of its exceptions carries it.

A single read raises an exception with status and code; a list raises a plain one whose second
argument is the response; newer services answer with problem documents. All end in our error tree.
"""

import json
from http import HTTPStatus

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response

from trunkline.adapters.retry_after import retry_after_s
from trunkline.adapters.twilio.transport import BUSY_PAUSE_S
from trunkline.model.errors import (
    CredentialsRejected,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS

AUTHENTICATION_CODES = frozenset({20003, 20005, 20006, 20008})
"""Wrong credential, account not active, access denied, test credentials on a live resource."""
MISSING_CODE = 20404
RATE_CODES = frozenset({20429, 10004})
CLIENT_ERRORS = range(400, 500)


def translated(error: TwilioException, *, asked: str, token: str) -> PlatformError:
    """The leaf of our error tree; ``asked`` is what was asked about, in words."""
    status, code, said, retry_after = _facts(error)
    words = f"Twilio answered {status} about {asked}: {said or 'no explanation'}"
    if code and code != status:
        words += f" (code {code})"
    message = words.replace(token, "[hidden]")[:EVENT_MESSAGE_MAX_CHARACTERS]
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in RATE_CODES:
        wait_s = retry_after_s(retry_after, default_s=BUSY_PAUSE_S)
        return RateLimited(message, retry_after_s=wait_s, status=status)
    denied = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if denied or code in AUTHENTICATION_CODES:
        hint = "give the account a valid account id and auth token"
        return CredentialsRejected(message, hint=hint, status=status)
    if code == MISSING_CODE:
        return RemoteMissing(message, status=status)
    if status in CLIENT_ERRORS and status != HTTPStatus.REQUEST_TIMEOUT and code:
        return Rejected(message, status=status)
    return Unavailable(message, status=status or None)


def _facts(error: TwilioException) -> tuple[int, int, str, str | None]:
    """Status, Twilio's code, its words, and its Retry-After; zeros and "" where it has none."""
    if isinstance(error, TwilioRestException):
        code = error.code or 0
        return error.status, 0 if code == error.status else code, error.msg, None
    if isinstance(error, TwilioServiceException):
        return error.status, error.code, error.detail or error.title, None
    response = next((part for part in error.args if isinstance(part, Response)), None)
    if response is None:
        return 0, 0, str(error), None
    code, said = _body_of(response)
    headers = response.headers or {}
    return response.status_code, code, said, headers.get("retry-after")


def _body_of(response: Response) -> tuple[int, str]:
    try:
        body = json.loads(response.text)
    except ValueError:
        return 0, ""
    if not isinstance(body, dict):
        return 0, ""
    code = body.get("code")
    return code if isinstance(code, int) else 0, str(body.get("message") or "")
