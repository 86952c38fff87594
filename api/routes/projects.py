"""Projects that exist for the caller; registering one and forgetting one."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.actions import needs
from api.administration import ProjectOrder, RemovalAnswer, removal_answer
from api.answers import PageAnswer, ProjectAnswer, page_answer, project_answer
from api.parameters import Cursor, Limit, ReasonGiven, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits

router = APIRouter(prefix="/v1")

KeepObjects = Annotated[
    bool,
    Query(alias="keepObjects", description="Leave what it owns on the platforms to itself"),
]


@router.get("/projects", tags=["projects"], responses=problem_documents(400, 401, 422, 503))
async def list_projects(
    services: InstalledServices,
    caller: Caller,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_MAX,
) -> PageAnswer[ProjectAnswer]:
    """Projects of the token by name, with the state of their Git; a page is 200 unless asked."""
    page = await services.projects.states(caller, cursor=cursor, limit=limit)
    return page_answer(page, project_answer, PageAnswer[ProjectAnswer])


@router.get(
    "/projects/{project}", tags=["projects"], responses=problem_documents(401, 404, 422, 503)
)
async def read_project(
    services: InstalledServices, caller: Caller, project: ProjectOfCaller
) -> ProjectAnswer:
    """One project, the state of its Git and its environments."""
    return project_answer(await services.projects.state(caller, project))


@router.post(
    "/projects",
    tags=["projects"],
    status_code=201,
    responses=problem_documents(400, 401, 403, 409, 413, 422, 503),
    openapi_extra=needs("project.add"),
)
async def add_project(
    services: InstalledServices, caller: Caller, order: ProjectOrder, request_id: RequestId
) -> ProjectAnswer:
    """Register a manifests repository and look at it. Needs an admin of every project."""
    state = await services.projects.add(
        caller, order.record(), reason=order.reason, request_id=request_id
    )
    return project_answer(state)


@router.delete(
    "/projects/{project}",
    tags=["projects"],
    responses=problem_documents(401, 403, 404, 409, 422, 503),
    openapi_extra=needs("project.remove"),
)
async def remove_project(
    *,
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    request_id: RequestId,
    keep_objects: KeepObjects = False,
    reason: ReasonGiven = "",
) -> RemovalAnswer:
    """End a project's workflows and forget it; nothing on a platform is touched.

    409 while it owns objects there, unless `keepObjects`. Needs an admin of every project.
    """
    removal = await services.projects.remove(
        caller, project, keep_objects=keep_objects, reason=reason, request_id=request_id
    )
    return removal_answer(removal)
