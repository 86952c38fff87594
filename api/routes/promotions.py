"""Promotions: asked for, watched, agreed to, refused, ended, and taken back."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.actions import needs
from api.answers import PageAnswer, page_answer
from api.deciding import Deciding
from api.parameters import Cursor, EnvironmentFilter, IdInPath, Limit, NameInPath
from api.problems import problem_documents
from api.promotions import (
    ApproveOrder,
    PromotionAnswer,
    RefuseOrder,
    RollbackOrder,
    promotion_answer,
    promotion_path,
)
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.promotions.records import PromotionRecord
from trunkline.services.catalogue import Services

router = APIRouter(prefix="/v1/projects/{project}", tags=["promotions"])

_READ = problem_documents(400, 401, 404, 422, 503)
_DECIDE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)

AgentFilter = Annotated[
    str | None, Query(pattern=NAME_PATTERN, description="Only promotions of this agent")
]
OpenOnly = Annotated[bool, Query(alias="open", description="Only those that have not ended")]


@router.get("/promotions", responses=_READ)
async def list_promotions(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: EnvironmentFilter = None,
    agent: AgentFilter = None,
    open_only: OpenOnly = False,  # noqa: FBT002 - a query parameter has no position
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[PromotionAnswer]:
    """Promotions and rollbacks, newest first."""
    page = await services.promotions.page(
        project,
        environment=environment,
        agent=agent,
        open_only=open_only,
        cursor=cursor,
        limit=limit,
    )
    return page_answer(page, promotion_answer, PageAnswer[PromotionAnswer])


@router.get("/promotions/{promotion_id}", responses=_READ)
async def read_promotion(
    services: InstalledServices, project: ProjectOfCaller, promotion_id: IdInPath
) -> PromotionAnswer:
    """One promotion, with its tests and its rollout as they are right now."""
    return await _whole(services, await services.promotions.read(project, promotion_id))


@router.post(
    "/promotions/{promotion_id}/approve",
    responses=_DECIDE,
    openapi_extra=needs("promotion.approve", ruled=True),
)
async def approve(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    promotion_id: IdInPath,
    order: ApproveOrder | None = None,
) -> PromotionAnswer:
    """Agree to exactly what was tested. Needs a role the rules ask for; authors are refused."""
    record = await services.promotions.approve(
        by,
        project,
        promotion_id,
        comment=order.comment if order is not None else "",
    )
    return await _whole(services, record)


@router.post(
    "/promotions/{promotion_id}/reject", responses=_DECIDE, openapi_extra=needs("promotion.reject")
)
async def reject(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    promotion_id: IdInPath,
    order: RefuseOrder,
) -> PromotionAnswer:
    """Say no before the release. Needs the role approver."""
    record = await services.promotions.reject(by, project, promotion_id, reason=order.reason)
    return await _whole(services, record)


@router.post(
    "/promotions/{promotion_id}/abort", responses=_DECIDE, openapi_extra=needs("promotion.abort")
)
async def abort(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    promotion_id: IdInPath,
    order: RefuseOrder,
) -> PromotionAnswer:
    """End it; what was released already is rolled back. Needs the role operator or approver."""
    record = await services.promotions.abort(by, project, promotion_id, reason=order.reason)
    return await _whole(services, record)


@router.post(
    "/agents/{name}/rollback",
    status_code=202,
    responses=_DECIDE,
    openapi_extra=needs("promotion.rollback"),
)
async def roll_back(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: RollbackOrder,
    response: Response,
) -> PromotionAnswer:
    """Release a former version again, at once and whatever holds promotions back. Operator."""
    record = await services.promotions.rollback(
        by,
        project,
        name,
        environment=order.environment,
        to=order.to,
        reason=order.reason,
    )
    response.headers["Location"] = promotion_path(record)
    return await _whole(services, record)


async def _whole(services: Services, record: PromotionRecord) -> PromotionAnswer:
    return promotion_answer(record, await services.promotion_views.view(record))
