"""What people ask for: plans, diffs and syncs, each an operation that can be followed to its end.

An operation row exists before Temporal hears of it, so that whoever asked can always look; if
Temporal does not take it, the row ends as Error and says so.
"""

import asyncio
from collections.abc import Sequence

from activities.types import PlanInput, RefreshRequest
from trunkline.model import limits
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import EngineUnavailable, InvalidInput, NotFound
from trunkline.model.records import OperationKind, OperationRecord, PlanRecord
from trunkline.ports import Operations, Statuses, Wishes
from trunkline.services.absent_names import absent
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.opening import opened
from trunkline.services.projects import ProjectService

NOBODY_WAITS = "No agent or number has to change for it."
"""What an operation says that ends at once; objects nothing refers to go by themselves."""


class OperationService:
    """Plans, diffs and syncs. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        operations: Operations,
        wishes: Wishes,
        statuses: Statuses,
        *,
        projects: ProjectService,
        access: AccessService,
        engine: Engine,
    ) -> None:
        self._operations = operations
        self._wishes = wishes
        self._statuses = statuses
        self._projects = projects
        self._access = access
        self._engine = engine

    async def plan(
        self,
        principal: Principal,
        project: str,
        environment: str,
        *,
        names: Sequence[str] = (),
        hard_refresh: bool = False,
        request_id: str,
    ) -> OperationRecord:
        """Start a plan of an environment, or of some of its agents and numbers.

        Raises InvalidInput, NotFound, EngineUnavailable.
        """
        await self._known_environment(project, environment)
        await self._known_names(project, environment, names)
        operation = await opened(self._operations, project, "plan", by=principal.person)
        await self._audit(
            principal,
            operation,
            "plan.create",
            subject=environment,
            request_id=request_id,
            details={"names": list(names), "hardRefresh": hard_refresh},
        )
        request = PlanInput(
            operation_id=operation.id,
            project=project,
            environment=environment,
            names=tuple(names),
            hard_refresh=hard_refresh,
            request_id=request_id,
        )
        try:
            await self._engine.plan(request)
        except EngineUnavailable as error:
            await self._operations.finish_operation(operation.id, "Error", error.message)
            raise
        return operation

    async def diff(
        self,
        principal: Principal,
        project: str,
        environment: str,
        name: str,
        *,
        wait_s: float,
        request_id: str,
    ) -> PlanRecord | OperationRecord:
        """The plan of one agent, or its operation if that takes longer than ``wait_s``."""
        operation = await self.plan(
            principal, project, environment, names=(name,), request_id=request_id
        )
        ended = await self._wait(operation, wait_s)
        if ended.plan_id is None:
            return ended
        return await self.read_plan(project, ended.plan_id)

    async def sync(
        self,
        principal: Principal,
        project: str,
        *,
        environment: str | None = None,
        names: Sequence[str] = (),
        hard_refresh: bool = False,
        reason: str = "",
        request_id: str,
    ) -> OperationRecord:
        """Look at Git now and bring the platforms to it; ``names`` limits it to those.

        Raises Forbidden, InvalidInput, NotFound, EngineUnavailable.
        """
        principal.require("sync.create")
        if environment is not None:
            await self._known_environment(project, environment)
        await self._known_names(project, environment, names)
        operation = await opened(self._operations, project, "sync", by=principal.person)
        await self._audit(
            principal,
            operation,
            "sync.create",
            subject=", ".join(names) or environment or project,
            request_id=request_id,
            reason=reason,
            details={"environment": environment, "hardRefresh": hard_refresh},
            before=await self.in_place(project, environment, names),
        )
        request = RefreshRequest(
            operation_id=operation.id,
            hard=hard_refresh,
            environment=environment,
            names=tuple(names),
            request_id=request_id,
        )
        record = await self._projects.find(principal, project)
        try:
            await self._engine.refresh(project, request, poll_interval_s=record.poll_interval_s)
        except EngineUnavailable as error:
            await self._operations.finish_operation(operation.id, "Error", error.message)
            raise
        return operation

    async def begin(
        self, principal: Principal, project: str, kind: OperationKind, request: RefreshRequest
    ) -> OperationRecord:
        """Open an operation and look at Git for it; one without names has nobody to wait for.

        Raises NotFound, EngineUnavailable.
        """
        operation = await opened(self._operations, project, kind, by=principal.person)
        if not request.names:
            await self._operations.finish_operation(operation.id, "Succeeded", NOBODY_WAITS)
            return await self.read(project, operation.id)
        record = await self._projects.find(principal, project)
        try:
            await self._engine.refresh(
                project,
                request.model_copy(update={"operation_id": operation.id}),
                poll_interval_s=record.poll_interval_s,
            )
        except EngineUnavailable as error:
            await self._operations.finish_operation(operation.id, "Error", error.message)
            raise
        return operation

    async def in_place(
        self, project: str, environment: str | None, names: Sequence[str]
    ) -> JsonObject:
        """What a write begins from, for the audit log: the commit that counts, and of what is named
        the digest each has, by environment and name.
        """
        environments = [environment] if environment is not None else []
        if not environments and names:
            environments = [found.name for found in await self._projects.environments(project)]
        digests: JsonObject = {}
        for name in names[: limits.AUDIT_NAMES_MAX]:
            for place in environments:
                row = await self._statuses.status(project, place, "agent", name)
                if row is not None:
                    digests[f"{place}/{name}"] = row.digest
        revision = await self._projects.applied(project)
        return {"revision": revision, "digests": digests} if digests else {"revision": revision}

    async def read(self, project: str, operation_id: str) -> OperationRecord:
        """One operation of the project. Raises NotFound."""
        operation = await self._operations.operation(operation_id)
        if operation is None or operation.project != project:
            raise NotFound(f"There is no operation {operation_id!r} in project {project!r}")
        return operation

    async def read_plan(self, project: str, plan_id: str) -> PlanRecord:
        """One plan of the project. Raises NotFound."""
        plan = await self._operations.plan(plan_id)
        if plan is None or plan.project != project:
            raise NotFound(f"There is no plan {plan_id!r} in project {project!r}")
        return plan

    async def _audit(
        self,
        principal: Principal,
        operation: OperationRecord,
        action: str,
        *,
        subject: str,
        request_id: str,
        reason: str = "",
        details: dict[str, Json],
        before: JsonObject | None = None,
    ) -> None:
        await self._access.record(
            principal,
            action,
            project=operation.project,
            subject=subject,
            request_id=request_id,
            reason=reason,
            details={"operation": operation.id, **details},
            before=before,
        )

    async def _wait(self, operation: OperationRecord, wait_s: float) -> OperationRecord:
        deadline = asyncio.get_running_loop().time() + min(wait_s, limits.DIFF_WAIT_MAX_S)
        seen = operation
        while seen.state == "Running" and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(limits.OPERATION_POLL_S)
            seen = await self.read(operation.project, operation.id)
        return seen

    async def _known_environment(self, project: str, environment: str) -> None:
        await self._projects.require_environment(project, environment)

    async def _known_names(
        self, project: str, environment: str | None, names: Sequence[str]
    ) -> None:
        if len(names) > limits.API_NAMES_MAX:
            raise InvalidInput(
                f"{len(names)} names are too many for one request",
                hint=f"Name at most {limits.API_NAMES_MAX}, or a whole environment",
            )
        if environment is None:
            known = [found.name for found in await self._projects.environments(project)]
        else:
            known = [environment]
        for name in names:
            if not await self._is_known(project, known, name):
                what = "agent or number"
                raise await absent(self._statuses, project, name, environment, what=what)

    async def _is_known(self, project: str, environments: Sequence[str], name: str) -> bool:
        for environment in environments:
            if await self._wishes.wish(project, environment, "agent", name) is not None:
                return True
            if await self._wishes.wish(project, environment, "number", name) is not None:
                return True
            if await self._statuses.status(project, environment, "agent", name) is not None:
                return True
        return False
