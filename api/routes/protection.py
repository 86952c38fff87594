"""Keeping agents from being deleted."""

from fastapi import APIRouter

from api.actions import needs
from api.control_answers import (
    DecisionAnswer,
    DisableOrder,
    ResumeOrder,
    decision_answer,
)
from api.deciding import Deciding
from api.parameters import NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller

router = APIRouter(prefix="/v1/projects/{project}", tags=["control"])

_DECIDE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)


@router.post("/agents/{name}/protect", responses=_DECIDE, openapi_extra=needs("agent.protect"))
async def protect(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: DisableOrder,
) -> DecisionAnswer:
    """Never delete the agent, whatever Git says. Needs the role operator."""
    place = await services.control.place(project, order.environment, name)
    return decision_answer(await services.protection.protect(by, place, reason=order.reason))


@router.post("/agents/{name}/unprotect", responses=_DECIDE, openapi_extra=needs("agent.protect"))
async def unprotect(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: ResumeOrder | None = None,
) -> DecisionAnswer:
    """Let the agent be deleted again; its tag goes, too. Needs the role operator."""
    wanted = order or ResumeOrder()
    place = await services.control.place(project, wanted.environment, name)
    return decision_answer(
        await services.protection.unprotect(by, place, reason=wanted.reason), lifted=True
    )
