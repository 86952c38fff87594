"""The API over a large fleet: how long list and get take while somebody asks all the time.

An API process as ``trunkline serve`` runs it, over a PostgreSQL that holds a fleet's past, is asked
by a process of its own at random moments that average to the rate, as callers do who know nothing
of each other. Statuses go on changing meanwhile. Then the same moments and the same sender meet a
bare endpoint with one SELECT, so that a slow machine shows as a slow machine.

Routes that ask Temporal, Git or a platform (``diff``, ``why``, ``scope=account``) are left out:
what they take is what is behind them.
"""

import asyncio
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx

from benchmarks.figures import report
from benchmarks.homes import ServedHome
from benchmarks.load import NOT_MODIFIED, TOLD, Due, Plan, Told
from benchmarks.machine import Cost, Meter, resident_mib
from benchmarks.populations import (
    PRODUCTION,
    PROJECT,
    REGIONS,
    TEAMS,
    Population,
    event_of,
    populate,
    status_of,
)
from trunkline.adapters.postgres import PostgresStore
from trunkline.listening import LOOPBACK
from trunkline.local.ports import free_port
from trunkline.local.processes import Child
from trunkline.local.stack import READY_TIMEOUT_S, answers
from trunkline.model.limits import API_PAGE_MAX

GOAL_MS = 50.0
PAGE = 100
RATE_OF_A_PERSON = 25.0
"""Half of what one token may ask a second."""
WARM_S = 3.0
FLOOR_S = 10.0
CHANGES_PER_S = 2.0
"""Statuses that change meanwhile: what was tagged does not stay as it was."""
DASHBOARDS = 8
"""Pages that are left open: the same few addresses again and again."""
SEED = 20260302
_P = f"/v1/projects/{PROJECT}"

MakesPath = Callable[[random.Random], str]


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request and its share of all of them."""

    name: str
    weight: int
    path: MakesPath


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of one run and what it took."""

    told: tuple[Told, ...]
    cost: Cost

    @property
    def processor_ms(self) -> float:
        """Of the server, for one request."""
        return self.cost.total_s * 1000 / len(self.told)

    def named(self, *names: str) -> list[Told]:
        """Those of some kinds of requests, or of all."""
        return [one for one in self.told if not names or one.name in names]


class StatusApi(ServedHome):
    """PostgreSQL, the API and the floor, each a process of its own; leaves none behind."""

    def measure(self, agents: int, rate_per_s: float, duration_s: float) -> None:
        """The figures."""
        people = math.ceil(rate_per_s / RATE_OF_A_PERSON)
        population = asyncio.run(populate(self._database_url, agents, people))
        report("status API", f"{agents:,} agents, {population.rows:,} rows")
        api, port = self._serve_api("api", {})
        started_mib = resident_mib(api)
        routes = _routes(population, _cursors(port, population.tokens[0]))
        random_source = random.Random(SEED)  # noqa: S311 - which request is next
        warm_s = min(WARM_S, duration_s)
        self._run(api, port, _plan(routes, population, random_source, rate_per_s, warm_s))
        warm_mib = resident_mib(api)
        plan = _plan(routes, population, random_source, rate_per_s, duration_s)
        answered = self._run(api, port, plan, population)
        done_mib = resident_mib(api)
        _report(answered, rate_per_s, duration_s)
        report(
            "",
            f"memory of the API {started_mib:.0f} MiB started, {warm_mib:.0f} warm,"
            f" {done_mib:.0f} after {len(answered.told):,} requests",
        )
        api.stop()
        floor, port = self._serve_floor()
        routes = _floor_routes(population)
        random_source = random.Random(SEED)  # noqa: S311 - which request is next
        self._run(floor, port, _plan(routes, population, random_source, rate_per_s, warm_s))
        plan = _plan(routes, population, random_source, rate_per_s, min(FLOOR_S, duration_s))
        _report_floor(self._run(floor, port, plan), answered)

    def _serve_floor(self) -> tuple[Child, int]:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.floor", "--port", str(port)]
        environment = {"DATABASE_URL": self._database_url}
        floor = self._supervisor.start("floor", command, environment=environment)
        address = f"http://{LOOPBACK}:{port}/agents?project={PROJECT}&after=&limit=1"
        floor.wait_until(lambda: answers(address), timeout_s=READY_TIMEOUT_S)
        return floor, port

    def _run(
        self, server: Child, port: int, requests: list[Due], changing: Population | None = None
    ) -> Answered:
        """Send them from a process of their own; statuses change meanwhile if that is said."""
        plan_path, told_path = self._home / "plan.json", self._home / "told.json"
        plan = Plan(host=LOOPBACK, port=port, requests=requests)
        plan_path.write_text(plan.model_dump_json())
        told_path.unlink(missing_ok=True)
        meter = Meter((server,))
        command = [sys.executable, "-m", "benchmarks.load", str(plan_path), str(told_path)]
        sender = self._supervisor.start("load", command)
        asyncio.run(_change(self._database_url, changing, lambda: sender.exit_code is None))
        cost = meter.cost()
        if sender.exit_code:
            raise sender.failure("not everything was answered")
        told = tuple(TOLD.validate_json(told_path.read_bytes()))
        refused = [one for one in told if one.status not in (200, NOT_MODIFIED)]
        if refused:
            first = f"{refused[0].path} with {refused[0].status}"
            sys.exit(f"{len(refused)} of {len(told)} requests were refused, first {first}")
        return Answered(told, cost)


