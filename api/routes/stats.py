"""An agent in numbers."""

from fastapi import APIRouter
from pydantic import ConfigDict

from api.answers import Answer
from api.parameters import EnvironmentFilter, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model.agent_stats import AgentTally

router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["status"],
    responses=problem_documents(400, 401, 404, 422, 503),
)


class AgentStatsAnswer(AgentTally, Answer):
    """Numbers of one agent in one environment. ``complete`` is false if there is more than was
    counted: the newest rows are counted, up to a bound.
    """

    model_config = ConfigDict(extra="ignore")

    project: str
    environment: str
    agent: str
    complete: bool


@router.get("/agents/{name}/stats")
async def read_agent_stats(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> AgentStatsAnswer:
    """Releases, lead time, rollbacks, tests, manual results and drift, of all and per version."""
    found = await services.stats.agent(project, name, environment=environment)
    return AgentStatsAnswer(
        **found.counted.model_dump(by_alias=False),
        project=project,
        environment=found.environment,
        agent=found.agent,
        complete=found.complete,
    )
