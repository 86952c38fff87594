"""What we did last, durably. One room of the store.

Every race of two workers is decided here by one statement on one row: who inserts a nonce or a
claim first, and who opens or takes over an attempt, is whoever PostgreSQL says, and the other
learns it from the answer.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from trunkline.adapters.postgres.rows import (
    attempt_columns,
    attempt_of,
    ordered_json,
    tombstone_columns,
    tombstone_of,
    without_attempt,
)
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, Claim, LedgerEntry, LedgerKind, Tombstone
from trunkline.model.testing.rendering import TOOL_SUFFIX

_ENTRY_COLUMNS = sql.SQL(
    """project, environment, kind, name, account, nonce, external_id, digest,
    rendered_digest, applied, defaults, version_id,
    attempt_number, attempt_started_at, attempt_deadline_at, tombstoned_at, tombstone_revision"""
)

_ENTRY_VALUES = sql.SQL(
    """%(project)s, %(environment)s, %(kind)s, %(name)s, %(account)s, %(nonce)s,
    %(external_id)s, %(digest)s, %(rendered_digest)s, %(applied)s, %(defaults)s, %(version_id)s,
    %(attempt_number)s, %(attempt_started_at)s, %(attempt_deadline_at)s,
    %(tombstoned_at)s, %(tombstone_revision)s"""
)

_PUT = sql.SQL(
    """
INSERT INTO ledger AS stored ({columns}) VALUES ({values})
ON CONFLICT (project, environment, kind, name) DO UPDATE SET
    account = excluded.account,
    nonce = coalesce(stored.nonce, excluded.nonce),
    external_id = excluded.external_id,
    digest = excluded.digest,
    rendered_digest = excluded.rendered_digest,
    applied = excluded.applied,
    defaults = excluded.defaults,
    version_id = excluded.version_id,
    attempt_number = excluded.attempt_number,
    attempt_started_at = excluded.attempt_started_at,
    attempt_deadline_at = excluded.attempt_deadline_at,
    written_at = now()
"""
).format(columns=_ENTRY_COLUMNS, values=_ENTRY_VALUES)

_RESERVE = sql.SQL(
    """
INSERT INTO ledger AS stored ({columns}) VALUES ({values})
ON CONFLICT (project, environment, kind, name) DO UPDATE SET
    nonce = coalesce(stored.nonce, excluded.nonce)
RETURNING {columns}
"""
).format(columns=_ENTRY_COLUMNS, values=_ENTRY_VALUES)

_RENEW = sql.SQL(
    """
UPDATE ledger SET
    account = %(account)s, nonce = %(nonce)s, external_id = NULL, version_id = NULL,
    attempt_number = NULL, attempt_started_at = NULL, attempt_deadline_at = NULL,
    written_at = now()
WHERE project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s AND external_id = %(gone)s
RETURNING {columns}
"""
).format(columns=_ENTRY_COLUMNS)

_RENAME = """
UPDATE ledger SET name = %s, written_at = now()
WHERE project = %s AND environment = %s AND kind = %s AND name = %s AND NOT EXISTS (
    SELECT FROM ledger WHERE project = %s AND environment = %s AND kind = %s AND name = %s
)
"""

_REOPEN = """
UPDATE ledger SET
    attempt_number = %(attempt_number)s,
    attempt_started_at = %(attempt_started_at)s,
    attempt_deadline_at = %(attempt_deadline_at)s,
    written_at = now()
WHERE project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s
    AND external_id IS NOT DISTINCT FROM %(external_id)s
    AND attempt_number IS NOT DISTINCT FROM %(known_number)s
    AND attempt_started_at IS NOT DISTINCT FROM %(known_started_at)s
RETURNING name
"""

_OPEN_FIRST = sql.SQL(
    """
