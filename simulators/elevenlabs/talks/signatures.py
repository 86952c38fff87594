"""Signed addresses of conversations: made for one agent, good for a quarter of an hour.

The address says everything itself and is sealed with a key of the simulator, so none has to be
remembered. Time is the simulator's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass

from simulators.elevenlabs.talks.initiation import CONTRACT, Unacceptable

PREFIX = "cvtkn_"
SEAL_BYTES = 16
REFUSED = "The conversation signature is not valid."


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a signature stands for."""

    agent_id: str
    expires_at: float
    branch_id: str | None = None
    version_id: str | None = None
    environment: str | None = None
    conversation_id: str | None = None


class Signatures:
    """Seals tickets and opens them again."""

    def __init__(self, seed: int) -> None:
        self._key = hashlib.sha256(f"conversations/{seed}".encode()).digest()

    def _seal(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:SEAL_BYTES]

    def signed(self, ticket: Ticket) -> str:
        """The ticket as the text an address carries."""
        content = json.dumps(asdict(ticket), separators=(",", ":")).encode()
        sealed = base64.urlsafe_b64encode(self._seal(content) + content).decode()
        return PREFIX + sealed.rstrip("=")

    def opened(self, signature: str, agent_id: str, now: float) -> Ticket:
        """The ticket of a signature for this agent. Raises Unacceptable (1008)."""
        try:
            text = signature.removeprefix(PREFIX)
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError) as error:
            raise Unacceptable(CONTRACT, REFUSED) from error
        seal, content = raw[:SEAL_BYTES], raw[SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(content)):
            raise Unacceptable(CONTRACT, REFUSED)
        ticket = Ticket(**json.loads(content))
        if ticket.agent_id != agent_id:
            raise Unacceptable(CONTRACT, "The conversation signature is for another agent.")
        if ticket.expires_at <= now:
            raise Unacceptable(CONTRACT, "The conversation signature has expired.")
        return ticket
