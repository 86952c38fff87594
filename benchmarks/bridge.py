"""The media bridge: how many calls one core carries, and what a frame waits in it.

The API process as ``trunkline serve`` runs it, pinned to one core, between a carrier and a platform
that live in a process of their own on another (``benchmarks.lines``), over a real PostgreSQL.
"""

import asyncio
import base64
import hashlib
import hmac
import math
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import report
from benchmarks.homes import ServedHome
from benchmarks.lines import CallPlan, CallsTold, Stream, Way
from benchmarks.listeners import ListeningPlan, ListeningTold
from benchmarks.machine import Meter, pin_to, resident_mib
from trunkline.adapters.postgres import PostgresStore
from trunkline.listening import LOOPBACK
from trunkline.local.ports import free_port
from trunkline.local.processes import Child
from trunkline.model.base import JsonObject
from trunkline.model.calls.addresses import MEDIA_ROUTE, media_address
from trunkline.model.calls.records import CallRecord
from trunkline.model.ids import ExternalId, Revision, secret_prefix
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.services.access import AccessService

PROJECT, ENVIRONMENT = "bench", "testing"
ACCOUNT, TOKEN = "AC" + "0" * 31 + "1", "token-of-the-benchmark"
GOAL_MS = 10.0
CARRIED_MS = 20.0
"""A frame that waits longer than the next one takes to come is late."""
LARGER = 1.25
"""By how much the next attempt is larger, until frames are late."""
SEARCH_S = 10.0
CALLS_MAX = 200
LOOK_S = 0.5
LISTENERS = 50
SETTLE_S = 8.0
"""How much longer calls last than people listen: they have to come in first."""


