"""Simulators for the tests of a whole room: started once, reset by each test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators

NUMBERS = ("+15005550006", "+15005550007")


class SimulatorThread(threading.Thread):
    """Both simulators on a loop of their own, so that starting them is paid for once."""

    def __init__(self) -> None:
        super().__init__(name="simulators")
        self.started: Future[RunningSimulators] = Future()
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

    def run(self) -> None:
        """Serve until the thread is told to end."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def end(self) -> None:
        """Stop serving and wait for it."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self.join()

    async def _serve(self) -> None:
        options = SimulatorOptions(elevenlabs_port=0, twilio_port=0, twilio_numbers=NUMBERS)
        async with serve_simulators(options) as running:
            self.started.set_result(running)
            await self._ending.wait()


@contextmanager
def simulators_in_thread() -> Iterator[RunningSimulators]:
    """Both simulators, until the tests that share them are over."""
    thread = SimulatorThread()
    thread.start()
    try:
        yield thread.started.result(timeout=120)
    finally:
        thread.end()
