"""What people decide about carrying wishes out, and why something is not carried out."""

from fastapi import APIRouter, Response

from api.actions import needs
from api.answers import Name, OperationAnswer, operation_answer
from api.control_answers import (
    ApplyOrder,
    DecisionAnswer,
    DecisionsAnswer,
    DisableOrder,
    EnforceOrder,
    ResumeOrder,
    SuspendOrder,
    WhyAnswer,
    decision_answer,
    why_answer,
)
from api.deciding import Deciding
from api.parameters import EnvironmentFilter, IdInPath, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model.records import OperationRecord

router = APIRouter(prefix="/v1/projects/{project}", tags=["control"])

_READ = problem_documents(400, 401, 404, 422, 503)
_DECIDE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)


@router.post("/suspend", responses=_DECIDE, openapi_extra=needs("environment.suspend"))
async def suspend(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    order: SuspendOrder,
) -> DecisionAnswer:
    """Not one write in the project, or in one environment. Needs the role operator."""
    place = await services.control.place(project, order.environment)
    return decision_answer(
        await services.control.suspend(by, place, reason=order.reason, until=order.until)
    )


@router.post("/resume", responses=_DECIDE, openapi_extra=needs("environment.resume"))
async def resume(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    order: ResumeOrder | None = None,
) -> DecisionAnswer:
    """Let it go on; what was committed meanwhile is applied. Needs the role operator, with
    ``rules`` the role admin.
    """
    wanted = order or ResumeOrder()
    place = await services.control.place(project, wanted.environment)
    if wanted.rules:
        return decision_answer(
            await services.promotion_rules.agree(by, place, reason=wanted.reason), lifted=True
        )
    if wanted.prune:
        return decision_answer(
            await services.protection.resume(by, place, reason=wanted.reason), lifted=True
        )
    return decision_answer(
        await services.control.resume(by, place, reason=wanted.reason), lifted=True
    )


@router.post("/agents/{name}/suspend", responses=_DECIDE, openapi_extra=needs("agent.suspend"))
async def suspend_one(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: SuspendOrder,
) -> DecisionAnswer:
    """Not one write to an agent or number. Needs the role operator."""
    place = await services.control.place(project, order.environment, name)
    return decision_answer(
        await services.control.suspend(by, place, reason=order.reason, until=order.until)
    )


@router.post("/agents/{name}/resume", responses=_DECIDE, openapi_extra=needs("agent.resume"))
async def resume_one(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: ResumeOrder | None = None,
) -> DecisionAnswer:
    """Let an agent or number go on. Needs the role operator."""
    wanted = order or ResumeOrder()
    place = await services.control.place(project, wanted.environment, name)
    return decision_answer(
        await services.control.resume(by, place, reason=wanted.reason), lifted=True
    )


@router.post("/agents/{name}/disable", responses=_DECIDE, openapi_extra=needs("agent.disable"))
async def disable(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: DisableOrder,
) -> DecisionAnswer:
    """Take an agent's calls away at once, whatever is suspended or frozen. Needs operator."""
    place = await services.control.place(project, order.environment, name)
    return decision_answer(await services.control.disable(by, place, reason=order.reason))


@router.post("/agents/{name}/enable", responses=_DECIDE, openapi_extra=needs("agent.enable"))
async def enable(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: ResumeOrder | None = None,
) -> DecisionAnswer:
    """Give an agent its calls back. Needs the role operator."""
    wanted = order or ResumeOrder()
    place = await services.control.place(project, wanted.environment, name)
    return decision_answer(
        await services.control.enable(by, place, reason=wanted.reason), lifted=True
    )


@router.get("/interventions", responses=_READ)
async def list_decisions(
    services: InstalledServices, project: ProjectOfCaller, environment: EnvironmentFilter = None
) -> DecisionsAnswer:
    """Every decision of a person that is in force."""
    found = await services.control.decisions(project, environment)
    return DecisionsAnswer(items=tuple(decision_answer(each) for each in found))


@router.post(
    "/plans/{plan_id}/apply", status_code=202, responses=_DECIDE, openapi_extra=needs("plan.apply")
)
async def apply_plan(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    plan_id: IdInPath,
    order: ApplyOrder,
    response: Response,
) -> OperationAnswer:
    """Write exactly what a plan says, while the world is as it was. Operator or approver."""
    if order.override_window:
        plan = await services.operations.read_plan(project, plan_id)
        place = await services.control.place(project, plan.environment)
        await services.control.override_window(by, place, reason=order.override_window)
    operation = await services.applying.apply(
        by, project, plan_id, digest=order.digest, reason=order.reason
    )
    return _accepted(operation, response)


@router.post(
    "/environments/{environment}/enforce",
    status_code=202,
    responses=_DECIDE,
    openapi_extra=needs("environment.enforce"),
)
async def enforce(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    environment: Name,
    order: EnforceOrder,
    response: Response,
) -> OperationAnswer:
    """Confirm that an environment is enforced on its real accounts. Needs the role operator."""
    operation = await services.applying.enforce(
        by,
        project,
        environment,
        order.plan_id,
        digest=order.digest,
        confirmation=order.confirmation,
    )
    return _accepted(operation, response)


@router.get("/agents/{name}/why", responses=_READ)
async def why(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> WhyAnswer:
    """The whole chain from the commit to the vendor, for an agent or a number."""
    return why_answer(await services.why.why(project, name, environment=environment))


def _accepted(operation: OperationRecord, response: Response) -> OperationAnswer:
    path = f"/v1/projects/{operation.project}/operations/{operation.id}"
    response.headers["Location"] = path
    return operation_answer(operation)
