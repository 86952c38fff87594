"""Leaving an environment to itself: what it would mean, and doing it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict

from api.actions import needs
from api.answers import Answer, Name, OperationAnswer, operation_answer
from api.control_answers import Words
from api.parameters import RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model.base import Frozen
from trunkline.model.ejection import Belongings

router = APIRouter(prefix="/v1/projects/{project}", tags=["ejections"])

_READ = problem_documents(400, 401, 403, 404, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 413, 422, 503)


class EjectOrder(Frozen):
    """Leave an environment. ``confirmation`` is its name, typed once more."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"environment": "testing", "confirmation": "testing"}}
    )

    environment: Name
    confirmation: Words
    reason: Words = ""


class BelongingAnswer(Answer):
    """One thing of ours on a platform; it stays there."""

    kind: str
    name: str
    external_id: str


class BelongingsAnswer(Answer):
    """Everything an environment would let go of."""

    environment: str
    items: tuple[BelongingAnswer, ...]


class EjectionAnswer(BelongingsAnswer):
    """One environment that was left, and how that ended: what ``eject -o json`` lists."""

    operation: OperationAnswer


@router.get("/ejections", responses=_READ, openapi_extra=needs("environment.eject"))
async def read_belongings(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    environment: Annotated[Name, Query()],
) -> BelongingsAnswer:
    """What would lose our mark if the environment was left. Needs the role admin."""
    return _answer(await services.ejecting.belongings(caller, project, environment))


@router.post(
    "/ejections", status_code=202, responses=_WRITE, openapi_extra=needs("environment.eject")
)
async def create_ejection(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order: EjectOrder,
    request_id: RequestId,
    response: Response,
) -> OperationAnswer:
    """Leave an environment: agents and numbers go on without us. Needs the role admin."""
    operation = await services.ejecting.eject(
        caller,
        project,
        order.environment,
        confirmation=order.confirmation,
        reason=order.reason,
        request_id=request_id,
    )
    response.headers["Location"] = f"/v1/projects/{project}/operations/{operation.id}"
    return operation_answer(operation)


def _answer(found: Belongings) -> BelongingsAnswer:
    return BelongingsAnswer(
        environment=found.environment,
        items=tuple(
            BelongingAnswer(kind=item.kind, name=item.name, external_id=item.external_id)
            for item in found.items
        ),
    )