class Bridge(ServedHome):
    """PostgreSQL, a server on one core and callers on another; leaves none behind."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._token = ""
        self._made = 0

    def measure(self, calls: int, duration_s: float) -> None:
        """The figures: the goal first, then the largest number in time."""
        asyncio.run(self._register())
        platform_port = free_port()
        server, port = self._serve(platform_port)
        idle_mib = resident_mib(server)
        told, busy, used_mib = self._run(server, port, platform_port, calls, duration_s)
        _report(calls, duration_s, told, busy)
        report(
            "",
            f"memory {idle_mib:.0f} MiB idle, {(used_mib - idle_mib) * 1024 / calls:.0f} KiB a call"
            f" with {calls} of them",
        )
        self._fan_out(server, port, platform_port, calls)
        largest = calls if _is_in_time(told) else 0
        tried = calls
        while _is_in_time(told) and tried < CALLS_MAX:
            tried = min(CALLS_MAX, math.ceil(tried * LARGER))
            told, busy, _ = self._run(server, port, platform_port, tried, SEARCH_S)
            report("", f"{tried} calls: {_line(told, busy)}")
            largest = tried if _is_in_time(told) else largest
        report("", f"{largest} calls: the most tried with p99 <= {CARRIED_MS:g} ms, nothing lost")

    async def _register(self) -> None:
        prefix = secret_prefix(PROJECT)
        accounts: JsonObject = {
            "elevenlabs": {"apiKey": {"env": f"{prefix}KEY"}},
            "twilio": {
                "accountSid": {"env": f"{prefix}ACCOUNT"},
                "authToken": {"env": f"{prefix}TOKEN"},
            },
        }
        manifest: JsonObject = {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": PROJECT},
            "spec": {
                "accounts": accounts,
                "environments": [{"name": ENVIRONMENT, "source": "head", "mode": "enforce"}],
            },
        }
        async with PostgresStore(self._database_url) as store:
            address = "https://git.example.com/team/bench.git"
            await store.register(ProjectRecord(name=PROJECT, repository=address))
            head = Revision("0" * 40)
            source = SourceState(project=PROJECT, seen_revision=head, applied_revision=head)
            await store.store_tree(source, [], {}, manifest)
            issued = await AccessService(store).issue("listener@example.com", "admin")
            self._token = issued.secret

    def _serve(self, platform_port: int) -> tuple[Child, int]:
        prefix = secret_prefix(PROJECT)
        settings = {
            "ELEVENLABS_BASE_URL": f"http://{LOOPBACK}:{platform_port}",
            f"{prefix}KEY": "key-of-the-benchmark",
            f"{prefix}ACCOUNT": ACCOUNT,
            f"{prefix}TOKEN": TOKEN,
        }
        server, port = self._serve_api("server", settings)
        pin_to(server, _cores()[0])
        report("media bridge", "a server on one core")
        return server, port

    def _fan_out(self, server: Child, port: int, platform_port: int, calls: int) -> None:
        """The same calls, one of which many people hear."""
        plan_path, told_path = self._home / "hearing.json", self._home / "heard.json"
        call = f"call_15005550006_{self._made + 1:08x}"
        plan = ListeningPlan(
            url=f"ws://{LOOPBACK}:{port}/v1/projects/{PROJECT}/calls/{call}/listen",
            token=self._token,
            listeners=LISTENERS,
            duration_s=SEARCH_S,
            core=_cores()[-1],
        )
        plan_path.write_text(plan.model_dump_json())
        command = [sys.executable, "-m", "benchmarks.listeners", str(plan_path), str(told_path)]
        listeners = self._supervisor.start("listeners", command)
        told, busy, _ = self._run(server, port, platform_port, calls, SEARCH_S + SETTLE_S)
        while listeners.exit_code is None:
            time.sleep(LOOK_S)
        if listeners.exit_code:
            raise listeners.failure("not everybody could listen")
        shares = ListeningTold.model_validate_json(told_path.read_bytes()).shares
        report("", f"{LISTENERS} listeners to one of {calls} calls: {_line(told, busy)}")
        report("", f"they heard {min(shares):.0%} to {max(shares):.0%} of what was spoken")

    def _run(
        self, server: Child, port: int, platform_port: int, calls: int, duration_s: float
    ) -> tuple[CallsTold, float, float]:
        plan_path, told_path = self._home / "plan.json", self._home / "told.json"
        told_path.unlink(missing_ok=True)
        public = f"http://{LOOPBACK}:{port}"
        plan = CallPlan(
            url=f"ws://{LOOPBACK}:{port}{MEDIA_ROUTE}",
            signature=_signature(media_address(public)),
            account=ACCOUNT,
            platform_port=platform_port,
            streams=asyncio.run(self._streams(calls)),
            duration_s=duration_s,
            core=_cores()[-1],
        )
        plan_path.write_text(plan.model_dump_json())
        command = [sys.executable, "-m", "benchmarks.lines", str(plan_path), str(told_path)]
        meter = Meter((server,))
        callers = self._supervisor.start("callers", command)
        used_mib = 0.0
        spent: list[tuple[float, float]] = []
        while callers.exit_code is None:
            time.sleep(LOOK_S)
            used_mib = max(used_mib, resident_mib(server))
            spent.append((time.perf_counter(), meter.cost().total_s))
        if callers.exit_code:
            raise callers.failure("not every call was carried")
        told = CallsTold.model_validate_json(told_path.read_bytes())
        return told, _busy(told, spent), used_mib

    async def _streams(self, calls: int) -> list[Stream]:
        """Calls that were routed to the bridge, each with a ticket."""
        streams = []
        async with PostgresStore(self._database_url) as store:
            for _ in range(calls):
                self._made += 1
                stream = Stream(
                    call=f"call_15005550006_{self._made:08x}",
                    sid=f"CA{self._made:032x}",
                    ticket=f"ticket-{self._made}",
                )
                await store.open_call(
                    CallRecord(
                        id=stream.call,
                        project=PROJECT,
                        environment=ENVIRONMENT,
                        agent="front-desk",
                        agent_id=ExternalId("agent_bench"),
                        from_number="+15005550001",
                        to_number="+15005550006",
                        carrier_account=ACCOUNT,
                        carrier_call_id=stream.sid,
                        ticket_digest=hashlib.sha256(stream.ticket.encode()).hexdigest(),
                        started_at=datetime.now(UTC),
                    )
                )
                streams.append(stream)
        return streams


def _cores() -> Sequence[int]:
    return sorted(os.sched_getaffinity(0))


def _signature(url: str) -> str:
    return base64.b64encode(hmac.new(TOKEN.encode(), url.encode(), "sha1").digest()).decode()


def _is_in_time(told: CallsTold) -> bool:
    ways = (told.to_agent, told.to_caller)
    return not _lost(told) and all(_quantile(way, 0.99) <= CARRIED_MS for way in ways)


def _lost(told: CallsTold) -> int:
    ways = (told.to_agent, told.to_caller)
    return sum(way.sent - way.arrived + way.misplaced for way in ways) + told.closed_early


def _report(calls: int, duration_s: float, told: CallsTold, busy: float) -> None:
    report("", f"{calls} calls for {duration_s:g} s")
    for name, way in (("to the agent", told.to_agent), ("to the caller", told.to_caller)):
        words = f"p50 {_quantile(way, 0.5):.2f} p99 {_quantile(way, 0.99):.2f} ms"
        report("", f"{name:<14} {words} max {max(way.latencies_ms):.1f} ms, {way.sent:,} frames")
    late = max(_quantile(way, 0.99) for way in (told.to_agent, told.to_caller))
    verdict = "reached" if late <= GOAL_MS and not _lost(told) else "missed"
    report("", f"{_lost(told)} lost or misplaced; goal p99 {GOAL_MS:g} ms {verdict}")
    lags = sorted(told.lags_ms)
    report("", f"of it the callers' own: late by p99 {lags[int(len(lags) * 0.99)]:.2f} ms")
    report("", f"processor {busy:.0%} of the core, {busy / calls:.2%} a call")


def _line(told: CallsTold, busy: float) -> str:
    ways = " and ".join(f"{_quantile(way, 0.99):.1f}" for way in (told.to_agent, told.to_caller))
    lags = sorted(told.lags_ms)
    own = lags[int(len(lags) * 0.99)]
    spent = f"core {busy:.0%} busy, callers late by p99 {own:.1f} ms"
    return f"p99 {ways} ms, {_lost(told)} lost, {spent}"


def _busy(told: CallsTold, spent: Sequence[tuple[float, float]]) -> float:
    """The share of its core the server used while frames went."""
    meanwhile = [each for each in spent if told.begun_s <= each[0] <= told.ended_s]
    (first_s, before_s), (last_s, after_s) = meanwhile[0], meanwhile[-1]
    return (after_s - before_s) / max(last_s - first_s, LOOK_S)


def _quantile(way: Way, share: float) -> float:
    times = sorted(way.latencies_ms)
    return times[max(0, math.ceil(share * len(times)) - 1)] if times else math.inf
