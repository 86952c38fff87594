"""Telling the workflow of one agent or number, or saying why there is none to tell.

A number belongs to one wish at a time, whichever project or environment it comes from: whoever may
not have it is told so in a status, and is told again when its owner lets go.
"""

from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from activities.errors import failure_of
from activities.names import (
    AGENT_ATTRIBUTE,
    AGENT_WORKFLOW,
    DECLARE_SIGNAL,
    ENVIRONMENT_ATTRIBUTE,
    NUMBER_WORKFLOW,
    PROJECT_ATTRIBUTE,
    PRUNE_SIGNAL,
    PRUNE_WORKFLOW,
    WORKFLOW_QUEUE,
)
from activities.origins import here
from activities.types import (
    AgentInput,
    NumberInput,
    PruneInput,
    PruneWake,
    Subject,
    Timing,
    WakeReason,
    Wish,
)
from trunkline.model.errors import EngineUnavailable, TrunklineError
from trunkline.model.ids import agent_workflow_id, number_workflow_id, prune_workflow_id
from trunkline.model.ledger import NumberOwner
from trunkline.model.number_planner import owned_elsewhere
from trunkline.model.records import OperationItem, WishRecord
from trunkline.model.status import Failure, Round, summarise, transitions
from trunkline.ports import Accounts, Operations, Statuses, Wishes


