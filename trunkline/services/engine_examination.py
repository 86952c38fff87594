"""How Temporal is: version, namespace, search attributes, and whether workers ask for work."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.names import SEARCH_ATTRIBUTES
from trunkline.model.findings import EngineFacts
from trunkline.queues import QUEUES, Queue
from trunkline.services.engine import UNANSWERED, unavailable

CALL_TIMEOUT = timedelta(seconds=5)
ASKED_WITHIN = timedelta(seconds=90)
"""A worker's long poll lasts a minute; one that has not asked for longer is gone or stuck."""


class EngineExamination:
    """What ``services.doctor`` asks of Temporal."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def facts(self) -> EngineFacts:
        """Look now. Raises EngineUnavailable."""
        try:
            info = await self._client.workflow_service.get_system_info(
                GetSystemInfoRequest(), timeout=CALL_TIMEOUT
            )
            refusal = await self._namespace_refusal()
            missing = () if refusal else await self._missing_attributes()
            asked = [] if refusal else await asyncio.gather(*map(self._is_asked, QUEUES))
        except UNANSWERED as error:
            raise unavailable(error) from error
        return EngineFacts(
            version=info.server_version,
            namespace_refusal=refusal,
            missing_attributes=missing,
            queues=tuple(queue.name for queue in QUEUES),
            silent_queues=tuple(
                queue.name for queue, is_asked in zip(QUEUES, asked, strict=False) if not is_asked
            ),
        )

    async def _namespace_refusal(self) -> str:
        try:
            await self._client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self._client.namespace), timeout=CALL_TIMEOUT
            )
        except RPCError as error:
            if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.PERMISSION_DENIED}:
                raise
            return error.message
        return ""

    async def _missing_attributes(self) -> tuple[str, ...]:
        listed = await self._client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=self._client.namespace), timeout=CALL_TIMEOUT
        )
        return tuple(name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes)

    async def _is_asked(self, queue: Queue) -> bool:
        """True if a worker asked for every kind of task the queue serves."""
        kinds = [TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY] if queue.activities else []
        kinds += [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW] if queue.serves_workflows else []
        for kind in kinds:
            answer = await self._client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=self._client.namespace,
                    task_queue=TaskQueue(name=queue.name),
                    task_queue_type=kind,
                ),
                timeout=CALL_TIMEOUT,
            )
            oldest = datetime.now(UTC) - ASKED_WITHIN
            asked = [poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers]
            if not any(moment >= oldest for moment in asked):
                return False
        return True
