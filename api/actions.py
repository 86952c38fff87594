"""The right a route needs: declared once, told in the description, and asked for at the door.

The service behind a route decides as well, for it is asked by others than routes. The door comes
first so that whoever may not do a thing learns that and nothing else: not whether the thing is
there, nor what is wrong with the request.
"""

import re
from typing import Any

from fastapi import Request

from api.security import services_of
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.roles import Action, roles_for
from trunkline.services.access import Principal

ACTION = "x-trunkline-action"
ROLES = "x-trunkline-roles"
RULED = "x-trunkline-rules-may-add-roles"


def needs(action: Action, *, ruled: bool = False, **described: Any) -> dict[str, Any]:
    """For ``openapi_extra`` of every write, and of a read that not every role may do.

    ``ruled`` says that rules of a project may name further roles, so that only the service behind
    the route can say no. ``described`` is what else belongs into the route's description.
    """
    said = {ACTION: action, ROLES: list(roles_for(action)), **described}
    return {**said, RULED: True} if ruled else said


async def require_right(request: Request, caller: Principal) -> None:
    """Raises NotFound for a project that is not there, then Forbidden for a role without right.

    Where no project is in the path, a right in one of the caller's projects opens the door.
    """
    declared: dict[str, Any] = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    if ACTION not in declared or RULED in declared:
        return
    project = request.path_params.get("project")
    if isinstance(project, str) and re.match(NAME_PATTERN, project):
        await services_of(request).projects.find(caller, project)
    if "project" in request.path_params:
        caller.require(declared[ACTION])
    else:
        caller.projects_for(declared[ACTION])
