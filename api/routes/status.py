"""How agents and numbers are, and what happened to them."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import (
    AgentAnswer,
    EventAnswer,
    NumberAnswer,
    PageAnswer,
    agent_answer,
    event_answer,
    number_answer,
    page_answer,
)
from api.parameters import Cursor, EnvironmentFilter, Labels, Limit, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits

router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["status"],
    responses=problem_documents(400, 401, 404, 422, 503),
)

After = Annotated[
    int | None,
    Query(ge=0, le=2**62, description="Only events above this id, oldest first, for following"),
]


@router.get("/agents")
async def list_agents(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: EnvironmentFilter = None,
    label: Labels = [],  # noqa: B006 - FastAPI copies the default
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[AgentAnswer]:
    """Agents by name and environment."""
    pairs = dict(entry.split("=", 1) for entry in label)
    page = await services.status.page(
        project, "agent", environment=environment, labels=pairs, cursor=cursor, limit=limit
    )
    return page_answer(page, agent_answer, PageAnswer[AgentAnswer])


@router.get("/agents/{name}")
async def read_agent(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> AgentAnswer:
    """One agent; `environment` may be left out if the agent is in one only."""
    row = await services.status.one(project, "agent", name, environment=environment)
    return agent_answer(row)


@router.get("/agents/{name}/events")
async def list_agent_events(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
    cursor: Cursor = None,
    after: After = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[EventAnswer]:
    """What happened to one agent, newest first, or oldest first above `after`."""
    if after is not None:
        page = await services.status.events_after(
            project, after=after, environment=environment, kind="agent", name=name, limit=limit
        )
    else:
        page = await services.status.events(
            project, environment=environment, kind="agent", name=name, cursor=cursor, limit=limit
        )
    return page_answer(page, event_answer, PageAnswer[EventAnswer])


@router.get("/numbers")
async def list_numbers(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: EnvironmentFilter = None,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[NumberAnswer]:
    """Phone numbers by name and environment."""
    page = await services.status.page(
        project, "number", environment=environment, cursor=cursor, limit=limit
    )
    return page_answer(page, number_answer, PageAnswer[NumberAnswer])


@router.get("/events")
async def list_events(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: EnvironmentFilter = None,
    cursor: Cursor = None,
    after: After = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[EventAnswer]:
    """What happened in a project, newest first, or oldest first above `after`."""
    if after is not None:
        page = await services.status.events_after(
            project, after=after, environment=environment, limit=limit
        )
    else:
        page = await services.status.events(
            project, environment=environment, cursor=cursor, limit=limit
        )
    return page_answer(page, event_answer, PageAnswer[EventAnswer])
