"""Tokens and the audit log. One room of the store; no token itself ever arrives here."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from trunkline.adapters.postgres.rows import (
    comparable_json,
    ordered_json,
    page_size,
    parsed,
    readable,
    readable_json,
)
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.limits import RETENTION_BATCH_SIZE, TOKEN_USE_NOTED_EVERY_S
from trunkline.model.records import AuditRecord, ProjectRecord, TokenRecord

_LAST_ID = 2**63 - 1
_COLUMNS = (
    "id, prefix, hash, person, role, project, created_at, expires_at, last_used_at, kind, grants"
)
_ADMISSION = f"""
SELECT (
    SELECT row_to_json(found)::text FROM (
        SELECT {_COLUMNS} FROM tokens
        WHERE hash = %s AND (expires_at IS NULL OR expires_at > now())
    ) AS found
) AS token, (
    SELECT row_to_json(found)::text FROM (
        SELECT name, repository, branch, poll_interval_s FROM projects WHERE name = %s
    ) AS found
) AS project
"""  # noqa: S608 - columns of ours
_REACHING = """
(kind = 'token' AND project = ANY(%(projects)s::text[])) OR (
    kind = 'session' AND NOT EXISTS (
        SELECT FROM json_array_elements(grants) AS one
        WHERE coalesce(one->>'project' <> ALL(%(projects)s::text[]), true)
    )
)
"""
"""These projects and no other: a role in every project is a null in the grants, and more."""
_REVOKE = """
DELETE FROM tokens AS gone
WHERE id = %(id)s AND (
    kind = 'session' OR role <> 'admin' OR project IS NOT NULL OR expires_at <= now() OR EXISTS (
        SELECT FROM tokens
        WHERE id <> gone.id AND kind = 'token' AND role = 'admin' AND project IS NULL
            AND (expires_at IS NULL OR expires_at > now())
    )
)
RETURNING id
"""
_AUDIT = """
SELECT row_to_json(found)::text AS row FROM (
SELECT id, actor, role, action, project, subject, request_id, reason, details, before, after, at
FROM audit
WHERE id < %(before)s
    AND (%(project)s::text IS NULL OR project = %(project)s)
    AND (%(projects)s::text[] IS NULL OR project = ANY(%(projects)s))
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(subject)s::text IS NULL OR subject = %(subject)s)
    AND (%(request_id)s::text IS NULL OR request_id = %(request_id)s)
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY id DESC LIMIT %(limit)s
) AS found
"""
_AUDITED = TypeAdapter(tuple[AuditRecord, ...])
_JSON = frozenset({"details", "before", "after"})


class AccessTables(Tables):
    """The Access port."""

    async def add_token(self, token: TokenRecord) -> None:
        """Insert. Raises InvalidInput if the id or the hash is taken."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO tokens (id, prefix, hash, person, role, project, expires_at, kind,
                    grants)
                VALUES (%(id)s, %(prefix)s, %(hash)s, %(person)s, %(role)s, %(project)s,
                    %(expires_at)s, %(kind)s, %(grants)s)
                """,
                {
                    **token.model_dump(by_alias=False, exclude={"grants"}),
                    "grants": ordered_json([one.model_dump() for one in token.grants]),
                },
            )

    async def token_and_project(
        self, token_hash: str, project: str
    ) -> tuple[TokenRecord | None, ProjectRecord | None]:
        """The unexpired token with that hash and the project of that name, each None if there is
        none.
        """
        row = await self._found(_ADMISSION, (token_hash, project)) or {}
        token, known = row.get("token"), row.get("project")
        return (
            TokenRecord.model_validate_json(token) if token else None,
            ProjectRecord.model_validate_json(known) if known else None,
        )

    async def token_by_id(self, token_id: str) -> TokenRecord | None:
        """The token with that id, expired or not, or None."""
        row = await self._found(
            f"SELECT {_COLUMNS} FROM tokens WHERE id = %s",  # noqa: S608 - columns of ours
            (token_id,),
        )
        return TokenRecord.model_validate(row) if row else None

    async def tokens(
        self, *, projects: Sequence[str] | None = None, after: str = "", limit: int
    ) -> tuple[TokenRecord, ...]:
        """Tokens ordered by id, starting after that one, sessions too; of those that reach these
        projects and no other, None means all of them.
        """
        wanted = None if projects is None else list(projects)
        rows = await self._listed(
            f"""
            SELECT {_COLUMNS} FROM tokens
            WHERE id > %(after)s AND (%(projects)s::text[] IS NULL OR {_REACHING})
            ORDER BY id LIMIT %(limit)s
            """,  # noqa: S608 - columns of ours
            {"projects": wanted, "after": after, "limit": page_size(limit)},
        )
        return tuple(TokenRecord.model_validate(row) for row in rows)

    async def note_use(self, token_id: str) -> None:
        """Remember that a token was used now, unless that was noted within a minute."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                UPDATE tokens SET last_used_at = now()
                WHERE id = %(id)s AND (last_used_at IS NULL
                    OR last_used_at <= now() - make_interval(secs => %(pause_s)s))
                """,
                {"id": token_id, "pause_s": TOKEN_USE_NOTED_EVERY_S},
            )

    async def end_token(self, token_id: str, *, at: datetime) -> None:
        """Let a token end at that time, or when it says itself if that is earlier."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE tokens SET expires_at = least(expires_at, %(at)s) WHERE id = %(id)s",
                {"id": token_id, "at": at},
            )

    async def forget_ended_sessions(self) -> None:
        """Remove sessions that are over, a bounded number at once."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                DELETE FROM tokens WHERE id IN (
                    SELECT id FROM tokens
                    WHERE kind = 'session' AND expires_at <= now() LIMIT %s
                )
                """,
                (RETENTION_BATCH_SIZE,),
            )

    async def revoke_token(self, token_id: str) -> bool:
        """Forget a token; False if it is the last one of an admin of every project. A session
        may always be forgotten.

        The table is locked meanwhile: two who revoke each other's must not both succeed.
        """
        async with self._pool.transaction() as connection:
            await connection.execute("LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE")
            cursor = await connection.execute(_REVOKE, {"id": token_id})
            return await cursor.fetchone() is not None

    async def add_audit(self, record: AuditRecord) -> None:
        """Append."""
        values = {
            **record.model_dump(by_alias=False, exclude={"id", "at", *_JSON, "reason"}),
            "reason": readable(record.reason),
            "details": comparable_json(record.details),
            "before": None if record.before is None else readable_json(record.before),
            "after": None if record.after is None else readable_json(record.after),
        }
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO audit (actor, role, action, project, subject, request_id, reason,
                    details, before, after)
                VALUES (%(actor)s, %(role)s, %(action)s, %(project)s, %(subject)s,
                    %(request_id)s, %(reason)s, %(details)s, %(before)s, %(after)s)
                """,
                values,
            )

    async def audit(
        self,
        *,
        project: str | None = None,
        projects: Sequence[str] | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        request_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int,
    ) -> tuple[AuditRecord, ...]:
        """Rows that fit all that is given, newest first, below the id ``before``; ``until`` is not
        included.
        """
        wanted = {
            "project": project,
            "projects": None if projects is None else list(projects),
            "actor": actor,
            "action": action,
            "subject": subject,
            "request_id": request_id,
            "since": since,
            "until": until,
            "before": _LAST_ID if before is None else before,
            "limit": page_size(limit),
        }
        return parsed(_AUDITED, await self._listed(_AUDIT, wanted))
