"""``trunkline dev`` and ``make up``: the local stack in the foreground, until interrupted.

Says where everything is and how to make something happen, then watches. A server that ends by
itself ends the stack, with the reason; so does Ctrl-C, a closed terminal or a polite kill.
"""

import shutil
import sys
import time
from pathlib import Path

from trunkline.local.places import default_home
from trunkline.local.ports import StackPorts
from trunkline.local.processes import stopped_by_signals
from trunkline.local.stack import LocalStack, StackOptions
from trunkline.manifests.sample import sample_folder

_WATCH_INTERVAL_S = 0.5


def run_dev(
    ports: StackPorts | None = None, *, manifests: Path | None = None, home: Path | None = None
) -> int:
    """Run the local stack until interrupted; answers the exit code.

    Raises PortInUse, Blocked, InvalidSettings, InvalidManifests, ServerFailed, TemporalMissing.
    """
    options = StackOptions(
        home=(home or default_home()).resolve(),
        manifests=(manifests or sample_folder()).resolve(),
        ports=ports or StackPorts(),
    )
    try:
        with stopped_by_signals(), LocalStack(options, say_on_stderr) as stack:
            sys.stdout.write(welcome(stack))
            sys.stdout.flush()
            _watch(stack)
    except KeyboardInterrupt:
        say_on_stderr("stopped")
    return 0


def _watch(stack: LocalStack) -> None:
    while True:
        failure = stack.ended()
        if failure is not None:
            raise failure
        time.sleep(_WATCH_INTERVAL_S)


def say_on_stderr(line: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def welcome(stack: LocalStack) -> str:
    """What a person wants to know about a stack that is up."""
    addresses = stack.addresses
    environment = stack.client_environment("admin")
    if shutil.which("trunkline") is None:
        environment["PATH"] = f"{Path(sys.executable).parent}:$PATH"
    places = {
        "API": f"{addresses.api}  (description: {addresses.api}/openapi.json)",
        "Temporal UI": addresses.temporal_ui or f"of {addresses.temporal}",
        "ElevenLabs simulator": f"{addresses.elevenlabs}  (control plane: /_sim/)",
        "Twilio simulator": f"{addresses.twilio}  (control plane: /_sim/)",
        "Manifests": str(stack.repository.clone),
        "Logs": str(stack.logs),
    }
    width = max(map(len, places))
    lines = ["", "Trunkline is up.", ""]
    lines += [f"  {name:<{width}}  {place}" for name, place in places.items()]
    lines += ["", "In another terminal:", ""]
    lines += [f"  export {name}={value}" for name, value in environment.items()]
    lines += [
        "  trunkline status",
        "",
        "Push an edit and watch it arrive:",
        "",
        f"  cd {stack.repository.clone}",
        "  $EDITOR agents/*/prompt.md && git commit -am 'Try something' && git push",
        "  trunkline events --watch",
        "",
        "Ctrl-C stops everything; the state stays.",
        "",
    ]
    return "\n".join(lines)
