"""The control plane both simulators share, under ``/_sim/`` on each server, without credentials.

=======  ======================  ==========================================================
method   path                    body or answer
=======  ======================  ==========================================================
GET      ``/_sim/``              ``{"controls": ["POST /_sim/reset", …]}``
GET      ``/_sim/routes``        ``{"routes": ["GET /v1/…", …]}``: what the look-alike serves
POST     ``/_sim/reset``         everything as on the first start; counters and faults too
GET      ``/_sim/counters``      ``{"requests": {"GET /v1/…": 3}, "statuses", "total", …}``
DELETE   ``/_sim/counters``      count and log afresh
GET      ``/_sim/requests``      ``{"requests": [{method, path, route, status, effect, …}]}``
POST     ``/_sim/latency``       ``{"ms": 50}``
POST     ``/_sim/rate-limit``    ``{"requests_per_second": 5, "retry_after": true}``, or null
POST     ``/_sim/concurrency``   ``{"limit": 20}``, null for none
POST     ``/_sim/list-lag``      ``{"seconds": 2}`` or ``{"reads": 3}``, ``{}`` for none
POST     ``/_sim/fetch-lag``     ``{"reads": 1}``, 0 for none
POST     ``/_sim/noise``         ``{"enabled": false}``
POST     ``/_sim/faults``        ``{"faults": [{"kind": "drop-after", …}], "seed": 7}``
GET      ``/_sim/faults``        the faults in force with what they saw and hit
DELETE   ``/_sim/faults``        no faults
GET      ``/_sim/clock``         ``{"unix_s": …}``
POST     ``/_sim/clock``         ``{"advance_s": 60}`` or ``{"set_unix_s": …}``
=======  ======================  ==========================================================

What only one of them has is in its own ``app`` module; ``docs/simulators.md`` lists everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.clock import Clock
from simulators.control_bodies import control
from simulators.faults import FaultPlan, FaultRequest
from simulators.gateway import Gateway, Pressure
from simulators.limits import (
    MAX_FETCH_LAG_READS,
    MAX_LATENCY_MS,
    MAX_LIST_LAG_READS,
    MAX_LIST_LAG_S,
)
from simulators.traffic import Traffic
from simulators.wire import Answer, Json, Request, Route, Vendor, json_answer


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LatencyRequest(_Body):
    """Body of ``POST /_sim/latency``."""

    ms: Annotated[float, Field(ge=0, le=MAX_LATENCY_MS)]


class RateRequest(_Body):
    """Body of ``POST /_sim/rate-limit``."""

    requests_per_second: Annotated[float, Field(gt=0)] | None
    retry_after: bool = True


class ConcurrencyRequest(_Body):
    """Body of ``POST /_sim/concurrency``."""

    limit: Annotated[int, Field(ge=1)] | None


class LagRequest(_Body):
    """Body of ``POST /_sim/list-lag``."""

    seconds: Annotated[float, Field(ge=0, le=MAX_LIST_LAG_S)] = 0.0
    reads: Annotated[int, Field(ge=0, le=MAX_LIST_LAG_READS)] = 0


class FetchLagRequest(_Body):
    """Body of ``POST /_sim/fetch-lag``."""

    reads: Annotated[int, Field(ge=0, le=MAX_FETCH_LAG_READS)]


class NoiseRequest(_Body):
    """Body of ``POST /_sim/noise``."""

    enabled: bool


class ClockRequest(_Body):
    """Body of ``POST /_sim/clock``."""

    advance_s: float | None = None
    set_unix_s: float | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.advance_s is None) == (self.set_unix_s is None):
            raise ValueError("give advance_s or set_unix_s")
        return self


class Control:
    """The switches of one server."""

    def __init__(
        self,
        vendor: Vendor,
        gateway: Gateway,
        *,
        clock: Clock,
        faults: FaultPlan,
        traffic: Traffic,
        pressure: Pressure,
    ) -> None:
        self._vendor = vendor
        self._gateway = gateway
        self._clock = clock
        self._faults = faults
        self._traffic = traffic
        self._pressure = pressure
        self._initial = (
            pressure.latency_ms,
            pressure.rate.requests_per_second,
            pressure.concurrency,
        )

    def routes(self) -> list[Route]:
        """The shared controls and the vendor's own."""
        faults = "/_sim/faults"
        routes = [
            Route("GET", "/_sim/", _shown(lambda: {"controls": names})),
            Route("GET", "/_sim/routes", _shown(self._routes)),
            Route("POST", "/_sim/reset", self._reset),
            Route("GET", "/_sim/counters", _shown(self._counters)),
            Route("DELETE", "/_sim/counters", self._clear_counters),
            Route("GET", "/_sim/requests", self._requests),
            Route("POST", "/_sim/latency", control(LatencyRequest, self._set_latency)),
            Route("POST", "/_sim/rate-limit", control(RateRequest, self._set_rate)),
            Route("POST", "/_sim/concurrency", control(ConcurrencyRequest, self._set_concurrency)),
            Route("POST", "/_sim/list-lag", control(LagRequest, self._set_lag)),
            Route("POST", "/_sim/fetch-lag", control(FetchLagRequest, self._set_fetch_lag)),
            Route("POST", "/_sim/noise", control(NoiseRequest, self._set_noise)),
            Route("POST", faults, control(FaultRequest, self._add_faults)),
            Route("GET", faults, _shown(self._described_faults)),
            Route("DELETE", faults, self._clear_faults),
            Route("GET", "/_sim/clock", _shown(self._time)),
            Route("POST", "/_sim/clock", control(ClockRequest, self._move_clock)),
            *self._vendor.control_routes,
        ]
        names = [f"{route.method} {route.template}" for route in routes]
        return routes

    def _routes(self) -> Json:
        return {"routes": self._vendor.routes.templates()}

    async def _reset(self, request: Request) -> Answer:
        del request
        await self._gateway.forget_late_effects()
        await self._gateway.close_sockets()
        self._faults.clear()
        self._traffic.clear()
        self._clock.reset()
        self._pressure.latency_ms = self._initial[0]
        self._pressure.rate.set(self._initial[1])
        self._pressure.concurrency = self._initial[2]
        self._pressure.tells_when = True
        self._vendor.lag.seconds, self._vendor.lag.reads = 0.0, 0
        self._vendor.set_noise(enabled=True)
        self._vendor.reset()
        return json_answer({"reset": True})

    def _clear_counters(self, request: Request) -> Answer:
        del request
        self._traffic.clear()
        self._vendor.tally.clear()
        return json_answer(self._counters())

    def _counters(self) -> Json:
        return {**self._traffic.counters(), "objects": self._vendor.tally.counts()}

    def _requests(self, request: Request) -> Answer:
        del request
        return json_answer({"requests": self._traffic.entries()})

    def _set_latency(self, request: LatencyRequest) -> Json:
        self._pressure.latency_ms = request.ms
        return {"ms": request.ms}

    def _set_rate(self, request: RateRequest) -> Json:
        self._pressure.rate.set(request.requests_per_second)
        self._pressure.tells_when = request.retry_after
        return request.model_dump()

    def _set_concurrency(self, request: ConcurrencyRequest) -> Json:
        self._pressure.concurrency = request.limit
        return {"limit": request.limit}

    def _set_lag(self, request: LagRequest) -> Json:
        lag = self._vendor.lag
        lag.seconds, lag.reads = request.seconds, request.reads
        return {"seconds": lag.seconds, "reads": lag.reads}

    def _set_fetch_lag(self, request: FetchLagRequest) -> Json:
        self._vendor.past.lag_reads = request.reads
        return {"reads": request.reads}

    def _set_noise(self, request: NoiseRequest) -> Json:
        self._vendor.set_noise(enabled=request.enabled)
        return {"enabled": request.enabled}

    def _described_faults(self) -> Json:
        return {"faults": self._faults.describe()}

    def _add_faults(self, request: FaultRequest) -> Json:
        self._faults.add(request)
        return self._described_faults()

    def _clear_faults(self, request: Request) -> Answer:
        del request
        self._faults.clear()
        return json_answer(self._described_faults())

    def _time(self) -> Json:
        return {"unix_s": self._clock.now()}

    def _move_clock(self, request: ClockRequest) -> Json:
        if request.set_unix_s is not None:
            self._clock.set(request.set_unix_s)
        elif request.advance_s is not None:
            self._clock.advance(request.advance_s)
        return self._time()


def _shown(read: Callable[[], Json]) -> Callable[[Request], Answer | Awaitable[Answer]]:
    def handle(request: Request) -> Answer:
        del request
        return json_answer(read())

    return handle
