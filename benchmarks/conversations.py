"""Scripted conversations side by side: how close the engine comes to what they take by themselves.

The floor is what the conversations themselves lasted, from opened to ended, as the results say: the
longest, or their sum by places. What is over it is everything else: the queues, the addresses, the
places, writing down. Memory is what the worker grows by while all places are taken.
"""

import sys
import threading
from dataclasses import dataclass
from typing import Any, Self

import httpx
from temporalio.client import Client

from benchmarks.figures import LATENCY_MS, report, stopwatch
from benchmarks.machine import Cost, Meter, resident_mib
from benchmarks.operations import ask
from benchmarks.scripts import test_name
from trunkline.local.stack import LocalStack
from trunkline.model.testing.limits import TALK_PLACES_RESERVED

PLACES = 20
"""Conversations at once."""
THINK_MS = 1_000
"""What the simulated agent thinks before it speaks: about what a model and a voice take."""
RATIO_GOAL = 1.2
SAMPLE_INTERVAL_S = 0.25
PROJECT = "bench"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A run of tests: its duration, that of each conversation, what it took."""

    cost: Cost
    durations_s: tuple[float, ...]
    before_mib: float
    peak_mib: float

    @property
    def floor_s(self) -> float:
        """What the conversations take if nothing else takes any time."""
        return max(*self.durations_s, sum(self.durations_s) / PLACES)


class Resident:
    """The memory the worker had before the block, and the most while it ran."""

    def __init__(self, stack: LocalStack) -> None:
        self._child = next(child for child in stack.children if child.name == "worker")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before_mib = self.peak_mib = resident_mib(self._child)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_INTERVAL_S):
            self.peak_mib = max(self.peak_mib, resident_mib(self._child))


class Conversations:
    """An installation with an agent that is tested."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._platform = httpx.Client(base_url=stack.addresses.elevenlabs, timeout=60.0)
        self._api = httpx.Client(
            base_url=f"{stack.addresses.api}/v1/projects/{PROJECT}",
            headers={"authorization": f"Bearer {stack.tokens['admin']}"},
            timeout=60.0,
        )

    async def measure(self, conversations: int) -> None:
        """The figures; a first conversation loads what only the first one has to."""
        client = await Client.connect(self._stack.addresses.temporal)
        ask(self._api, "sync", {})
        settings = {"think_ms": THINK_MS, "concurrency": PLACES + TALK_PLACES_RESERVED}
        self._platform.post("/_sim/talks", json=settings).raise_for_status()
        self._platform.post("/_sim/latency", json={"ms": LATENCY_MS}).raise_for_status()
        await self._run(client, {"tests": [test_name(0)]})
        spoken = await self._run(client, {})
        if len(spoken.durations_s) != conversations:
            sys.exit(f"{len(spoken.durations_s)} of {conversations} conversations were held")
        self._report(spoken)

    def _report(self, spoken: Spoken) -> None:
        shown = self._platform.get("/_sim/talks").raise_for_status().json()
        if shown["bursts"] or shown["most_in_progress"] > PLACES:
            sys.exit(f"{shown['most_in_progress']} conversations at once are more than allowed")
        took_s, floor_s, durations_s = spoken.cost.duration_s, spoken.floor_s, spoken.durations_s
        ratio = took_s / floor_s
        verdict = "reached" if ratio <= RATIO_GOAL else "missed"
        count, most = len(durations_s), shown["most_in_progress"]
        longest_s, sum_s = max(durations_s), sum(durations_s)
        report("conversations", f"{count} in {took_s:.1f} s, {most} at once, {THINK_MS} ms thought")
        report(
            "",
            f"{ratio:.2f} times max(longest {longest_s:.1f} s, sum {sum_s:.0f} s / {PLACES} ="
            f" {sum_s / PLACES:.1f} s); goal {RATIO_GOAL} {verdict}",
            None,
            spoken.cost,
        )
        grown_mib = spoken.peak_mib - spoken.before_mib
        report(
            "",
            f"{grown_mib / PLACES:.2f} MiB a conversation: worker {spoken.before_mib:.0f} MiB,"
            f" at most {spoken.peak_mib:.0f} MiB with {most} at once",
        )

    async def _run(self, client: Client, order: dict[str, Any]) -> Spoken:
        """Test, and wait by the engine's own means: asking again and again would cost something."""
        meter = Meter(self._stack.children)
        elapsed = stopwatch()
        with Resident(self._stack) as resident:
            run_id = self._api.post("/test-runs", json=order).raise_for_status().json()["id"]
            await client.get_workflow_handle(f"test-run/{PROJECT}/{run_id}").result()
            took_s = elapsed()
        used = meter.cost()
        found = self._api.get(f"/test-runs/{run_id}").raise_for_status().json()
        if found["outcome"] != "passed":
            sys.exit(f"the conversations ended as {found['outcome']}: {found['message']}")
        runs = [run for test in found["tests"] for run in test["runs"]]
        return Spoken(
            Cost(took_s, used.processor_s),
            tuple(run["durationS"] for run in runs),
            resident.before_mib,
            resident.peak_mib,
        )