async def _change(
    database_url: str, population: Population | None, goes_on: Callable[[], bool]
) -> None:
    """Change a status now and then, with the event that tells of it, for as long as it goes on."""
    chosen = random.Random(SEED)  # noqa: S311 - whose status
    async with PostgresStore(database_url) as store:
        while goes_on():
            if population is not None:
                number = chosen.randrange(len(population.agents))
                name = population.agents[number]
                words = f"edited at {time.time():.3f}"
                status = status_of(name, number, PRODUCTION).model_copy(update={"message": words})
                await store.put_status(status, [event_of(name, PRODUCTION, "Drifted", words)])
            await asyncio.sleep(1 / CHANGES_PER_S)


def _plan(
    routes: Sequence[Route],
    population: Population,
    source: random.Random,
    rate_per_s: float,
    duration_s: float,
) -> list[Due]:
    """Requests at random moments: as many as the rate says, each independent of the others."""
    count = max(1, round(rate_per_s * duration_s))
    moments_s = sorted(source.uniform(0, duration_s) for _ in range(count))
    kinds = source.choices(routes, [route.weight for route in routes], k=count)
    return [
        Due(
            at_s=at_s,
            name=kind.name,
            path=kind.path(source),
            token=population.tokens[number % len(population.tokens)],
        )
        for number, (at_s, kind) in enumerate(zip(moments_s, kinds, strict=True))
    ]


def _routes(population: Population, cursors: Sequence[str]) -> tuple[Route, ...]:
    agents = population.agents
    pages = [
        f"{_P}/agents?limit={PAGE}",
        f"{_P}/agents?limit={PAGE}&environment={PRODUCTION}",
        *(f"{_P}/agents?limit={PAGE}&label=team=team-{n}" for n in range(DASHBOARDS - 2)),
    ]

    def agent(source: random.Random) -> str:
        return f"{_P}/agents/{source.choice(agents)}"

    return (
        Route("list, left open", 10, lambda source: source.choice(pages)),
        Route(
            "list, somewhere",
            15,
            lambda source: (
                f"{_P}/agents?limit={PAGE}&environment={PRODUCTION}&cursor={source.choice(cursors)}"
            ),
        ),
        Route(
            "list by label",
            10,
            lambda source: f"{_P}/agents?limit={PAGE}&label=team=team-{source.randrange(TEAMS)}",
        ),
        Route(
            "list by rare label",
            5,
            lambda source: (
                f"{_P}/agents?limit={PAGE}&label=region=region-{source.randrange(REGIONS)}"
            ),
        ),
        Route("get", 35, lambda source: f"{agent(source)}?environment={PRODUCTION}"),
        Route("events", 5, lambda _: f"{_P}/events?limit={PAGE}"),
        Route("events of an agent", 5, lambda source: f"{agent(source)}/events?limit={PAGE}"),
        Route("changelog", 5, lambda source: f"{agent(source)}/changelog"),
        Route("open promotions", 5, lambda _: f"{_P}/promotions?open=true&limit={PAGE}"),
        Route("audit", 5, lambda _: f"/v1/audit?project={PROJECT}&limit={PAGE}"),
    )


