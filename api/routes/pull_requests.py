"""Pull requests of the manifests repository: what a merge would do, as far as it was checked."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.answers import PageAnswer, page_answer
from api.parameters import Cursor, Limit
from api.problems import problem_documents
from api.pull_requests import PullRequestAnswer, pull_request_answer
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits

router = APIRouter(prefix="/v1/projects/{project}", tags=["pull-requests"])

OpenOnly = Annotated[bool, Query(alias="open", description="Only those that are not closed")]
PullRequestNumber = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[12])]


@router.get("/pull-requests", responses=problem_documents(400, 401, 404, 422, 503))
async def list_pull_requests(
    services: InstalledServices,
    project: ProjectOfCaller,
    open_only: OpenOnly = False,  # noqa: FBT002 - a query parameter has no position
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[PullRequestAnswer]:
    """Pull requests that were looked at, the newest first."""
    page = await services.pull_requests.page(
        project, open_only=open_only, cursor=cursor, limit=limit
    )
    return page_answer(page, pull_request_answer, PageAnswer[PullRequestAnswer])


@router.get("/pull-requests/{number}", responses=problem_documents(401, 404, 422, 503))
async def read_pull_request(
    services: InstalledServices, project: ProjectOfCaller, number: PullRequestNumber
) -> PullRequestAnswer:
    """One pull request, with the runs of its tests."""
    return pull_request_answer(await services.pull_requests.read(project, number))
