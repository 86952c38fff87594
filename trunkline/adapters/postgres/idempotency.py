"""Requests that may arrive twice. One room of the store; it holds answers only sealed."""

from datetime import timedelta

from psycopg.types.json import Json

from trunkline.adapters.postgres.tables import Tables
from trunkline.model.idempotency import Claim, HeldRequest, SealedAnswer
from trunkline.model.limits import (
    IDEMPOTENCY_CLAIM_MAX_S,
    IDEMPOTENCY_KEPT_S,
    IDEMPOTENCY_KEYS_MAX,
    IDEMPOTENCY_TIDIED_ROWS_MAX,
)

_TIDY_OLD = """
DELETE FROM idempotent_requests WHERE (token_id, key) IN (
    SELECT token_id, key FROM idempotent_requests
    WHERE created_at < now() - %(kept)s::interval
    ORDER BY created_at LIMIT %(tidied_max)s
    FOR UPDATE SKIP LOCKED
)
"""
_TIDY_MANY = """
DELETE FROM idempotent_requests WHERE token_id = %(token_id)s AND key IN (
    SELECT key FROM idempotent_requests
    WHERE token_id = %(token_id)s AND created_at <= (
        SELECT created_at FROM idempotent_requests WHERE token_id = %(token_id)s
        ORDER BY created_at DESC OFFSET %(keys_max)s LIMIT 1
    )
    FOR UPDATE SKIP LOCKED
)
"""
_CLAIM = """
INSERT INTO idempotent_requests AS held (token_id, key, request_digest)
VALUES (%(token_id)s, %(key)s, %(request_digest)s)
ON CONFLICT (token_id, key) DO UPDATE SET
    request_digest = excluded.request_digest, created_at = now(),
    status = NULL, headers = NULL, body = NULL
WHERE held.created_at < now() - %(kept)s::interval
    OR (held.status IS NULL AND held.created_at < now() - %(claim_max)s::interval)
RETURNING created_at
"""
_HELD = """
SELECT request_digest, status, headers, body FROM idempotent_requests
WHERE token_id = %(token_id)s AND key = %(key)s
"""
_MINE = """
token_id = %(token_id)s AND key = %(key)s AND created_at = %(claimed_at)s AND status IS NULL
"""


class IdempotencyTables(Tables):
    """The IdempotentRequests port."""

    async def claim_request(
        self, token_id: str, key: str, request_digest: str
    ) -> Claim | HeldRequest:
        """Insert and answer the claim, or answer the row that is there.

        Each statement commits by itself: two claims that tidied and inserted in one transaction
        would wait for each other.
        """
        values = {
            "token_id": token_id,
            "key": key,
            "request_digest": request_digest,
            "kept": timedelta(seconds=IDEMPOTENCY_KEPT_S),
            "claim_max": timedelta(seconds=IDEMPOTENCY_CLAIM_MAX_S),
            "tidied_max": IDEMPOTENCY_TIDIED_ROWS_MAX,
            "keys_max": IDEMPOTENCY_KEYS_MAX - 1,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_TIDY_OLD, values)
            await connection.execute(_TIDY_MANY, values)
            claimed = await (await connection.execute(_CLAIM, values)).fetchone()
            if claimed is not None:
                return Claim(
                    token_id=token_id,
                    key=key,
                    request_digest=request_digest,
                    claimed_at=claimed["created_at"],
                )
            held = await (await connection.execute(_HELD, values)).fetchone()
        if held is None:
            return HeldRequest(request_digest=request_digest)
        answer = None
        if held["status"] is not None:
            answer = SealedAnswer(
                status=held["status"], headers=held["headers"] or {}, body=held["body"] or b""
            )
        return HeldRequest(request_digest=held["request_digest"], answer=answer)

    async def keep_answer(self, claim: Claim, answer: SealedAnswer) -> None:
        """Store the answer, unless somebody else has the claim by now."""
        async with self._pool.connection() as connection:
            await connection.execute(
                f"""
                UPDATE idempotent_requests
                SET status = %(status)s, headers = %(headers)s, body = %(body)s
                WHERE {_MINE}
                """,  # noqa: S608 - a condition of ours
                {
                    **claim.model_dump(by_alias=False),
                    "status": answer.status,
                    "headers": Json(answer.headers),
                    "body": answer.body,
                },
            )

    async def release_claim(self, claim: Claim) -> None:
        """Forget the request, unless it was answered or somebody else has the claim by now."""
        async with self._pool.connection() as connection:
            await connection.execute(
                f"DELETE FROM idempotent_requests WHERE {_MINE}",  # noqa: S608 - as above
                claim.model_dump(by_alias=False),
            )
