"""What a forge means when it says no, in our error tree.

GitHub says "too fast" with 403 as well as with 429, and "no such thing" to whoever may not see it;
both are told apart here, once. Sources: https://docs.github.com/rest/using-the-rest-api, chapters
on rate limits and on troubleshooting.
"""

import json
import time
from collections.abc import Sequence
from http import HTTPStatus

from trunkline.adapters.retry_after import retry_after_s
from trunkline.adapters.wire import UNSERVED, Answer, Call
from trunkline.model.errors import (
    ForgeCredentialsRejected,
    ForgeError,
    ForgeLimited,
    ForgeMissing,
    ForgeRefused,
    ForgeUnavailable,
)
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS, RETRY_AFTER_MAX_S

LIMIT_PAUSE_S = 60.0
"""GitHub asks for at least a minute after a secondary limit that names no time."""
HIDDEN = "[hidden]"
RIGHTS_HINT = (
    "the token may not do this: it needs to write pull requests, comments and commit statuses,"
    " and to read what people may do"
)
GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
REDIRECTS = range(300, 400)


def translated(forge: str, call: Call, answer: Answer, *, hidden: Sequence[str]) -> ForgeError:
    """The leaf for an answer that is no success; ``hidden`` never stands in its words."""
    message = f"{forge} answered {answer.status} to {call}: {_said(answer) or 'no explanation'}"
    for secret in hidden:
        message = message.replace(secret, HIDDEN) if secret else message
    message = message[:EVENT_MESSAGE_MAX_CHARACTERS]
    if _is_limit(answer):
        return ForgeLimited(message, retry_after_s=_wait_s(answer))
    if answer.status in UNSERVED:
        return ForgeUnavailable(message)
    kind, hint = _kind(answer.status)
    return kind(message, hint=hint)


def _kind(status: int) -> tuple[type[ForgeError], str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return ForgeCredentialsRejected, "give the project a token the forge knows"
    if status == HTTPStatus.FORBIDDEN:
        return ForgeCredentialsRejected, RIGHTS_HINT
    if status in GONE:
        return ForgeMissing, "it is not there, or the token may not see it"
    if status in REDIRECTS:
        return ForgeRefused, "the repository was moved or renamed: give the project its new address"
    return ForgeRefused, ""


def _is_limit(answer: Answer) -> bool:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if answer.status != HTTPStatus.FORBIDDEN:
        return False
    used_up = answer.headers.get("x-ratelimit-remaining") == "0"
    return used_up or "retry-after" in answer.headers or "rate limit" in answer.text.lower()


def _wait_s(answer: Answer) -> float:
    asked = answer.headers.get("retry-after")
    reset = answer.headers.get("x-ratelimit-reset", "")
    used_up = answer.headers.get("x-ratelimit-remaining") == "0"
    if asked is None and used_up and reset.isascii() and reset.isdecimal():
        return min(max(int(reset) - time.time(), 1.0), RETRY_AFTER_MAX_S)
    return retry_after_s(asked, default_s=LIMIT_PAUSE_S)


def _said(answer: Answer) -> str:
    """The forge's own words: its message and what it finds wrong, or the beginning of the body."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        return answer.text[:200].strip()
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    flaws = [_flaw(flaw) for flaw in errors] if isinstance(errors, list) else []
    words = [str(body.get("message") or ""), *flaws]
    return "; ".join(word for word in words if word)


def _flaw(flaw: object) -> str:
    if not isinstance(flaw, dict):
        return str(flaw)
    return str(flaw.get("message") or f"{flaw.get('field', '')} {flaw.get('code', '')}".strip())
