"""How Twilio signs what it asks, checked with the token of the number's account.

HMAC-SHA1 over the address and the sorted form, as Twilio publishes it. Which addresses count is
the caller's business.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence

HEADER = "x-twilio-signature"
Form = Mapping[str, Sequence[str]]


def signature(token: str, url: str, form: Form) -> str:
    """What the header has to say for this address and form."""
    content = url + "".join(
        name + "".join(sorted(set(values))) for name, values in sorted(form.items())
    )
    return base64.b64encode(hmac.digest(token.encode(), content.encode(), "sha1")).decode()


def is_signed(given: str, token: str, urls: Iterable[str], form: Form) -> bool:
    """True if the header fits one of the addresses this server is known by."""
    return any(
        hmac.compare_digest(given.encode(), signature(token, url, form).encode()) for url in urls
    )
