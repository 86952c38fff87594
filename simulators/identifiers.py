"""Ids in the vendors' shapes, the same ones for the same seed and history.

How many ids were issued is itself a record, so a simulator that comes back from its folder never
issues one twice.
"""

from __future__ import annotations

import hashlib

from simulators.store import Store

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
DIGITS_LENGTH = 4
LETTERS_LENGTH = 24


class Identifiers:
    """Issues ids; ``seed`` makes two simulators differ."""

    def __init__(self, store: Store, seed: int) -> None:
        self._counts = store.collection("issued")
        self._seed = seed

    def _digest(self, prefix: str) -> bytes:
        count = (self._counts.get("count") or {"value": 0})["value"] + 1
        self._counts.put("count", {"value": count})
        return hashlib.sha256(f"{self._seed}/{prefix}/{count}".encode()).digest()

    def elevenlabs(self, prefix: str) -> str:
        """Such as ``agent_3701k3ttaq12ewp8b7qv5rfyszkz``."""
        digest = self._digest(prefix)
        digits = "".join(str(byte % 10) for byte in digest[:DIGITS_LENGTH])
        letters = "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[-LETTERS_LENGTH:])
        return f"{prefix}_{digits}{letters}"

    def twilio(self, prefix: str) -> str:
        """Such as ``PN`` and 32 hexadecimal digits."""
        return prefix + self._digest(prefix).hex()[:32]

    def plain(self) -> str:
        """20 letters and digits, as older ElevenLabs objects have."""
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._digest("plain")[:20])
