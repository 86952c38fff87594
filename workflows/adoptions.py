"""What somebody changed on the platform, on its way to a pull request.

A workflow of its own, because an agent's rounds must never wait for a forge. It ends when there is
nothing new to look at, and a round that sees drift starts it again.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.adoption_types import AdoptionInput, AdoptionReport, AdoptionWake
    from activities.names import ADOPTION_WORKFLOW, PLANNED_SIGNAL, PROPOSE_ADOPTION
    from workflows.failures import failure_of
    from workflows.options import GIT_FETCH, is_history_long, perform


@workflow.defn(name=ADOPTION_WORKFLOW)
class AdoptionWorkflow:
    """Keeps the one pull request of an agent's drift as the drift is."""

    @workflow.init
    def __init__(self, state: AdoptionInput) -> None:
        self._state = state
        self._woken = False

    @workflow.run
    async def run(self, state: AdoptionInput) -> AdoptionReport:
        """Look, pause, and look again if a round came meanwhile."""
        while True:
            self._woken = False
            note = await self._look()
            await workflow.sleep(timedelta(seconds=state.pause_s), summary="before another look")
            if not self._woken:
                return AdoptionReport(note=note)
            if is_history_long(state.timing):
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._state)

    @workflow.signal(name=PLANNED_SIGNAL, description="A round came to another plan")
    def planned(self, request: AdoptionWake) -> None:
        """Look again at the newest plan."""
        self._woken = True
        self._state = self._state.model_copy(update={"plan_id": request.plan_id})

    async def _look(self) -> str:
        """A forge or a repository that is down is the next round's to meet again."""
        try:
            report = await perform(
                PROPOSE_ADOPTION,
                self._state,
                AdoptionReport,
                option=GIT_FETCH,
                timing=self._state.timing,
                summary=f"propose what changed of {self._state.agent}",
            )
        except ActivityError as error:
            failure = failure_of(error)
            return f"{failure.reason}: {failure.message}"
        return report.note
