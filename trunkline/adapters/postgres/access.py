"""Tokens and the audit log. One room of the store; no token itself ever arrives here."""

from datetime import datetime

from trunkline.adapters.postgres.rows import comparable_json, page_size, readable
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.records import AuditRecord, TokenRecord

_LAST_ID = 2**63 - 1
_TOKEN = "id, prefix, hash, person, role, project, created_at, expires_at"  # noqa: S105 - columns
_REVOKE = """
DELETE FROM tokens AS gone
WHERE id = %(id)s AND (
    role <> 'admin' OR project IS NOT NULL OR expires_at <= now() OR EXISTS (
        SELECT FROM tokens
        WHERE id <> gone.id AND role = 'admin' AND project IS NULL
            AND (expires_at IS NULL OR expires_at > now())
    )
)
RETURNING id
"""
_AUDIT = """
SELECT id, actor, role, action, project, subject, request_id, reason, details, at
FROM audit
WHERE id < %(before)s
    AND (%(project)s::text IS NULL OR project = %(project)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
ORDER BY id DESC LIMIT %(limit)s
"""


class AccessTables(Tables):
    """The Access port."""

    async def add_token(self, token: TokenRecord) -> None:
        """Insert. Raises InvalidInput if the id or the hash is taken."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO tokens (id, prefix, hash, person, role, project, expires_at)
                VALUES (%(id)s, %(prefix)s, %(hash)s, %(person)s, %(role)s, %(project)s,
                    %(expires_at)s)
                """,
                token.model_dump(by_alias=False),
            )

    async def token(self, token_hash: str) -> TokenRecord | None:
        """The unexpired token with that hash, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                f"""
                SELECT {_TOKEN} FROM tokens
                WHERE hash = %s AND (expires_at IS NULL OR expires_at > now())
                """,  # noqa: S608 - columns of ours
                (token_hash,),
            )
            row = await cursor.fetchone()
        return TokenRecord.model_validate(row) if row else None

    async def token_by_id(self, token_id: str) -> TokenRecord | None:
        """The token with that id, expired or not, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                f"SELECT {_TOKEN} FROM tokens WHERE id = %s",  # noqa: S608 - columns of ours
                (token_id,),
            )
            row = await cursor.fetchone()
        return TokenRecord.model_validate(row) if row else None

    async def tokens(
        self, *, project: str | None = None, after: str = "", limit: int
    ) -> tuple[TokenRecord, ...]:
        """Tokens ordered by id, starting after that one; ``project`` None means all of them."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                f"""
                SELECT {_TOKEN} FROM tokens
                WHERE id > %(after)s AND (%(project)s::text IS NULL OR project = %(project)s)
                ORDER BY id LIMIT %(limit)s
                """,  # noqa: S608 - columns of ours
                {"project": project, "after": after, "limit": page_size(limit)},
            )
            rows = await cursor.fetchall()
        return tuple(TokenRecord.model_validate(row) for row in rows)

    async def revoke_token(self, token_id: str) -> bool:
        """Forget a token; False if it is the last one of an admin of every project.

        The table is locked meanwhile: two who revoke each other's must not both succeed.
        """
        async with self._pool.transaction() as connection:
            await connection.execute("LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE")
            cursor = await connection.execute(_REVOKE, {"id": token_id})
            return await cursor.fetchone() is not None

    async def add_audit(self, record: AuditRecord) -> None:
        """Append."""
        values = {
            **record.model_dump(by_alias=False, exclude={"id", "at", "details", "reason"}),
            "reason": readable(record.reason),
            "details": comparable_json(record.details),
        }
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO audit (actor, role, action, project, subject, request_id, reason,
                    details)
                VALUES (%(actor)s, %(role)s, %(action)s, %(project)s, %(subject)s,
                    %(request_id)s, %(reason)s, %(details)s)
                """,
                values,
            )

    async def audit(
        self,
        *,
        project: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        before: int | None = None,
        limit: int,
    ) -> tuple[AuditRecord, ...]:
        """Rows that fit all that is given, newest first, below the id ``before``."""
        wanted = {
            "project": project,
            "actor": actor,
            "action": action,
            "since": since,
            "before": _LAST_ID if before is None else before,
            "limit": page_size(limit),
        }
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_AUDIT, wanted)
            rows = await cursor.fetchall()
        return tuple(AuditRecord.model_validate(row) for row in rows)
