"""Keeping agents from being deleted."""

from fastapi import APIRouter

from api.actions import needs
from api.control_answers import (
    DecisionAnswer,
    DisableOrder,
    ResumeOrder,
    decision_answer,
)
from api.parameters import NameInPath, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.services.control import Caller as Deciding

router = APIRouter(prefix="/v1/projects/{project}", tags=["control"])

_DECIDE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)


@router.post("/agents/{name}/protect", responses=_DECIDE, openapi_extra=needs("agent.protect"))
async def protect(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    name: NameInPath,
    order: DisableOrder,
    request_id: RequestId,
) -> DecisionAnswer:
    """Never delete the agent, whatever Git says. Needs the role operator."""
    place = await services.control.place(project, order.environment, name)
    by = Deciding(caller, request_id)
    return decision_answer(await services.protection.protect(by, place, reason=order.reason))


@router.post("/agents/{name}/unprotect", responses=_DECIDE, openapi_extra=needs("agent.protect"))
async def unprotect(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    name: NameInPath,
    request_id: RequestId,
    order: ResumeOrder | None = None,
) -> DecisionAnswer:
    """Let the agent be deleted again; its tag goes, too. Needs the role operator."""
    wanted = order or ResumeOrder()
    place = await services.control.place(project, wanted.environment, name)
    by = Deciding(caller, request_id)
    return decision_answer(
        await services.protection.unprotect(by, place, reason=wanted.reason), lifted=True
    )
