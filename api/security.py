"""Who is asking and for which project: every protected route hangs on these two.

The order is fixed: 401 without a valid token or session, 404 for a project that is unknown or
somebody else's (the two look the same), 403 for a role that does not reach. A token that is shown
counts, and a cookie beside it does not. A browser sends its cookie whoever made it ask: a write
counts only if it comes from a page of our own.
"""

import re
from collections.abc import AsyncIterator
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

from fastapi import Depends, Path, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from trunkline.model.errors import CrossSiteRequest, Forbidden, Unauthenticated
from trunkline.model.ids import NAME_PATTERN
from trunkline.services.access import Admission, Principal
from trunkline.services.catalogue import Services
from trunkline.services.projects import reached

SESSION_COOKIE = "trunkline-session"
HOST_PREFIX = "__Host-"
"""Browsers take such a cookie from the host itself only, over https, for all of its paths."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token of this installation, `tl_…`"
)
_cookie = APIKeyCookie(
    name=HOST_PREFIX + SESSION_COOKIE,
    auto_error=False,
    scheme_name="session",
    description="What a browser holds after `GET /v1/sign-in`; without https its name is"
    f" `{SESSION_COOKIE}`. Writes need `Origin` or `Sec-Fetch-Site` of this server.",
)


def services_of(request: Request) -> Services:
    """The services the application was made with."""
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    """Asynchronous, for else every request would wait for a thread to look an attribute up."""
    return services_of(request)


InstalledServices = Annotated[Services, Depends(_services)]


def cookie_name(public_url: str, name: str) -> str:
    """The name of a cookie: with a prefix that browsers enforce, where there is https."""
    return HOST_PREFIX + name if public_url.startswith("https:") else name


async def principal_of(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    _session: Annotated[str | None, Depends(_cookie)] = None,
) -> AsyncIterator[Principal]:
    """Who asks, as the project in the path knows them.

    Raises Unauthenticated, CrossSiteRequest, and NotFound for a project that does not exist for
    them. A write that is refused with Forbidden, here or behind, is written down.
    """
    services = services_of(request)
    project = request.path_params.get("project")
    named = project if isinstance(project, str) and re.match(NAME_PATTERN, project) else ""
    admission = await _admitted(request, services, credentials, named)
    here = found = admission.principal
    try:
        if found.kind == "session":
            _require_own_page(request, services.sign_in.public_url)
        if isinstance(project, str):
            narrowed = found.within(project)
            if narrowed is None:
                await _absent(services, found, project)
            here = narrowed
        request.state.principal = here
        request.state.project = admission.project
        yield here
    except Forbidden as refusal:
        if request.method not in SAFE_METHODS:
            await _note_denial(request, services, here, refusal)
        raise


Caller = Annotated[Principal, Depends(principal_of)]


async def project_of_caller(
    request: Request, project: Annotated[str, Path(pattern=NAME_PATTERN, examples=["acme"])]
) -> str:
    """The project in the path, if it exists for the caller. Raises NotFound.

    Asked for behind the door, where the caller was found out, and not again by naming Caller.
    """
    return reached(request.state.principal, project, request.state.project).name


ProjectOfCaller = Annotated[str, Depends(project_of_caller)]


async def _admitted(
    request: Request,
    services: Services,
    credentials: HTTPAuthorizationCredentials | None,
    project: str,
) -> Admission:
    if credentials is not None:
        return await services.access.admit(credentials.credentials, project)
    secret = request.cookies.get(cookie_name(services.sign_in.public_url, SESSION_COOKIE))
    if not secret or "authorization" in request.headers:
        raise Unauthenticated(
            "There is no token in the request", hint="Send 'Authorization: Bearer tl_…'"
        )
    return await services.access.admit_session(secret, project)


async def _absent(services: Services, caller: Principal, project: str) -> NoReturn:
    """What a project says that is not there, whether or not it is there for others."""
    await services.projects.find(caller, project)
    raise AssertionError("a project without a role was found")


def _require_own_page(request: Request, public_url: str) -> None:
    """Raises CrossSiteRequest for a write that no page of this server made the browser send."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    parts = urlsplit(public_url)
    own = f"{parts.scheme}://{parts.netloc}"
    is_own = origin == own if origin is not None else site == "same-origin"
    if not is_own or (site is not None and site != "same-origin"):
        raise CrossSiteRequest(
            "A signed-in browser writes from pages of this server only",
            hint="Programs send a token: 'Authorization: Bearer tl_…'",
        )


async def _note_denial(
    request: Request, services: Services, caller: Principal, refusal: Forbidden
) -> None:
    await services.access.deny(
        caller,
        project=caller.project or str(request.path_params.get("project", "")),
        subject=f"{request.method} {request.url.path}"[:200],
        request_id=str(request.state.request_id),
        why=refusal.message,
    )
