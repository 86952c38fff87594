"""A request that arrives twice is carried out once, and answered twice with the same words.

What was answered is kept sealed under a key made from what the caller authenticated with, which is
stored nowhere: an answer may hold a secret that is shown once, and whoever reads the database must
not read it there. Knows nothing of HTTP but a status, some headers and bytes.
"""

import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trunkline.model.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from trunkline.model.idempotency import Claim, HeldRequest, SealedAnswer
from trunkline.ports.idempotency import IdempotentRequests

_NONCE_BYTES = 12
_PURPOSE = b"trunkline idempotent answer"
_IN_USE_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with a key. ``credential`` is what the caller authenticated with."""

    token_id: str
    key: str
    credential: str
    parts: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of everything that makes it this request and no other."""
        made = hashlib.sha256()
        for part in self.parts:
            made.update(len(part).to_bytes(8))
            made.update(part)
        return made.hexdigest()


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What was answered; ``headers`` are those worth repeating."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A request that is being carried out by whoever holds this."""

    claim: Claim
    asked: Asked


class IdempotencyService:
    """Claims on requests, and the answers they were given."""

    def __init__(self, store: IdempotentRequests) -> None:
        self._store = store

    async def begin(self, asked: Asked) -> HeldClaim | GivenAnswer:
        """The claim to carry it out, or what was answered before.

        Raises IdempotencyKeyReused for another request under the same key, IdempotencyKeyInUse
        while the first one is being carried out.
        """
        found = await self._store.claim_request(asked.token_id, asked.key, asked.digest)
        if isinstance(found, Claim):
            return HeldClaim(found, asked)
        return _repeated(asked, found)

    async def keep(self, held: HeldClaim, answer: GivenAnswer) -> None:
        """Remember the answer for whoever asks the same again."""
        sealed = SealedAnswer(
            status=answer.status, headers=answer.headers, body=_seal(held.asked, answer.body)
        )
        await self._store.keep_answer(held.claim, sealed)

    async def let_go(self, held: HeldClaim) -> None:
        """Forget the request: it came to nothing that would be worth repeating."""
        await self._store.release_claim(held.claim)


def _repeated(asked: Asked, held: HeldRequest) -> GivenAnswer:
    if held.request_digest != asked.digest:
        raise IdempotencyKeyReused(
            "The Idempotency-Key was used for another request",
            hint="Make a new key for every request, and repeat one only with what it was made for",
        )
    if held.answer is None:
        raise IdempotencyKeyInUse(
            "The first request with this Idempotency-Key is still being carried out",
            retry_after_s=_IN_USE_RETRY_S,
            hint="Ask again in a moment",
        )
    try:
        body = _open(asked, held.answer.body)
    except InvalidTag as error:
        raise IdempotencyKeyReused(
            "The Idempotency-Key was used with another credential",
            hint="The answer can be opened only with what the first request was made with",
        ) from error
    return GivenAnswer(held.answer.status, held.answer.headers, body)


def _cipher(asked: Asked) -> AESGCM:
    derived = HKDF(SHA256(), length=32, salt=asked.key.encode(), info=_PURPOSE)
    return AESGCM(derived.derive(asked.credential.encode()))


def _seal(asked: Asked, body: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(asked).encrypt(nonce, body, asked.digest.encode())


def _open(asked: Asked, sealed: bytes) -> bytes:
    """Raises InvalidTag for a body sealed with something else."""
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return _cipher(asked).decrypt(nonce, rest, asked.digest.encode())
