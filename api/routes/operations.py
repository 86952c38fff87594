"""What people ask for: plans, diffs and syncs, and how far they are."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from api.actions import needs
from api.answers import (
    OperationAnswer,
    PlanAnswer,
    PlanOrder,
    SyncOrder,
    operation_answer,
    plan_answer,
)
from api.deciding import Deciding
from api.parameters import EnvironmentFilter, IdInPath, NameInPath, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.records import OperationRecord, PlanRecord
from trunkline.services.catalogue import Services

router = APIRouter(prefix="/v1/projects/{project}", tags=["operations"])

_READ = problem_documents(401, 404, 422, 503)
_WRITE = problem_documents(400, 401, 404, 413, 422, 503)
_SYNC = problem_documents(400, 401, 403, 404, 413, 422, 503)

Wait = Annotated[
    float,
    Query(alias="waitS", ge=0, le=limits.DIFF_WAIT_MAX_S, description="Seconds to wait for it"),
]


@router.post("/plans", status_code=202, responses=_WRITE, openapi_extra=needs("plan.create"))
async def create_plan(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order: PlanOrder,
    request_id: RequestId,
    response: Response,
) -> OperationAnswer:
    """Start a plan; the operation's `planId` names it once it is made. Writes nothing outside."""
    operation = await services.operations.plan(
        caller,
        project,
        order.environment,
        names=order.agents,
        hard_refresh=order.hard_refresh,
        request_id=request_id,
    )
    return _accepted(operation, response)


@router.get("/plans/{plan_id}", responses=_READ)
async def read_plan(
    services: InstalledServices, project: ProjectOfCaller, plan_id: IdInPath
) -> PlanAnswer:
    """A stored plan."""
    return plan_answer(await services.operations.read_plan(project, plan_id))


@router.get("/operations/{operation_id}", responses=_READ)
async def read_operation(
    services: InstalledServices, project: ProjectOfCaller, operation_id: IdInPath
) -> OperationAnswer:
    """How far an operation is."""
    return operation_answer(await services.operations.read(project, operation_id))


@router.get(
    "/agents/{name}/diff",
    responses={
        202: {"model": OperationAnswer, "description": "There is no plan (yet): follow this"},
        **problem_documents(400, 401, 404, 422, 503),
    },
    response_model=PlanAnswer,
)
async def diff_agent(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    name: NameInPath,
    request_id: RequestId,
    environment: EnvironmentFilter = None,
    wait_s: Wait = 20.0,
) -> PlanAnswer | JSONResponse:
    """The plan of one agent: what Git wants against what the platform says now."""
    if environment is None:
        row = await services.status.one(project, "agent", name, environment=None)
        environment = row.environment
    found = await services.operations.diff(
        caller, project, environment, name, wait_s=wait_s, request_id=request_id
    )
    if isinstance(found, PlanRecord):
        return plan_answer(found)
    return JSONResponse(
        operation_answer(found).model_dump(mode="json"), 202, headers=_location(found)
    )


@router.post("/sync", status_code=202, responses=_SYNC, openapi_extra=needs("sync.create"))
async def sync_project(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    response: Response,
    order: SyncOrder | None = None,
) -> OperationAnswer:
    """Look at Git now and bring the platforms to it. Needs the role operator."""
    return _accepted(await _synced(services, by, project, order or SyncOrder()), response)


@router.post(
    "/agents/{name}/sync", status_code=202, responses=_SYNC, openapi_extra=needs("sync.create")
)
async def sync_agent(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    response: Response,
    order: SyncOrder | None = None,
) -> OperationAnswer:
    """Bring one agent or number to what Git wants. Needs the role operator."""
    return _accepted(await _synced(services, by, project, order or SyncOrder(), name), response)


async def _synced(
    services: Services, by: Deciding, project: str, order: SyncOrder, name: str = ""
) -> OperationRecord:
    """What was asked for, through closed windows if the order says why."""
    if order.override_window:
        place = await services.control.place(project, order.environment, name)
        await services.control.override_window(by, place, reason=order.override_window)
    return await services.operations.sync(
        by.principal,
        project,
        environment=order.environment,
        names=(name,) if name else (),
        hard_refresh=order.hard_refresh,
        reason=order.reason,
        request_id=by.request_id,
    )


def _accepted(operation: OperationRecord, response: Response) -> OperationAnswer:
    response.headers.update(_location(operation))
    return operation_answer(operation)


def _location(operation: OperationRecord) -> dict[str, str]:
    return {"Location": f"/v1/projects/{operation.project}/operations/{operation.id}"}
