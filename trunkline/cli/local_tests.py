"""``trunkline test run --local``: a folder's tests, with no server of ours anywhere.

Everything an installation is made of for the time of one command: accounts, a judge, desks in
memory, and a tool gateway on loopback that answers the platform's calls of tools.
"""

import asyncio
import contextlib
import getpass
import logging
import re
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from activities.clocks import SystemClock
from api import problems
from api.boundary import RequestBoundary
from api.routes import tool_gateway
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.bootstrap import judge_of
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.testing.progress import TestProgress
from trunkline.cli.testing.reports import Outputs, Printed, exit_code, print_report, write_outputs
from trunkline.cli.testing.runs import Wanted
from trunkline.listening import PortInUse
from trunkline.manifests import DirectoryTree, load
from trunkline.model import errors
from trunkline.model.base import JsonObject
from trunkline.model.durations import format_duration
from trunkline.model.manifests import Manifests
from trunkline.model.testing.results import TestRunReport
from trunkline.observing import EmbeddedServer
from trunkline.services.local_tests import LocalOrder, LocalParts, LocalTests
from trunkline.services.passing_desks import PassingDesks
from trunkline.services.tool_gateway import ToolGatewayService
from trunkline.settings import Settings, load_settings

LOOPBACK = "127.0.0.1"
PROGRESS_INTERVAL_S = 0.25
CLEARING_MAX_S = 120.0
"""How long deleting what was made may take; what is left is said, and the next run deletes it."""
GATEWAY_STOP_S = 2
PERSON_MAX_CHARACTERS = 24
"""The person stands in names on the platform, which are bounded."""

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the platform reaches this machine, None if it is this machine, and the port of the
    tool gateway, 0 for a free one.
    """

    public_url: str | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class _Answering:
    """What the gateway needs of a server: desks that answer."""

    tools: ToolGatewayService


@dataclass(frozen=True, slots=True)
class _Ended:
    """A report, whether it is whole, and what could not be deleted."""

    report: TestRunReport
    in_time: bool
    left: tuple[str, ...]


def run_locally(
    path: str,
    wanted: Wanted,
    outputs: Outputs,
    printed: Printed,
    *,
    gateway: Gateway,
    timeout: timedelta,
) -> ExitCode:
    """Test a folder and print what came of it.

    Raises Blocked for missing keys, InvalidManifests, NotFound, DeadlineExceeded, and
    KeyboardInterrupt after SIGINT or SIGTERM, when everything it made is deleted.
    """
    outputs.check()
    _require_address(gateway.public_url)
    logging.getLogger("trunkline").addHandler(logging.NullHandler())
    settings = load_settings()
    settings.require_providers()
    manifests = load(DirectoryTree(Path(path)))
    order = LocalOrder(
        person=_person(),
        names=wanted.names,
        agents=wanted.agents,
        tags=wanted.tags,
        environment=wanted.environment or "",
        mode=wanted.mode,
        repeat=wanted.repeat,
    )
    try:
        ended = asyncio.run(_tested(settings, manifests, order, gateway, timeout.total_seconds()))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    for words in ended.left:
        complain(words, "Delete it by hand, or let the next run do it in an hour")
    print_report(ended.report, printed)
    write_outputs(ended.report, outputs, printed.style)
    if not ended.in_time:
        raise errors.DeadlineExceeded(
            f"The tests are not done after {format_duration(timeout)}; they were given up",
            hint="Give them longer with --timeout, or test less",
        )
    return exit_code(ended.report)


async def _tested(
    settings: Settings,
    manifests: Manifests,
    order: LocalOrder,
    gateway: Gateway,
    timeout_s: float,
) -> _Ended:
    _end_on_termination()
    desks = PassingDesks()
    async with (
        _accounts(settings, manifests) as accounts,
        judge_of(settings) as judges,
        _answering(desks, gateway.port) as port,
    ):
        reachable = gateway.public_url or (None if settings.live else f"http://{LOOPBACK}:{port}")
        parts = LocalParts(
            accounts=accounts,
            desks=desks,
            judges=judges,
            clock=SystemClock(),
            public_url=reachable,
            studio=SpeechStudio(),
        )
        tests = LocalTests(parts, manifests, order)
        left: tuple[str, ...] = ()
        in_time = True
        try:
            async with asyncio.timeout(timeout_s):
                await _followed(tests)
        except TimeoutError:
            in_time = False
        finally:
            left = await _cleared(tests)
        given_up = "" if in_time else f"given up after {timeout_s:g} s"
        return _Ended(tests.ended(given_up=given_up), in_time, left)


def _end_on_termination() -> None:
    """Let SIGTERM, which jobs of pipelines are ended with, do what Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None and threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _followed(tests: LocalTests) -> None:
    """Carry the tests out and show how far they are."""
    running = asyncio.create_task(tests.run())
    try:
        with TestProgress("Testing") as progress:
            while not running.done():
                await asyncio.wait({running}, timeout=PROGRESS_INTERVAL_S)
                report = tests.report()
                progress.show(
                    report.tests,
                    expected=report.expected,
                    ended=running.done(),
                    running=tests.running,
                )
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    running.result()


async def _cleared(tests: LocalTests) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(CLEARING_MAX_S):
            return await tests.clear()
    except TimeoutError:
        return (f"not everything could be deleted within {CLEARING_MAX_S:.0f} s",)


@asynccontextmanager
async def _accounts(settings: Settings, manifests: Manifests) -> AsyncIterator[ProjectAccounts]:
    project: JsonObject = manifests.project.manifest.model_dump(mode="json")

    async def manifest(_project: str) -> JsonObject:
        return project

    options = AccountOptions(
        live=settings.live,
        elevenlabs_url=settings.elevenlabs_base_url,
        twilio_url=settings.twilio_base_url,
    )
    name = manifests.project.manifest.name
    accounts = ProjectAccounts(options, Credentials(first_project=name), manifest)
    try:
        yield accounts
    finally:
        await accounts.close()


@asynccontextmanager
async def _answering(desks: PassingDesks, port: int) -> AsyncIterator[int]:
    """Answer calls of tools on loopback while the block runs; its port. Raises PortInUse."""
    app = FastAPI(openapi_url=None)
    app.state.services = _Answering(ToolGatewayService(desks))
    problems.install(app)
    app.include_router(tool_gateway.router)
    app.add_middleware(RequestBoundary)
    try:
        listener = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise PortInUse(port, purpose="the tool gateway", option="--gateway-port") from error
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GATEWAY_STOP_S,
    )
    server = EmbeddedServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        listener.close()


def _require_address(public_url: str | None) -> None:
    parts = urlsplit(public_url or "https://a.example")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongUsage(f"--public-url {public_url!r} is no address such as https://a.example")


def _person() -> str:
    """Who runs this, as a part of names on the platform."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    plain = _NOT_IN_NAMES.sub("-", name.lower()).strip("-")[:PERSON_MAX_CHARACTERS]
    return plain.rstrip("-") or "somebody"
