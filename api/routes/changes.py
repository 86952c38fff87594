"""Changes of manifests: what people ask for here becomes a commit or a pull request."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from api.actions import needs
from api.answers import PageAnswer, page_answer
from api.changes import (
    REVISION_PATTERN,
    AgentOrder,
    AgentPatchOrder,
    AssignmentOrder,
    ChangeAnswer,
    ChangeBase,
    FoundChangeAnswer,
    FreeChangeOrder,
    ManifestAnswer,
    ManifestRowAnswer,
    NewAgentOrder,
    change_answer,
    found_answer,
    manifest_answer,
    row_answer,
)
from api.deciding import Deciding
from api.parameters import Cursor, Limit, NameInPath, NumberInPath, ReasonGiven
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.changes import CHANGE_ID_PATTERN, Change, ManifestKind, Via

router = APIRouter(prefix="/v1/projects/{project}", tags=["changes"])

_READ = problem_documents(400, 401, 404, 409, 422, 503)
_WRITE = {
    200: {"model": ChangeAnswer, "description": "The branch says so already: nothing was pushed"},
    **problem_documents(400, 401, 403, 404, 409, 413, 422, 428, 503),
}

ChangeInPath = Annotated[str, Path(pattern=CHANGE_ID_PATTERN, examples=["change-8d5f3c1b7a2e"])]
BaseGiven = Annotated[
    str | None, Query(pattern=REVISION_PATTERN, description="The commit that was looked at")
]
ViaGiven = Annotated[Via, Query(description="A commit or a pull request")]


async def _looked_at(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=60,
            pattern=r'^(W/)?"?[0-9a-f]{40}"?$',
            description="The commit that was looked at, where the body has no `base`",
        ),
    ] = None,
) -> str | None:
    return if_match.removeprefix("W/").strip('"') if if_match else None


LookedAt = Annotated[str | None, Depends(_looked_at)]


async def _order_of_query(
    base: BaseGiven = None, via: ViaGiven = "commit", reason: ReasonGiven = ""
) -> ChangeBase:
    """What a request without a body says of its change."""
    return ChangeBase(base=base, via=via, reason=reason)


@router.post("/agents", status_code=202, responses=_WRITE, openapi_extra=needs("change.create"))
async def create_agent(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    order: NewAgentOrder,
    response: Response,
    looked_at: LookedAt,
) -> ChangeAnswer:
    """Write a new agent's manifest, and its prompt. Needs the role operator."""
    made = await services.changes.put_agent(
        by, project, order.new(), order.order(looked_at), create=True
    )
    return _answered(made, project, response)


@router.put(
    "/agents/{name}", status_code=202, responses=_WRITE, openapi_extra=needs("change.create")
)
async def replace_agent(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: AgentOrder,
    response: Response,
    looked_at: LookedAt,
) -> ChangeAnswer:
    """Let an agent's spec be exactly this; what is equal stays as it is written. Needs the role
    operator.
    """
    made = await services.changes.put_agent(
        by, project, order.wish(name), order.order(looked_at), create=False
    )
    return _answered(made, project, response)


@router.patch(
    "/agents/{name}", status_code=202, responses=_WRITE, openapi_extra=needs("change.create")
)
async def change_agent(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: AgentPatchOrder,
    response: Response,
    looked_at: LookedAt,
) -> ChangeAnswer:
    """Change part of an agent by a JSON merge patch of its spec. Needs the role operator."""
    made = await services.changes.put_agent(
        by, project, order.wish(name), order.order(looked_at), create=False
    )
    return _answered(made, project, response)


@router.delete(
    "/agents/{name}", status_code=202, responses=_WRITE, openapi_extra=needs("change.create")
)
async def delete_agent(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    response: Response,
    said: Annotated[ChangeBase, Depends(_order_of_query)],
    looked_at: LookedAt,
) -> ChangeAnswer:
    """Take an agent's manifest, tests and prompt out of the repository. Whatever else names it is
    an error that lists every place. Needs the role operator.
    """
    made = await services.changes.delete_agent(by, project, name, said.order(looked_at))
    return _answered(made, project, response)


@router.put(
    "/numbers/{number}/agent",
    status_code=202,
    responses=_WRITE,
    openapi_extra=needs("change.create"),
)
async def assign_number(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    number: NumberInPath,
    order: AssignmentOrder,
    response: Response,
    looked_at: LookedAt,
) -> ChangeAnswer:
    """Let an agent answer a number, or nobody. A number without a manifest gets one. Needs the
    role operator.
    """
    made = await services.changes.assign_number(
        by, project, order.wish(number), order.order(looked_at)
    )
    return _answered(made, project, response)


@router.post("/changes", status_code=202, responses=_WRITE, openapi_extra=needs("change.create"))
async def create_change(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    order: FreeChangeOrder,
    response: Response,
    looked_at: LookedAt,
) -> ChangeAnswer:
    """Write files and set values of manifests, in one commit or pull request. Needs the role
    operator; what changes the Project needs admin.
    """
    files, edits = order.wishes()
    made = await services.changes.change(
        by,
        project,
        order.order(looked_at),
        files=files,
        edits=edits,
    )
    return _answered(made, project, response)


@router.get("/changes/{change}", responses=_READ)
async def read_change(
    services: InstalledServices, project: ProjectOfCaller, change: ChangeInPath
) -> FoundChangeAnswer:
    """Where a change is, as Git and the forge say now."""
    return found_answer(await services.changes.find(project, change))


@router.get("/manifests", responses=_READ)
async def list_manifests(
    services: InstalledServices,
    project: ProjectOfCaller,
    kind: ManifestKind | None = None,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[ManifestRowAnswer]:
    """Manifests of the applied revision, by kind and name, with who names them."""
    page = await services.manifests.page(project, kind=kind, cursor=cursor, limit=limit)
    return page_answer(page, row_answer, PageAnswer[ManifestRowAnswer])


@router.get("/manifests/{kind}/{name}", responses=_READ)
async def read_manifest(
    services: InstalledServices, project: ProjectOfCaller, kind: ManifestKind, name: NameInPath
) -> ManifestAnswer:
    """One manifest as it is written; its revision is the `base` of a change of it."""
    return manifest_answer(await services.manifests.one(project, kind, name))


def _answered(made: Change, project: str, response: Response) -> ChangeAnswer:
    """202 with the change's address, or 200 if there was nothing to do."""
    response.headers["Location"] = f"/v1/projects/{project}/changes/{made.id}"
    if made.unchanged:
        response.status_code = HTTPStatus.OK
    return change_answer(made)
