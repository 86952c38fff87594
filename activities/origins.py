"""How what starts and wakes workflows says for whom: from this process's context into a header.

Wraps Temporal's client once, so that nobody who starts a workflow has to think of it: an API
server's start carries the request's id and trace, an activity's start those of its own work.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.names import ORIGIN_HEADER
from trunkline import tracing
from trunkline.asking import request_id
from trunkline.model.ids import Origin

_PHONE_DIGITS_SHOWN = 4


class OriginHeaders(Interceptor):
    """Wraps a client: every start and every signal says for whom."""

    def intercept_client(
        self,
        next: OutboundInterceptor,  # noqa: A002 - the SDK's name
    ) -> OutboundInterceptor:
        """The wrapped client."""
        return _Saying(next)


class _Saying(OutboundInterceptor):
    async def start_workflow(
        self,
        input: StartWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> WorkflowHandle[Any, Any]:
        """Start it, with a span of its own and the header."""
        name = f"signal {input.workflow}" if input.start_signal else f"start {input.workflow}"
        with tracing.span(name, kind="producer", attributes=_place(input.id)):
            input.headers = {**input.headers, **_header()}
            return await super().start_workflow(input)

    async def signal_workflow(
        self,
        input: SignalWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> None:
        """Signal it, with a span of its own and the header."""
        name = f"signal {input.signal}"
        with tracing.span(name, kind="producer", attributes=_place(input.id)):
            input.headers = {**input.headers, **_header()}
            await super().signal_workflow(input)


def here() -> Origin:
    """For whom this process works right now, and where its trace goes on."""
    return Origin(request_id=request_id(), traceparent=tracing.traceparent())


def told(headers: Mapping[str, Payload]) -> Origin:
    """What a header says; an empty origin if it says nothing that can be read."""
    payload = headers.get(ORIGIN_HEADER)
    if payload is None:
        return Origin()
    try:
        found: Origin = pydantic_data_converter.payload_converter.from_payload(payload, Origin)
    except (ValidationError, RuntimeError, ValueError, TypeError):
        return Origin()
    return found


def shown(workflow_id: str) -> str:
    """A workflow's id as a trace may show it: of a phone number only the last digits."""
    kind, _, rest = workflow_id.partition("/")
    return f"{kind}/*{rest[-_PHONE_DIGITS_SHOWN:]}" if kind == "number" else workflow_id


def _place(workflow_id: str) -> dict[str, str]:
    return {"temporal.workflow.id": shown(workflow_id)}


def _header() -> dict[str, Payload]:
    origin = here()
    if not origin.request_id and not origin.traceparent:
        return {}
    return {ORIGIN_HEADER: pydantic_data_converter.payload_converter.to_payload(origin)}