def _floor_routes(population: Population) -> tuple[Route, ...]:
    agents = population.agents
    return (
        Route(
            "get",
            1,
            lambda source: (
                f"/agents/{source.choice(agents)}?project={PROJECT}&environment={PRODUCTION}"
            ),
        ),
        Route(
            "list, somewhere",
            1,
            lambda source: f"/agents?project={PROJECT}&after={source.choice(agents)}&limit={PAGE}",
        ),
    )


def _cursors(port: int, token: str) -> list[str]:
    """Where pages begin, all over the fleet."""
    found: list[str] = []
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", headers=headers, timeout=60.0) as http:
        following: str | None = ""
        while following is not None:
            asked = {"limit": str(API_PAGE_MAX), "environment": PRODUCTION}
            if following:
                asked["cursor"] = following
            answer = http.get(f"{_P}/agents", params=asked)
            following = answer.raise_for_status().json()["nextCursor"]
            found += [following] if following else []
    return found or [""]


def _report(answered: Answered, rate_per_s: float, duration_s: float) -> None:
    words = f"{rate_per_s:g} requests a second at random moments for {duration_s:g} s"
    report("", f"{words}, {CHANGES_PER_S:g} statuses a second change")
    for name in dict.fromkeys(one.name for one in answered.told):
        report("", f"{name:<19} {_spread(answered.named(name))}")
    report("", f"{'all':<19} {_spread(answered.told)}")
    p99_ms = _quantile([one.duration_s for one in answered.told], 0.99) * 1000
    verdict = "reached" if p99_ms <= GOAL_MS else "missed"
    report("", f"p99 {p99_ms:.1f} ms; goal {GOAL_MS:g} ms {verdict}")
    _report_lag(answered)


def _report_lag(answered: Answered) -> None:
    lags_s = [one.lag_s for one in answered.told]
    report(
        "",
        f"of it the sender's own: late by p99 {_quantile(lags_s, 0.99) * 1000:.1f} ms,"
        f" max {max(lags_s) * 1000:.1f} ms",
    )


def _report_floor(floor: Answered, answered: Answered) -> None:
    for name in ("get", "list, somewhere"):
        bare, ours = floor.named(name), answered.named(name)
        if not bare or not ours:
            continue
        ratios = " and ".join(
            f"{_quantile(_times(ours), share) / _quantile(_times(bare), share):.1f}"
            for share in (0.5, 0.99)
        )
        report("" if name != "get" else "API's floor", f"{name:<19} {_spread(bare)}")
        report("", f"{name:<19} the API takes {ratios} times as long (p50, p99)")
    _report_lag(floor)
    report(
        "",
        f"processor a request: API {answered.processor_ms:.1f} ms,"
        f" floor {floor.processor_ms:.1f} ms",
    )


def _spread(told: Iterable[Told]) -> str:
    found = list(told)
    times_s = _times(found)
    shares = " ".join(
        f"p{share * 100:g} {_quantile(times_s, share) * 1000:.1f}" for share in (0.5, 0.95, 0.99)
    )
    same = sum(one.status == NOT_MODIFIED for one in found) / len(found)
    return f"{shares} max {max(times_s) * 1000:.1f} ms, {len(found)} asked, {same:.0%} unchanged"


def _times(told: Iterable[Told]) -> list[float]:
    return [one.duration_s for one in told]


def _quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by that share of them."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
