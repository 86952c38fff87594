"""Which task queue serves what, so that workers can be split by ``--queues`` and nothing starves.

Git is few and long, vendors are many and rate-limited, conversations last minutes, workflows must
never wait for any of them: four queues, and every activity has exactly one home.
"""

from dataclasses import dataclass

from activities.names import (
    BEGIN_EJECTION,
    CHOOSE_RETESTS,
    CLOSE_OPERATIONS,
    COMMIT_RELEASE,
    CONCLUDE_AGENT,
    CONCLUDE_NOTIFICATION,
    CONCLUDE_NUMBER,
    CONCLUDE_TEST,
    CONCLUDE_TEST_RUN,
    CONVERSATION_QUEUE,
    CONVERSE,
    DECLARE,
    DELIVER_NOTIFICATION,
    END_CALL,
    ENSURE_SWEEPS,
    ENSURE_TEST_BRANCH,
    ENSURE_TEST_OBJECT,
    EXECUTE_NUMBER_STEP,
    EXECUTE_STEP,
    FINISH_EJECTION,
    FORGET_CALLS,
    GUARD_AGENT,
    HOLD_RELEASE,
    IMPORT_ACCOUNT,
    JUDGE_RETEST,
    LOOK_AT_CALL_ORDER,
    LOOK_AT_PROMOTION,
    LOOK_AT_PULL_REQUEST,
    LOOK_FOR_PULL_REQUESTS,
    LOOK_TO_EJECT,
    LOOK_TO_PRUNE,
    LOOK_TO_TIDY,
    NOTIFICATION_QUEUE,
    PLACE_CALL,
    PLAN_AGENT,
    PLAN_ENVIRONMENT,
    PLAN_NUMBER,
    PLAN_PROPOSAL,
    PLATFORM_QUEUE,
    PREPARE_TEST_RUN,
    PROPOSE_ADOPTION,
    PROPOSE_RELEASE,
    PRUNE_OBJECT,
    PUT_AWAY,
    READ_NATIVE_CALLS,
    READ_SOURCE,
    RUN_PLATFORM_TESTS,
    SOURCE_QUEUE,
    STEER_ROLLOUT,
    SWEEP_ENVIRONMENT,
    TAG_RELEASE,
    TAKE_CALLS_AWAY,
    TAKE_MARK_AWAY,
    TELL_PULL_REQUEST,
    TEND_CALLS,
    TEND_PROMOTIONS,
    WAKE,
    WITHDRAW_RELEASE,
    WORKFLOW_QUEUE,
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A task queue: the activities it serves, and how many of them one process runs at once."""

    name: str
    activities: tuple[str, ...]
    concurrent_activities: int
    serves_workflows: bool = False


QUEUES = (
    Queue(
        name=WORKFLOW_QUEUE,
        activities=(
            DECLARE,
            CLOSE_OPERATIONS,
            ENSURE_SWEEPS,
            CONCLUDE_AGENT,
            CONCLUDE_NUMBER,
            WAKE,
            BEGIN_EJECTION,
            FINISH_EJECTION,
            CONCLUDE_TEST,
            CONCLUDE_TEST_RUN,
            LOOK_TO_TIDY,
            CHOOSE_RETESTS,
            JUDGE_RETEST,
            STEER_ROLLOUT,
            TAKE_CALLS_AWAY,
            CONCLUDE_NOTIFICATION,
            FORGET_CALLS,
        ),
        concurrent_activities=20,
        serves_workflows=True,
    ),
    Queue(
        name=SOURCE_QUEUE,
        activities=(
            READ_SOURCE,
            LOOK_AT_PROMOTION,
            COMMIT_RELEASE,
            PROPOSE_RELEASE,
            TAG_RELEASE,
            WITHDRAW_RELEASE,
            PROPOSE_ADOPTION,
            HOLD_RELEASE,
            TEND_PROMOTIONS,
            LOOK_AT_PULL_REQUEST,
            TELL_PULL_REQUEST,
            LOOK_FOR_PULL_REQUESTS,
        ),
        concurrent_activities=8,
    ),
    Queue(
        name=PLATFORM_QUEUE,
        activities=(
            PLAN_AGENT,
            EXECUTE_STEP,
            PLAN_NUMBER,
            EXECUTE_NUMBER_STEP,
            SWEEP_ENVIRONMENT,
            PLAN_ENVIRONMENT,
            PLAN_PROPOSAL,
            IMPORT_ACCOUNT,
            LOOK_TO_PRUNE,
            PRUNE_OBJECT,
            GUARD_AGENT,
            LOOK_TO_EJECT,
            TAKE_MARK_AWAY,
            PREPARE_TEST_RUN,
            ENSURE_TEST_OBJECT,
            ENSURE_TEST_BRANCH,
            PUT_AWAY,
            RUN_PLATFORM_TESTS,
            LOOK_AT_CALL_ORDER,
            PLACE_CALL,
            END_CALL,
            READ_NATIVE_CALLS,
            TEND_CALLS,
        ),
        concurrent_activities=40,
    ),
    Queue(name=CONVERSATION_QUEUE, activities=(CONVERSE,), concurrent_activities=40),
    Queue(name=NOTIFICATION_QUEUE, activities=(DELIVER_NOTIFICATION,), concurrent_activities=20),
)
"""Every queue of the product. The pace towards a vendor is kept by its adapter, not here; more
activities at once than a store has connections (twice) or an account allows (twice) would only wait
in the process with their time-outs running."""
