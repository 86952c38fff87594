"""``trunkline simulate``: the simulators in the foreground, their addresses on stdout."""

from pathlib import Path

from simulators.hosting import SimulatorPortInUse
from simulators.server import RunningSimulators, SimulatorOptions, run
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import print_text
from trunkline.model.errors import InvalidSettings


def simulate(
    *,
    host: str,
    elevenlabs_port: int,
    twilio_port: int,
    latency_ms: float,
    requests_per_second: float | None,
    state: Path | None,
    numbers: tuple[str, ...],
) -> ExitCode:
    """Serve until a signal. Raises InvalidSettings if a port is taken."""
    options = SimulatorOptions(
        host=host,
        elevenlabs_port=elevenlabs_port,
        twilio_port=twilio_port,
        latency_ms=latency_ms,
        requests_per_second=requests_per_second,
        state_dir=state,
        twilio_numbers=numbers,
    )
    try:
        run(options, started=_announce)
    except SimulatorPortInUse as error:
        raise InvalidSettings(
            f"Port {error.port} is already in use",
            hint="Move it with --elevenlabs-port or --twilio-port; 0 picks a free port",
        ) from error
    return ExitCode.DONE


def _announce(running: RunningSimulators) -> None:
    print_text(f"ELEVENLABS_BASE_URL={running.elevenlabs_url}")
    print_text(f"ELEVENLABS_API_KEY={running.elevenlabs_key}")
    print_text(f"TWILIO_BASE_URL={running.twilio_url}")
    print_text(f"TWILIO_ACCOUNT_SID={running.twilio_account_sid}")
    print_text(f"TWILIO_AUTH_TOKEN={running.twilio_auth_token}")
