"""Whether a secret's value is still the one that was written, without keeping the value.

A platform never shows a secret again, so a changed value can only be seen by remembering a salted,
slow hash of what was written. The hash goes to the ledger; the value goes nowhere.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict

SALT_BYTES = 16
SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 1
"""Parameters of RFC 7914 for interactive use: 16 MiB and some 50 ms a guess."""
REMEMBERED_MAX = 4096
"""Checks remembered by one process, so that a fleet sharing a secret pays for one."""


class Fingerprints:
    """Checks of values against fingerprints, the last of them remembered under a keyed hash."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._checked: OrderedDict[tuple[bytes, str], bool] = OrderedDict()

    async def make(self, value: str) -> str:
        """``<salt>$<hash>`` in hexadecimal; differs each time for the same value."""
        salt = secrets.token_bytes(SALT_BYTES)
        made = f"{salt.hex()}${(await asyncio.to_thread(_scrypt, value, salt)).hex()}"
        self._remember(self._place(value, made), matches=True)
        return made

    async def match(self, value: str, known: str | None) -> bool:
        """True if the fingerprint was made of this value; False if none is known."""
        if known is None:
            return False
        place = self._place(value, known)
        if place not in self._checked:
            salt, _, expected = known.partition("$")
            actual = await asyncio.to_thread(_scrypt, value, bytes.fromhex(salt))
            self._remember(place, matches=hmac.compare_digest(actual.hex(), expected))
        return self._checked[place]

    def _place(self, value: str, known: str) -> tuple[bytes, str]:
        return hmac.digest(self._key, value.encode(), "sha256"), known

    def _remember(self, place: tuple[bytes, str], *, matches: bool) -> None:
        self._checked[place] = matches
        while len(self._checked) > REMEMBERED_MAX:
            self._checked.popitem(last=False)


FINGERPRINTS = Fingerprints()
"""Those of this process: what one part of it made or checked, no other has to hash again."""


async def fingerprint(value: str) -> str:
    """A fingerprint that is remembered to be the value's."""
    return await FINGERPRINTS.make(value)


def _scrypt(value: str, salt: bytes) -> bytes:
    return hashlib.scrypt(value.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
