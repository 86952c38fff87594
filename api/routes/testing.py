"""Conversation tests on request, and what came of them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from api.actions import needs
from api.answers import Answer, Name, PageAnswer, page_answer
from api.parameters import Cursor, IdInPath, Limit, NameInPath, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.base import Frozen
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.testing import limits as testing_limits
from trunkline.model.testing.junit import junit_xml
from trunkline.model.testing.results import Outcome, TestRunReport
from trunkline.services.testing import TestOrder

router = APIRouter(prefix="/v1/projects/{project}", tags=["tests"])

_READ = problem_documents(400, 401, 404, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 413, 422, 503)

Names = Annotated[tuple[Name, ...], Field(max_length=limits.API_NAMES_MAX)]
BranchName = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x20~^:?*\[\\]*$")]
AgentFilter = Annotated[
    str | None, Query(pattern=NAME_PATTERN, description="Only runs that tested this agent")
]


class AgentTestOrder(Frozen):
    """Test one agent. ``environment`` is whose configuration is tested; without it, that of the
    branch. ``branch`` is another branch of the repository. ``repeat`` and ``mode`` stand in for
    what the tests say. ``compare`` is an environment to compare every result with.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"environment": "testing", "tags": ["smoke"]}}
    )

    environment: Name | None = None
    branch: BranchName = ""
    tags: Names = ()
    tests: Names = ()
    repeat: Annotated[int, Field(ge=1, le=testing_limits.TEST_RUNS_MAX)] | None = None
    mode: Literal["text", "audio", "phone"] | None = None
    runner: Literal["conversations", "platform"] = "conversations"
    compare: Name | None = None

    def order(self, agents: tuple[str, ...]) -> TestOrder:
        """The same as services take it."""
        said = self.model_dump(by_alias=False, exclude_none=True, exclude={"agents"})
        return TestOrder.model_validate({**said, "agents": agents})


class FleetTestOrder(AgentTestOrder):
    """Test some agents, or with no ``agents`` all of them."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"agents": ["front-desk"], "environment": "testing"}}
    )

    agents: Names = ()


class TestRunStarted(Answer):
    """A run that was asked for; ``href`` says how far it is."""

    __test__ = False

    id: str
    href: str
    state: str
    outcome: Outcome | None = None


class TestRunAnswer(TestRunReport, Answer):
    """A run with its tests; lists leave out what was said."""

    __test__ = False


@router.post(
    "/agents/{name}/test-runs", status_code=202, responses=_WRITE, openapi_extra=needs("test.run")
)
async def order_tests_of_agent(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    name: NameInPath,
    order: AgentTestOrder,
    request_id: RequestId,
    response: Response,
) -> TestRunStarted:
    """Run the tests of an agent. Nothing live changes. Needs the role operator."""
    report = await services.test_runs.start(
        caller, project, order.order((name,)), request_id=request_id
    )
    return _started(report, response)


@router.post("/test-runs", status_code=202, responses=_WRITE, openapi_extra=needs("test.run"))
async def order_tests(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order: FleetTestOrder,
    request_id: RequestId,
    response: Response,
) -> TestRunStarted:
    """Run the tests of several agents. Nothing live changes. Needs the role operator."""
    report = await services.test_runs.start(
        caller, project, order.order(order.agents), request_id=request_id
    )
    return _started(report, response)


@router.get("/test-runs", responses=_READ)
async def list_test_runs(
    services: InstalledServices,
    project: ProjectOfCaller,
    agent: AgentFilter = None,
    cursor: Cursor = None,
    limit: Limit = testing_limits.TEST_RUNS_PAGE_MAX,
) -> PageAnswer[TestRunAnswer]:
    """Runs without what was said, newest first; a page holds fewer than elsewhere."""
    page = await services.test_runs.page(project, agent=agent, cursor=cursor, limit=limit)
    return page_answer(page, _answer, PageAnswer[TestRunAnswer])


@router.get("/test-runs/{run_id}", responses=_READ)
async def read_test_run(
    services: InstalledServices, project: ProjectOfCaller, run_id: IdInPath
) -> TestRunAnswer:
    """A run, how far it is, and everything that was said."""
    return _answer(await services.test_runs.read(project, run_id))


@router.get(
    "/test-runs/{run_id}/junit.xml",
    response_class=Response,
    responses={
        200: {"content": {"application/xml": {}}, "description": "The run as JUnit XML"},
        **_READ,
    },
)
async def read_junit(
    services: InstalledServices, project: ProjectOfCaller, run_id: IdInPath
) -> Response:
    """A run as JUnit XML, so far as it is."""
    report = await services.test_runs.read(project, run_id)
    return Response(junit_xml(report), media_type="application/xml")


@router.delete(
    "/test-runs/{run_id}", status_code=202, responses=_WRITE, openapi_extra=needs("test.run")
)
async def cancel_test_run(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    run_id: IdInPath,
    request_id: RequestId,
    response: Response,
) -> TestRunStarted:
    """Ask a run to end; what was found out stays. Needs the role operator."""
    report = await services.test_runs.cancel(caller, project, run_id, request_id=request_id)
    return _started(report, response)


def _started(report: TestRunReport, response: Response) -> TestRunStarted:
    href = f"/v1/projects/{report.project}/test-runs/{report.id}"
    response.headers["Location"] = href
    return TestRunStarted(id=report.id, href=href, state=report.state, outcome=report.outcome)


def _answer(report: TestRunReport) -> TestRunAnswer:
    return TestRunAnswer.model_validate(report.model_dump(by_alias=False))
