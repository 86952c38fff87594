"""Writing down what a person found by calling an agent, and reading it back."""

import secrets
from datetime import UTC, datetime

from trunkline.model import limits
from trunkline.model.manual_results import ManualResult, ManualVerdict
from trunkline.ports.testing import ManualResults
from trunkline.services.access import AccessService, Principal
from trunkline.services.pages import Page, moment_cursor, parse_moment
from trunkline.services.status import StatusService


class ManualResultService:
    """Manual results. Every method takes a project that was found for the caller."""

    def __init__(
        self, results: ManualResults, status: StatusService, *, access: AccessService
    ) -> None:
        self._results = results
        self._status = status
        self._access = access

    async def record(
        self,
        principal: Principal,
        project: str,
        agent: str,
        verdict: ManualVerdict,
        *,
        environment: str | None,
        request_id: str,
    ) -> ManualResult:
        """Write a verdict down with the stage, version and digest the agent has now.

        Raises Forbidden, NotFound, InvalidInput if the agent is in several environments and none
        is named.
        """
        principal.require("test.record")
        row = await self._status.one(project, "agent", agent, environment=environment)
        result = ManualResult(
            **verdict.model_dump(by_alias=False),
            id=f"manual-{secrets.token_hex(8)}",
            project=project,
            agent=agent,
            environment=row.environment,
            stage=row.stage,
            version=row.version,
            digest=row.digest,
            tested_at=datetime.now(UTC),
            tested_by=principal.person,
        )
        await self._results.put_manual_result(result)
        await self._access.record(
            principal,
            "test.record",
            project=project,
            subject=agent,
            request_id=request_id,
            details={
                "environment": result.environment,
                "result": result.id,
                "status": result.status,
                "rating": result.rating,
            },
        )
        return result

    async def page(
        self,
        project: str,
        agent: str,
        *,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[ManualResult]:
        """Results of an agent, newest first, also of one that is gone from Git.

        Raises NotFound for an agent nobody knows and nobody tested, InvalidInput for a cursor of
        somebody else's.
        """
        rows = await self._results.manual_results(
            project, agent, before=parse_moment(cursor), limit=limit
        )
        if not rows and not cursor:
            await self._status.require(project, "agent", agent, environment=None)
        last = rows[-1] if len(rows) == limit else None
        return Page(rows, moment_cursor(last.tested_at, last.id) if last else None)
