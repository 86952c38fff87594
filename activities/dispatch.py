"""Telling workflows: signal-with-start of agents and numbers, in batches, and closing operations.

A workflow cannot signal ten thousand others without a history of that length, so an activity does
it. Everything here may be repeated: a wish told twice is one wish, an item added twice is one item.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from temporalio import activity
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from activities.concurrency import each
from activities.errors import failure_of, translated
from activities.heartbeats import beating
from activities.policies import environments
from activities.types import (
    AGENT_ATTRIBUTE,
    AGENT_WORKFLOW,
    CLOSE_OPERATIONS,
    DECLARE,
    DECLARE_SIGNAL,
    ENVIRONMENT_ATTRIBUTE,
    NUMBER_WORKFLOW,
    PROJECT_ATTRIBUTE,
    WORKFLOW_QUEUE,
    AgentInput,
    ClosingRequest,
    FanoutReport,
    FanoutRequest,
    NumberInput,
    RefreshRequest,
    Timing,
    WakeReason,
    Wish,
)
from trunkline.model.conditions import Condition
from trunkline.model.errors import EngineUnavailable, TrunklineError
from trunkline.model.ids import agent_workflow_id, number_workflow_id
from trunkline.model.limits import SIGNAL_BATCH_SIZE, SIGNALS_CONCURRENT
from trunkline.model.records import (
    OperationItem,
    OperationState,
    RecordKind,
    StatusRecord,
    WishRecord,
)
from trunkline.ports import Accounts, Operations, Statuses, Wishes


class Dispatcher:
    """Tells the workflow of one agent or number, starting it if it is not there."""

    def __init__(self, client: Client, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts

    async def tell(
        self,
        record: WishRecord,
        reason: WakeReason,
        timing: Timing,
        operation_ids: tuple[str, ...] = (),
    ) -> None:
        """Signal with start. Raises EngineUnavailable, and for a number what its account raises."""
        wish = Wish(
            wish_digest=record.wish_digest,
            revision=record.revision,
            operation_ids=operation_ids,
            reason=reason,
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

    async def _tell_number(self, record: WishRecord, wish: Wish, timing: Timing) -> None:
        telephony = await self._accounts.telephony(record.project, record.environment)
        number = str(record.body["number"])
        state = NumberInput(
            project=record.project,
            environment=record.environment,
            name=record.name,
            account=telephony.account,
            number=number,
            timing=timing,
        )
        await self._start(
            NUMBER_WORKFLOW,
            state,
            wish,
            workflow_id=number_workflow_id(telephony.account, number),
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


class DispatchActivities:
    """Fan-out of a project's wishes, and the end of operations nothing else will end."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        wishes: Wishes,
        statuses: Statuses,
        operations: Operations,
    ) -> None:
        self._dispatcher = dispatcher
        self._wishes = wishes
        self._statuses = statuses
        self._operations = operations

    @activity.defn(name=DECLARE)
    async def declare(self, request: FanoutRequest) -> FanoutReport:
        """Tell everything whose wish changed, and everything the requests name."""
        with translated(request.timing, patient=True):
            async with beating() as progress:
                told = 0
                while batch := await self._wishes.undeclared(request.project, SIGNAL_BATCH_SIZE):
                    told += await self._tell(batch, "git", request, request.requests)
                    await self._wishes.mark_declared(batch)
                    progress.words = f"{told} told"
                for asked in request.requests:
                    async for batch in self._named(request.project, asked):
                        told += await self._tell(batch, "sync", request, (asked,))
                        progress.words = f"{told} told"
                    if asked.operation_id is not None:
                        await self._operations.seal_operation(asked.operation_id, "")
        return FanoutReport(told=told)

    @activity.defn(name=CLOSE_OPERATIONS)
    async def close_operations(self, request: ClosingRequest) -> None:
        """End operations as Failed or Error with the reason."""
        with translated(Timing(), patient=True):
            state: OperationState = "Failed" if request.definite else "Error"
            for operation_id in request.operation_ids:
                await self._operations.finish_operation(operation_id, state, request.message)

    async def _tell(
        self,
        batch: Sequence[WishRecord],
        reason: WakeReason,
        request: FanoutRequest,
        asked: Iterable[RefreshRequest],
    ) -> int:
        waiting = {
            (record.environment, record.kind, record.name): tuple(
                one.operation_id
                for one in asked
                if one.operation_id is not None and _concerns(one, record)
            )
            for record in batch
        }
        for operation_id in sorted({one for ids in waiting.values() for one in ids}):
            items = [
                OperationItem(environment=environment, kind=kind, name=name)
                for (environment, kind, name), ids in waiting.items()
                if operation_id in ids
            ]
            await self._operations.add_items(operation_id, items)

        async def tell(record: WishRecord) -> None:
            operation_ids = waiting[record.environment, record.kind, record.name]
            await self._tell_one(record, reason, request.timing, operation_ids)

        await each(tell, batch, concurrent=SIGNALS_CONCURRENT)
        return len(batch)

    async def _tell_one(
        self,
        record: WishRecord,
        reason: WakeReason,
        timing: Timing,
        operation_ids: tuple[str, ...],
    ) -> None:
        try:
            await self._dispatcher.tell(record, reason, timing, operation_ids)
        except TrunklineError as error:
            if error.retryable:
                raise
            await self._unreachable(record, error, operation_ids)

    async def _unreachable(
        self, record: WishRecord, error: TrunklineError, operation_ids: tuple[str, ...]
    ) -> None:
        """A number whose account cannot be named has no workflow; its status says why."""
        failure = failure_of(error)
        words = f"{failure.message} {failure.hint}".strip()
        await self._statuses.put_status(
            StatusRecord(
                project=record.project,
                environment=record.environment,
                kind=record.kind,
                name=record.name,
                health="Degraded",
                revision=record.revision,
                message=words,
                conditions=(
                    Condition(type="Ready", status="False", reason=failure.reason, message=words),
                    Condition(type="Stalled", status="True", reason=failure.reason, message=words),
                ),
            ),
            [],
        )
        for operation_id in operation_ids:
            await self._operations.finish_item(
                operation_id,
                OperationItem(
                    environment=record.environment,
                    kind=record.kind,
                    name=record.name,
                    state="Failed",
                    message=words,
                ),
            )

    async def _named(
        self, project: str, asked: RefreshRequest
    ) -> AsyncIterator[tuple[WishRecord, ...]]:
        """Batches of wishes a request wants looked at though they did not change."""
        if asked.names:
            yield await self._by_name(project, asked)
        elif asked.hard:
            async for batch in _pages(self._wishes.wishes, project, asked.environment):
                yield batch
        elif asked.operation_id is not None:
            async for batch in _pages(self._wishes.unsettled, project, asked.environment):
                yield batch

    async def _by_name(self, project: str, asked: RefreshRequest) -> tuple[WishRecord, ...]:
        names = [asked.environment] if asked.environment is not None else []
        if not names:
            manifest = await self._wishes.project_manifest(project)
            names = [each.name for each in environments(manifest)] if manifest else []
        kinds: tuple[RecordKind, ...] = ("agent", "number")
        found = [
            await self._wishes.wish(project, environment, kind, name)
            for environment in names
            for name in asked.names
            for kind in kinds
        ]
        return tuple(record for record in found if record is not None)


class _Listing(Protocol):
    """A listing of wishes by pages, as the store offers it."""

    async def __call__(
        self, project: str, environment: str | None = None, *, after: str = "", limit: int
    ) -> tuple[WishRecord, ...]: ...


async def _pages(
    listing: _Listing, project: str, environment: str | None
) -> AsyncIterator[tuple[WishRecord, ...]]:
    after = ""
    while batch := await listing(project, environment, after=after, limit=SIGNAL_BATCH_SIZE):
        yield batch
        last = batch[-1]
        after = f"{last.environment}/{last.kind}/{last.name}"


def _concerns(asked: RefreshRequest, record: WishRecord) -> bool:
    return asked.environment in (None, record.environment) and (
        not asked.names or record.name in asked.names
    )


def _identity(record: WishRecord) -> TypedSearchAttributes:
    values = {
        PROJECT_ATTRIBUTE: record.project,
        ENVIRONMENT_ATTRIBUTE: record.environment,
        AGENT_ATTRIBUTE: str(record.body.get("agent") or "")
        if record.kind == "number"
        else record.name,
    }
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in values.items()
            if value
        ]
    )
