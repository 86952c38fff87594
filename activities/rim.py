"""What every activity is wrapped in: for whom it works, how urgent that is, what is counted of it.

Activities themselves know none of this. What an activity is asked with says it: a person's sync
carries its reason and request id, a sweep is a sweep. Answers are counted by the words that are in
them anyway. Nothing here changes what an activity gets, answers or raises.
"""

import asyncio
import time
from collections.abc import Callable
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
    PLAN_AGENT,
    PLAN_ENVIRONMENT,
    PLAN_NUMBER,
    SWEEP_ENVIRONMENT,
)
from activities.types import (
    Conclusion,
    ConclusionRequest,
    FanoutRequest,
    PlanInput,
    PlanReference,
    SweepInput,
    SweepReport,
)
from trunkline import metrics
from trunkline.asking import Urgency, asking

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
        began_s = time.monotonic()
        result = "failed"
        try:
            with asking(urgency_of(request), request_id=request_id_of(request)):
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
    return Urgency.INTERACTIVE if asked or request_id_of(request) else Urgency.RECONCILE


def request_id_of(request: object) -> str:
    """The id of the request somebody made, as far as it was carried here."""
    if isinstance(request, FanoutRequest):
        named = (asked.request_id for asked in request.requests)
        return next((each for each in named if each), "")
    return str(getattr(request, "request_id", ""))


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


COUNTED: dict[str, Counting] = {
    PLAN_AGENT: _count_plan("agent"),
    PLAN_NUMBER: _count_plan("number"),
    PLAN_ENVIRONMENT: _count_environment_plan,
    CONCLUDE_AGENT: _count_round,
    CONCLUDE_NUMBER: _count_round,
    SWEEP_ENVIRONMENT: _count_sweep,
}
