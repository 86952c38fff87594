"""One entity workflow per telephony account and number, because two agents must not race for it.

It is named by account and E.164 and not by the manifest, so that whoever wants the number, from
whichever project or environment, has to come through the same queue.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        CONCLUDE_NUMBER,
        DECLARE_SIGNAL,
        EXECUTE_NUMBER_STEP,
        NUMBER_WORKFLOW,
        PLAN_NUMBER,
        STATUS_QUERY,
    )
    from activities.types import Conclusion, NumberInput, Subject, Wish
    from trunkline.model.ids import Origin
    from workflows.rounds import RoundActivities, Rounds

ACTIVITIES = RoundActivities(
    plan=PLAN_NUMBER, execute=EXECUTE_NUMBER_STEP, conclude=CONCLUDE_NUMBER
)


@workflow.defn(name=NUMBER_WORKFLOW)
class NumberWorkflow:
    """Brings one phone number to the agent Git wants it to reach."""

    @workflow.init
    def __init__(self, state: NumberInput) -> None:
        subject = Subject(
            kind="number",
            project=state.project,
            environment=state.environment,
            name=state.name,
            account=state.account,
            number=state.number,
        )
        self._rounds = Rounds(subject, ACTIVITIES, state)

    @property
    def origin(self) -> Origin:
        """For whom the running round works."""
        return self._rounds.origin

    @workflow.run
    async def run(self, state: NumberInput) -> None:
        """Serve until Git no longer names the number."""
        if await self._rounds.serve():
            workflow.continue_as_new(state.model_copy(update=self._rounds.carried()))

    @workflow.signal(name=DECLARE_SIGNAL, description="A newer wish, or a reason to look again")
    def declare(self, wish: Wish) -> None:
        """Remember the newest wish."""
        self._rounds.declare(wish)

    @workflow.query(name=STATUS_QUERY, description="How the number stood after the last round")
    def status(self) -> Conclusion:
        """Conditions and external id."""
        return self._rounds.conclusion()
