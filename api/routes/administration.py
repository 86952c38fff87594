"""The installation itself: tokens of people, what they did, and whether everything is well."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.actions import needs
from api.administration import (
    DoctorAnswer,
    IssuedTokenAnswer,
    RotationOrder,
    TokenAnswer,
    TokenOrder,
    doctor_answer,
    issued_answer,
    token_answer,
)
from api.answers import AuditAnswer, PageAnswer, audit_answer, page_answer
from api.parameters import Cursor, Limit, Moment, ReasonGiven, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices
from trunkline.model import limits
from trunkline.model.ids import NAME_PATTERN
from trunkline.services.audit import AuditQuestion

router = APIRouter(prefix="/v1")

TokenInPath = Annotated[str, Path(pattern=r"^(token|session)-[a-z0-9]{1,64}$")]
Filter = Annotated[str | None, Query(max_length=200, description="Only rows with exactly this")]


@router.get(
    "/audit",
    tags=["audit"],
    responses=problem_documents(400, 401, 403, 422, 503),
    openapi_extra=needs("audit.read"),
)
async def read_audit(
    *,
    services: InstalledServices,
    caller: Caller,
    project: Annotated[
        str | None, Query(pattern=NAME_PATTERN, description="Only this project")
    ] = None,
    actor: Filter = None,
    action: Filter = None,
    subject: Filter = None,
    request: Annotated[
        str | None,
        Query(alias="requestId", max_length=200, description="Only what this request did"),
    ] = None,
    since: Annotated[
        Moment | None, Query(description="Only what was done at or after this time")
    ] = None,
    until: Annotated[
        Moment | None, Query(description="Only what was done before this time")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[AuditAnswer]:
    """Every write through the API, and refused ones, newest first. Needs the role admin."""
    question = AuditQuestion(
        project=project,
        actor=actor,
        action=action,
        subject=subject,
        request_id=request,
        since=since,
        until=until,
    )
    page = await services.audit.page(caller, question, cursor=cursor, limit=limit)
    return page_answer(page, audit_answer, PageAnswer[AuditAnswer])


@router.get(
    "/tokens",
    tags=["tokens"],
    responses=problem_documents(400, 401, 403, 422, 503),
    openapi_extra=needs("token.list"),
)
async def list_tokens(
    services: InstalledServices,
    caller: Caller,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[TokenAnswer]:
    """Tokens the caller may manage, expired ones too. Needs the role admin."""
    page = await services.tokens.page(caller, cursor=cursor, limit=limit)
    return page_answer(page, token_answer, PageAnswer[TokenAnswer])


@router.post(
    "/tokens",
    tags=["tokens"],
    status_code=201,
    responses=problem_documents(400, 401, 403, 404, 413, 422, 503),
    openapi_extra=needs("token.create"),
)
async def create_token(
    services: InstalledServices, caller: Caller, order: TokenOrder, request_id: RequestId
) -> IssuedTokenAnswer:
    """Make a token; its secret is in this answer and nowhere else. Needs the role admin."""
    issued = await services.tokens.create(
        caller,
        order.person,
        order.role,
        project=order.project,
        expires_at=order.expires_at,
        reason=order.reason,
        request_id=request_id,
    )
    return issued_answer(issued)


@router.post(
    "/tokens/{token_id}/rotate",
    tags=["tokens"],
    status_code=201,
    responses=problem_documents(400, 401, 403, 404, 409, 413, 422, 503),
    openapi_extra=needs("token.rotate"),
)
async def rotate_token(
    services: InstalledServices,
    caller: Caller,
    token_id: TokenInPath,
    request_id: RequestId,
    order: RotationOrder | None = None,
) -> IssuedTokenAnswer:
    """Make a token in the place of one that goes on for a while. Needs the role admin."""
    given = order or RotationOrder()
    issued = await services.tokens.rotate(
        caller, token_id, grace_s=given.grace_s, reason=given.reason, request_id=request_id
    )
    return issued_answer(issued)


@router.delete(
    "/tokens/{token_id}",
    tags=["tokens"],
    responses=problem_documents(400, 401, 403, 404, 409, 422, 503),
    openapi_extra=needs("token.revoke"),
)
async def revoke_token(
    services: InstalledServices,
    caller: Caller,
    token_id: TokenInPath,
    request_id: RequestId,
    reason: ReasonGiven = "",
) -> TokenAnswer:
    """Make a token or session worthless at once; 409 for the last admin's. Needs the role admin."""
    gone = await services.tokens.revoke(caller, token_id, reason=reason, request_id=request_id)
    return token_answer(gone)


@router.get(
    "/doctor",
    tags=["health"],
    responses=problem_documents(401, 403, 503),
    openapi_extra=needs("doctor.run"),
)
async def examine(services: InstalledServices, caller: Caller) -> DoctorAnswer:
    """Check every dependency and credential of the server. Needs the role operator or admin."""
    return doctor_answer(await services.doctor.examine(caller))
