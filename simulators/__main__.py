"""``python -m simulators``: both simulators in a process of their own, until a signal stops them.

Prints one line of JSON with the addresses once they answer, so that a parent can use port 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from simulators.hosting import SimulatorPortInUse
from simulators.server import (
    DEFAULT_ELEVENLABS_PORT,
    DEFAULT_TWILIO_PORT,
    RunningSimulators,
    SimulatorOptions,
    run,
)


def main(arguments: list[str]) -> int:
    """Serve; 0 after a signal, 1 when a port is in use."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("--elevenlabs-port", type=int, default=DEFAULT_ELEVENLABS_PORT)
    parser.add_argument("--twilio-port", type=int, default=DEFAULT_TWILIO_PORT)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--requests-per-second", type=float, default=None)
    parser.add_argument("--state", type=Path, default=None, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", action="append", default=[], metavar="E164")
    given = parser.parse_args(arguments)
    options = SimulatorOptions(
        elevenlabs_port=given.elevenlabs_port,
        twilio_port=given.twilio_port,
        latency_ms=given.latency_ms,
        requests_per_second=given.requests_per_second,
        state_dir=given.state,
        seed=given.seed,
        twilio_numbers=tuple(given.number),
    )
    try:
        run(options, started=_announce)
    except SimulatorPortInUse as error:
        sys.stderr.write(f"simulators: {error}\n")
        return 1
    return 0


def _announce(running: RunningSimulators) -> None:
    addresses = {"elevenlabs_url": running.elevenlabs_url, "twilio_url": running.twilio_url}
    sys.stdout.write(json.dumps(addresses) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
