"""The index of releases, what the last look at Git made of each, and rules of promotion in force.

Git is the truth of all of it but the rules: an emptied room is filled again by the next look. What
a look found out is stored together with the wishes it brings, so that nobody ever sees a release
that counts without the wish it stands for. One room of the store.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import batches, page_size, readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.adapters.postgres.wishes import body_digests, store_contents, store_wishes
from trunkline.model.ids import Revision
from trunkline.model.limits import STORE_BATCH_SIZE
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.records import WishRecord
from trunkline.model.releases import ReleaseRecord, ReleaseStanding

_LOCK_TREE = "SELECT pg_advisory_xact_lock(hashtextextended('tree/' || %s, 0))"

_KNOWN = """
SELECT record FROM releases WHERE project = %s AND environment = %s AND agent = %s
    AND version = %s FOR UPDATE
"""
_PUT_RELEASE = """
INSERT INTO releases (project, environment, agent, version, record)
VALUES (%(project)s, %(environment)s, %(agent)s, %(version)s, %(record)s)
ON CONFLICT (project, environment, agent, version) DO UPDATE SET record = excluded.record
"""
_RELEASE = """
SELECT record FROM releases
WHERE project = %s AND environment = %s AND agent = %s AND version = %s
"""
_RELEASES = """
SELECT record FROM releases
WHERE project = %(project)s AND environment = %(environment)s AND agent = %(agent)s
    AND (%(before)s::integer IS NULL OR version < %(before)s)
ORDER BY version DESC LIMIT %(limit)s
"""
_HISTORY = """
SELECT (
    SELECT standing::text FROM release_standings
    WHERE project = %(project)s AND environment = %(environment)s AND agent = %(agent)s
) AS standing, (
    SELECT '[' || string_agg(record::text, ',' ORDER BY version DESC) || ']' FROM (
        SELECT version, record FROM releases
        WHERE project = %(project)s AND environment = %(environment)s AND agent = %(agent)s
            AND (%(before)s::integer IS NULL OR version < %(before)s)
        ORDER BY version DESC LIMIT %(limit)s
    ) AS found
) AS records
"""
_RECORDS = TypeAdapter(tuple[ReleaseRecord, ...])
_PUT_STANDING = """
INSERT INTO release_standings AS known (project, environment, agent, standing)
VALUES (%(project)s, %(environment)s, %(agent)s, %(standing)s)
ON CONFLICT (project, environment, agent) DO UPDATE SET standing = excluded.standing
WHERE known.standing::text IS DISTINCT FROM excluded.standing::text
RETURNING agent
"""
_MARK = """
SELECT coalesce(md5(string_agg(md5(standing::text), '' ORDER BY environment, agent)), '') AS mark
FROM release_standings WHERE project = %s
"""
_GIVEN = """unnest(%(environments)s::text[], %(agents)s::text[]) AS given (environment, agent)"""
_OF_GIVEN = """wishes.project = %(project)s AND wishes.environment = given.environment
    AND wishes.kind = 'agent' AND wishes.name = given.agent"""
_TELL = f"""
UPDATE wishes SET declared = false FROM {_GIVEN} WHERE {_OF_GIVEN}
"""  # noqa: S608 - conditions of ours
_PIN = """
UPDATE wishes SET revision = given.revision, declared = false
FROM unnest(%(environments)s::text[], %(agents)s::text[], %(revisions)s::text[])
    AS given (environment, agent, revision)
WHERE wishes.project = %(project)s AND wishes.environment = given.environment
    AND wishes.kind = 'agent' AND wishes.name = given.agent
    AND wishes.revision <> given.revision
"""
"""An unchanged wish keeps the commit it changed at; that of a release is the one it pins."""
_REMOVE = f"""
UPDATE wishes SET removed = true, declared = false, revision = %(revision)s
FROM {_GIVEN} WHERE {_OF_GIVEN} AND NOT removed
"""  # noqa: S608 - conditions of ours
_KEEP = f"""
UPDATE wishes SET removed = false, declared = false
FROM {_GIVEN} WHERE {_OF_GIVEN} AND removed
"""  # noqa: S608 - conditions of ours
_FORGET_STATUS = f"""
DELETE FROM statuses USING {_GIVEN}
WHERE statuses.project = %(project)s AND statuses.environment = given.environment
    AND statuses.kind = 'agent' AND statuses.name = given.agent
    AND NOT EXISTS (SELECT FROM wishes WHERE {_OF_GIVEN})
