"""What a signal is held to before its handler sees it: the arguments the handler is written for.

Anybody who may open Temporal's UI can send a signal with nothing in it, with null, bytes or too
much. The SDK drops only what it cannot read, and a workflow whose handler raises, or keeps what is
no request, is held up until somebody terminates it. Such a signal is dropped here.
"""

import inspect
from collections.abc import Sequence

from temporalio import workflow
from temporalio.worker import (
    HandleSignalInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class SignalRim(Interceptor):
    """Wraps the signals of every workflow of a worker."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        """The wrapper, of which the SDK makes one for each workflow."""
        return _FittingSignals


class _FittingSignals(WorkflowInboundInterceptor):
    async def handle_signal(
        self,
        input: HandleSignalInput,  # noqa: A002 - the SDK's name
    ) -> None:
        """Hand it on, unless it is not what its handler is written for."""
        handler = workflow.get_signal_handler(input.signal)
        if handler is not None and not _fit(inspect.signature(handler), input.args):
            workflow.logger.warning("signal %s dropped: it carries something else", input.signal)
            return
        await self.next.handle_signal(input)


def _fit(signature: inspect.Signature, arguments: Sequence[object]) -> bool:
    """True if there are as many as there should be, each of its own type."""
    try:
        bound = signature.bind(*arguments).arguments
    except TypeError:
        return False
    kinds = ((value, signature.parameters[name].annotation) for name, value in bound.items())
    return all(isinstance(value, kind) for value, kind in kinds if isinstance(kind, type))
