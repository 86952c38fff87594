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
    subject: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditService:
    """Reading the audit log. Writing it is ``AccessService.record``."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def page(
        self, principal: Principal, question: AuditQuestion, *, cursor: str | None, limit: int
    ) -> Page[AuditRecord]:
        """Rows that fit, newest first; an admin of some projects sees those projects' rows only.

        Raises Forbidden, and InvalidInput for a cursor of somebody else's or a time without zone.
        """
        projects = principal.projects_for("audit.read")
        for time in (question.since, question.until):
            if time is not None and time.tzinfo is None:
                raise InvalidInput(
                    "The time has no zone", hint="Write it like 2026-03-02T09:00:00Z"
                )
        project = question.project
        if project is not None:
            here = principal.within(project)
            if here is None:
                return Page((), None)
            here.require("audit.read")
        rows = await self._access.audit(
            project=project,
            projects=None if project is not None else projects,
            actor=question.actor,
            action=question.action,
            subject=question.subject,
            request_id=question.request_id,
            since=question.since,
            until=question.until,
            before=parse_before(cursor),
            limit=limit,
        )
        return Page(rows, before_cursor(rows[-1].id) if len(rows) == limit else None)