INSERT INTO ledger ({columns}) VALUES ({values})
ON CONFLICT DO NOTHING RETURNING name
"""
).format(columns=_ENTRY_COLUMNS, values=_ENTRY_VALUES)

_CLAIM_COLUMNS = sql.SQL(
    """account, project, environment, kind, name, digest, claimant, external_id,
    fingerprint, body, attempt_number, attempt_started_at, attempt_deadline_at,
    tombstoned_at, tombstone_revision"""
)

_CLAIM_VALUES = sql.SQL(
    """%(account)s, %(project)s, %(environment)s, %(kind)s, %(name)s, %(digest)s,
    %(claimant)s, %(external_id)s, %(fingerprint)s, %(body)s,
    %(attempt_number)s, %(attempt_started_at)s, %(attempt_deadline_at)s,
    %(tombstoned_at)s, %(tombstone_revision)s"""
)

_CLAIM_KEY = sql.SQL(
    """account = %(account)s AND project = %(project)s
    AND environment = %(environment)s AND kind = %(kind)s AND name = %(name)s
    AND digest = %(digest)s"""
)

_CLAIM = sql.SQL(
    """
INSERT INTO claims ({columns}) VALUES ({values})
ON CONFLICT DO NOTHING RETURNING {columns}
"""
).format(columns=_CLAIM_COLUMNS, values=_CLAIM_VALUES)

_CLAIM_THERE = sql.SQL("""SELECT {columns} FROM claims WHERE {key}""").format(
    columns=_CLAIM_COLUMNS, key=_CLAIM_KEY
)

_TAKE_OVER = sql.SQL(
    """
UPDATE claims SET
    claimant = %(claimant)s,
    external_id = %(external_id)s,
    fingerprint = %(fingerprint)s,
    attempt_number = %(attempt_number)s,
    attempt_started_at = %(attempt_started_at)s,
    attempt_deadline_at = %(attempt_deadline_at)s,
    written_at = now()
WHERE {key}
    AND claimant = %(known_claimant)s
    AND external_id IS NOT DISTINCT FROM %(known_external_id)s
    AND attempt_number IS NOT DISTINCT FROM %(known_number)s
    AND attempt_started_at IS NOT DISTINCT FROM %(known_started_at)s
RETURNING claimant
"""
).format(key=_CLAIM_KEY)

_TOMBSTONE_CLAIM = sql.SQL(
    """
UPDATE claims SET
    tombstone_revision = CASE
        WHEN tombstoned_at IS NULL OR %(tombstoned_at)s::timestamptz IS NULL
        THEN %(tombstone_revision)s ELSE tombstone_revision END,
    tombstoned_at = CASE
        WHEN %(tombstoned_at)s::timestamptz IS NULL THEN NULL
        ELSE coalesce(tombstoned_at, %(tombstoned_at)s) END
WHERE {key}
"""
).format(key=_CLAIM_KEY)

_FORGET = """
DELETE FROM ledger
WHERE project = %(project)s AND environment = %(environment)s AND kind = %(kind)s
    AND name = %(name)s AND external_id IS NOT DISTINCT FROM %(external_id)s
"""

_FORGET_CLAIM = sql.SQL(
    "DELETE FROM claims WHERE {key} AND external_id IS NOT DISTINCT FROM %(external_id)s"
).format(key=_CLAIM_KEY)

_SETTLE = sql.SQL(
    """
INSERT INTO claims ({columns}) VALUES ({values})
ON CONFLICT (account, project, environment, kind, name, digest) DO UPDATE SET
    external_id = excluded.external_id,
    fingerprint = excluded.fingerprint,
    body = coalesce(excluded.body, claims.body),
    attempt_number = NULL,
    attempt_started_at = NULL,
    attempt_deadline_at = NULL,
    written_at = now()
"""
).format(columns=_CLAIM_COLUMNS, values=_CLAIM_VALUES)


_ENTRY = sql.SQL(
    """
SELECT {columns} FROM ledger
WHERE project = %s AND environment = %s AND kind = %s AND name = %s
"""
).format(columns=_ENTRY_COLUMNS)

_ENTRIES = sql.SQL(
    """
SELECT {columns} FROM ledger
WHERE project = %s AND environment = %s AND kind = %s ORDER BY name
"""
).format(columns=_ENTRY_COLUMNS)

_ENTRIES_NAMED = sql.SQL(
    """
