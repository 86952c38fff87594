"""What ElevenLabs means when it says no.

Three bodies are in use: the current one (``detail`` with type, code, message, param), the legacy
one (``detail`` with status and message) and the list of a schema check (``detail`` as a list with
loc and msg). Most status codes are undocumented, so the class of the status decides, and the words
only where they change what to do: a quota is not a wrong key, and only a 404 in the vendor's own
words says that an object is gone.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import takewhile
from typing import TypedDict

from trunkline.adapters.retry_after import retry_after_s
from trunkline.adapters.wire import Answer, Call
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import (
    Conflict,
    CredentialsRejected,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS, REFUSED_PATHS_MAX
from trunkline.model.paths import join

QUOTA_PAUSE_S = 300.0
"""A used-up quota comes back with a payment or a new month: look every five minutes."""
BUSY_PAUSE_S = 1.0
"""Too many at once: a place is free as soon as another call has ended."""
RATE_PAUSE_S = 5.0
"""Too many per minute, and no word about when to come back."""

SPENT = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.PAYMENT_REQUIRED})
SERVER_ERRORS = 500
CLIENT_ERRORS = range(400, SERVER_ERRORS)
ASTRAY = "check that the address is the one of ElevenLabs' API"
KEY_HINT = "give the account a key that is valid and may manage agents"
NAMED_LEAVES: dict[HTTPStatus, tuple[type[PlatformError], str]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialsRejected, KEY_HINT),
    HTTPStatus.FORBIDDEN: (CredentialsRejected, KEY_HINT),
    HTTPStatus.NOT_FOUND: (RemoteMissing, ""),
    HTTPStatus.CONFLICT: (Conflict, ""),
}

REQUEST_ID_HEADERS = ("request-id", "x-request-id", "x-trace-id")
ENVELOPE_PARTS = frozenset({"body", "query", "path", "header"})


class About(TypedDict):
    """What every error of a platform keeps of the answer."""

    status: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The vendor's words, whichever body they came in."""

    message: str = ""
    words: frozenset[str] = field(default_factory=frozenset)
    path: str = ""
    request_id: str = ""
    structured: bool = False

    def says(self, *parts: str) -> bool:
        """True if one of the vendor's code words contains one of the parts."""
        return any(part in word for part in parts for word in self.words)


def translated(call: Call, answer: Answer, *, hidden: Sequence[str]) -> PlatformError:
    """The leaf of our error tree for an answer that is no success.

    ``hidden`` are values the vendor might repeat in its message and nobody may read there.
    """
    refusal = refusal_of(answer)
    message = _sentence(call, answer, refusal)
    for value in hidden:
        message = message.replace(value, "[hidden]") if value else message
    return _leaf(call, answer, refusal, message[:EVENT_MESSAGE_MAX_CHARACTERS])


def refusal_of(answer: Answer) -> Refusal:
    """Read any of the three bodies; anything else yields empty words."""
    header_id = request_id(answer)
    try:
        body = json.loads(answer.content)
    except ValueError:
        return Refusal(request_id=header_id)
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, dict):
        return _worded(detail, header_id)
    if isinstance(detail, list):
        return _listed(detail, header_id)
    return Refusal(message=detail if isinstance(detail, str) else "", request_id=header_id)


def request_id(answer: Answer) -> str:
    """The vendor's name for the exchange, for a question to its support; may be empty."""
    named = (answer.headers.get(name) for name in REQUEST_ID_HEADERS)
    return next((name for name in named if name), "")


def dotted(parts: Iterable[Json]) -> str:
    """A location as a dotted path, up to the first array: elements have no path of their own."""
    keys = takewhile(lambda part: isinstance(part, str), parts)
    return join(str(key) for key in keys)


def _worded(detail: JsonObject, header_id: str) -> Refusal:
    words = [detail.get(key) for key in ("type", "code", "status")]
    param = detail.get("param")
    return Refusal(
        message=str(detail.get("message") or ""),
        words=frozenset(word.lower() for word in words if isinstance(word, str)),
        path=_without_envelope(param.split(".")) if isinstance(param, str) else "",
        request_id=str(detail.get("request_id") or header_id),
        structured=True,
    )


def _listed(detail: list[Json], header_id: str) -> Refusal:
    entries = [entry for entry in detail if isinstance(entry, dict)]
    sentences = []
    paths = []
    for entry in entries:
        location = entry.get("loc")
        parts = location if isinstance(location, list) else []
        paths.append(_without_envelope(parts))
        place = ".".join(str(part) for part in parts)
        sentences.append(f"{place}: {entry.get('msg') or entry.get('type') or 'refused'}")
    more = len(sentences) - REFUSED_PATHS_MAX
    tail = [f"and {more} more"] if more > 0 else []
    return Refusal(
        message="; ".join(sentences[:REFUSED_PATHS_MAX] + tail),
        path=paths[0] if paths else "",
        request_id=header_id,
        structured=bool(entries),
    )


def _without_envelope(parts: Sequence[Json]) -> str:
    return dotted(parts[1:] if parts and parts[0] in ENVELOPE_PARTS else parts)


def _sentence(call: Call, answer: Answer, refusal: Refusal) -> str:
    said = refusal.message or ", ".join(sorted(refusal.words)) or "no explanation"
    return f"ElevenLabs answered {answer.status} to {call}: {said}"


def _leaf(call: Call, answer: Answer, refusal: Refusal, message: str) -> PlatformError:
    status = answer.status
    about = About(status=status, request_id=refusal.request_id)
    if status in SPENT or (status == HTTPStatus.UNAUTHORIZED and refusal.says("quota", "credits")):
        return _limited(answer, refusal, message)
    if call.write and (status >= SERVER_ERRORS or status == HTTPStatus.REQUEST_TIMEOUT):
        hint = "it may have taken effect: look it up before it is sent again"
        return OutcomeUnknown(message, hint=hint, **about)
    stray = status == HTTPStatus.NOT_FOUND and not refusal.structured
    if stray or status not in CLIENT_ERRORS or status == HTTPStatus.REQUEST_TIMEOUT:
        return Unavailable(message, hint="" if status >= SERVER_ERRORS else ASTRAY, **about)
    if status in NAMED_LEAVES:
        leaf, hint = NAMED_LEAVES[HTTPStatus(status)]
        return leaf(message, hint=hint, **about)
    return Rejected(message, path=refusal.path, **about)


def _limited(answer: Answer, refusal: Refusal, message: str) -> RateLimited:
    quota = answer.status != HTTPStatus.TOO_MANY_REQUESTS
    busy = refusal.says("concurrent", "busy")
    default_s = QUOTA_PAUSE_S if quota else BUSY_PAUSE_S if busy else RATE_PAUSE_S
    return RateLimited(
        message,
        retry_after_s=retry_after_s(answer.headers.get("retry-after"), default_s=default_s),
        hint="the account's quota is used up: raise it or wait" if quota else "",
        status=answer.status,
        request_id=refusal.request_id,
    )
