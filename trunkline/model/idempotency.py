"""A request that may arrive twice: who claimed it, and what was answered."""

from datetime import datetime

from trunkline.model.base import Frozen


class SealedAnswer(Frozen):
    """An answer as it is stored; only who made the request can open ``body``."""

    status: int
    headers: dict[str, str]
    body: bytes


class Claim(Frozen):
    """The right to answer a request; ``claimed_at`` tells it from later claims of the same key."""

    token_id: str
    key: str
    request_digest: str
    claimed_at: datetime


class HeldRequest(Frozen):
    """A request somebody else made before; ``answer`` is None while it has none."""

    request_digest: str
    answer: SealedAnswer | None = None
