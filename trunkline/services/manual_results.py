"""Writing down what a person found by calling an agent, and reading it back."""

import secrets
from datetime import UTC, datetime

from trunkline.model import limits
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.transcripts import plain_text
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.manual_results import ManualResult, ManualVerdict
from trunkline.model.testing.limits import MANUAL_TRANSCRIPT_MAX_CHARACTERS
from trunkline.ports.testing import ManualResults
from trunkline.services.access import AccessService, Principal
from trunkline.services.calls import CallService
from trunkline.services.pages import Page, moment_cursor, parse_moment
from trunkline.services.status import StatusService


class ManualResultService:
    """Manual results. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        results: ManualResults,
        status: StatusService,
        *,
        access: AccessService,
        calls: CallService,
    ) -> None:
        self._results = results
        self._status = status
        self._access = access
        self._calls = calls

    async def record(
        self,
        principal: Principal,
        project: str,
        agent: str,
        verdict: ManualVerdict,
        *,
        environment: str | None,
        request_id: str,
        call: str = "",
    ) -> ManualResult:
        """Write a verdict down with the stage, version and digest the agent has now; about a
        ``call``, with those it had then and with what was said.

        Raises Forbidden, NotFound, InvalidInput if the agent is in several environments and none
        is named, or the call is not over or another agent's.
        """
        principal.require("test.record")
        about = await self._call(project, agent, call) if call else None
        if about is not None:
            environment = about.environment
            verdict = await self._with_transcript(about, verdict)
        row = await self._status.one(project, "agent", agent, environment=environment)
        result = ManualResult(
            **verdict.model_dump(by_alias=False),
            id=f"manual-{secrets.token_hex(8)}",
            project=project,
            agent=agent,
            environment=row.environment,
            stage=row.stage,
            version=about.version if about is not None else row.version,
            digest=about.digest if about is not None else row.digest,
            tested_at=datetime.now(UTC),
            tested_by=principal.person,
            call=call,
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

    async def _call(self, project: str, agent: str, call_id: str) -> CallRecord:
        call = await self._calls.read(project, call_id)
        if call.agent != agent:
            raise InvalidInput(f"Call {call_id} was with {call.agent!r} and not with {agent!r}")
        if not call.is_over:
            raise InvalidInput(f"Call {call_id} still goes on", hint="Rate it once it is over")
        return call

    async def _with_transcript(self, call: CallRecord, verdict: ManualVerdict) -> ManualVerdict:
        """What was said stands in for a transcript nobody wrote; none is kept of a silent call."""
        if verdict.transcript:
            return verdict
        try:
            turns = (await self._calls.transcript(call.project, call.id)).turns
        except NotFound:
            return verdict
        said = plain_text(turns).replace("\x00", "")[:MANUAL_TRANSCRIPT_MAX_CHARACTERS]
        return verdict.model_copy(update={"transcript": said})

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
