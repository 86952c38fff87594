"""``python -m simulators.forges``: one forge in a process of its own, until a signal stops it.

Prints one line of JSON with its addresses once it answers, so that a parent can use port 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from simulators.forges.server import DEFAULT_PORT, ForgeOptions, RunningForge, run
from simulators.hosting import SimulatorPortInUse


def main(arguments: list[str]) -> int:
    """Serve; 0 after a signal, 1 when the port is in use."""
    parser = argparse.ArgumentParser(prog="python -m simulators.forges", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--kind", choices=("github", "gitea"), default="github")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--requests-per-second", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    options = ForgeOptions(
        root=given.root,
        kind=given.kind,
        port=given.port,
        latency_ms=given.latency_ms,
        requests_per_second=given.requests_per_second,
        seed=given.seed,
    )
    try:
        run(options, started=_announce)
    except SimulatorPortInUse as error:
        sys.stderr.write(f"simulators: {error}\n")
        return 1
    return 0


def _announce(running: RunningForge) -> None:
    sys.stdout.write(json.dumps(asdict(running)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