SELECT {columns} FROM ledger
WHERE project = %s AND environment = %s AND kind = %s AND name = ANY(%s) ORDER BY name
"""
).format(columns=_ENTRY_COLUMNS)

_CLAIMS = sql.SQL(
    """
SELECT {columns} FROM claims
WHERE account = %(account)s AND project = %(project)s AND environment = %(environment)s
    AND CASE WHEN %(names)s::text[] IS NULL THEN right(name, length(%(suffix)s)) <> %(suffix)s
        ELSE name = ANY(%(names)s::text[]) END
ORDER BY kind, name, digest
"""
).format(columns=_CLAIM_COLUMNS)
"""Tools for tests belong to runs of tests, which put them away: only who names one sees it."""


class LedgerTables(Tables):
    """The Ledger port."""

    async def entry(
        self, project: str, environment: str, kind: LedgerKind, name: str
    ) -> LedgerEntry | None:
        """One row, or None."""
        row = await self._found(_ENTRY, (project, environment, kind, name))
        return _entry_of(row) if row else None

    async def entries(
        self, project: str, environment: str, kind: LedgerKind
    ) -> tuple[LedgerEntry, ...]:
        """All rows of an environment, by name."""
        rows = await self._listed(_ENTRIES, (project, environment, kind))
        return tuple(_entry_of(row) for row in rows)

    async def entries_named(
        self, project: str, environment: str, kind: LedgerKind, names: Sequence[str]
    ) -> tuple[LedgerEntry, ...]:
        """The rows of those names, by name."""
        rows = await self._listed(_ENTRIES_NAMED, (project, environment, kind, list(names)))
        return tuple(_entry_of(row) for row in rows)

    async def put(self, entry: LedgerEntry) -> None:
        """Insert or replace a row; the nonce of an existing row is never changed.

        A row that has no nonce yet takes the one that is given.
        """
        async with self._pool.connection() as connection:
            await connection.execute(_PUT, _entry_values(entry))

    async def reserve_nonce(self, entry: LedgerEntry) -> LedgerEntry:
        """Insert the row with its nonce unless one is there; answers the row that counts.

        A row without a nonce takes the one that is given and keeps everything else.
        """
        row = await self._found(_RESERVE, _entry_values(entry))
        return _entry_of(row) if row else entry

    async def renew(self, entry: LedgerEntry, *, gone: ExternalId) -> LedgerEntry:
        """Begin a new incarnation of an object that is ``gone`` from the platform.

        A row that no longer points at the gone object is left as it is, and answered.
        """
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_RENEW, {**_entry_values(entry), "gone": gone})
            row = await cursor.fetchone()
            if row is None:
                cursor = await connection.execute(
                    _ENTRY, (entry.project, entry.environment, entry.kind, entry.name)
                )
                row = await cursor.fetchone()
        return _entry_of(row) if row else entry

    async def rename(self, entry: LedgerEntry, name: str) -> LedgerEntry | None:
        """Give a row another name in one step; None if there is no such row any more.

        A row that has the new name already is left as it is, and answered.
        """
        place = (entry.project, entry.environment, entry.kind)
        async with self._pool.transaction() as connection:
            await connection.execute(_RENAME, (name, *place, entry.name, *place, name))
            cursor = await connection.execute(_ENTRY, (*place, name))
            row = await cursor.fetchone()
        return _entry_of(row) if row else None

    async def open_attempt(self, entry: LedgerEntry, attempt: Attempt) -> bool:
        """Record a create about to be sent; False if another attempt was opened meanwhile.

        ``entry`` is the row as the caller last saw it. A row whose external id appeared since is
        refused as well: that create has succeeded.
        """
        values = {
            **_entry_values(entry.model_copy(update={"attempt": attempt})),
            "known_number": entry.attempt.number if entry.attempt else None,
            "known_started_at": entry.attempt.started_at if entry.attempt else None,
        }
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_REOPEN, values)
            if await cursor.fetchone():
                return True
            if entry.attempt or entry.external_id:
                return False
            cursor = await connection.execute(_OPEN_FIRST, values)
            return await cursor.fetchone() is not None

    async def claim(self, claim: Claim) -> Claim:
        """Insert the claim unless one is there; answers the row that counts."""
        async with self._pool.transaction() as connection:
            cursor = await connection.execute(_CLAIM, _claim_values(claim))
            row = await cursor.fetchone()
            if row is None:
                cursor = await connection.execute(_CLAIM_THERE, _claim_values(claim))
                row = await cursor.fetchone()
        return _claim_of(row) if row else claim

    async def take_over(self, claim: Claim, *, previous: Claim) -> bool:
        """Replace a dead claimant's attempt by ours; False if somebody was quicker.

        ``previous`` is the row as the caller last saw it: whatever was settled, taken over or
        tried again since makes it False.
        """
        values = {
            **_claim_values(claim),
            "known_claimant": previous.claimant,
            "known_external_id": previous.external_id,
            "known_number": previous.attempt.number if previous.attempt else None,
            "known_started_at": previous.attempt.started_at if previous.attempt else None,
        }
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_TAKE_OVER, values)
            return await cursor.fetchone() is not None

    async def settle(
        self, claim: Claim, external_id: ExternalId, *, fingerprint: str | None
    ) -> None:
        """Record the id of a shared object; its attempt is over."""
        settled = claim.model_copy(
            update={"external_id": external_id, "fingerprint": fingerprint, "attempt": None}
        )
        async with self._pool.connection() as connection:
            await connection.execute(_SETTLE, _claim_values(settled))

    async def tombstone_claim(self, claim: Claim, tombstone: Tombstone | None) -> None:
        """Set a shared object's tombstone or take it away; one that is there keeps its time."""
        values = {**_claim_values(claim), **tombstone_columns(tombstone)}
        async with self._pool.connection() as connection:
            await connection.execute(_TOMBSTONE_CLAIM, values)

    async def forget(self, entry: LedgerEntry) -> None:
        """Remove the row of an object that is deleted, unless it has another external id now."""
        async with self._pool.connection() as connection:
            await connection.execute(_FORGET, _entry_values(entry))

    async def forget_claim(self, claim: Claim) -> None:
        """Remove the row of a shared object that is deleted, unless it has another id now."""
        async with self._pool.connection() as connection:
            await connection.execute(_FORGET_CLAIM, _claim_values(claim))

    async def claims(
        self, account: str, project: str, environment: str, *, names: Sequence[str] | None = None
    ) -> tuple[Claim, ...]:
        """All claims of an environment, or those of the named objects, by kind, name, digest.

        Tools that were made for tests are only among them if they are named.
        """
        values = {
            "account": account,
            "project": project,
            "environment": environment,
            "names": None if names is None else list(names),
            "suffix": TOOL_SUFFIX,
        }
        rows = await self._listed(_CLAIMS, values)
        return tuple(_claim_of(row) for row in rows)


def _entry_values(entry: LedgerEntry) -> dict[str, Any]:
    return {
        **entry.model_dump(by_alias=False, exclude={"attempt", "applied", "defaults", "tombstone"}),
        "applied": ordered_json(entry.applied),
        "defaults": ordered_json(entry.defaults),
        **attempt_columns(entry.attempt),
        **tombstone_columns(entry.tombstone),
    }


def _entry_of(row: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry.model_validate(
        {**without_attempt(row), "attempt": attempt_of(row), "tombstone": tombstone_of(row)}
    )


def _claim_values(claim: Claim) -> dict[str, Any]:
    return {
        **claim.model_dump(by_alias=False, exclude={"attempt", "body", "tombstone"}),
        "body": None if claim.body is None else ordered_json(claim.body),
        **attempt_columns(claim.attempt),
        **tombstone_columns(claim.tombstone),
    }


def _claim_of(row: dict[str, Any]) -> Claim:
    return Claim.model_validate(
        {**without_attempt(row), "attempt": attempt_of(row), "tombstone": tombstone_of(row)}
    )
