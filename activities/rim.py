"""What every activity is wrapped in: for whom it works, how urgent that is, what is counted of it.

Activities themselves know none of this. What an activity is asked with says it: a person's sync
carries its reason and request id, a sweep is a sweep. Answers are counted by the words that are in
them anyway. Nothing here changes what an activity gets, answers or raises.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from activities.names import (
    CONCLUDE_AGENT,
    CONCLUDE_NUMBER,
    CONCLUDE_TEST_RUN,
    PLAN_AGENT,
    PLAN_ENVIRONMENT,
    PLAN_NUMBER,
    SWEEP_ENVIRONMENT,
)
from activities.origins import shown, told
from activities.testing_types import TestRunSummary
from activities.types import (
    Conclusion,
    ConclusionRequest,
    FanoutRequest,
    PlanInput,
    PlanReference,
    SweepInput,
    SweepReport,
)
from trunkline import metrics, tracing
from trunkline.asking import Urgency, asking
from trunkline.model.ids import Origin, is_own_request, own_origin

ROUNDS = {CONCLUDE_AGENT: "round of an agent", CONCLUDE_NUMBER: "round of a number"}
"""What a round's span is called, by the activity that ends it."""
ASKED = frozenset({"sync", "apply", "control"})
"""Reasons that stand for a person who waits."""

Counting = Callable[[Any, Any, float], None]
"""Counts one answer: what was asked, what was answered, seconds it took."""


class ActivityRim(Interceptor):
    """Wraps every activity of a worker."""

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002 - the SDK's name
    ) -> ActivityInboundInterceptor:
        """The wrapped activity."""
        return _Wrapped(next)


class _Wrapped(ActivityInboundInterceptor):
    async def execute_activity(
        self,
        input: ExecuteActivityInput,  # noqa: A002 - the SDK's name
    ) -> Any:
        """Run it on behalf of whoever asks, and count how it went."""
        name = activity.info().activity_type
        request = input.args[0] if input.args else None
        origin = _origin(request, told(input.headers))
        began_s = time.monotonic()
        result = "failed"
        with asking(urgency_of(request), request_id=origin.request_id), _span(name, origin):
            try:
                answer = await self.next.execute_activity(input)
                result = "ok"
            except ApplicationError as error:
                result = "failed" if error.non_retryable else "retried"
                raise
            except asyncio.CancelledError:
                result = "cancelled"
                raise
            finally:
                metrics.activity_ended(name, result, time.monotonic() - began_s)
            if origin.cause:
                _end_round(name, request, answer, origin)
            count = COUNTED.get(name)
            if count is not None:
                count(request, answer, time.monotonic() - began_s)
        return answer


def urgency_of(request: object) -> Urgency:
    """How urgent what is asked for is: a person waits for syncs and plans, nobody for a sweep.

    A retry of what a person asked for carries the id of their request and no reason of theirs.
    """
    if isinstance(request, SweepInput):
        return Urgency.SWEEP
    if isinstance(request, PlanInput):
        return Urgency.INTERACTIVE
    asked = getattr(request, "reason", "") in ASKED
    identifier = request_id_of(request)
    asked = asked or (bool(identifier) and not is_own_request(identifier))
    return Urgency.INTERACTIVE if asked else Urgency.RECONCILE


def request_id_of(request: object) -> str:
    """The id of the request somebody made, as far as it was carried here."""
    if isinstance(request, FanoutRequest):
        named = (asked.request_id for asked in request.requests)
        return next((each for each in named if each), "")
    return str(getattr(request, "request_id", ""))


def _origin(request: object, said: Origin) -> Origin:
    """For whom an activity works: as its workflow says, or its input, or for nobody but its run."""
    if said.request_id:
        return said
    asked = request_id_of(request)
    if asked:
        return Origin(request_id=asked)
    info = activity.info()
    kind = (info.workflow_type or "").removesuffix("Workflow").lower()
    return own_origin(kind or "activity", info.workflow_run_id or info.activity_id)


def _span(name: str, origin: Origin) -> AbstractContextManager[tracing.Span]:
    info = activity.info()
    return tracing.span(
        name,
        kind="consumer",
        attributes={
            "temporal.activity.attempt": info.attempt,
            "temporal.task_queue": info.task_queue,
            "temporal.workflow.id": shown(info.workflow_id or ""),
            "temporal.workflow.type": info.workflow_type or "",
            "trunkline.request_id": origin.request_id,
        },
        parent=origin.traceparent,
        own=is_own_request(origin.request_id),
    )


def _end_round(name: str, request: object, conclusion: object, origin: Origin) -> None:
    """Record the span of a round that just ended: a workflow has no clock to record it by."""
    if not isinstance(request, ConclusionRequest) or not isinstance(conclusion, Conclusion):
        return
    if request.began_at_s is None or name not in ROUNDS:
        return
    tracing.past(
        ROUNDS[name],
        origin.traceparent,
        began_at_s=request.began_at_s,
        parent=origin.cause,
        links=origin.links,
        attributes={
            "temporal.workflow.id": shown(activity.info().workflow_id or ""),
            "trunkline.phase": conclusion.phase,
            "trunkline.reason": request.reason,
            "trunkline.request_id": origin.request_id,
        },
        own=is_own_request(origin.request_id),
    )


def plan_result(plan: PlanReference) -> str:
    """One word for a plan."""
    if plan.stalled_reason:
        return "stalled"
    if plan.waiting_reason:
        return "waiting"
    if plan.held_reason:
        return "held"
    return "changes" if plan.steps else "empty"


def _count_plan(kind: str) -> Counting:
    def count(_request: Any, plan: PlanReference, _duration_s: float) -> None:
        metrics.planned(kind, plan_result(plan))

    return count


def _count_environment_plan(_request: PlanInput, plan: PlanReference, _duration_s: float) -> None:
    metrics.planned("environment", "made" if plan.plan_id else "empty")


def _count_round(request: ConclusionRequest, conclusion: Conclusion, _duration_s: float) -> None:
    began_at_s = request.began_at_s
    duration_s = None if began_at_s is None else time.time() - began_at_s
    metrics.reconciled(request.subject.kind, conclusion.phase, duration_s)


def _count_sweep(request: SweepInput, report: SweepReport, duration_s: float) -> None:
    metrics.swept(
        request.project, request.environment, drifted=report.drifted, duration_s=duration_s
    )


def _count_tests(_request: Any, summary: TestRunSummary, _duration_s: float) -> None:
    metrics.tested(summary.outcome or summary.state.lower())


COUNTED: dict[str, Counting] = {
    PLAN_AGENT: _count_plan("agent"),
    PLAN_NUMBER: _count_plan("number"),
    PLAN_ENVIRONMENT: _count_environment_plan,
    CONCLUDE_AGENT: _count_round,
    CONCLUDE_NUMBER: _count_round,
    SWEEP_ENVIRONMENT: _count_sweep,
    CONCLUDE_TEST_RUN: _count_tests,
}
