"""Requests for conversation tests and what came of them. One room of the store.

Results are kept twice: whole, with every word that was said, and short, for lists. Parts are what
the activities of one run hand to each other, which is too much for Temporal's histories; they go
when the run ends.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trunkline.adapters.postgres.rows import page_size, readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.base import JsonObject
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport
from trunkline.model.testing.runs import TestPart, TestPartKind

_OPEN = """
INSERT INTO test_runs (id, project, environment, agents, report)
VALUES (%(id)s, %(project)s, %(environment)s, %(agents)s, %(report)s)
ON CONFLICT (id) DO NOTHING
"""

_DESCRIBE = """
UPDATE test_runs SET agents = %(agents)s, report = %(report)s
WHERE id = %(id)s AND finished_at IS NULL
"""

_PUT_RESULT = """
INSERT INTO test_results (run_id, agent, name, result, summary)
SELECT id, %(agent)s, %(name)s, %(result)s, %(summary)s FROM test_runs WHERE id = %(run_id)s
ON CONFLICT (run_id, agent, name) DO UPDATE SET
    result = excluded.result, summary = excluded.summary
"""

_FINISH = """
UPDATE test_runs SET report = %(report)s, agents = %(agents)s, finished_at = now()
WHERE id = %(id)s AND finished_at IS NULL
"""

_RUNS = """
SELECT id, report, created_at, finished_at FROM test_runs
WHERE project = %(project)s
    AND (%(agent)s::text IS NULL OR %(agent)s = ANY(agents))
    AND (%(after)s = '' OR (created_at, id) < (
        SELECT created_at, id FROM test_runs WHERE project = %(project)s AND id = %(after)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""

_SPENT = """
WITH spent AS (
    SELECT run_id, sum(usd) AS usd FROM test_spending
    WHERE project = %(project)s AND at >= %(since)s GROUP BY run_id
), running AS (
    SELECT id, (report->>'estimatedUsd')::float8 AS usd FROM test_runs
    WHERE project = %(project)s AND finished_at IS NULL AND created_at >= %(since)s
)
SELECT coalesce(sum(greatest(coalesce(spent.usd, 0), coalesce(running.usd, 0))), 0) AS usd
FROM spent FULL JOIN running ON running.id = spent.run_id
"""

_PUT_PART = """
INSERT INTO test_parts (run_id, kind, key, body)
SELECT id, %(kind)s, %(key)s, %(body)s FROM test_runs WHERE id = %(run_id)s
ON CONFLICT (run_id, kind, key) DO UPDATE SET body = excluded.body
"""


class TestRunTables(Tables):
    """The RunReports and RunParts ports."""

    __test__ = False

    async def open_run(self, report: TestRunReport) -> None:
        """Insert; opening the same id again leaves what is there."""
        async with self._pool.connection() as connection:
            await connection.execute(_OPEN, _columns(report))

    async def describe_run(self, report: TestRunReport) -> None:
        """Say more about a run that has not ended: what is tested, and about what it will cost."""
        async with self._pool.connection() as connection:
            await connection.execute(_DESCRIBE, _columns(report))

    async def put_result(self, run_id: str, result: TestResult) -> None:
        """The newest state of one test of a run, by name."""
        values = {
            "run_id": run_id,
            "agent": result.agent,
            "name": result.name,
            "result": readable_json(result),
            "summary": readable_json(_short(result)),
        }
        async with self._pool.connection() as connection:
            await connection.execute(_PUT_RESULT, values)

    async def finish_run(self, report: TestRunReport) -> None:
        """Outcome and message; the results stay those that were put, and the parts go."""
        async with self._pool.transaction() as connection:
            await connection.execute(_FINISH, _columns(report))
            await connection.execute("DELETE FROM test_parts WHERE run_id = %s", (report.id,))

    async def run_report(self, run_id: str) -> TestRunReport | None:
        """One run with its results by name, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT id, report, created_at, finished_at FROM test_runs WHERE id = %s",
                (run_id,),
            )
            row = await cursor.fetchone()
            if row is None:
                return None
            cursor = await connection.execute(
                "SELECT result FROM test_results WHERE run_id = %s ORDER BY name, agent", (run_id,)
            )
            results = [found["result"] for found in await cursor.fetchall()]
        return _report(row, results)

    async def run_reports(
        self, project: str, *, agent: str | None = None, after: str = "", limit: int
    ) -> tuple[TestRunReport, ...]:
        """Runs without transcripts, newest first."""
        values = {"project": project, "agent": agent, "after": after, "limit": page_size(limit)}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_RUNS, values)
            rows = await cursor.fetchall()
            cursor = await connection.execute(
                """
                SELECT run_id, summary FROM test_results
                WHERE run_id = ANY(%s) ORDER BY run_id, name, agent
                """,
                ([row["id"] for row in rows],),
            )
            results: dict[str, list[JsonObject]] = {}
            for found in await cursor.fetchall():
                results.setdefault(found["run_id"], []).append(found["summary"])
        return tuple(_report(row, results.get(row["id"], [])) for row in rows)

    async def spent_usd(self, project: str, since: datetime) -> float:
        """What conversations of the project have cost since then, running ones as estimated."""
        row = await self._found(_SPENT, {"project": project, "since": since})
        return float(row["usd"]) if row else 0.0

    async def spend(self, project: str, run_id: str, usd: float) -> None:
        """Count what a conversation cost."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO test_spending (project, run_id, usd) VALUES (%s, %s, %s)",
                (project, run_id, usd),
            )

    async def put_part(self, run_id: str, part: TestPart) -> None:
        """Insert or replace; nothing happens for a run that is not there."""
        values = {
            "run_id": run_id,
            "kind": part.kind,
            "key": part.key,
            "body": readable_json(part.body),
        }
        async with self._pool.connection() as connection:
            await connection.execute(_PUT_PART, values)

    async def part(self, run_id: str, kind: TestPartKind, key: str) -> TestPart | None:
        """One part, or None."""
        found = await self._parts(run_id, kind, "key = %(key)s", key)
        return found[0] if found else None

    async def parts(self, run_id: str, kind: TestPartKind, *, below: str) -> tuple[TestPart, ...]:
        """The parts of a kind whose keys begin with ``below``, by key."""
        return await self._parts(run_id, kind, "starts_with(key, %(key)s)", below)

    async def _parts(
        self, run_id: str, kind: TestPartKind, which: str, key: str
    ) -> tuple[TestPart, ...]:
        query = f"""
            SELECT kind, key, body FROM test_parts
            WHERE run_id = %(run_id)s AND kind = %(kind)s AND {which} ORDER BY key
        """  # noqa: S608 - the condition is one of two above
        rows = await self._listed(query, {"run_id": run_id, "kind": kind, "key": key})
        return tuple(TestPart.model_validate(row) for row in rows)


def _columns(report: TestRunReport) -> dict[str, object]:
    kept = report.model_copy(update={"tests": (), "created_at": None, "finished_at": None})
    return {
        "id": report.id,
        "project": report.project,
        "environment": report.environment,
        "agents": [*report.agents],
        "report": readable_json(kept),
    }


def _report(row: Mapping[str, Any], results: Sequence[JsonObject]) -> TestRunReport:
    tests = tuple(TestResult.model_validate(result) for result in results)
    return TestRunReport.model_validate(row["report"]).model_copy(
        update={
            "tests": tests,
            "created_at": row["created_at"],
            "finished_at": row["finished_at"],
        }
    )


def _short(result: TestResult) -> TestResult:
    """Without what was said and checked; the numbers of every run stay."""
    runs = tuple(_without_words(run) for run in result.runs)
    return result.model_copy(update={"runs": runs, "baseline": None})


def _without_words(run: RunResult) -> RunResult:
    return run.model_copy(update={"transcript": (), "checks": ()})
