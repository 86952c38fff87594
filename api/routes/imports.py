"""Imports of an account, and taking over what was imported."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from api.actions import needs
from api.answers import Answer, Name, OperationAnswer, PageAnswer, operation_answer
from api.parameters import IdInPath, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.base import Frozen, Json
from trunkline.model.imports import ImportedManifest, ImportReport
from trunkline.model.records import OperationRecord

router = APIRouter(prefix="/v1/projects/{project}", tags=["imports"])

_READ = problem_documents(401, 403, 404, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 413, 422, 503)

PlatformId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")]


class ImportOrder(Frozen):
    """Ask for an import. ``agents`` are ids on the platform; empty means every agent."""

    model_config = ConfigDict(json_schema_extra={"example": {"environment": "testing"}})

    environment: Name
    agents: Annotated[tuple[PlatformId, ...], Field(max_length=limits.API_NAMES_MAX)] = ()


class AdoptionOrder(Frozen):
    """Ask for agents to be taken over. ``names`` empty means all that Git wants taken over;
    ``agents`` maps ids on the platform to names whose manifests do not say them.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"environment": "testing", "names": ["front-desk"]}}
    )

    environment: Name
    names: Annotated[tuple[Name, ...], Field(max_length=limits.API_NAMES_MAX)] = ()
    agents: Annotated[dict[PlatformId, Name], Field(max_length=limits.API_NAMES_MAX)] = Field(
        default_factory=dict
    )
    allow_changes: bool = False
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


class ImportedAnswer(Answer):
    """One manifest: the document as JSON, comments by dotted path, and files beside it."""

    kind: str
    name: str
    path: str
    external_id: str
    document: dict[str, Json]
    comments: dict[str, str]
    files: dict[str, str]


class ImportNoteAnswer(Answer):
    """Something worth telling about one thing of the account."""

    kind: str
    external_id: str
    name: str
    path: str
    message: str


class ImportAnswer(Answer):
    """What became of an account; ``secrets`` must be set on the server."""

    environment: str
    agents: int
    tools: int
    documents: int
    numbers: int
    skipped: tuple[ImportNoteAnswer, ...]
    left_out: tuple[ImportNoteAnswer, ...]
    warnings: tuple[ImportNoteAnswer, ...]
    secrets: tuple[str, ...]


class AdoptableAnswer(Answer):
    """An agent Git wants taken over, and its id on the platform."""

    name: str
    external_id: str


class AdoptableListAnswer(Answer):
    """Everything that waits to be taken over, up to a bound."""

    items: tuple[AdoptableAnswer, ...]


@router.post("/imports", status_code=202, responses=_WRITE, openapi_extra=needs("import.create"))
async def create_import(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order: ImportOrder,
    request_id: RequestId,
    response: Response,
) -> OperationAnswer:
    """Read an account and turn it into manifests. Writes nothing outside. Needs operator."""
    operation = await services.imports.start(
        caller, project, order.environment, agent_ids=order.agents, request_id=request_id
    )
    return _accepted(operation, response)


@router.get("/imports/{operation_id}", responses=_READ, openapi_extra=needs("import.create"))
async def read_import(
    services: InstalledServices, caller: Caller, project: ProjectOfCaller, operation_id: IdInPath
) -> ImportAnswer:
    """What became of the account. Needs the role operator."""
    return _report(await services.imports.report(caller, project, operation_id))


@router.get(
    "/imports/{operation_id}/manifests", responses=_READ, openapi_extra=needs("import.create")
)
async def read_imported_manifests(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    operation_id: IdInPath,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=limits.API_PAGE_MAX)] = limits.API_PAGE_DEFAULT,
) -> PageAnswer[ImportedAnswer]:
    """The manifests, in the order of their paths. Needs the role operator."""
    page = await services.imports.manifests(
        caller, project, operation_id, cursor=cursor, limit=limit
    )
    return PageAnswer[ImportedAnswer](
        items=tuple(_manifest(each) for each in page.items), next_cursor=page.cursor
    )


@router.get("/adoptions", responses=_READ)
async def list_adoptable(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: Annotated[Name, Query()],
) -> AdoptableListAnswer:
    """Agents that Git wants taken over and nobody manages yet."""
    found = await services.imports.candidates(project, environment)
    return AdoptableListAnswer(
        items=tuple(AdoptableAnswer(name=name, external_id=found[name]) for name in sorted(found))
    )


@router.post("/adoptions", status_code=202, responses=_WRITE, openapi_extra=needs("adopt.create"))
async def create_adoption(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    order: AdoptionOrder,
    request_id: RequestId,
    response: Response,
) -> OperationAnswer:
    """Take agents over that Git names and nobody manages. Needs the role operator."""
    operation = await services.imports.adopt(
        caller,
        project,
        order.environment,
        names=order.names,
        agents=order.agents,
        allow_changes=order.allow_changes,
        reason=order.reason,
        request_id=request_id,
    )
    return _accepted(operation, response)


def _report(report: ImportReport) -> ImportAnswer:
    return ImportAnswer.model_validate(report.model_dump())


def _manifest(manifest: ImportedManifest) -> ImportedAnswer:
    return ImportedAnswer.model_validate(manifest.model_dump())


def _accepted(operation: OperationRecord, response: Response) -> OperationAnswer:
    place = f"/v1/projects/{operation.project}/operations/{operation.id}"
    response.headers["Location"] = place
    return operation_answer(operation)
