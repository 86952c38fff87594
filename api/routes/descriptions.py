"""Everything known of one agent or number, and what became of it from revision to revision."""

from fastapi import APIRouter

from api.answers import PageAnswer, page_answer
from api.descriptions import DescriptionAnswer, HistoryAnswer, description_answer, history_answer
from api.parameters import Cursor, EnvironmentFilter, Limit, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits

router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["status"],
    responses=problem_documents(400, 401, 404, 422, 503),
)


@router.get("/agents/{name}/description")
async def describe_agent(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> DescriptionAnswer:
    """Status, wish, ledger, what people said about it, newest plan and last events of an agent."""
    found = await services.descriptions.describe(project, "agent", name, environment=environment)
    return description_answer(found)


@router.get("/numbers/{name}/description")
async def describe_number(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> DescriptionAnswer:
    """The same of a phone number."""
    found = await services.descriptions.describe(project, "number", name, environment=environment)
    return description_answer(found)


@router.get("/agents/{name}/history")
async def read_history(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[HistoryAnswer]:
    """Releases of the agent, all of them, and the commits that touched it, as far as its events
    reach back; newest first.
    """
    page = await services.histories.page(
        project, name, environment=environment, cursor=cursor, limit=limit
    )
    return page_answer(page, history_answer, PageAnswer[HistoryAnswer])
