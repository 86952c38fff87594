"""What a promotion says to the agent it released: a share is good, take it back, take no calls.

Each is a row first, which counts from then on, and then a word to whoever carries it out.
"""

from temporalio import activity

from activities.errors import translated
from activities.names import STEER_ROLLOUT, TAKE_CALLS_AWAY
from activities.promotion_types import PromotionStep, PromotionStepRequest
from activities.promotions.calls import tell_agent
from activities.promotions.ports import PromotionPorts
from activities.telling import Dispatcher
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.promotions.guards import TRUNKLINE
from trunkline.model.records import EventRecord


class SteeringActivities:
    """Rollouts and calls of what was released."""

    def __init__(self, ports: PromotionPorts, dispatcher: Dispatcher) -> None:
        self._ports = ports
        self._dispatcher = dispatcher

    @activity.defn(name=STEER_ROLLOUT)
    async def steer_rollout(self, request: PromotionStepRequest) -> PromotionStep:
        """Say that a share was found good, or that all of it is to be taken back."""
        with translated(request.timing, patient=True):
            record, move = request.record, request.move
            place = (record.project, record.environment, record.agent)
            if move.kind == "abort_rollout":
                reason = move.reason or "aborted"
                await self._ports.releases.abort_rollout(*place, record.version, reason)
                note = f"v{record.version} is taken back: {reason}"
            else:
                await self._ports.releases.check_rollout(*place, record.version, move.step)
                note = f"step {move.step + 1} of v{record.version} is good"
            await tell_agent(self._dispatcher, self._ports.wishes, record, request.timing)
            return PromotionStep(note=note, version=record.version)

    @activity.defn(name=TAKE_CALLS_AWAY)
    async def take_calls_away(self, request: PromotionStepRequest) -> PromotionStep:
        """Disable an agent that failed and has nothing to go back to."""
        with translated(request.timing, patient=True):
            record, reason = request.record, request.move.reason or "its release failed"
            decided = await self._ports.interventions.interventions(
                record.project, record.environment
            )
            place = (record.environment, "agent", record.agent)
            if in_force(decided, "disable", *place) is None:
                await self._disable(request, reason)
            await tell_agent(
                self._dispatcher, self._ports.wishes, record, request.timing, numbers=True
            )
            return PromotionStep(note=f"disabled: {reason}", version=record.version)

    async def _disable(self, request: PromotionStepRequest, reason: str) -> None:
        record = request.record
        await self._ports.interventions.put_intervention(
            Intervention(
                project=record.project,
                environment=record.environment,
                kind="agent",
                name=record.agent,
                verb="disable",
                reason=reason,
                by=TRUNKLINE,
                at=self._ports.clock.now(),
                details={"promotion": record.id},
            )
        )
        event = EventRecord(
            project=record.project,
            environment=record.environment,
            name=record.agent,
            type="Warning",
            reason="Disabled",
            message=f"by {TRUNKLINE}: {reason}",
            details={"promotion": record.id},
        )
        await self._ports.statuses.add_events([event])
