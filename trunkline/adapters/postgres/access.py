"""Tokens and the audit log. One room of the store; no token itself ever arrives here."""

from trunkline.adapters.postgres.rows import comparable_json, page_size, readable
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.records import AuditRecord, TokenRecord

_LAST_ID = 2**63 - 1


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
                """
                SELECT id, prefix, hash, person, role, project, created_at, expires_at
                FROM tokens WHERE hash = %s AND (expires_at IS NULL OR expires_at > now())
                """,
                (token_hash,),
            )
            row = await cursor.fetchone()
        return TokenRecord.model_validate(row) if row else None

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

    async def audit(self, *, before: int | None = None, limit: int) -> tuple[AuditRecord, ...]:
        """Newest first."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT id, actor, role, action, project, subject, request_id, reason, details, at
                FROM audit WHERE id < %s ORDER BY id DESC LIMIT %s
                """,
                (_LAST_ID if before is None else before, page_size(limit)),
            )
            rows = await cursor.fetchall()
        return tuple(AuditRecord.model_validate(row) for row in rows)
