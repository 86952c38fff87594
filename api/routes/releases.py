"""What is released of an agent: its stage, its changelog, and holds that keep it as it is."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.actions import needs
from api.deciding import Deciding
from api.parameters import Cursor, EnvironmentFilter, Limit, NameInPath, ReasonGiven
from api.problems import problem_documents
from api.promotions import (
    ChangelogAnswer,
    DeployedAgentAnswer,
    DeployOrder,
    HoldAnswer,
    HoldOrder,
    changelog_answer,
    deployed_answer,
    promotion_path,
)
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.errors import NotFound
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.records import Stage, StatusRow
from trunkline.services.catalogue import Services

router = APIRouter(prefix="/v1/projects/{project}/agents/{name}", tags=["promotions"])

_READ = problem_documents(400, 401, 404, 409, 422, 503)
_DECIDE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)

Target = Annotated[
    str | None, Query(pattern=NAME_PATTERN, description="An environment that is promoted to")
]


@router.post(
    "/deploy",
    status_code=202,
    responses={
        200: {"model": DeployedAgentAnswer, "description": "The lifecycle says that already"},
        **_DECIDE,
    },
    openapi_extra=needs("promotion.start"),
)
async def deploy(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: DeployOrder,
    response: Response,
) -> DeployedAgentAnswer:
    """Bring an agent to a stage. Production starts a promotion, testing and draft become a commit
    on its lifecycle. Needs the role operator.
    """
    if order.wanted == "production":
        record = await services.promotions.start(
            by, project, name, environment=order.environment, changes=order.changes
        )
        response.headers["Location"] = promotion_path(record)
        row = await _row(services, project, name, record.origin)
        return deployed_answer(row, await services.releases.deployment(row), promotion=record)
    done = await services.release_commits.stage(
        by, project, name, stage=order.wanted, changes=order.changes
    )
    row = await _row(services, project, name, order.environment, stage=order.wanted)
    if done.revision is None:
        response.status_code = HTTPStatus.OK
    return deployed_answer(row, await services.releases.deployment(row), commit=done.revision)


@router.get("/changelog", responses=_READ)
async def read_changelog(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: Target = None,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> ChangelogAnswer:
    """What changed with each release, newest first, as far back as Git goes."""
    found = await services.releases.changelog(
        project, name, environment=environment, cursor=cursor, limit=limit
    )
    return changelog_answer(found)


@router.post("/hold", responses=_DECIDE, openapi_extra=needs("promotion.hold"))
async def hold(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: HoldOrder,
) -> HoldAnswer:
    """Keep automatic promotion off what runs, by a commit. Needs the role operator."""
    done = await services.release_commits.hold(
        by,
        project,
        name,
        environment=order.environment,
        reason=order.reason,
    )
    return HoldAnswer(
        project=project,
        environment=done.environment,
        agent=name,
        held=True,
        commit=done.revision,
    )


@router.delete("/hold", responses=_DECIDE, openapi_extra=needs("promotion.hold"))
async def lift_hold(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
    reason: ReasonGiven = "",
) -> HoldAnswer:
    """Let automatic promotion go on, by a commit. Needs the role operator."""
    done = await services.release_commits.unhold(
        by, project, name, environment=environment, reason=reason
    )
    return HoldAnswer(
        project=project,
        environment=done.environment,
        agent=name,
        held=False,
        commit=done.revision,
    )


async def _row(
    services: Services,
    project: str,
    name: str,
    environment: str | None,
    *,
    stage: Stage = "testing",
) -> StatusRow:
    """The agent's status where it is asked for, else where it was first; a draft has none yet."""
    where = environment
    if where is None:
        known = await services.status.environments_of(project, name)
        where = known[0] if known else None
    try:
        return await services.status.one(project, "agent", name, environment=where)
    except NotFound:
        now = datetime.now(UTC)
        return StatusRow(
            project=project,
            environment=where or "",
            kind="agent",
            name=name,
            stage=stage,
            health="Missing",
            created_at=now,
            changed_at=now,
        )
