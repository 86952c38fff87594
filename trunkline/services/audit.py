"""The audit log for people: who did what, when and why, newest first."""

from dataclasses import dataclass
from datetime import datetime

from trunkline.model.errors import InvalidInput
from trunkline.model.records import AuditRecord
from trunkline.ports import Access
from trunkline.services.access import Principal
from trunkline.services.pages import Page, before_cursor, parse_before


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which rows are wanted; None does not restrict."""

    project: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None


class AuditService:
    """Reading the audit log. Writing it is ``AccessService.record``."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def page(
        self, principal: Principal, question: AuditQuestion, *, cursor: str | None, limit: int
    ) -> Page[AuditRecord]:
        """Rows that fit, newest first; an admin of one project sees that project's rows only.

        Raises Forbidden, and InvalidInput for a cursor of somebody else's or a time without zone.
        """
        principal.require("audit.read")
        if question.since is not None and question.since.tzinfo is None:
            raise InvalidInput("The time has no zone", hint="Write it like 2026-03-02T09:00:00Z")
        project = question.project
        if project is not None and not principal.reaches(project):
            return Page((), None)
        rows = await self._access.audit(
            project=project or principal.project,
            actor=question.actor,
            action=question.action,
            since=question.since,
            before=parse_before(cursor),
            limit=limit,
        )
        return Page(rows, before_cursor(rows[-1].id) if len(rows) == limit else None)
