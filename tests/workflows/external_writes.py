"""Writes to everything outside, in order: recorded, and held at one that a test picks.

Vendors hold a request by a fault of theirs. A repository holds a push by its hooks, which wait for
a file. What is told of a write is its place, what was asked, and which of its kind it was.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tests.workflows.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from tests.workflows.conftest import Stack
    from tests.workflows.vendors import Vendor

When = Literal["before", "after-lost", "after-recorded"]
WHENS: Final[tuple[When, ...]] = ("before", "after-lost", "after-recorded")
FAULTS: Final[dict[When, tuple[str, float]]] = {
    "before": ("hang-before", 60.0),
    "after-lost": ("hang-after", 60.0),
    "after-recorded": ("slow", 1.5),
}
"""Long enough that only a kill ends it, or that it can be seen who waits for the answer."""
GIT: Final = "Git"
WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
HOOKS: Final = (("pre-receive", "echo push >> seen", 1), ("post-receive", "", 0))
HOOK: Final = """\
#!/bin/sh
cd '{folder}' || exit 1
{count}
nth=$(wc -l < seen | tr -d ' ')
case "$(cat hold 2>/dev/null)" in "{hook} $nth" | "{hook} all") ;; *) exit 0 ;; esac
: > held
until [ -e go ]; do sleep 0.02; done
rm -f go held
exit {ending}
"""


@dataclass(frozen=True, slots=True)
class Write:
    """One write: ``nth`` of its kind, from 1."""

    place: str
    what: str
    nth: int


class PushGate:
    """Hooks of a bare repository that count pushes, and hold one before or after its effect."""

    def __init__(self, repository: Path) -> None:
        self._folder = repository.parent / "pushes"
        self._folder.mkdir()
        (self._folder / "seen").touch()
        hooks = self._folder / "hooks"
        hooks.mkdir()
        for hook, count, ending in (
            ("pre-receive", "echo push >> seen", 1),
            ("post-receive", "", 0),
        ):
            script = hooks / hook
            script.write_text(
                HOOK.format(folder=self._folder, hook=hook, count=count, ending=ending)
            )
            script.chmod(0o755)
        git = ("git", "-C", str(repository), "-c", "safe.directory=*")
        subprocess.run((*git, "config", "core.hooksPath", str(hooks)), check=True)

    def hold(self, hook: str, nth: int | str) -> None:
        """Count afresh, and hold that push, or ``all``; one held before its effect is refused."""
        self.open()
        (self._folder / "seen").write_text("")
        (self._folder / "hold").write_text(f"{hook} {nth}\n")

    def open(self) -> None:
        """Hold none any more."""
        (self._folder / "hold").write_text("")
        for left in ("held", "go"):
            (self._folder / left).unlink(missing_ok=True)

    @property
    def holds(self) -> bool:
        """True while a push is held."""
        return (self._folder / "held").exists()

    async def go(self) -> None:
        """Let the held push go on, and wait until it has."""
        (self._folder / "go").touch()

        async def gone() -> bool:
            return not self.holds

        await eventually(gone, what="the held push")


class Outside:
    """Both vendors and the repository of an installation."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._vendors = {"ElevenLabs": stack.elevenlabs, "Twilio": stack.twilio}
        self._pushes = PushGate(stack.repository)

    @asynccontextmanager
    async def recorded(self) -> AsyncIterator[list[tuple[Write, float]]]:
        """The writes of the block, complete and in order at its end, with the time of each."""
        for vendor in self._vendors.values():
            await vendor.http.delete("/_sim/counters")
        found: list[tuple[Write, float]] = []
        pushed_at: list[float] = []
        watching = asyncio.create_task(self._watch(pushed_at))
        try:
            yield found
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            self._pushes.open()
        asked = [(at, GIT, "push") for at in pushed_at]
        for name, vendor in self._vendors.items():
            asked.extend((at, name, what) for at, what in await _asked(vendor))
        found.extend(_counted(sorted(asked)))

    async def _watch(self, pushed_at: list[float]) -> None:
        self._pushes.hold("post-receive", "all")
        while True:
            if self._pushes.holds:
                pushed_at.append(time.time())
                await self._pushes.go()
            await asyncio.sleep(0.02)

    async def hold(self, write: Write, when: When) -> None:
        """From now on the write is held when it comes, counting from now."""
        await self.release()
        if write.place == GIT:
            self._pushes.hold("pre-receive" if when == "before" else "post-receive", write.nth)
            return
        kind, seconds = FAULTS[when]
        method, route = write.what.split()
        await self._vendors[write.place].faults(
            {"kind": kind, "method": method, "route": route, "nth": write.nth, "seconds": seconds}
        )

    async def holds(self, write: Write) -> bool:
        """True once the write was held."""
        if write.place == GIT:
            return self._pushes.holds
        answer = await self._vendors[write.place].http.get("/_sim/faults")
        (fault,) = answer.json()["faults"]
        return bool(fault["fired"])

    async def is_last(self, write: Write) -> bool:
        """True if nothing like it was asked for after the held one."""
        if write.place == GIT:
            return self._pushes.holds
        answer = await self._vendors[write.place].http.get("/_sim/faults")
        (fault,) = answer.json()["faults"]
        return bool(fault["seen"] == write.nth)

    async def go_on(self, write: Write) -> None:
        """Let a held push go on; vendors go on by themselves."""
        if write.place == GIT:
            await self._pushes.go()

    async def release(self) -> None:
        """Hold nothing any more."""
        self._pushes.open()
        for vendor in self._vendors.values():
            await vendor.healthy()


async def _asked(vendor: Vendor) -> list[tuple[float, str]]:
    """Writes a vendor was asked for, each with its time."""
    entries = (await vendor.http.get("/_sim/requests")).json()["requests"]
    return [
        (each["time_unix_s"], f"{each['method']} {each['route']}")
        for each in entries
        if each["method"] in WRITES
    ]


def _counted(asked: Iterable[tuple[float, str, str]]) -> list[tuple[Write, float]]:
    seen: dict[tuple[str, str], int] = {}
    found = []
    for at, place, what in asked:
        seen[place, what] = seen.get((place, what), 0) + 1
        found.append((Write(place, what, seen[place, what]), at))
    return found
