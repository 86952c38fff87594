"""Signing in with a browser: to the identity provider and back.

This is where a person's browser goes by itself, so what goes wrong is a page if it asks for one.
Everything else of the API is asked with what a sign-in leaves behind, or with a token.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.parameters import RequestId
from api.problems import problem_documents, status_of
from api.security import SESSION_COOKIE, InstalledServices, cookie_name
from api.sign_in import drop_cookie, failure_page, set_cookie
from trunkline.model import limits
from trunkline.model.errors import TrunklineError

router = APIRouter(prefix="/v1")

JOURNEY_COOKIE = "trunkline-sign-in"
ME_PATH = "/v1/me"
LOCAL_PATH = r"^/(?:[!-.0-\[\]-~][!-\[\]-~]*)?$"
"""A path of this server: printable ASCII, no second slash at the beginning, no backslash."""
_TEXT = Query(max_length=4_000)


@router.get(
    "/sign-in",
    tags=["sign-in"],
    status_code=302,
    response_class=RedirectResponse,
    responses=problem_documents(422, 503),
)
async def begin_sign_in(
    request: Request,
    services: InstalledServices,
    request_id: RequestId,
    next_path: Annotated[
        str,
        Query(
            alias="next",
            pattern=LOCAL_PATH,
            max_length=limits.SIGN_IN_NEXT_MAX_CHARACTERS,
            description="Where to go once signed in: a path of this server",
        ),
    ] = ME_PATH,
) -> Response:
    """Send a browser to the identity provider; 503 where none is set up or it does not answer."""
    try:
        begun = await services.sign_in.begin(next_path)
    except TrunklineError as error:
        return _page(request, error, request_id)
    answer = RedirectResponse(begun.address, 302, headers={"Cache-Control": "no-store"})
    set_cookie(
        answer,
        services.sign_in.public_url,
        JOURNEY_COOKIE,
        begun.sealed,
        age_s=limits.SIGN_IN_LIFETIME_S,
    )
    return answer


@router.get(
    "/sign-in/callback",
    tags=["sign-in"],
    status_code=303,
    response_class=RedirectResponse,
    responses=problem_documents(400, 403, 422, 503),
)
async def finish_sign_in(
    request: Request,
    services: InstalledServices,
    request_id: RequestId,
    state: Annotated[str, _TEXT] = "",
    code: Annotated[str, _TEXT] = "",
    error: Annotated[str, _TEXT] = "",
) -> Response:
    """Where the identity provider sends the browser back to; leaves a session in a cookie.

    400 for what does not belong to a sign-in of this browser, 403 for whom nobody gave a role.
    """
    public_url = services.sign_in.public_url
    sealed = request.cookies.get(cookie_name(public_url, JOURNEY_COOKIE), "")
    try:
        done = await services.sign_in.finish(
            sealed, state=state, code=code, refusal=error, request_id=request_id
        )
    except TrunklineError as failure:
        return _page(request, failure, request_id)
    answer = RedirectResponse(done.next_path, 303, headers={"Cache-Control": "no-store"})
    drop_cookie(answer, public_url, JOURNEY_COOKIE)
    set_cookie(
        answer,
        public_url,
        SESSION_COOKIE,
        done.issued.secret,
        age_s=services.sign_in.session_age_s,
    )
    return answer


def _page(request: Request, error: TrunklineError, request_id: str) -> Response:
    """A page for a browser. Raises the error for whoever does not ask for one."""
    status = status_of(error)
    if status is None or "text/html" not in request.headers.get("accept", ""):
        raise error
    return failure_page(error, status, request_id)
