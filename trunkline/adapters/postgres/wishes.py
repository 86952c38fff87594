"""What Git wanted when it was last valid. One room of the store.

A tree of 10,000 wishes is stored on every push, and nearly all of them are as they were: digests
travel to PostgreSQL, are compared there, and only bodies that differ follow.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from psycopg import sql

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.projects import write_source
from trunkline.adapters.postgres.rows import (
    batches,
    json_text,
    key_parts,
    matching,
    names_of,
    ordered_json,
    page_size,
)
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.base import JsonObject
from trunkline.model.errors import NotFound
from trunkline.model.ledger import LedgerKind
from trunkline.model.limits import STORE_BATCH_MAX_BYTES, STORE_BATCH_SIZE
from trunkline.model.records import SourceState, WishRecord

_Key: TypeAlias = tuple[str, str, str]

_COLUMNS = sql.SQL("project, environment, kind, name, wish_digest, revision, body, removed")

_COMPARE = """
SELECT environment, kind, name,
    (known.wish_digest IS DISTINCT FROM given.wish_digest OR known.removed) AS changed
FROM unnest(%(environments)s::text[], %(kinds)s::text[], %(names)s::text[],
            %(wish_digests)s::text[], %(body_digests)s::text[])
    AS given (environment, kind, name, wish_digest, body_digest)
LEFT JOIN (SELECT * FROM wishes WHERE project = %(project)s) AS known
    USING (environment, kind, name)
WHERE known.body_digest IS DISTINCT FROM given.body_digest
    OR known.wish_digest IS DISTINCT FROM given.wish_digest
    OR known.removed
"""

_STORE = """
INSERT INTO wishes (
    project, environment, kind, name, wish_digest, body_digest, revision, body
)
SELECT %(project)s, environment, kind, name, wish_digest, body_digest, revision, body::json
FROM unnest(%(environments)s::text[], %(kinds)s::text[], %(names)s::text[],
            %(wish_digests)s::text[], %(body_digests)s::text[], %(revisions)s::text[],
            %(bodies)s::text[])
    AS given (environment, kind, name, wish_digest, body_digest, revision, body)
ON CONFLICT (project, environment, kind, name) DO UPDATE SET
    wish_digest = excluded.wish_digest,
    body_digest = excluded.body_digest,
    revision = excluded.revision,
    body = excluded.body,
    removed = false,
    declared = false
"""

_REFRESH = """
UPDATE wishes SET body_digest = given.body_digest, body = given.body::json
FROM unnest(%(environments)s::text[], %(kinds)s::text[], %(names)s::text[],
            %(body_digests)s::text[], %(bodies)s::text[])
    AS given (environment, kind, name, body_digest, body)
WHERE wishes.project = %(project)s AND wishes.environment = given.environment
    AND wishes.kind = given.kind AND wishes.name = given.name
"""

_REMOVE = """
UPDATE wishes SET
    removed = true, declared = false, revision = coalesce(%(revision)s, revision)
WHERE project = %(project)s AND NOT removed
    AND NOT (kind = 'agent' AND environment = ANY(%(released)s)) AND NOT EXISTS (
    SELECT FROM unnest(%(environments)s::text[], %(kinds)s::text[], %(names)s::text[])
        AS given (environment, kind, name)
    WHERE given.environment = wishes.environment AND given.kind = wishes.kind
        AND given.name = wishes.name
)
"""

_UNFOLLOW = """
UPDATE release_standings SET standing = jsonb_set(standing::jsonb, '{restsOn}', '""')::json
WHERE project = %s AND NOT environment = ANY(%s) AND standing->>'restsOn' <> ''
"""
"""Wishes of an environment that follows no releases are not theirs: once it does, look again."""

_PAGE = sql.SQL(
    """
    SELECT {columns} FROM wishes
    WHERE {filters} AND (environment, kind, name) > (%(e)s, %(k)s, %(n)s)
    ORDER BY environment, kind, name LIMIT %(limit)s
    """
)

_UNSETTLED = sql.SQL(
    """
    SELECT {columns} FROM wishes LEFT JOIN statuses USING (project, environment, kind, name)
    WHERE {filters} AND (environment, kind, name) > (%(e)s, %(k)s, %(n)s) AND (
        status IS NULL
        OR status->>'revision' IS DISTINCT FROM revision
        OR status->>'sync' <> 'Synced'
        OR status->>'health' NOT IN ('Healthy', 'Suspended')
    )
    ORDER BY environment, kind, name LIMIT %(limit)s
    """
)

_UNDECLARED = sql.SQL(
    """
    SELECT {columns} FROM wishes WHERE project = %s AND NOT declared
    ORDER BY environment, kind, name LIMIT %s
    """
).format(columns=_COLUMNS)

_WISH = sql.SQL(
    """
    SELECT {columns} FROM wishes
    WHERE project = %s AND environment = %s AND kind = %s AND name = %s
    """
).format(columns=_COLUMNS)

_NUMBERS_OF = sql.SQL(
    """
    SELECT {columns} FROM wishes
    WHERE project = %s AND environment = %s AND kind = 'number' AND NOT removed
        AND body->>'agent' = %s
    ORDER BY name
    """
).format(columns=_COLUMNS)

_FOR_NUMBER = sql.SQL(
    """
    SELECT {columns} FROM wishes
    WHERE kind = 'number' AND NOT removed AND body->>'number' = %s
    ORDER BY project, environment, name
    """
).format(columns=_COLUMNS)

_FOR_NUMBERS = sql.SQL(
    """
    SELECT {columns} FROM wishes
    WHERE kind = 'number' AND NOT removed AND body->>'number' = ANY(%s)
    ORDER BY body->>'number', project, environment, name
    """
).format(columns=_COLUMNS)

_DECLARE = """
UPDATE wishes SET declared = true
FROM unnest(%(projects)s::text[], %(environments)s::text[], %(kinds)s::text[], %(names)s::text[],
            %(wish_digests)s::text[], %(revisions)s::text[], %(removed)s::boolean[])
    AS given (project, environment, kind, name, wish_digest, revision, removed)
