"""Who is asking and for which project: every protected route hangs on these two.

The order is fixed: 401 without a valid token, 404 for a project that is unknown or somebody
else's (the two look the same), 403 for a role that does not reach.
"""

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from trunkline.model.errors import Unauthenticated
from trunkline.model.ids import NAME_PATTERN
from trunkline.services.access import Principal
from trunkline.services.catalogue import Services

_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token of this installation, `tl_…`"
)


def services_of(request: Request) -> Services:
    """The services the application was made with."""
    services: Services = request.app.state.services
    return services


InstalledServices = Annotated[Services, Depends(services_of)]


async def principal_of(
    services: InstalledServices,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Whose token it is. Raises Unauthenticated."""
    if credentials is None:
        raise Unauthenticated(
            "There is no token in the request", hint="Send 'Authorization: Bearer tl_…'"
        )
    return await services.access.authenticate(credentials.credentials)


Caller = Annotated[Principal, Depends(principal_of)]


async def project_of_caller(
    services: InstalledServices,
    caller: Caller,
    project: Annotated[str, Path(pattern=NAME_PATTERN, examples=["acme"])],
) -> str:
    """The project in the path, if it exists for the caller. Raises NotFound."""
    return (await services.projects.find(caller, project)).name


ProjectOfCaller = Annotated[str, Depends(project_of_caller)]
