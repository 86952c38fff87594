"""Statuses with everything that is laid over them, by one statement over three rooms of the store.

Every list of agents and every look at one asks for all of it. Three statements would be three ways
to the server and back, and their answers three moments.
"""

from functools import lru_cache

from psycopg import sql
from pydantic import TypeAdapter

from trunkline.adapters.postgres.rows import matching, names_of, page_size
from trunkline.adapters.postgres.statuses import (
    STATEMENTS_KEPT,
    STATUS_ROW,
    labelled,
    place_after,
    prepared,
    tests_of,
    values_of,
)
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.interventions import Intervention
from trunkline.model.promotions.gates import PromotionGate
from trunkline.model.records import RecordKind, StatusRow
from trunkline.model.selectors import Selector
from trunkline.model.shown_statuses import StoredStatuses

_ROWS = TypeAdapter(tuple[StatusRow, ...])
_DECIDED = TypeAdapter(tuple[Intervention, ...])
_GATES = TypeAdapter(tuple[PromotionGate, ...])

_SHOWN = sql.SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT kind, name, environment, {STATUS_ROW} AS row FROM statuses
    WHERE {{}} {{}} AND (kind, name, environment) > (%(k)s, %(n)s, %(e)s)
    ORDER BY kind, name, environment LIMIT %(limit)s
), decided AS (
    SELECT project, environment, kind, name, verb, reason, by, at, expires_at, details
    FROM interventions
    WHERE project = %(project)s
        AND (%(environment)s::text IS NULL OR environment IN ('', %(environment)s))
        AND (expires_at IS NULL OR expires_at > now())
), newest AS (
    SELECT DISTINCT ON (agent, environment) environment, agent, number, record
    FROM promotions
    WHERE project = %(project)s AND %(kind)s = 'agent' AND agent = ANY(ARRAY(SELECT name FROM page))
    ORDER BY agent, environment, number DESC
), gates AS (
    SELECT newest.environment, newest.agent, json_build_object(
        'environment', newest.environment, 'agent', newest.agent, 'number', newest.number,
        'origin', coalesce(said.origin, ''), 'kind', said.kind, 'phase', said.phase,
        'state', said.state, 'stalled', coalesce(said.stalled, false),
        'approvals', json_array_length(said.approvals),
        'approvalsNeeded', said."approvalsNeeded", 'waitsUntil', said."waitsUntil",
        'rolloutPercent', said."rolloutPercent", 'pullRequest', coalesce(said."pullRequest", 0)
    )::text AS row
    FROM newest, json_to_record(newest.record) AS said (
        origin text, kind text, phase text, state text, stalled boolean, approvals json,
        "approvalsNeeded" integer, "waitsUntil" timestamptz, "rolloutPercent" double precision,
        "pullRequest" integer
    )
)
SELECT
    (SELECT '[' || string_agg(row, ',' ORDER BY kind, name, environment) || ']' FROM page) AS rows,
    (
        SELECT '[' || string_agg(
            row_to_json(decided)::text, ',' ORDER BY environment, kind, name, verb
        ) || ']' FROM decided
    ) AS decided,
    (SELECT '[' || string_agg(row, ',' ORDER BY agent, environment) || ']' FROM gates) AS gates
"""  # noqa: S608 - columns of ours
)
"""Of a promotion each record is read once: every ``->>`` would read all of it again."""


class ShownTables(Tables):
    """The part of the Statuses port that people ask for."""

    async def stored_statuses(
        self,
        project: str,
        kind: RecordKind,
        *,
        environment: str | None = None,
        name: str | None = None,
        selector: Selector | None = None,
        after: str = "",
        limit: int,
    ) -> StoredStatuses:
        """Statuses ordered by ``kind/name/environment``, starting after that key, of that name or
        with labels that fit if that is asked for; and what is laid over them.
        """
        filters = {"project": project, "environment": environment, "kind": kind, "name": name}
        values = {
            **filters,
            **values_of(selector),
            **place_after(after),
            "limit": page_size(limit),
        }
        query = _statement(names_of(filters), tests_of(selector))
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, values, prepare=prepared(selector))
            found = await cursor.fetchone() or {}
        return StoredStatuses(
            rows=_ROWS.validate_json(found.get("rows") or "[]"),
            decided=_DECIDED.validate_json(found.get("decided") or "[]"),
            gates=_GATES.validate_json(found.get("gates") or "[]"),
        )


@lru_cache(maxsize=STATEMENTS_KEPT)
def _statement(names: tuple[str, ...], tests: tuple[str, ...]) -> bytes:
    return _SHOWN.format(matching(names), labelled(tests)).as_bytes()
