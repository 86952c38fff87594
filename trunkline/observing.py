"""Where a process can be observed from outside: one address with its metrics and Temporal's.

The Temporal SDK counts in a library of its own, which can only publish by a server of its own. That
one listens on loopback at a port nobody needs to know; what it says is passed on behind ours, so
that Prometheus has one target for a worker. The SDK's own log lines join ours, which are freed of
secrets. Knows nothing of what is counted.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from trunkline import metrics
from trunkline.listening import LOOPBACK, PortInUse, free_port, is_free
from trunkline.model.errors import EngineUnavailable

PATH = "/metrics"
SDK_TIMEOUT_S = 2.0
"""The SDK's endpoint is in this process: longer means it is stuck, and ours go out without it."""
SDK_PORT_TRIES = 5
"""A free port may be taken between asking for it and using it, hardly five times in a row."""

logger = logging.getLogger(__name__)


class EmbeddedServer(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process before ours has closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


@dataclass(frozen=True, slots=True)
class ObservedRuntime:
    """Temporal's runtime of a process; ``metrics_url`` is empty if it counts nothing."""

    runtime: Runtime
    metrics_url: str = ""


def temporal_runtime(*, counting: bool) -> ObservedRuntime:
    """The runtime clients and workers of this process use. Raises EngineUnavailable."""
    if not counting:
        return ObservedRuntime(_runtime(None))
    for _ in range(SDK_PORT_TRIES):
        address = f"{LOOPBACK}:{free_port()}"
        try:
            return ObservedRuntime(_runtime(address), f"http://{address}{PATH}")
        except (RuntimeError, ValueError) as error:
            logger.debug("Temporal's metrics do not listen at %s: %s", address, error)
    raise EngineUnavailable("Temporal's metrics find no port to listen at on loopback")


@asynccontextmanager
async def metrics_endpoint(host: str, port: int, *, sdk_url: str) -> AsyncIterator[int]:
    """Serve ``/metrics`` until the block ends; answers the port, chosen if it was 0.

    Raises PortInUse.
    """
    if port and not is_free(port, host):
        raise PortInUse(port, purpose="the worker's metrics", option="--metrics-port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        async with httpx.AsyncClient(timeout=SDK_TIMEOUT_S, trust_env=False) as client:
            config = uvicorn.Config(
                _Endpoint(client, sdk_url),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
            server = EmbeddedServer(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            chosen: int = listening.getsockname()[1]
            logger.info("metrics at http://%s:%s%s", host, chosen, PATH)
            try:
                yield chosen
            finally:
                server.should_exit = True
                await serving


class _Endpoint:
    """The whole application: one path."""

    def __init__(self, client: httpx.AsyncClient, sdk_url: str) -> None:
        self._client = client
        self._sdk_url = sdk_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await Response("not found\n", 404)(scope, receive, send)
            return
        accepted = Headers(scope=scope).get("accept", "")
        content, content_type = metrics.exposition(accepted, await self._of_the_sdk())
        answer = Response(content, headers={"Content-Type": content_type})
        await answer(scope, receive, send)

    async def _of_the_sdk(self) -> "_Parsed":
        if not self._sdk_url:
            return _Parsed()
        try:
            answer = await self._client.get(self._sdk_url)
        except httpx.HTTPError as error:
            logger.warning("Temporal's metrics are left out: %s", error)
            return _Parsed()
        return _Parsed(answer.text if answer.is_success else "")


class _Parsed(Collector):
    """Metrics somebody else wrote as text, so that they go out in the format that is asked for."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    def collect(self) -> Iterator[Metric]:
        """Every family of the text."""
        yield from text_string_to_metric_families(self._text)


def _runtime(address: str | None) -> Runtime:
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core")),
            ),
            metrics=None
            if address is None
            else PrometheusConfig(
                bind_address=address,
                counters_total_suffix=True,
                unit_suffix=True,
                durations_as_seconds=True,
            ),
        )
    )
