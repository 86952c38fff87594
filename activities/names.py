"""Names by which workflows, activities, signals, queues and attributes know each other.

They are in histories, so none is ever changed. Workflows, services and activities share these and
the types of ``activities.types``, and nothing else.
"""

WORKFLOW_QUEUE = "trunkline"
"""Workflows, and the activities that need nothing but PostgreSQL and Temporal."""
SOURCE_QUEUE = "trunkline-source"
"""Git: few and long."""
PLATFORM_QUEUE = "trunkline-platforms"
"""ElevenLabs and Twilio: many and short, and never in the way of the other two."""

CONVERSATION_QUEUE = "trunkline-conversations"
"""Conversations under test: each lasts minutes, and nothing else waits behind them."""

PROJECT_WORKFLOW = "ProjectWorkflow"
AGENT_WORKFLOW = "AgentWorkflow"
NUMBER_WORKFLOW = "NumberWorkflow"
SWEEP_WORKFLOW = "SweepWorkflow"
PLAN_WORKFLOW = "PlanWorkflow"
IMPORT_WORKFLOW = "ImportWorkflow"
WAKE_WORKFLOW = "WakeWorkflow"
PRUNE_WORKFLOW = "PruneWorkflow"
EJECT_WORKFLOW = "EjectWorkflow"
TEST_RUN_WORKFLOW = "TestRunWorkflow"
PROMOTION_WORKFLOW = "PromotionWorkflow"
RETEST_WORKFLOW = "RetestWorkflow"

REFRESH_SIGNAL = "refresh"
PRUNE_SIGNAL = "look"
DECLARE_SIGNAL = "declare"
WAKE_SIGNAL = "wake"
STATUS_QUERY = "status"

READ_SOURCE = "read_source"
ENSURE_SWEEPS = "ensure_sweeps"
DECLARE = "declare"
CLOSE_OPERATIONS = "close_operations"
PLAN_AGENT = "plan_agent"
EXECUTE_STEP = "execute_step"
CONCLUDE_AGENT = "conclude_agent"
PLAN_NUMBER = "plan_number"
EXECUTE_NUMBER_STEP = "execute_number_step"
CONCLUDE_NUMBER = "conclude_number"
SWEEP_ENVIRONMENT = "sweep_environment"
PLAN_ENVIRONMENT = "plan_environment"
IMPORT_ACCOUNT = "import_account"
WAKE = "wake"
LOOK_TO_PRUNE = "look_to_prune"
PRUNE_OBJECT = "prune_object"
GUARD_AGENT = "guard_agent"
BEGIN_EJECTION = "begin_ejection"
LOOK_TO_EJECT = "look_to_eject"
TAKE_MARK_AWAY = "take_mark_away"
FINISH_EJECTION = "finish_ejection"
PREPARE_TEST_RUN = "prepare_test_run"
ENSURE_TEST_OBJECT = "ensure_test_object"
ENSURE_TEST_BRANCH = "ensure_test_branch"
CONVERSE = "converse"
RUN_PLATFORM_TESTS = "run_platform_tests"
CONCLUDE_TEST = "conclude_test"
CONCLUDE_TEST_RUN = "conclude_test_run"
LOOK_TO_TIDY = "look_to_tidy"
PUT_AWAY = "put_away"
LOOK_AT_PROMOTION = "look_at_promotion"
COMMIT_RELEASE = "commit_release"
HOLD_RELEASE = "hold_release"
STEER_ROLLOUT = "steer_rollout"
TAKE_CALLS_AWAY = "take_calls_away"
TEND_PROMOTIONS = "tend_promotions"
CHOOSE_RETESTS = "choose_retests"
JUDGE_RETEST = "judge_retest"

PROJECT_ATTRIBUTE = "TrunklineProject"
ENVIRONMENT_ATTRIBUTE = "TrunklineEnvironment"
AGENT_ATTRIBUTE = "TrunklineAgent"
PHASE_ATTRIBUTE = "TrunklinePhase"
REVISION_ATTRIBUTE = "TrunklineRevision"
REASON_ATTRIBUTE = "TrunklineReason"
SEARCH_ATTRIBUTES = (
    PROJECT_ATTRIBUTE,
    ENVIRONMENT_ATTRIBUTE,
    AGENT_ATTRIBUTE,
    PHASE_ATTRIBUTE,
    REVISION_ATTRIBUTE,
    REASON_ATTRIBUTE,
)
"""All are of type Keyword and must be registered before a workflow sets one."""

SUPERSEDED = "Superseded"
"""Failure type of a step whose wish is no longer the newest: plan again, nothing is wrong."""