WHERE wishes.project = given.project AND wishes.environment = given.environment
    AND wishes.kind = given.kind AND wishes.name = given.name
    AND wishes.wish_digest = given.wish_digest AND wishes.revision = given.revision
    AND wishes.removed = given.removed
"""


def _key(wish: WishRecord) -> _Key:
    return wish.environment, wish.kind, wish.name


def body_digests(wishes: Sequence[WishRecord]) -> list[str]:
    """A digest of each whole body: positions move without the wish changing."""
    return [
        hashlib.blake2b(json_text(wish.body).encode(), digest_size=16).hexdigest()
        for wish in wishes
    ]


def _key_columns(wishes: Sequence[WishRecord]) -> dict[str, Any]:
    return {
        "environments": [wish.environment for wish in wishes],
        "kinds": [wish.kind for wish in wishes],
        "names": [wish.name for wish in wishes],
    }


class WishTables(Tables):
    """The Wishes port."""

    async def store_tree(
        self,
        state: SourceState,
        wishes: Sequence[WishRecord],
        contents: Mapping[str, bytes],
        manifests: JsonObject,
        *,
        redeclare: Sequence[str] = (),
        released: Sequence[str] = (),
    ) -> int:
        """One valid commit in one transaction; answers how many wishes changed.

        What agents run in the ``released`` environments is not this commit's to say. An unchanged
        wish keeps the revision it last changed at; if only its positions moved, its body is
        refreshed and nothing more. Two trees of one project are stored one after the other.
        """
        digests = await asyncio.to_thread(body_digests, wishes)
        async with self._pool.transaction(bulk=True) as connection:
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('tree/' || %s, 0))",
                (state.project,),
            )
            await store_contents(connection, contents)
            changed = await store_wishes(connection, state.project, wishes, digests)
            removed = await connection.execute(
                _REMOVE,
                {
                    "project": state.project,
                    "revision": state.applied_revision,
                    "released": [*released],
                    **_key_columns(wishes),
                },
            )
            await connection.execute(_UNFOLLOW, (state.project, [*released]))
            await connection.execute(
                "UPDATE wishes SET declared = false WHERE project = %s AND environment = ANY(%s)",
                (state.project, [*redeclare]),
            )
            await write_source(connection, state)
            await connection.execute(
                "UPDATE sources SET manifest = %s WHERE project = %s",
                (ordered_json(manifests), state.project),
            )
        return changed + removed.rowcount

    async def project_manifest(self, project: str) -> JsonObject | None:
        """The Project manifest of the last applied revision."""
        row = await self._found("SELECT manifest FROM sources WHERE project = %s", (project,))
        return row["manifest"] if row else None

    async def undeclared(self, project: str, limit: int) -> tuple[WishRecord, ...]:
        """Wishes whose workflow has not been told yet, by environment, kind and name."""
        rows = await self._listed(_UNDECLARED, (project, page_size(limit)))
        return tuple(WishRecord.model_validate(row) for row in rows)

    async def wishes(
        self, project: str, environment: str | None = None, *, after: str = "", limit: int
    ) -> tuple[WishRecord, ...]:
        """Wishes ordered by ``environment/kind/name``, starting after that key."""
        return await self._page(_PAGE, project, environment, after, limit)

    async def unsettled(
        self, project: str, environment: str | None = None, *, after: str = "", limit: int
    ) -> tuple[WishRecord, ...]:
        """Those of ``wishes`` whose newest wish is not known to be in place and healthy."""
        return await self._page(_UNSETTLED, project, environment, after, limit)

    async def _page(
        self, page: sql.SQL, project: str, environment: str | None, after: str, limit: int
    ) -> tuple[WishRecord, ...]:
        filters = {"project": project, "environment": environment}
        query = page.format(columns=_COLUMNS, filters=matching(names_of(filters)))
        start = dict(zip(("e", "k", "n"), key_parts(after, 3), strict=True))
        rows = await self._listed(query, {**filters, **start, "limit": page_size(limit)})
        return tuple(WishRecord.model_validate(row) for row in rows)

    async def mark_declared(self, wishes: Sequence[WishRecord]) -> None:
        """The workflow knows exactly these wishes (a newer wish stays undeclared)."""
        async with self._pool.transaction() as connection:
            for batch in batches(wishes, STORE_BATCH_SIZE):
                columns = {
                    "projects": [wish.project for wish in batch],
                    "wish_digests": [wish.wish_digest for wish in batch],
                    "revisions": [wish.revision for wish in batch],
                    "removed": [wish.removed for wish in batch],
                }
                await connection.execute(_DECLARE, {**columns, **_key_columns(batch)})

    async def wish(
        self, project: str, environment: str, kind: LedgerKind, name: str
    ) -> WishRecord | None:
        """One wish; None if Git never named it."""
        row = await self._found(_WISH, (project, environment, kind, name))
        return WishRecord.model_validate(row) if row else None

    async def numbers_of(
        self, project: str, environment: str, agent: str
    ) -> tuple[WishRecord, ...]:
        """Wishes for the numbers that point at an agent, by name; removed ones left out."""
        rows = await self._listed(_NUMBERS_OF, (project, environment, agent))
        return tuple(WishRecord.model_validate(row) for row in rows)

    async def wishes_for_number(self, number: str) -> tuple[WishRecord, ...]:
        """Standing wishes for a number in E.164, of every project, by project and environment."""
        rows = await self._listed(_FOR_NUMBER, (number,))
        return tuple(WishRecord.model_validate(row) for row in rows)

    async def wishes_for_numbers(self, numbers: Sequence[str]) -> tuple[WishRecord, ...]:
        """The same for many numbers at once, by number, project and environment."""
        rows = await self._listed(_FOR_NUMBERS, (list(numbers),))
        return tuple(WishRecord.model_validate(row) for row in rows)

    async def content(self, digest: str) -> bytes:
        """What is stored under a content digest: a text in UTF-8, or a file. Raises NotFound."""
        row = await self._found("SELECT content FROM contents WHERE digest = %s", (digest,))
        if row is None:
            raise NotFound(
                f"no content is stored under {digest}",
                hint="A hard refresh of the project reads it from Git again.",
            )
        return bytes(row["content"])


async def store_wishes(
    connection: Connection, project: str, wishes: Sequence[WishRecord], digests: Sequence[str]
) -> int:
    """Store wishes with the digests of their bodies; answers how many changed."""
    cursor = await connection.execute(
        _COMPARE,
        {
            "project": project,
            "wish_digests": [wish.wish_digest for wish in wishes],
            "body_digests": list(digests),
            **_key_columns(wishes),
        },
    )
    verdicts: dict[_Key, bool] = {
        (row["environment"], row["kind"], row["name"]): row["changed"]
        for row in await cursor.fetchall()
    }
    digest_of = {_key(wish): digest for wish, digest in zip(wishes, digests, strict=True)}
    different = [wish for wish in wishes if _key(wish) in verdicts]
    for batch in batches(different, STORE_BATCH_SIZE):
        changed = [wish for wish in batch if verdicts[_key(wish)]]
        moved = [wish for wish in batch if not verdicts[_key(wish)]]
        for query, part in ((_STORE, changed), (_REFRESH, moved)):
            if part:
                await connection.execute(query, _columns(project, part, digest_of))
    return sum(verdicts.values())


def _columns(
    project: str, wishes: Sequence[WishRecord], digest_of: Mapping[_Key, str]
) -> dict[str, Any]:
    return {
        "project": project,
        "wish_digests": [wish.wish_digest for wish in wishes],
        "body_digests": [digest_of[_key(wish)] for wish in wishes],
        "revisions": [wish.revision for wish in wishes],
        "bodies": [json_text(wish.body) for wish in wishes],
        **_key_columns(wishes),
    }


async def store_contents(connection: Connection, contents: Mapping[str, bytes]) -> None:
    """Store what is not there yet, by digest."""
    cursor = await connection.execute(
        """
        SELECT digest FROM unnest(%s::text[]) AS given (digest)
        WHERE NOT EXISTS (SELECT FROM contents WHERE contents.digest = given.digest)
        """,
        (list(contents),),
    )
    missing = [row["digest"] for row in await cursor.fetchall()]
    for batch in _bounded(missing, contents):
        await connection.execute(
            """
            INSERT INTO contents (digest, content)
            SELECT * FROM unnest(%s::text[], %s::bytea[]) ON CONFLICT DO NOTHING
            """,
            (batch, [contents[digest] for digest in batch]),
        )


def _bounded(digests: Sequence[str], contents: Mapping[str, bytes]) -> Iterator[list[str]]:
    """The digests in batches bounded in number and bytes; what is larger goes by itself."""
    batch: list[str] = []
    size = 0
    for digest in digests:
        length = len(contents[digest])
        full = len(batch) == STORE_BATCH_SIZE // 10 or size + length > STORE_BATCH_MAX_BYTES
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(digest)
        size += length
    if batch:
        yield batch
