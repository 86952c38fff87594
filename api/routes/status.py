"""How agents and numbers are, and what happened to them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import (
    AgentAnswer,
    EventAnswer,
    NumberAnswer,
    NumbersAnswer,
    PageAnswer,
    RouteAnswer,
    agent_answer,
    event_answer,
    inventory_answer,
    number_answer,
    page_answer,
    route_answer,
)
from api.parameters import (
    Cursor,
    EnvironmentFilter,
    Labels,
    LabelSelector,
    Limit,
    Moment,
    NameInPath,
    NumberInPath,
    NumberScope,
)
from api.problems import problem_documents
from api.promotions import DeployedAgentAnswer, deployed_answer
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.selectors import Requirement, Selector, parse_selector
from trunkline.services.catalogue import Services
from trunkline.services.numbers import AskedCall

router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["status"],
    responses=problem_documents(400, 401, 404, 422, 503),
)

CALLER_PATTERN = r"^(\+[1-9][0-9]{6,14})?$"
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
    selector: LabelSelector = [],  # noqa: B006 - as above
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[AgentAnswer]:
    """Agents by name and environment."""
    wanted = _selector(label, selector)
    page = await services.status.page(
        project, "agent", environment=environment, selector=wanted, cursor=cursor, limit=limit
    )
    await _require_known(services, project, environment, found=page.items)
    return page_answer(page, agent_answer, PageAnswer[AgentAnswer])


@router.get("/agents/{name}")
async def read_agent(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> DeployedAgentAnswer:
    """One agent; `environment` may be left out if the agent is in one only."""
    row = await services.status.one(project, "agent", name, environment=environment)
    return deployed_answer(row, await services.releases.deployment(row))


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
    if not page.items and after is None and cursor is None:
        await services.status.require(project, "agent", name, environment=environment)
    return page_answer(page, event_answer, PageAnswer[EventAnswer])


@router.get("/numbers")
async def list_numbers(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: EnvironmentFilter = None,
    scope: NumberScope = "wished",
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> NumbersAnswer:
    """Phone numbers by name and environment; with `scope=account` every number of the accounts,
    read from both vendors now, by number.
    """
    if scope == "account":
        found = await services.numbers.inventory(
            project, environment=environment, cursor=cursor, limit=limit
        )
        await _require_known(services, project, environment, found=found.page.items)
        listed = page_answer(found.page, inventory_answer, PageAnswer[NumberAnswer])
        return NumbersAnswer(
            items=listed.items, next_cursor=listed.next_cursor, problems=found.problems
        )
    page = await services.status.page(
        project, "number", environment=environment, cursor=cursor, limit=limit
    )
    await _require_known(services, project, environment, found=page.items)
    listed = page_answer(page, number_answer, PageAnswer[NumberAnswer])
    return NumbersAnswer(items=listed.items, next_cursor=listed.next_cursor)


@router.get("/numbers/{number}/route")
async def read_route(
    services: InstalledServices,
    project: ProjectOfCaller,
    number: NumberInPath,
    at: Annotated[Moment | None, Query(description="When the call comes; now if not given")] = None,
    caller: Annotated[
        str,
        Query(alias="from", pattern=CALLER_PATTERN, description="The caller's number in E.164"),
    ] = "",
    language: Annotated[
        str, Query(max_length=16, description="The language the call asks for")
    ] = "",
    skill: Annotated[str, Query(max_length=63, description="What the call is about")] = "",
    call: Annotated[
        str, Query(max_length=64, description="A carrier's id of a call, for lines with a weight")
    ] = "",
) -> RouteAnswer:
    """Where calls to a number go, layer by layer; `number` is E.164 or a manifest's name.

    If its calls come to us, `call` says who would take one, line by line. Nobody is called.
    """
    asked = AskedCall(at=at, caller=caller, language=language, skill=skill, call_id=call)
    report = await services.numbers.route(project, number)
    return route_answer(report, await services.numbers.call_route(project, number, asked))


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
    await _require_known(services, project, environment, found=page.items)
    return page_answer(page, event_answer, PageAnswer[EventAnswer])


async def _require_known(
    services: Services, project: str, environment: str | None, *, found: Sequence[object]
) -> None:
    """Raises InvalidInput for an environment that is not there and of which nothing is left."""
    if environment is not None and not found:
        await services.projects.require_environment(project, environment)


def _selector(labels: list[str], selectors: list[str]) -> Selector | None:
    pairs = [entry.partition("=") for entry in labels]
    equal = [Requirement(key=key, test="equal", value=value) for key, _, value in pairs]
    parsed = parse_selector(*selectors).requirements
    return Selector(requirements=(*equal, *parsed)) if equal or parsed else None
