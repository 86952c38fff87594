"""How the vendor signs what it sends: the address as configured, then the sorted parameters.

SHA-1 with the account's token, or SHA-256 with a shared key, which is then named in a header of
its own. The address is signed as it was written, whoever answers there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key that signs in the place of the token."""

    key_id: str
    secret: str = field(repr=False)


class Signer:
    """Signs requests of one account; ``shared_key`` can be set and taken away."""

    def __init__(self, auth_token: str) -> None:
        self._token = auth_token
        self.shared_key: SharedKey | None = None

    def headers(self, url: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """The headers that prove where a request comes from."""
        text = url + "".join(name + parameters[name] for name in sorted(parameters))
        key = self.shared_key
        if key is None:
            return {SIGNATURE: _digest(self._token, text, "sha1")}
        settings = f"key={key.key_id},algorithm=HMAC_SHA256"
        return {SIGNATURE: _digest(key.secret, text, "sha256"), SETTINGS: settings}


def _digest(secret: str, text: str, algorithm: str) -> str:
    mac = hmac.new(secret.encode(), text.encode(), getattr(hashlib, algorithm))
    return base64.b64encode(mac.digest()).decode()
