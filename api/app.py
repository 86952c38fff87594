"""The HTTP application: routes, errors and boundary put together around the services."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import problems
from api.boundary import RequestBoundary
from api.routes import (
    administration,
    behaviour,
    control,
    descriptions,
    ejections,
    evidence,
    experiments,
    health,
    imports,
    manual_results,
    metrics,
    operations,
    projects,
    promotions,
    protection,
    releases,
    status,
    testing,
    tool_gateway,
    voice,
    webhooks,
)
from trunkline.services.catalogue import Services

DESCRIPTION = """\
GitOps for voice agents. What is wished for lives in Git; this API says how things are, plans,
and asks for a look at Git now. Send a token as `Authorization: Bearer tl_…`. Errors are RFC 9457
documents whose `type` is stable. Lists come in pages: pass `nextCursor` as `cursor`. Every answer
carries `X-Request-ID`, yours if you sent one.
"""


class TrunklineAPI(FastAPI):
    """FastAPI with error answers described under their own media type."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = _described(self)
        return self.openapi_schema


def create_app(services: Services, *, version: str) -> FastAPI:
    """The application; it owns none of the connections behind ``services``."""
    app = TrunklineAPI(
        title="Trunkline", version=version, description=DESCRIPTION, redirect_slashes=False
    )
    app.state.services = services
    problems.install(app)
    for routes in (
        health,
        metrics,
        administration,
        projects,
        status,
        descriptions,
        operations,
        control,
        protection,
        promotions,
        releases,
        evidence,
        imports,
        manual_results,
        testing,
        behaviour,
        experiments,
        tool_gateway,
        ejections,
        webhooks,
        voice,
    ):
        app.include_router(routes.router)
    app.add_middleware(RequestBoundary)
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for path in document["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                _as_problem(answer.get("content", {}))
    return document


def _as_problem(content: dict[str, Any]) -> None:
    described = content.get("application/json", {}).get("schema", {})
    if described.get("$ref", "").endswith("/ProblemAnswer"):
        content[problems.MEDIA_TYPE] = content.pop("application/json")
