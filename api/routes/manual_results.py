"""What people found by calling an agent themselves."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from api.actions import needs
from api.answers import Answer, Name, PageAnswer, page_answer
from api.parameters import Cursor, Limit, NameInPath, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.manual_results import ManualResult, ManualVerdict

router = APIRouter(prefix="/v1/projects/{project}/agents/{name}", tags=["tests"])

_READ = problem_documents(400, 401, 404, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 413, 422, 503)


class ManualResultOrder(ManualVerdict):
    """Write down what a call was like; ``environment`` where the agent is in several. ``call`` is
    one that we know: what was said in it is kept with the result.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "duration": 94,
                "rating": 4,
                "status": "passed",
                "transcript": "Desk: Hello …\nMe: I need an appointment …",
                "notes": "Asked for the day twice",
                "checklist": {"greeting": True, "understanding": True, "tone": True},
            }
        }
    )

    environment: Name | None = None
    call: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")] | None = None

    def verdict(self) -> ManualVerdict:
        """What the person said, without the place."""
        return ManualVerdict.model_validate(
            self.model_dump(by_alias=False, exclude={"environment", "call"})
        )


class ManualResultAnswer(ManualResult, Answer):
    """A verdict with the stage and version the agent had when it was given."""


@router.post("/test-results", status_code=201, responses=_WRITE, openapi_extra=needs("test.record"))
async def record_manual_result(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    name: NameInPath,
    order: ManualResultOrder,
    request_id: RequestId,
    response: Response,
) -> ManualResultAnswer:
    """Write down a manual test. Needs the role operator."""
    result = await services.manual_results.record(
        caller,
        project,
        name,
        order.verdict(),
        environment=order.environment,
        request_id=request_id,
        call=order.call or "",
    )
    response.headers["Location"] = f"/v1/projects/{project}/agents/{name}/test-results"
    return _answer(result)


@router.get("/test-results", responses=_READ)
async def list_manual_results(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[ManualResultAnswer]:
    """Manual tests of an agent, newest first."""
    page = await services.manual_results.page(project, name, cursor=cursor, limit=limit)
    return page_answer(page, _answer, PageAnswer[ManualResultAnswer])


def _answer(result: ManualResult) -> ManualResultAnswer:
    return ManualResultAnswer.model_validate(result.model_dump(by_alias=False))
