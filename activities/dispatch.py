"""Telling workflows: signal-with-start of agents and numbers, in batches, and closing operations.

A workflow cannot signal ten thousand others without a history of that length, so an activity does
it. Everything here may be repeated: a wish told twice is one wish, an item added twice is one item.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from temporalio import activity

from activities.concurrency import each
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import CLOSE_OPERATIONS, DECLARE
from activities.policies import environments
from activities.telling import Dispatcher
from activities.types import (
    ClosingRequest,
    FanoutReport,
    FanoutRequest,
    RefreshRequest,
    Timing,
    WakeReason,
)
from trunkline import tracing
from trunkline.model.limits import SIGNAL_BATCH_SIZE, SIGNALS_CONCURRENT
from trunkline.model.records import (
    OperationItem,
    OperationState,
    RecordKind,
    WishRecord,
)
from trunkline.ports import Operations, Wishes

TRACE_CHARACTERS = 35
"""Of a traceparent: version and trace id, up to the span's."""


class DispatchActivities:
    """Fan-out of a project's wishes, and the end of operations nothing else will end."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        wishes: Wishes,
        operations: Operations,
    ) -> None:
        self._dispatcher = dispatcher
        self._wishes = wishes
        self._operations = operations

    @activity.defn(name=DECLARE)
    async def declare(self, request: FanoutRequest) -> FanoutReport:
        """Tell everything whose wish changed, and everything the requests name."""
        with translated(request.timing, patient=True):
            async with beating() as progress:
                told = 0
                changed: set[tuple[str, str, str]] = set()
                while batch := await self._wishes.undeclared(request.project, SIGNAL_BATCH_SIZE):
                    told += await self._tell(batch, "git", request, request.requests)
                    changed.update(map(_key, batch))
                    await self._wishes.mark_declared(batch)
                    progress.words = f"{told} told"
                for asked in request.requests:
                    async for batch in self._named(request.project, asked):
                        others = [record for record in batch if _key(record) not in changed]
                        told += await self._tell(others, asked.reason, request, (asked,))
                        progress.words = f"{told} told"
                    if asked.operation_id is not None:
                        await self._operations.seal_operation(asked.operation_id, "")
                await self._prune(request, {environment for environment, _, _ in changed})
        return FanoutReport(told=told)

    async def _prune(self, request: FanoutRequest, changed: set[str]) -> None:
        """Where something changed, or a person asks for all of it, something may be left over."""
        manifest = await self._wishes.project_manifest(request.project)
        for described in environments(manifest) if manifest is not None else ():
            asked = any(
                not one.names and one.environment in (None, described.name)
                for one in request.requests
            )
            if described.prune.enabled and (asked or described.name in changed):
                await self._dispatcher.prune(request.project, described.name, request.timing)

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
        asked: Sequence[RefreshRequest],
    ) -> int:
        waiting = {
            _key(record): tuple(
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

        named = {one.operation_id: one for one in asked}
        reasons = {one.operation_id: one.reason for one in asked}

        async def tell(record: WishRecord) -> None:
            operation_ids = waiting[_key(record)]
            who = next((named[one] for one in operation_ids if named[one].request_id), None)
            why: WakeReason = reasons[operation_ids[0]] if operation_ids else reason
            await self._dispatcher.tell_or_say(
                *(record, why, request.timing, operation_ids),
                request_id=who.request_id if who is not None else "",
                traceparent=_goes_on(who.traceparent) if who is not None else "",
            )

        await each(tell, batch, concurrent=SIGNALS_CONCURRENT)
        return len(batch)

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


def _goes_on(asked: str) -> str:
    """Where the trace of a request goes on: here, if this activity is part of it."""
    running = tracing.traceparent()
    same = running[:TRACE_CHARACTERS] == asked[:TRACE_CHARACTERS]
    return running if same else asked


def _key(record: WishRecord) -> tuple[str, str, str]:
    return record.environment, record.kind, record.name


def _concerns(asked: RefreshRequest, record: WishRecord) -> bool:
    return asked.environment in (None, record.environment) and (
        not asked.names or record.name in asked.names
    )