"""  # noqa: S608 - conditions of ours


class ReleaseTables(Tables):
    """The ReleaseRecords port, but for rollouts."""

    async def put_releases(self, records: Sequence[ReleaseRecord]) -> None:
        """Insert; a version that is there stays, apart from what it lacked."""
        ordered = sorted(records, key=lambda each: (each.environment, each.agent, each.version))
        for batch in batches(ordered, STORE_BATCH_SIZE):
            async with self._pool.transaction() as connection:
                for record in batch:
                    await _put_release(connection, record)

    async def release(
        self, project: str, environment: str, agent: str, version: int
    ) -> ReleaseRecord | None:
        """One release, or None."""
        row = await self._found(_RELEASE, (project, environment, agent, version))
        return ReleaseRecord.model_validate(row["record"]) if row else None

    async def releases_of(
        self, project: str, environment: str, agent: str, *, before: int | None = None, limit: int
    ) -> tuple[ReleaseRecord, ...]:
        """Releases, newest version first; those below ``before``."""
        values = {
            "project": project,
            "environment": environment,
            "agent": agent,
            "before": before,
            "limit": page_size(limit),
        }
        rows = await self._listed(_RELEASES, values)
        return tuple(ReleaseRecord.model_validate(row["record"]) for row in rows)

    async def standing_and_releases(
        self, project: str, environment: str, agent: str, *, before: int | None = None, limit: int
    ) -> tuple[ReleaseStanding | None, tuple[ReleaseRecord, ...]]:
        """What ``standing_of`` and ``releases_of`` say, both of one moment."""
        values = {
            "project": project,
            "environment": environment,
            "agent": agent,
            "before": before,
            "limit": page_size(limit),
        }
        row = await self._found(_HISTORY, values) or {}
        standing, records = row.get("standing"), row.get("records")
        return (
            ReleaseStanding.model_validate_json(standing) if standing else None,
            _RECORDS.validate_json(records) if records else (),
        )

    async def standing_of(
        self, project: str, environment: str, agent: str
    ) -> ReleaseStanding | None:
        """What the last look at Git said, or None."""
        row = await self._found(
            """
            SELECT standing FROM release_standings
            WHERE project = %s AND environment = %s AND agent = %s
            """,
            (project, environment, agent),
        )
        return ReleaseStanding.model_validate(row["standing"]) if row else None

    async def standings(self, project: str, environment: str) -> tuple[ReleaseStanding, ...]:
        """All of an environment, by agent."""
        rows = await self._listed(
            """
            SELECT standing FROM release_standings WHERE project = %s AND environment = %s
            ORDER BY agent
            """,
            (project, environment),
        )
        return tuple(ReleaseStanding.model_validate(row["standing"]) for row in rows)

    async def standings_mark(self, project: str) -> str:
        """Equal as long as no standing of the project changed; "" without any."""
        row = await self._found(_MARK, (project,))
        return str(row["mark"]) if row else ""

    async def store_released(
        self,
        project: str,
        standings: Sequence[ReleaseStanding],
        wishes: Sequence[WishRecord],
        contents: Mapping[str, bytes],
        *,
        revision: Revision,
    ) -> int:
        """What a look made of releases, with the wishes of those it verified; see the port."""
        digests = await asyncio.to_thread(body_digests, wishes)
        async with self._pool.transaction(bulk=True) as connection:
            await connection.execute(_LOCK_TREE, (project,))
            await store_contents(connection, contents)
            await store_wishes(connection, project, wishes, digests)
            await connection.execute(_PIN, _pinned(project, wishes))
            changed = [one for one in standings if await _put_standing(connection, one)]
            gone = _columns(project, (one for one in standings if one.removed))
            kept = (one for one in standings if one.reason and one.applied is not None)
            await connection.execute(_REMOVE, {**gone, "revision": revision})
            await connection.execute(_FORGET_STATUS, gone)
            await connection.execute(_KEEP, _columns(project, kept))
            await connection.execute(_TELL, _columns(project, changed))
        return len(changed)

    async def rules_in_force(self, project: str, environment: str) -> PromotionRules | None:
        """The rules of promotion that count, or None before any were."""
        row = await self._found(
            "SELECT rules FROM promotion_rules WHERE project = %s AND environment = %s",
            (project, environment),
        )
        return PromotionRules.model_validate(row["rules"]) if row else None

    async def put_rules(self, project: str, environment: str, rules: PromotionRules) -> None:
        """These count from now on."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO promotion_rules (project, environment, rules) VALUES (%s, %s, %s)
                ON CONFLICT (project, environment) DO UPDATE SET rules = excluded.rules
                """,
                (project, environment, readable_json(rules)),
            )

    async def drop_rules(self, project: str, environment: str) -> None:
        """An admin agreed that nothing is promoted into the environment any more."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM promotion_rules WHERE project = %s AND environment = %s",
                (project, environment),
            )


async def _put_release(connection: Connection, record: ReleaseRecord) -> None:
    place = (record.project, record.environment, record.agent, record.version)
    cursor = await connection.execute(_KNOWN, place)
    row = await cursor.fetchone()
    if row is not None:
        known = ReleaseRecord.model_validate(row["record"])
        whole = _completed(known, record)
        if whole == known:
            return
        record = whole
    project, environment, agent, version = place
    values = {"project": project, "environment": environment, "agent": agent, "version": version}
    await connection.execute(_PUT_RELEASE, {**values, "record": readable_json(record)})


def _completed(known: ReleaseRecord, said: ReleaseRecord) -> ReleaseRecord:
    """The known release with what it lacked."""
    lacked = {
        name: getattr(said, name)
        for name in ReleaseRecord.model_fields
        if getattr(known, name) in (None, "", {}) and getattr(said, name) not in (None, "", {})
    }
    return known.model_copy(update=lacked)


async def _put_standing(connection: Connection, standing: ReleaseStanding) -> bool:
    values = {
        "project": standing.project,
        "environment": standing.environment,
        "agent": standing.agent,
        "standing": readable_json(standing),
    }
    cursor = await connection.execute(_PUT_STANDING, values)
    return await cursor.fetchone() is not None


def _pinned(project: str, wishes: Sequence[WishRecord]) -> dict[str, Any]:
    return {
        "project": project,
        "environments": [wish.environment for wish in wishes],
        "agents": [wish.name for wish in wishes],
        "revisions": [wish.revision for wish in wishes],
    }


def _columns(project: str, standings: Iterable[ReleaseStanding]) -> dict[str, Any]:
    named = [(one.environment, one.agent) for one in standings]
    return {
        "project": project,
        "environments": [environment for environment, _ in named],
        "agents": [agent for _, agent in named],
    }
