"""One entity workflow per project, environment and agent: newest wish wins, it never fails.

The rounds are those of every subject; this file gives them an identity, a signal and a query.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        AGENT_WORKFLOW,
        CONCLUDE_AGENT,
        DECLARE_SIGNAL,
        EXECUTE_STEP,
        PLAN_AGENT,
        STATUS_QUERY,
    )
    from activities.types import AgentInput, Conclusion, Subject, Wish
    from trunkline.model.ids import Origin
    from workflows.rounds import RoundActivities, Rounds

ACTIVITIES = RoundActivities(plan=PLAN_AGENT, execute=EXECUTE_STEP, conclude=CONCLUDE_AGENT)


@workflow.defn(name=AGENT_WORKFLOW)
class AgentWorkflow:
    """Brings one agent to what Git wants, and keeps it there."""

    @workflow.init
    def __init__(self, state: AgentInput) -> None:
        subject = Subject(
            kind="agent",
            project=state.project,
            environment=state.environment,
            name=state.name,
        )
        self._rounds = Rounds(subject, ACTIVITIES, state)

    @property
    def origin(self) -> Origin:
        """For whom the running round works."""
        return self._rounds.origin

    @workflow.run
    async def run(self, state: AgentInput) -> None:
        """Serve until Git no longer names the agent."""
        if await self._rounds.serve():
            workflow.continue_as_new(state.model_copy(update=self._rounds.carried()))

    @workflow.signal(name=DECLARE_SIGNAL, description="A newer wish, or a reason to look again")
    def declare(self, wish: Wish) -> None:
        """Remember the newest wish."""
        self._rounds.declare(wish)

    @workflow.query(name=STATUS_QUERY, description="How the agent stood after the last round")
    def status(self) -> Conclusion:
        """Conditions and external id."""
        return self._rounds.conclusion()