class Dispatcher:
    """Tells the workflow of one agent or number, starting it if it is not there."""

    def __init__(
        self,
        client: Client,
        accounts: Accounts,
        wishes: Wishes,
        statuses: Statuses,
        operations: Operations,
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._wishes = wishes
        self._statuses = statuses
        self._operations = operations

    async def tell(
        self,
        record: WishRecord,
        reason: WakeReason,
        timing: Timing,
        operation_ids: tuple[str, ...] = (),
        *,
        request_id: str = "",
        traceparent: str = "",
    ) -> None:
        """Signal with start, for the request that is named, else for whom this activity works.

        Raises EngineUnavailable, and for a number what its account raises.
        """
        works_for = here()
        wish = Wish(
            wish_digest=record.wish_digest,
            revision=record.revision,
            operation_ids=operation_ids,
            reason=reason,
            request_id=request_id or works_for.request_id,
            traceparent=traceparent or works_for.traceparent,
        )
        if record.kind == "agent":
            await self._tell_agent(record, wish, timing)
        else:
            await self._tell_number(record, wish, timing)

    async def _tell_agent(self, record: WishRecord, wish: Wish, timing: Timing) -> None:
        state = AgentInput(
            project=record.project,
            environment=record.environment,
            name=record.name,
            timing=timing,
        )
        await self._start(
            AGENT_WORKFLOW,
            state,
            wish,
            workflow_id=agent_workflow_id(record.project, record.environment, record.name),
            record=record,
        )

    async def tell_or_say(
        self,
        record: WishRecord,
        reason: WakeReason,
        timing: Timing,
        operation_ids: tuple[str, ...] = (),
        *,
        request_id: str = "",
        traceparent: str = "",
    ) -> None:
        """Tell, or let the status and the operations say why that will not help.

        Raises only what trying again may mend.
        """
        try:
            await self.tell(
                *(record, reason, timing, operation_ids),
                request_id=request_id,
                traceparent=traceparent,
            )
        except TrunklineError as error:
            if error.retryable:
                raise
            await self.say(record, error, operation_ids)

    async def prune(
        self, project: str, environment: str, timing: Timing, wake: PruneWake | None = None
    ) -> None:
        """Have an environment looked at for what Git no longer names.

        Raises EngineUnavailable.
        """
        try:
            await self._client.start_workflow(
                PRUNE_WORKFLOW,
                PruneInput(project=project, environment=environment, timing=timing),
                id=prune_workflow_id(project, environment),
                task_queue=WORKFLOW_QUEUE,
                start_signal=PRUNE_SIGNAL,
                start_signal_args=[wake or PruneWake()],
                static_summary=f"Deletions in {environment}",
                search_attributes=_attributes(
                    {PROJECT_ATTRIBUTE: project, ENVIRONMENT_ATTRIBUTE: environment}
                ),
                static_details=(
                    f"Decides what of project {project} in environment {environment} may be "
                    "deleted, when, and what waits for a person."
                ),
            )
        except RPCError as error:
            raise EngineUnavailable(f"Temporal did not take a signal: {error}") from error

    async def tell_contenders(self, former: NumberOwner, timing: Timing) -> None:
        """Whoever else wishes for a number that was let go: the first gets it."""
        for record in await self._wishes.wishes_for_number(former.number):
            place = (record.project, record.environment, record.name)
            if place != (former.project, former.environment, former.name):
                await self.tell_or_say(record, "dependency", timing)

    async def say(
        self, record: WishRecord, error: TrunklineError, operation_ids: tuple[str, ...] = ()
    ) -> None:
        """The status of a wish no workflow serves, and the end of what waits for it."""
        place = (record.project, record.environment, record.kind, record.name)
        previous = await self._statuses.status(*place)
        outcome = Round(
            project=record.project,
            environment=record.environment,
            kind=record.kind,
            name=record.name,
            revision=record.revision,
            external_id=previous.external_id if previous is not None else None,
            failure=Failure.model_validate(failure_of(error).model_dump(by_alias=False)),
            removed=record.removed,
        )
        status = summarise(outcome)
        await self._statuses.put_status(status, transitions(previous, status))
        for operation_id in operation_ids:
            await self._operations.finish_item(
                operation_id,
                OperationItem(
                    environment=record.environment,
                    kind=record.kind,
                    name=record.name,
                    state="Succeeded" if record.removed else "Failed",
                    message=status.message,
                ),
            )

    async def _tell_number(self, record: WishRecord, wish: Wish, timing: Timing) -> None:
        """The workflow of the number it may have, and those of numbers it no longer names."""
        telephony = await self._accounts.telephony(record.project, record.environment)
        ours = NumberOwner(
            account=telephony.account,
            number=str(record.body["number"]),
            project=record.project,
            environment=record.environment,
            name=record.name,
        )
        if record.removed:
            owner = await self._wishes.number_owner(ours.account, ours.number)
        else:
            owner = await self._wishes.own_number(ours)
        for former in await self._wishes.numbers_owned(
            record.project, record.environment, record.name
        ):
            if former != ours:
                left = wish.model_copy(update={"operation_ids": ()})
                await self._start_number(record, former, left, timing)
        if owner not in (None, ours):
            raise owned_elsewhere(record.name, owner)
        await self._start_number(record, ours, wish, timing)

    async def _start_number(
        self, record: WishRecord, owner: NumberOwner, wish: Wish, timing: Timing
    ) -> None:
        subject = Subject(kind="number", **owner.model_dump(by_alias=False))
        await self._start(
            NUMBER_WORKFLOW,
            NumberInput(**owner.model_dump(by_alias=False), timing=timing),
            wish.model_copy(update={"subject": subject}),
            workflow_id=number_workflow_id(owner.account, owner.number),
            record=record,
        )

    async def _start(
        self,
        workflow: str,
        state: AgentInput | NumberInput,
        wish: Wish,
        *,
        workflow_id: str,
        record: WishRecord,
    ) -> None:
        try:
            await self._client.start_workflow(
                workflow,
                state,
                id=workflow_id,
                task_queue=WORKFLOW_QUEUE,
                start_signal=DECLARE_SIGNAL,
                start_signal_args=[wish],
                static_summary=f"{record.kind} {record.name} in {record.environment}",
                static_details=(
                    f"Keeps {record.kind} **{record.name}** of project {record.project} in "
                    f"environment {record.environment} as Git wants it."
                ),
                search_attributes=_identity(record),
            )
        except RPCError as error:
            raise EngineUnavailable(f"Temporal did not take a signal: {error}") from error


def _identity(record: WishRecord) -> TypedSearchAttributes:
    values = {
        PROJECT_ATTRIBUTE: record.project,
        ENVIRONMENT_ATTRIBUTE: record.environment,
        AGENT_ATTRIBUTE: str(record.body.get("agent") or "")
        if record.kind == "number"
        else record.name,
    }
    return _attributes(values)


def _attributes(values: dict[str, str]) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in values.items()
            if value
        ]
    )
