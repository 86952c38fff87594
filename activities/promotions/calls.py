"""Whom a promotion tells, and who tells promotions: signals that start what does not run.

A signal never says more than "look again", so whoever is told twice does nothing twice, and a
workflow that was lost is started again from its row.
"""

from contextlib import suppress

from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from activities.names import (
    AGENT_ATTRIBUTE,
    ENVIRONMENT_ATTRIBUTE,
    PROJECT_ATTRIBUTE,
    PROJECT_WORKFLOW,
    PROMOTION_WORKFLOW,
    REFRESH_SIGNAL,
    WAKE_SIGNAL,
    WORKFLOW_QUEUE,
)
from activities.promotion_types import PromotionInput, PromotionWake
from activities.telling import Dispatcher
from activities.types import ProjectInput, RefreshRequest, Timing
from trunkline.model.errors import EngineUnavailable
from trunkline.model.ids import project_workflow_id, promotion_workflow_id
from trunkline.model.limits import PROMOTIONS_PER_LOOK
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import WishRecord
from trunkline.ports import Wishes
from trunkline.ports.releasing import Promotions


class PromotionCalls:
    """Tells promotions to look again, starting those that are not there."""

    def __init__(self, client: Client, promotions: Promotions) -> None:
        self._client = client
        self._promotions = promotions

    async def wake(self, record: PromotionRecord, timing: Timing, *, reason: str) -> None:
        """Raises EngineUnavailable."""
        try:
            await self._client.start_workflow(
                PROMOTION_WORKFLOW,
                PromotionInput(record=record, timing=timing),
                id=promotion_workflow_id(
                    record.project, record.environment, record.agent, record.number
                ),
                task_queue=WORKFLOW_QUEUE,
                start_signal=WAKE_SIGNAL,
                start_signal_args=[PromotionWake(reason=reason)],
                static_summary=f"{record.agent} to {record.environment}",
                search_attributes=promotion_attributes(record),
            )
        except RPCError as error:
            raise EngineUnavailable(f"Temporal did not take a signal: {error}") from error

    async def changed(self, wish: WishRecord, timing: Timing) -> None:
        """The status of an agent or number is another one: what is promoted of the agent, or of
        the one the number leads to, may wait for that. Raises EngineUnavailable.
        """
        agent = wish.name if wish.kind == "agent" else str(wish.body.get("agent") or "")
        if not agent:
            return
        found = await self._promotions.promotions(
            wish.project, agent=agent, open_only=True, limit=PROMOTIONS_PER_LOOK
        )
        for record in found:
            await self.wake(record, timing, reason=f"{wish.kind} {wish.name} changed")

    async def nudge(self, project: str, environment: str, agent: str) -> None:
        """Have the promotion that is open, and runs, looked at: its rollout came further. One that
        does not hear it looks by itself. Raises StoreUnavailable.
        """
        record = await self._promotions.open_promotion_of(project, environment, agent)
        if record is None:
            return
        place = promotion_workflow_id(project, environment, agent, record.number)
        with suppress(RPCError):
            await self._client.get_workflow_handle(place).signal(
                WAKE_SIGNAL, PromotionWake(reason="the rollout came further")
            )

    async def refresh(self, project: str, timing: Timing) -> None:
        """Have the project's branch looked at now. Raises EngineUnavailable."""
        try:
            await self._client.start_workflow(
                PROJECT_WORKFLOW,
                ProjectInput(project=project, timing=timing),
                id=project_workflow_id(project),
                task_queue=WORKFLOW_QUEUE,
                start_signal=REFRESH_SIGNAL,
                start_signal_args=[RefreshRequest()],
                static_summary=f"Project {project}",
            )
        except RPCError as error:
            raise EngineUnavailable(f"Temporal did not take a signal: {error}") from error


async def tell_agent(
    dispatcher: Dispatcher,
    wishes: Wishes,
    record: PromotionRecord,
    timing: Timing,
    *,
    numbers: bool = False,
) -> None:
    """Have the agent of a promotion looked at where it is released, and its numbers if asked."""
    place = (record.project, record.environment)
    wish = await wishes.wish(*place, "agent", record.agent)
    found = [wish] if wish is not None else []
    if numbers:
        found += await wishes.numbers_of(*place, record.agent)
    for each in found:
        await dispatcher.tell_or_say(each, "control", timing, request_id=record.request_id)


def promotion_attributes(record: PromotionRecord) -> TypedSearchAttributes:
    """Which promotion it is, for Temporal's UI."""
    values = {
        PROJECT_ATTRIBUTE: record.project,
        ENVIRONMENT_ATTRIBUTE: record.environment,
        AGENT_ATTRIBUTE: record.agent,
    }
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in values.items()
        ]
    )
