"""One entity workflow per manifests repository: look at Git, tell whom it concerns, wait.

It knows revisions and whether somebody has yet to be told; trees, wishes and fleets stay in
PostgreSQL, so its history grows with the number of looks and not with the size of the fleet.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        CLOSE_OPERATIONS,
        DECLARE,
        ENSURE_SWEEPS,
        PROJECT_ATTRIBUTE,
        PROJECT_WORKFLOW,
        READ_SOURCE,
        REASON_ATTRIBUTE,
        REFRESH_SIGNAL,
        REVISION_ATTRIBUTE,
        STATUS_QUERY,
        TEND_PROMOTIONS,
    )
    from activities.promotion_types import TendReport, TendRequest
    from activities.types import (
        ClosingRequest,
        Failure,
        FanoutReport,
        FanoutRequest,
        ProjectInput,
        RefreshRequest,
        SourceLook,
        SourceRequest,
        SweepsRequest,
    )
    from trunkline.model.ids import Origin, Revision, own_origin
    from workflows.failures import failure_of
    from workflows.options import FANOUT, GIT_FETCH, STORE, is_history_long, perform
    from workflows.rounds import show


@workflow.defn(name=PROJECT_WORKFLOW)
class ProjectWorkflow:
    """Follows the branch of one project by poll and by signal."""

    @workflow.init
    def __init__(self, state: ProjectInput) -> None:
        self._project = state.project
        self._timing = state.timing
        self._known_revision = state.known_revision
        self._pending = state.pending
        self._next_look_at_s = state.next_look_at_s
        self._swept_revision = state.swept_revision
        self._tended_revision = state.tended_revision
        self._look = SourceLook(revision=state.known_revision)
        self.origin = Origin()
        """For whom the running look is."""

    @workflow.run
    async def run(self, state: ProjectInput) -> None:
        """Serve for ever, a history at a time."""
        while not is_history_long(self._timing):
            await self._until_due()
            requests, self._pending = self._pending, ()
            self.origin = self._asked_by(requests)
            await self._follow(requests)
            self._next_look_at_s = workflow.now().timestamp() + self._timing.poll_interval_s
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            state.model_copy(
                update={
                    "known_revision": self._known_revision,
                    "pending": self._pending,
                    "next_look_at_s": self._next_look_at_s,
                    "swept_revision": self._swept_revision,
                    "tended_revision": self._tended_revision,
                }
            )
        )

    @workflow.signal(name=REFRESH_SIGNAL, description="Look at Git now")
    def refresh(self, request: RefreshRequest) -> None:
        """Look now; equal requests that nobody waits for are one."""
        if request not in self._pending:
            self._pending = (*self._pending, request)

    @workflow.query(name=STATUS_QUERY, description="What the last look at Git brought")
    def status(self) -> SourceLook:
        """Revision, and the problem if there is one."""
        return self._look

    async def _until_due(self) -> None:
        if self._pending or self._next_look_at_s is None:
            return
        remaining_s = self._next_look_at_s - workflow.now().timestamp()
        try:
            await workflow.wait_condition(
                lambda: bool(self._pending),
                timeout=timedelta(seconds=max(remaining_s, 0.001)),
                timeout_summary="next poll",
            )
        except TimeoutError:
            return

    async def _follow(self, requests: tuple[RefreshRequest, ...]) -> None:
        self._look = look = await self._read(requests)
        attributes = {PROJECT_ATTRIBUTE: self._project, REASON_ATTRIBUTE: look.reason or "Ready"}
        if look.revision is not None:
            attributes[REVISION_ATTRIBUTE] = look.revision
        show(look.details, attributes)
        try:
            if look.problem:
                await self._close(requests, look)
                requests = ()
            else:
                self._known_revision = look.revision
                await self._ensure_sweeps()
            if look.undeclared or requests:
                await self._declare(requests)
            await self._tend(look, asked=bool(requests))
        except ActivityError as error:
            failure = failure_of(error)
            self._look = _failed_look(self._known_revision, failure)
            show(self._look.details, {REASON_ATTRIBUTE: failure.reason})
            await self._close(requests, self._look)

    def _asked_by(self, requests: tuple[RefreshRequest, ...]) -> Origin:
        """The first who asked and said who it was; else a look is its own."""
        for request in requests:
            if request.request_id:
                return Origin(request_id=request.request_id, traceparent=request.traceparent)
        return own_origin("poll", f"{workflow.info().workflow_id}/{workflow.now().timestamp()}")

    async def _read(self, requests: tuple[RefreshRequest, ...]) -> SourceLook:
        try:
            return await perform(
                READ_SOURCE,
                SourceRequest(
                    project=self._project,
                    force=any(request.hard for request in requests),
                    request_id=self.origin.request_id,
                    timing=self._timing,
                ),
                SourceLook,
                option=GIT_FETCH,
                timing=self._timing,
                summary="look at Git",
            )
        except ActivityError as error:
            return _failed_look(self._known_revision, failure_of(error))

    async def _close(self, requests: tuple[RefreshRequest, ...], look: SourceLook) -> None:
        operation_ids = tuple(r.operation_id for r in requests if r.operation_id is not None)
        if not operation_ids:
            return
        await perform(
            CLOSE_OPERATIONS,
            ClosingRequest(
                operation_ids=operation_ids,
                message=f"{look.reason}: {look.problem}",
                definite=look.definite,
            ),
            type(None),
            option=STORE,
            timing=self._timing,
            summary=f"close operations: {look.reason}",
        )

    async def _ensure_sweeps(self) -> None:
        if self._known_revision == self._swept_revision:
            return
        await perform(
            ENSURE_SWEEPS,
            SweepsRequest(project=self._project, timing=self._timing),
            type(None),
            option=STORE,
            timing=self._timing,
            summary="schedule sweeps",
        )
        self._swept_revision = self._known_revision

    async def _tend(self, look: SourceLook, *, asked: bool) -> None:
        """Promotions are told of a newer revision, and of a look somebody asked for."""
        if look.problem or (look.revision == self._tended_revision and not asked):
            return
        if not workflow.patched("promotions-are-told"):
            return
        try:
            await perform(
                TEND_PROMOTIONS,
                TendRequest(project=self._project, timing=self._timing),
                TendReport,
                option=GIT_FETCH,
                timing=self._timing,
                summary="tell promotions",
            )
        except ActivityError as error:
            workflow.logger.warning("promotions are told later: %s", failure_of(error).message)
        else:
            self._tended_revision = look.revision

    async def _declare(self, requests: tuple[RefreshRequest, ...]) -> None:
        await perform(
            DECLARE,
            FanoutRequest(project=self._project, requests=requests, timing=self._timing),
            FanoutReport,
            option=FANOUT,
            timing=self._timing,
            summary="tell agents and numbers",
        )


def _failed_look(revision: Revision | None, failure: Failure) -> SourceLook:
    return SourceLook(
        revision=revision,
        problem=failure.message,
        reason=failure.reason,
        details=f"**{failure.reason}** {failure.message}\n\n{failure.hint}",
    )
