"""For whom a workflow works, handed on to everything it starts.

What starts or wakes a workflow says in a header for whom; activities, children and the next
history get the same one. A workflow that answers many requests in one round knows better which of
them it works for, and says so in an attribute ``origin``. A header is no command: a history
recorded without one replays the same.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    Interceptor,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

with workflow.unsafe.imports_passed_through():
    from activities.names import ORIGIN_HEADER
    from trunkline.model.ids import Origin, own_origin

Headers = Mapping[str, Payload]


class OriginRim(Interceptor):
    """Wraps every workflow of a worker."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        """The wrapper, of which the SDK makes one for each workflow."""
        return _Told


class _Told(WorkflowInboundInterceptor):
    """Remembers who started or woke the workflow last."""

    def __init__(self, next: WorkflowInboundInterceptor) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._told: Origin | None = None

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Wrap the way out as well."""
        super().init(_HandedOn(outbound, self))

    async def execute_workflow(
        self,
        input: ExecuteWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> Any:
        """Run it; a signal that came with the start is newer."""
        self._told = self._told or _read(input.headers)
        return await self.next.execute_workflow(input)

    async def handle_signal(
        self,
        input: HandleSignalInput,  # noqa: A002 - the SDK's name
    ) -> None:
        """Hand it on; from now on the workflow works for whoever sent it."""
        self._told = _read(input.headers) or self._told
        await self.next.handle_signal(input)

    def origin(self) -> Origin:
        """For whom the workflow works now; its own run if nobody ever said."""
        said = getattr(workflow.instance(), "origin", None)
        if isinstance(said, Origin) and said.request_id:
            return said
        info = workflow.info()
        return self._told or own_origin(_kind(info.workflow_type), info.run_id)


class _HandedOn(WorkflowOutboundInterceptor):
    """Puts the origin on everything that leaves the workflow."""

    def __init__(
        self,
        next: WorkflowOutboundInterceptor,  # noqa: A002 - the SDK's name
        told: _Told,
    ) -> None:
        super().__init__(next)
        self._inbound = told

    def start_activity(
        self,
        input: StartActivityInput,  # noqa: A002 - the SDK's name
    ) -> workflow.ActivityHandle[Any]:
        """Start it for the same origin."""
        input.headers = self._headers(input.headers)
        return self.next.start_activity(input)

    async def start_child_workflow(
        self,
        input: StartChildWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        """Start it for the same origin."""
        input.headers = self._headers(input.headers)
        return await self.next.start_child_workflow(input)

    async def signal_child_workflow(
        self,
        input: SignalChildWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> None:
        """Signal it for the same origin."""
        input.headers = self._headers(input.headers)
        await self.next.signal_child_workflow(input)

    async def signal_external_workflow(
        self,
        input: SignalExternalWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> None:
        """Signal it for the same origin."""
        input.headers = self._headers(input.headers)
        await self.next.signal_external_workflow(input)

    def continue_as_new(
        self,
        input: ContinueAsNewInput,  # noqa: A002 - the SDK's name
    ) -> NoReturn:
        """Go on for the same origin."""
        input.headers = self._headers(input.headers)
        self.next.continue_as_new(input)

    def _headers(self, headers: Headers) -> Headers:
        payload = workflow.payload_converter().to_payload(self._inbound.origin())
        return {**headers, ORIGIN_HEADER: payload}


def _read(headers: Headers) -> Origin | None:
    """What a header says, or None: anybody may start a workflow with anything in it."""
    payload = headers.get(ORIGIN_HEADER)
    if payload is None:
        return None
    try:
        return workflow.payload_converter().from_payload(payload, Origin)
    except (ValidationError, RuntimeError, ValueError, TypeError):
        return None


def _kind(workflow_type: str) -> str:
    return workflow_type.removesuffix("Workflow").lower()
