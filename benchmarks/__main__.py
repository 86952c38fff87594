"""``make bench``: what the design promises, measured on the real stack with a fleet made for it.

Every figure comes from one run on one machine and is printed beside its goal and beside what it is
measured against, so that a slow machine shows as a slow machine. The simulators answer after 50 ms,
as a platform across a network would.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from temporalio.client import Client

from benchmarks import fleets, scripts
from benchmarks.bridge import Bridge
from benchmarks.conversations import Conversations
from benchmarks.engine import engine_floor
from benchmarks.figures import LATENCY_MS, Figures, report
from benchmarks.planning import pure_planner
from benchmarks.promotions import Promotions
from benchmarks.status_api import StatusApi
from trunkline.local.places import default_home
from trunkline.local.ports import FREE_PORTS
from trunkline.local.processes import stopped_by_signals
from trunkline.local.stack import LocalStack, StackOptions
from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.model.resolution import wishes

MEMORY_GOAL_MIB = 256.0
COLD_GOAL_S = 60.0
CHANGE_GOAL_S = 2.0
SWEEP_GOAL_S = 60.0
DOCUMENT_GOAL_S = 0.001
SUBJECTS = ("fleet", "conversations", "promotions", "api", "bridge")


def read_tree(folder: Path, agents: int) -> None:
    """Reading a tree cold, again with nothing changed, and planning what it wants."""
    caches = Caches()
    cold_s = timed(lambda: load(DirectoryTree(folder), caches=caches))
    warm_s = timed(lambda: load(DirectoryTree(folder), caches=caches))
    each_s = cold_s / (agents + 1)
    verdict = "reached" if each_s <= DOCUMENT_GOAL_S else "missed"
    pure_planner(wishes(load(DirectoryTree(folder), caches=caches)).agents)
    report(
        "reading a tree",
        f"{each_s * 1000:.2f} ms a document cold, goal 1 ms {verdict}; "
        f"again {warm_s * 1000:.0f} ms for all",
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds the work took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(stack: LocalStack, agents: int, fleet: int) -> None:
    """Every figure in order: the later ones stand on the fleet the first ones made."""
    with asyncio.Runner() as loop:
        figures = Figures(stack, loop)
        scale = agents / 1000
        figures.cold_apply(agents, goal_s=COLD_GOAL_S * scale)
        figures.memory(goal_mib=MEMORY_GOAL_MIB)
        figures.empty_plan()
        loop.run(engine_floor(stack.addresses.temporal, agents))
        if fleet > agents:
            figures.fill(fleet)
        figures.one_change(fleet, goal_s=CHANGE_GOAL_S)
        figures.idle_sweep(fleet, goal_s=SWEEP_GOAL_S * fleet / 10_000)


def measure_fleet(home: Path, agents: int, fleet: int) -> None:
    """What Trunkline takes to keep many agents as they should be."""
    fleets.grow(home / "fleet", agents)
    read_tree(home / "fleet", agents)
    options = StackOptions(home, home / "fleet", FREE_PORTS, poll_interval="30m", seeded=False)
    with LocalStack(options, lambda _: None) as stack:
        measure(stack, agents, max(agents, fleet))


def measure_conversations(home: Path, conversations: int) -> None:
    """What Trunkline takes to test one, on an installation of its own."""
    scripts.practice(home / "practice", conversations)
    options = StackOptions(home, home / "practice", FREE_PORTS, poll_interval="30m")
    with LocalStack(options, lambda _: None) as stack:
        asyncio.run(Conversations(stack).measure(conversations))


def measure_promotions(home: Path, conversations: int, rounds: int) -> None:
    """What Trunkline takes to release one, and to take it back, on another."""
    scripts.released_practice(home / "practice", conversations)
    options = StackOptions(home, home / "practice", FREE_PORTS, poll_interval="30m")

    async def measured(stack: LocalStack) -> None:
        client = await Client.connect(stack.addresses.temporal)
        await Promotions(stack, client).measure(conversations, rounds)

    with LocalStack(options, lambda _: None) as stack:
        asyncio.run(measured(stack))


def measure_api(home: Path, agents: int, rate_per_s: float, duration_s: float) -> None:
    """What Trunkline takes to say how a fleet is, with nobody at work but who asks."""
    with StatusApi(home) as api:
        api.measure(agents, rate_per_s, duration_s)


def measure_bridge(home: Path, calls: int, duration_s: float) -> None:
    """What Trunkline takes to carry a call, frame by frame."""
    with Bridge(home) as bridge:
        bridge.measure(calls, duration_s)


def main() -> None:
    """Measure; sizes and subject are the only choice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000, help="agents of the cold apply")
    parser.add_argument("--fleet", type=int, default=10_000, help="agents of the other figures")
    parser.add_argument("--conversations", type=int, default=100, help="conversations under test")
    parser.add_argument("--rounds", type=int, default=10, help="releases and bad verdicts each")
    parser.add_argument("--rate", type=float, default=50, help="requests a second to the API")
    parser.add_argument("--seconds", type=float, default=30, help="how long the API is asked")
    parser.add_argument("--calls", type=int, default=40, help="calls that are bridged at once")
    parser.add_argument("--talk", type=float, default=60, help="seconds each of them lasts")
    parser.add_argument("--only", choices=SUBJECTS, help="what to measure")
    sizes = parser.parse_args()
    default_home().mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=default_home()))
    code = 0
    try:
        report("machine", f"{os.cpu_count()} cores, simulators at {LATENCY_MS} ms")
        with stopped_by_signals():
            if sizes.only in (None, "fleet"):
                measure_fleet(home / "of-fleet", sizes.agents, sizes.fleet)
            if sizes.only in (None, "conversations"):
                measure_conversations(home / "of-conversations", sizes.conversations)
            if sizes.only in (None, "promotions"):
                measure_promotions(home / "of-promotions", sizes.conversations, sizes.rounds)
            if sizes.only in (None, "api"):
                measure_api(home / "of-api", sizes.fleet, sizes.rate, sizes.seconds)
            if sizes.only in (None, "bridge"):
                measure_bridge(home / "of-bridge", sizes.calls, sizes.talk)
    except KeyboardInterrupt:
        code = 130
    finally:
        shutil.rmtree(home, ignore_errors=True)
    leave(code)


def leave(code: int) -> None:
    """End without the interpreter's farewell: Temporal's runtime does not survive it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
