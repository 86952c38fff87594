"""What the processes of a stack cost: seconds of processor and bytes of memory, by process.

A duration alone says little on a shared machine; beside the processor time of each part it says
where the time went, and a figure that misses its goal comes with that profile.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from trunkline.local.processes import Child


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time in seconds, and processor seconds by process name."""

    duration_s: float
    processor_s: Mapping[str, float]

    @property
    def total_s(self) -> float:
        """Processor seconds of the whole stack."""
        return sum(self.processor_s.values())

    def profile(self) -> str:
        """Where the processor time went, the largest first."""
        parts = sorted(self.processor_s.items(), key=lambda part: -part[1])
        cores = os.cpu_count() or 1
        busy = self.total_s / (self.duration_s * cores) if self.duration_s else 0.0
        named = ", ".join(f"{name} {spent_s:.1f} s" for name, spent_s in parts if spent_s >= 0.1)
        return f"processor {self.total_s:.1f} s ({busy:.0%} of {cores} cores): {named}"


@dataclass(slots=True)
class Meter:
    """Reads what the children have used since it was made, their own children included."""

    children: tuple[Child, ...]
    _started_at_s: float = field(default_factory=time.perf_counter)
    _used_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._used_s = self._read()

    def cost(self) -> Cost:
        """The cost since the meter was made."""
        used_s = self._read()
        spent = {name: used_s[name] - self._used_s.get(name, 0.0) for name in used_s}
        return Cost(time.perf_counter() - self._started_at_s, spent)

    def _read(self) -> dict[str, float]:
        return {child.name: _processor_s(child.pid) for child in self.children}


def resident_mib(child: Child) -> float:
    """Resident memory of a process and its children, in MiB; shared pages count for each."""
    return float(sum(process.memory_info().rss for process in _family(child.pid))) / 2**20


def pin_to(child: Child, core: int) -> None:
    """Let a process, its threads and its children run on one core."""
    for process in _family(child.pid):
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {core})


def _processor_s(pid: int) -> float:
    spent_s = 0.0
    for process in _family(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent_s += times.user + times.system
        spent_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return spent_s


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
