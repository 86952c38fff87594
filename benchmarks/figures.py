"""The figures themselves: what is asked of a running stack, and how long it took.

Each is a method that leaves the stack as the next one needs it. What a figure is measured against
(calls times latency over concurrency, the engine's own floor) is taken in the same run.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.types import SweepReport
from benchmarks import fleets
from benchmarks.machine import Cost, Meter, resident_mib
from benchmarks.operations import OPERATION_TIMEOUT_S, ask, forget_calls
from trunkline.local.announcing import announce_push
from trunkline.local.stack import LocalStack
from trunkline.model.ids import project_workflow_id, sweep_id

Result = TypeVar("Result")

LATENCY_MS = 50
CONCURRENCY = 20
"""Requests to one account in flight, the adapters' limit."""
WRITE_POLL_S = 0.01
CHANGES = 20
"""Single changes measured: enough for a 95th percentile that is not the worst one."""
UPDATE_ROUTE = "PATCH /v1/convai/agents/{agent_id}"


class Figures:
    """A running stack and the figures taken from it."""

    def __init__(self, stack: LocalStack, loop: asyncio.Runner) -> None:
        self._stack = stack
        self._loop = loop
        self._client = loop.run(
            Client.connect(
                stack.addresses.temporal, data_converter=pydantic_data_converter, lazy=True
            )
        )
        token = stack.tokens["admin"]
        self._api = httpx.Client(
            base_url=f"{stack.addresses.api}/v1/projects/bench",
            headers={"authorization": f"Bearer {token}"},
            timeout=60.0,
        )
        self._platform = httpx.Client(base_url=stack.addresses.elevenlabs, timeout=60.0)

    def cold_apply(self, agents: int, *, goal_s: float | None) -> None:
        """From manifests to agents, everything to be created that is not there yet."""
        forget_calls(self._platform)
        cost = self._metered(lambda: self._grow(agents))
        calls = self._calls()
        floor_s = calls * LATENCY_MS / 1000 / CONCURRENCY
        report("cold apply", f"{cost.duration_s:.1f} s to {agents:,} agents", goal_s, cost)
        report("", f"{calls:,} calls; {cost.duration_s / floor_s:.2f} times their floor")

    def fill(self, agents: int) -> None:
        """Grow the fleet as fast as the machine can: no figure, a fleet for the next ones."""
        self._latency(0)
        cost = self._metered(lambda: self._grow(agents))
        self._latency(LATENCY_MS)
        report("(fleet)", f"{agents:,} agents after {cost.duration_s:.0f} s without latency")

    def memory(self, *, goal_mib: float) -> None:
        """Worker and API together, resident, right after the work."""
        used = {
            child.name: resident_mib(child)
            for child in self._stack.children
            if child.name in ("worker", "api")
        }
        parts = ", ".join(f"{name} {mib:.0f}" for name, mib in used.items())
        together = sum(used.values())
        verdict = "reached" if together <= goal_mib else "missed"
        report("memory", f"{together:.0f} MiB ({parts}); goal {goal_mib:.0f} {verdict}")

    def empty_plan(self) -> None:
        """A plan of everything that has nothing to do."""
        cost = self._metered(lambda: ask(self._api, "plans", {"environment": "testing"}))
        report("plan of everything", f"{cost.duration_s:.1f} s, nothing to do", None, cost)

    def one_change(self, agents: int, *, goal_s: float) -> None:
        """From the push of one edit to the first write the platform sees, repeated."""
        before = self._project_history()
        waits_s = [self._until_written(number) for number in range(CHANGES)]
        events = (self._project_history() - before) / CHANGES
        p95_s = statistics.quantiles(waits_s, n=20)[-1]
        cost = Cost(p95_s, {})
        words = (
            f"p95 {p95_s:.2f} s, median {statistics.median(waits_s):.2f} s, among {agents:,} agents"
        )
        report("one change", words, goal_s, cost)
        report("", f"{events:.0f} history events of the project a push")

    def idle_sweep(self, agents: int, *, goal_s: float) -> None:
        """A look over a fleet in which nobody changed anything."""
        forget_calls(self._platform)
        told: list[SweepReport] = []
        cost = self._metered(lambda: told.append(self._run(self._sweep())))
        calls = self._calls()
        floor_s = calls * LATENCY_MS / 1000 / CONCURRENCY
        words = (
            f"{cost.duration_s:.1f} s for {told[0].observed:,} looked at, {told[0].drifted} told"
        )
        report("idle sweep", words, goal_s, cost)
        report(
            "",
            f"{calls:,} calls ({calls / agents:.2f} an agent); "
            f"{cost.duration_s / max(floor_s, 0.001):.2f} times their floor",
        )

    async def _sweep(self) -> SweepReport:
        handle = self._client.get_schedule_handle(sweep_id("bench", "testing"))
        known = len((await handle.describe()).info.recent_actions)
        await handle.trigger()
        while True:
            actions = (await handle.describe()).info.recent_actions
            if len(actions) > known and isinstance(
                actions[-1].action, ScheduleActionExecutionStartWorkflow
            ):
                started = actions[-1].action
                running = self._client.get_workflow_handle(
                    started.workflow_id,
                    run_id=started.first_execution_run_id,
                    result_type=SweepReport,
                )
                swept: SweepReport = await running.result()
                return swept

    def _grow(self, agents: int) -> None:
        fleets.grow(self._stack.repository.clone, agents)
        self._stack.repository.push(f"A fleet of {agents}")
        ask(self._api, "sync", {})

    def _until_written(self, number: int) -> float:
        forget_calls(self._platform)
        fleets.change(self._stack.repository.clone, number, f"what brings you here, {uuid4().hex}?")
        began_s = time.perf_counter()
        announce_push(self._stack, self._stack.repository.push("One change"))
        while UPDATE_ROUTE not in self._counters()["requests"]:
            if time.perf_counter() - began_s > OPERATION_TIMEOUT_S:
                sys.exit("the change was never written")
            time.sleep(WRITE_POLL_S)
        waited_s = time.perf_counter() - began_s
        ask(self._api, f"agents/agent-{number:05}/sync", {})
        return waited_s

    def _metered(self, work: Callable[[], object]) -> Cost:
        meter = Meter(self._stack.children)
        work()
        return meter.cost()

    def _project_history(self) -> int:
        described = self._run(
            self._client.get_workflow_handle(project_workflow_id("bench")).describe()
        )
        return int(described.history_length)

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run(work)

    def _latency(self, milliseconds: int) -> None:
        self._platform.post("/_sim/latency", json={"ms": milliseconds}).raise_for_status()

    def _counters(self) -> dict[str, Any]:
        counters: dict[str, Any] = self._platform.get("/_sim/counters").raise_for_status().json()
        return counters

    def _calls(self) -> int:
        return int(self._counters()["total"])


def stopwatch() -> Callable[[], float]:
    """Seconds since the call."""
    began_s = time.perf_counter()
    return lambda: time.perf_counter() - began_s


def report(what: str, figure: str, goal_s: float | None = None, cost: Cost | None = None) -> None:
    """One figure, beside its goal; its profile follows if it was missed."""
    if goal_s is not None and cost is not None:
        verdict = "reached" if cost.duration_s <= goal_s else "missed"
        figure = f"{figure}; goal {goal_s:g} s {verdict}"
    print(f"{what:<20} {figure}", flush=True)
    if cost is not None and cost.processor_s:
        print(f"{'':<20} {cost.profile()}", flush=True)
