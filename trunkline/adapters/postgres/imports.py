"""What imports brought, for whoever writes the files. One room of the store.

An import is kept until the next one of the same environment: it holds prompts and documents of a
whole account, and nobody needs yesterday's.
"""

from collections.abc import Sequence
from datetime import timedelta

from trunkline.adapters.postgres.rows import batches, ordered_json, page_size
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.imports import ImportedManifest, ImportReport
from trunkline.model.ledger import ObjectOwner
from trunkline.model.limits import IMPORT_PAGE_MAX, OWNERSHIP_GRACE_S

_OWN = """
INSERT INTO object_owners AS stored (account, kind, external_id, project, environment, name)
VALUES (%(account)s, %(kind)s, %(external_id)s, %(project)s, %(environment)s, %(name)s)
ON CONFLICT (account, kind, external_id) DO UPDATE SET
    project = excluded.project, environment = excluded.environment, name = excluded.name,
    taken_at = now()
WHERE stored.taken_at < now() - %(grace)s
    AND NOT EXISTS (
        SELECT FROM ledger WHERE project = stored.project AND environment = stored.environment
            AND external_id = stored.external_id)
    AND NOT EXISTS (
        SELECT FROM claims WHERE project = stored.project AND environment = stored.environment
            AND external_id = stored.external_id)
"""
"""The first one has it, until long after nothing of ours knows the object under its name."""

_OWNER = """
SELECT account, kind, external_id, project, environment, name FROM object_owners
WHERE account = %(account)s AND kind = %(kind)s AND external_id = %(external_id)s
"""


class ImportTables(Tables):
    """The part of the Operations port that is about imports, and who took what over."""

    async def put_import(
        self,
        operation_id: str,
        project: str,
        environment: str,
        manifests: Sequence[ImportedManifest],
        report: ImportReport,
    ) -> None:
        """Store an import in the place of the environment's last one, in one transaction."""
        async with self._pool.transaction(bulk=True) as connection:
            await connection.execute(
                "DELETE FROM imports WHERE project = %s AND environment = %s",
                (project, environment),
            )
            await connection.execute(
                """
                INSERT INTO imports (operation_id, project, environment, report)
                VALUES (%s, %s, %s, %s)
                """,
                (operation_id, project, environment, ordered_json(report)),
            )
            ordinal = 0
            for batch in batches(manifests, IMPORT_PAGE_MAX):
                rows = [
                    (operation_id, ordinal + index, ordered_json(manifest))
                    for index, manifest in enumerate(batch)
                ]
                ordinal += len(batch)
                async with connection.cursor() as cursor:
                    await cursor.executemany(
                        """
                        INSERT INTO imported_manifests (operation_id, ordinal, manifest)
                        VALUES (%s, %s, %s)
                        """,
                        rows,
                    )

    async def import_report(self, operation_id: str) -> ImportReport | None:
        """The report of an import, or None if it is not there (any more)."""
        row = await self._found(
            "SELECT report FROM imports WHERE operation_id = %s", (operation_id,)
        )
        return ImportReport.model_validate(row["report"]) if row else None

    async def imported_manifests(
        self, operation_id: str, *, after: int, limit: int
    ) -> tuple[ImportedManifest, ...]:
        """Manifests of an import by path, beginning behind so many."""
        rows = await self._listed(
            """
            SELECT manifest FROM imported_manifests
            WHERE operation_id = %s AND ordinal >= %s ORDER BY ordinal LIMIT %s
            """,
            (operation_id, after, page_size(limit)),
        )
        return tuple(ImportedManifest.model_validate(row["manifest"]) for row in rows)

    async def own_object(self, wanted: ObjectOwner) -> ObjectOwner:
        """Take an object of an account over unless somebody has; answers who has it."""
        values = {
            **wanted.model_dump(by_alias=False),
            "grace": timedelta(seconds=OWNERSHIP_GRACE_S),
        }
        async with self._pool.transaction() as connection:
            await connection.execute(_OWN, values)
            cursor = await connection.execute(_OWNER, values)
            row = await cursor.fetchone()
        return ObjectOwner.model_validate(row) if row else wanted
