"""What an older release had in flight is read today: inputs, signals, requests and answers.

Workflows and activities outlive the process that started them. A field may be added with a default;
one that is renamed, narrowed or demanded breaks what is already on its way.
"""

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

import activities.adoption_requests
import activities.agents
import activities.call_keeping.reading
import activities.call_keeping.tending
import activities.calls.looking
import activities.calls.placing
import activities.conclusions
import activities.dispatch
import activities.ejecting
import activities.imports
import activities.notifications
import activities.numbers
import activities.planning
import activities.platform_testing
import activities.promotions.looking
import activities.promotions.proposing
import activities.promotions.releasing
import activities.promotions.steering
import activities.promotions.tending
import activities.pruning
import activities.pull_requests.looking
import activities.pull_requests.sweeping
import activities.pull_requests.telling
import activities.retests
import activities.source
import activities.sweeps
import activities.testing.branches
import activities.testing.conversations
import activities.testing.preparing
import activities.testing.runs
import activities.waking
from activities import (
    adoption_types,
    call_types,
    names,
    notification_types,
    promotion_types,
    pull_request_types,
    testing_types,
    types,
)
from tests.replay.recordings import Recording, payloads, recordings

INPUTS: dict[str, Any] = {
    names.AGENT_WORKFLOW: types.AgentInput,
    names.NUMBER_WORKFLOW: types.NumberInput,
    names.PROJECT_WORKFLOW: types.ProjectInput,
    names.SWEEP_WORKFLOW: types.SweepInput,
    names.PLAN_WORKFLOW: types.PlanInput,
    names.IMPORT_WORKFLOW: types.ImportInput,
    names.WAKE_WORKFLOW: types.WakeRequest,
    names.PRUNE_WORKFLOW: types.PruneInput,
    names.EJECT_WORKFLOW: types.EjectInput,
    names.TEST_RUN_WORKFLOW: testing_types.TestRunInput,
    names.PROMOTION_WORKFLOW: promotion_types.PromotionInput,
    names.RETEST_WORKFLOW: testing_types.RetestInput,
    names.PULL_REQUEST_WORKFLOW: pull_request_types.PullRequestInput,
    names.PULL_REQUESTS_WORKFLOW: pull_request_types.PullRequestsInput,
    names.ADOPTION_WORKFLOW: adoption_types.AdoptionInput,
    names.NOTIFICATION_WORKFLOW: notification_types.NotificationInput,
    names.CALL_WORKFLOW: call_types.CallOrderInput,
    names.CALL_KEEPING_WORKFLOW: call_types.CallKeepingInput,
}
SIGNALS: dict[str, Any] = {
    names.DECLARE_SIGNAL: types.Wish,
    names.REFRESH_SIGNAL: types.RefreshRequest,
    names.PRUNE_SIGNAL: types.PruneWake,
    names.WAKE_SIGNAL: promotion_types.PromotionWake,
    names.PLANNED_SIGNAL: adoption_types.AdoptionWake,
}
ROOMS = (
    activities.adoption_requests.AdoptionRequestActivities,
    activities.agents.AgentActivities,
    activities.call_keeping.reading.NativeCallReading,
    activities.call_keeping.tending.CallTending,
    activities.calls.looking.CallOrderLooks,
    activities.calls.placing.CallPlacing,
    activities.conclusions.ConclusionActivities,
    activities.dispatch.DispatchActivities,
    activities.ejecting.EjectActivities,
    activities.imports.ImportActivities,
    activities.notifications.NotificationActivities,
    activities.numbers.NumberActivities,
    activities.planning.PlanActivities,
    activities.platform_testing.PlatformTestActivities,
    activities.promotions.looking.LookActivities,
    activities.promotions.proposing.ProposalActivities,
    activities.promotions.releasing.ReleaseActivities,
    activities.promotions.steering.SteeringActivities,
    activities.promotions.tending.TendingActivities,
    activities.pruning.PruneActivities,
    activities.pull_requests.looking.PullRequestLooks,
    activities.pull_requests.sweeping.PullRequestSweeps,
    activities.pull_requests.telling.PullRequestNews,
    activities.retests.RetestActivities,
    activities.source.SourceActivities,
    activities.sweeps.SweepActivities,
    activities.testing.branches.TestBranches,
    activities.testing.conversations.ConversationActivities,
    activities.testing.preparing.TestPreparation,
    activities.testing.runs.TestRunActivities,
    activities.waking.WakingActivities,
)
STARTED = "workflowExecutionStartedEventAttributes"
SIGNALED = "workflowExecutionSignaledEventAttributes"
SCHEDULED = "activityTaskScheduledEventAttributes"
COMPLETED = "activityTaskCompletedEventAttributes"


def _activities() -> dict[str, tuple[Any, Any]]:
    """Request and answer of every activity by its registered name."""
    found: dict[str, tuple[Any, Any]] = {}
    for room in ROOMS:
        for _, method in inspect.getmembers(room, inspect.isfunction):
            known = getattr(method, "__temporal_activity_definition", None)
            if known is not None:
                hints = typing.get_type_hints(method)
                found[known.name] = (hints["request"], hints["return"])
    return found


ACTIVITIES = _activities()


def _spoken(recording: Recording) -> Iterator[tuple[Any, Any]]:
    """Every value in a history, with what reads it today."""
    scheduled: dict[str, str] = {}
    for event in recording.events:
        if STARTED in event:
            kind = event[STARTED]["workflowType"]["name"]
            yield from ((INPUTS[kind], value) for value in payloads(event[STARTED]["input"]))
        elif SIGNALED in event:
            name = event[SIGNALED]["signalName"]
            shape = SIGNALS[name]
            yield from ((shape, value) for value in payloads(event[SIGNALED]["input"]))
        elif SCHEDULED in event:
            name = event[SCHEDULED]["activityType"]["name"]
            scheduled[event["eventId"]] = name
            shape = ACTIVITIES[name][0]
            yield from ((shape, value) for value in payloads(event[SCHEDULED]["input"]))
        elif COMPLETED in event:
            name = scheduled[event[COMPLETED]["scheduledEventId"]]
            shape = ACTIVITIES[name][1]
            yield from ((shape, value) for value in payloads(event[COMPLETED].get("result")))


@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_everything_said_in_a_history_is_read_today(recording: Recording) -> None:
    read = [TypeAdapter(shape).validate_python(value) for shape, value in _spoken(recording)]
    assert read
