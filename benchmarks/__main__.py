"""``make bench``: what the design promises, measured on the real stack with a fleet made for it.

Every figure comes from one run on one machine and is printed beside what it is measured against,
so that a slow machine shows as a slow machine. The simulators answer after 50 ms, as a platform
across a network would.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from trunkline.local.places import default_home
from trunkline.local.ports import FREE_PORTS
from trunkline.local.processes import stopped_by_signals
from trunkline.local.stack import LocalStack, StackOptions
from trunkline.manifests import Caches, DirectoryTree, load

LATENCY_MS = 50
CONCURRENCY = 20
"""Requests to one account in flight, the adapters' limit."""
OPERATION_TIMEOUT_S = 1_800.0
POLL_INTERVAL_S = 0.1
PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: bench }
spec:
  accounts:
    elevenlabs: { apiKey: { env: ELEVENLABS_API_KEY } }
  environments:
    - name: testing
      source: head
      mode: enforce
      drift: { policy: heal, interval: 24h }
"""
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: NAME }
spec:
  displayName: NAME
  prompt: { text: "You answer the phone of NAME. Be brief, be kind, and never guess a price." }
  firstMessage: "NAME, how can I help?"
  language: en
  model: { name: gemini-2.5-flash, temperature: 0.2 }
"""


def fleet(folder: Path, agents: int) -> None:
    """Write a manifests repository with that many agents."""
    (folder / "agents").mkdir(parents=True)
    (folder / "trunkline.yaml").write_text(PROJECT)
    for number in range(agents):
        name = f"agent-{number:05}"
        (folder / "agents" / f"{name}.yaml").write_text(AGENT.replace("NAME", name))


class Bench:
    """A running stack and the figures taken from it."""

    def __init__(self, stack: LocalStack, agents: int) -> None:
        self._stack = stack
        self._agents = agents
        token = stack.tokens["admin"]
        self._api = httpx.Client(
            base_url=f"{stack.addresses.api}/v1/projects/bench",
            headers={"authorization": f"Bearer {token}"},
            timeout=60.0,
        )
        self._platform = httpx.Client(base_url=stack.addresses.elevenlabs, timeout=60.0)

    def run(self) -> None:
        """Every figure in order: the later ones stand on the fleet the first one made."""
        self._platform.post("/_sim/latency", json={"ms": LATENCY_MS}).raise_for_status()
        self._cold_apply()
        self._empty_plan()
        self._one_change()

    def _cold_apply(self) -> None:
        self._platform.delete("/_sim/counters").raise_for_status()
        duration_s = timed(lambda: self._push("Fleet")) + timed(lambda: self._ask("sync", {}))
        calls = self._calls()
        floor_s = calls * LATENCY_MS / 1000 / CONCURRENCY
        report("cold apply", f"{duration_s:.1f} s for {self._agents} agents")
        report("", f"{calls} calls, {calls / self._agents:.1f} an agent; floor {floor_s:.1f} s")

    def _empty_plan(self) -> None:
        order = {"environment": "testing"}
        duration_s = timed(lambda: self._ask("plans", order))
        report("plan of everything", f"{duration_s:.1f} s, nothing to do")

    def _one_change(self) -> None:
        self._platform.delete("/_sim/counters").raise_for_status()
        manifest = self._stack.repository.clone / "agents" / "agent-00000.yaml"
        manifest.write_text(manifest.read_text().replace("how can I help?", "good morning!"))
        pushing_s = timed(lambda: self._push("One change"))
        duration_s = timed(lambda: self._ask("sync", {}))
        report("one change", f"{duration_s:.2f} s from sync to done, push itself {pushing_s:.2f} s")
        report("", f"{self._calls()} calls")

    def _push(self, subject: str) -> None:
        self._stack.repository.push(subject)

    def _ask(self, what: str, order: dict[str, Any]) -> None:
        answer = self._api.post(f"/{what}", json=order)
        operation = answer.raise_for_status().json()
        deadline = time.monotonic() + OPERATION_TIMEOUT_S
        while operation["state"] == "Running":
            if time.monotonic() > deadline:
                sys.exit(f"{what} did not end: {json.dumps(operation)[:500]}")
            time.sleep(POLL_INTERVAL_S)
            operation = self._api.get(f"/operations/{operation['id']}").raise_for_status().json()
        if operation["state"] != "Succeeded":
            sys.exit(f"{what} ended as {operation['state']}: {operation['message']}")

    def _calls(self) -> int:
        return int(self._platform.get("/_sim/counters").raise_for_status().json()["total"])


def read_tree(folder: Path, agents: int) -> None:
    """Reading a tree cold, and again with one file changed."""
    caches = Caches()
    cold_s = timed(lambda: load(DirectoryTree(folder), caches=caches))
    warm_s = timed(lambda: load(DirectoryTree(folder), caches=caches))
    each_ms = cold_s * 1000 / (agents + 1)
    report("reading a tree", f"{each_ms:.2f} ms a document cold; again {warm_s * 1000:.0f} ms")


def timed(work: Callable[[], object]) -> float:
    """Seconds the work took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(what: str, figure: str) -> None:
    """One line of the result."""
    print(f"{what:<20} {figure}", flush=True)


def main() -> None:
    """Measure; the fleet's size is the only choice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--agents", type=int, default=300)
    agents = parser.parse_args().agents
    default_home().mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=default_home()))
    try:
        fleet(home / "fleet", agents)
        report("machine", f"{os.cpu_count()} cores, simulators at {LATENCY_MS} ms")
        read_tree(home / "fleet", agents)
        options = StackOptions(home, home / "fleet", FREE_PORTS, poll_interval="10m", seeded=False)
        with stopped_by_signals(), LocalStack(options, lambda _: None) as stack:
            Bench(stack, agents).run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
