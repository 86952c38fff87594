"""Signatures of Standard Webhooks: a receiver can tell that a message is ours, whole and new."""

import base64
import binascii
import hashlib
import hmac

from trunkline.model.errors import NotificationRefused

PREFIX = "whsec_"


def signed_headers(secrets: str, *, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers; one signature for each secret, which blanks separate while one is being
    replaced by another. Raises NotificationRefused for a secret that is none.
    """
    payload = b".".join((message_id.encode(), str(at_s).encode(), body))
    signatures = [
        base64.b64encode(hmac.new(_key(each), payload, hashlib.sha256).digest()).decode()
        for each in secrets.split()
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    """The bytes of a secret: base64 behind the prefix, as they are without it."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise NotificationRefused(
            "the webhook's secret begins with whsec_ and no base64 follows",
            hint="correct the secret on the server",
        )
    return key
