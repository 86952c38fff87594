"""Projects that exist for the caller, and the audit log across them."""

from fastapi import APIRouter

from api.answers import (
    AuditAnswer,
    PageAnswer,
    ProjectAnswer,
    audit_answer,
    page_answer,
    project_answer,
)
from api.parameters import Cursor, Limit
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits

router = APIRouter(prefix="/v1")


@router.get("/projects", tags=["projects"], responses=problem_documents(401, 503))
async def list_projects(services: InstalledServices, caller: Caller) -> PageAnswer[ProjectAnswer]:
    """Every project of the token, with the state of its Git."""
    states = await services.projects.states(caller)
    return PageAnswer[ProjectAnswer](items=tuple(project_answer(state) for state in states))


@router.get(
    "/projects/{project}", tags=["projects"], responses=problem_documents(401, 404, 422, 503)
)
async def read_project(
    services: InstalledServices, caller: Caller, project: ProjectOfCaller
) -> ProjectAnswer:
    """One project, the state of its Git and its environments."""
    return project_answer(await services.projects.state(caller, project))


@router.get("/audit", tags=["audit"], responses=problem_documents(400, 401, 403, 422, 503))
async def read_audit(
    services: InstalledServices,
    caller: Caller,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[AuditAnswer]:
    """Every write through the API, newest first. Needs the role admin."""
    page = await services.access.audit(caller, cursor=cursor, limit=limit)
    return page_answer(page, audit_answer, PageAnswer[AuditAnswer])
