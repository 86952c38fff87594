"""The HTTP application: routes, errors and what lies around them, put together on the services."""

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from api import idempotency, problems
from api.boundary import RequestBoundary
from api.door import enter
from api.etags import EntityTags
from api.openapi import TrunklineAPI, method_not_offered, operation_name
from api.rates import Rates, RequestGuard, TokenRates
from api.routes import (
    administration,
    behaviour,
    call_control,
    call_orders,
    calls,
    changes,
    control,
    delivery,
    descriptions,
    ejections,
    evidence,
    experiments,
    health,
    imports,
    manual_results,
    metrics,
    notifications,
    operations,
    platform_news,
    projects,
    promotions,
    protection,
    pull_requests,
    releases,
    sessions,
    sign_in,
    stats,
    status,
    testing,
    tool_gateway,
    voice,
    webhooks,
)
from trunkline.services.catalogue import Services

FOR_CALLERS = (
    status,
    administration,
    projects,
    stats,
    descriptions,
    operations,
    control,
    protection,
    pull_requests,
    promotions,
    releases,
    delivery,
    evidence,
    imports,
    manual_results,
    testing,
    behaviour,
    experiments,
    ejections,
    changes,
    notifications,
    calls,
    call_orders,
    call_control,
    sessions,
)
"""Rooms in which every route needs a token: its pace is kept there, and keys of its requests. They
are tried in this order, so what is asked most comes first.
"""
FOR_ANYBODY = (
    health,
    metrics,
    tool_gateway,
    webhooks,
    voice,
    platform_news,
    sign_in,
)
"""Rooms of probes, of senders that sign instead, and of browsers that are signing in."""
EXPOSED_HEADERS = (
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
)
"""What a page of another origin may read of an answer, besides its body."""
_ASKED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
)
_PREFLIGHT_AGE_S = 600


def create_app(
    services: Services, *, version: str, rates: Rates | None = None, origins: Sequence[str] = ()
) -> FastAPI:
    """The application; it owns none of the connections behind ``services``.

    ``origins`` are those whose pages may ask from a browser: with a token they hold, and never
    with a cookie of ours. No page shows the description in a browser, for the usual ones load
    their scripts from somebody else's server.
    """
    app = TrunklineAPI(
        title="Trunkline",
        version=version,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_name,
        routes=list(_routes()),
    )
    bounds = rates or Rates()
    app.state.services = services
    app.state.rates = TokenRates(bounds)
    problems.install(app)
    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, method_not_offered)
    idempotency.install(app)
    app.add_middleware(idempotency.AnswerKeeper, services=services)
    app.add_middleware(EntityTags)
    app.add_middleware(RequestGuard, rates=bounds)
    app.add_middleware(RequestBoundary)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=list(_ASKED_HEADERS),
            expose_headers=list(EXPOSED_HEADERS),
            allow_credentials=False,
            max_age=_PREFLIGHT_AGE_S,
        )
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Every route, the same for all applications of a process.

    The framework reads the signatures of them all before it answers the first request, which takes
    half a second; routes that are shared are read once.
    """
    rooms = APIRouter(generate_unique_id_function=operation_name)
    for room in FOR_CALLERS:
        rooms.include_router(room.router, dependencies=[Depends(enter)])
    for room in FOR_ANYBODY:
        rooms.include_router(room.router)
    return tuple(rooms.routes)
