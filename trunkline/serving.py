"""The API server of a process: services over store and Temporal, behind HTTP.

Apart from the worker because neither needs the other's libraries, and a process pays for what it
imports.
"""

import asyncio
import gc
import logging
from typing import NoReturn

import uvicorn
import uvloop
from starlette.types import ASGIApp

from api.app import create_app
from api.problems import error_response
from api.rates import HandshakeGuard, Rates
from realtime.watching import watching_routes
from trunkline import __version__
from trunkline.adapters.accounts import ProjectAccounts
from trunkline.adapters.machine import LocalMachine
from trunkline.adapters.postgres import PostgresStore
from trunkline.bootstrap import (
    STOP_TIMEOUT_S,
    Connections,
    ProjectSources,
    accounts,
    connections,
    evidence_keys,
    first_of,
    first_project,
    review_pace,
    run,
    state_folder,
    timing,
)
from trunkline.calling import calling
from trunkline.forges import (
    ProjectForges,
    platform_webhook_secrets,
    project_forges,
    webhook_secrets,
)
from trunkline.http_protocol import BoundedProtocol
from trunkline.listening import LOOPBACK, PortInUse, is_free
from trunkline.model.calls.limits import CALLS_LEAVE_S, STREAM_MESSAGE_MAX_BYTES
from trunkline.model.errors import TrunklineError
from trunkline.model.findings import ServerSettings
from trunkline.model.records import ProjectRecord
from trunkline.observing import EmbeddedServer, temporal_runtime
from trunkline.services.catalogue import Services, build_services
from trunkline.services.doctor import Outside
from trunkline.services.sign_in import SignInSettings
from trunkline.settings import Settings
from trunkline.signing_in import require_sign_in, sign_in

logger = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT_S = 5
"""Requests in flight get that long when the server is asked to stop."""
KEEP_ALIVE_S = 75
"""Longer than clients and proxies keep a connection nobody uses, so that they are the ones who
close it: what is sent on one that we are closing is lost, and nobody sends a delivery twice.
"""
GARBAGE_THRESHOLD = 20_000
"""New objects until the collector looks through them: some answers' worth, a few megabytes."""
_REGISTRATION_INTERVAL_S = 2.0


def run_server(settings: Settings, *, host: str, port: int) -> NoReturn:
    """Serve the API until SIGINT or SIGTERM. Raises Blocked, InvalidSettings, PortInUse."""
    settings.require_providers()
    settings.database()
    evidence_keys(settings)
    require_sign_in(settings)
    settings.require_forge()
    first_project(settings)
    if port and not is_free(port, host):
        raise PortInUse(port, purpose="the API", option="--port")
    run(
        settings,
        lambda stopping: _serve(settings, stopping, host=host, port=port),
        service="trunkline-api",
        loop_factory=uvloop.new_event_loop,
        stop_timeout_s=STOP_TIMEOUT_S + settings.call_drain.total_seconds() + CALLS_LEAVE_S,
    )


def outside(
    settings: Settings,
    store: PostgresStore,
    vendors: ProjectAccounts,
    forges: ProjectForges | None = None,
) -> Outside:
    """What lies outside of store and Temporal: Git, vendors, this machine, what it was told."""
    sources = ProjectSources(settings, store, store)
    return Outside(
        sources=sources,
        repositories=sources,
        keys=evidence_keys(settings),
        forges=forges,
        accounts=vendors,
        platforms=vendors,
        machine=LocalMachine(settings.home or state_folder()),
        settings=ServerSettings(
            public_url=settings.public_url or "",
            has_webhook_secret=settings.webhook_secret is not None or bool(webhook_secrets()),
            signing_public_key=evidence_keys(settings).public_key,
        ),
    )


def services(
    settings: Settings,
    held: Connections,
    vendors: ProjectAccounts,
    *,
    signing_in: SignInSettings | None = None,
    forges: ProjectForges | None = None,
) -> Services:
    """What API and command line ask for."""
    secret, news = settings.webhook_secret, settings.elevenlabs_webhook_secret
    return build_services(
        held.store,
        held.client,
        timing=timing(settings),
        review_pace=review_pace(settings),
        webhook_secret=secret.get_secret_value() if secret else None,
        webhook_secrets=webhook_secrets(),
        platform_secret=news.get_secret_value() if news else None,
        platform_secrets=platform_webhook_secrets(),
        outside=outside(settings, held.store, vendors, forges),
        live=settings.live,
        sign_in=signing_in,
        token_age_max=settings.token_max_age,
    )


async def _serve(settings: Settings, stopping: asyncio.Event, *, host: str, port: int) -> None:
    runtime = temporal_runtime(counting=False).runtime
    async with (
        connections(settings, runtime=runtime) as held,
        accounts(settings, held.store.project_manifest, shared=held.store) as vendors,
        sign_in(settings) as signing_in,
        project_forges(settings, held.store) as forges,
        calling(settings, held.store, vendors) as calls,
    ):
        offered = services(settings, held, vendors, signing_in=signing_in, forges=forges)
        rates = Rates(per_s=settings.api_rate, burst=settings.api_burst)
        app = create_app(
            offered,
            version=__version__,
            rates=rates,
            origins=settings.allowed_origins,
        )
        watching = watching_routes(
            offered,
            calls.hub,
            calls=held.store,
            happenings=held.store,
            refusal=error_response,
            public_url=settings.public_url or "",
            origins=settings.allowed_origins,
        )
        around = HandshakeGuard(calls.around(app, *watching), rates=rates)
        server = EmbeddedServer(http_server(settings, around, host=host, port=port))
        _set_aside_what_stays()
        async with asyncio.TaskGroup() as group:
            registering = group.create_task(_register(offered, first_project(settings)))
            serving = group.create_task(server.serve())
            await first_of(stopping, serving)
            registering.cancel()
            await calls.board.drain(settings.call_drain.total_seconds())
            server.should_exit = True


def http_server(
    settings: Settings, app: ASGIApp, *, host: str = LOOPBACK, port: int = 0
) -> uvicorn.Config:
    """How the application is served. Who asks is whoever is at the other end of the connection,
    unless that is a proxy the operator named.
    """
    proxies = settings.proxies
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        http=BoundedProtocol,
        ws="websockets-sansio",
        ws_max_size=STREAM_MESSAGE_MAX_BYTES,
        ws_per_message_deflate=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )


def _set_aside_what_stays() -> None:
    """Let the collector leave alone what was made so far: it lives as long as the process does, and
    going through it again and again would hold every request up for a tenth of a second. What is
    made by a request is gone with it, so the collector need not look for cycles at every page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


async def _register(offered: Services, project: ProjectRecord | None) -> None:
    """Register the first project as soon as the store and Temporal are there."""
    while project is not None:
        try:
            await offered.projects.register(project)
        except TrunklineError as error:
            logger.warning("project %s is not registered yet: %s", project.name, error)
            await asyncio.sleep(_REGISTRATION_INTERVAL_S)
        else:
            logger.info("project %s is registered", project.name)
            return
