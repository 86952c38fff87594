"""Requests that may arrive twice, and the answers that were given to them."""

from typing import Protocol

from trunkline.model.idempotency import Claim, HeldRequest, SealedAnswer


class IdempotentRequests(Protocol):
    """One row for each key of a token, as long as a repetition is to be recognised."""

    async def claim_request(
        self, token_id: str, key: str, request_digest: str
    ) -> Claim | HeldRequest:
        """Insert and answer the claim, or answer the row that is there.

        A row that is older than it may be counts as none, and so does one that was claimed long
        ago and never answered.
        """

    async def keep_answer(self, claim: Claim, answer: SealedAnswer) -> None:
        """Store the answer, unless somebody else has the claim by now."""

    async def release_claim(self, claim: Claim) -> None:
        """Forget the request, unless it was answered or somebody else has the claim by now."""
