"""Ports of the local stack: refused clearly when taken, chosen freely on request.

Knows which ports there are and the options that move them, and no server.
"""

from dataclasses import astuple, dataclass, replace

from trunkline.listening import PortInUse, free_port, is_free

__all__ = ["FREE_PORTS", "OPTIONS", "PortInUse", "StackPorts", "free_port", "resolve"]


@dataclass(frozen=True, slots=True)
class StackPorts:
    """Where the local stack listens on loopback; 0 stands for any free port."""

    api: int = 8080
    temporal: int = 7233
    temporal_ui: int = 8233
    elevenlabs: int = 8811
    twilio: int = 8812


FREE_PORTS = StackPorts(api=0, temporal=0, temporal_ui=0, elevenlabs=0, twilio=0)

OPTIONS = {
    "api": ("the API", "--port"),
    "temporal": ("the Temporal server", "--temporal-port"),
    "temporal_ui": ("the Temporal UI", "--temporal-ui-port"),
    "elevenlabs": ("the ElevenLabs simulator", "--elevenlabs-port"),
    "twilio": ("the Twilio simulator", "--twilio-port"),
}
"""What each port is for and the option of ``trunkline dev`` that moves it."""


def resolve(wanted: StackPorts, *, needed: frozenset[str] = frozenset(OPTIONS)) -> StackPorts:
    """The wanted ports with every 0 replaced by a free one.

    ``needed`` leaves out what runs elsewhere. ``api`` 0 makes every port that still has its default
    value free as well, so that one option is enough to run two stacks side by side. Raises
    PortInUse for the first fixed port that is taken.
    """
    if wanted.api == 0:
        wanted = _with_defaults_freed(wanted)
    chosen: dict[str, int] = {}
    for name in sorted(needed):
        port = getattr(wanted, name)
        if port == 0:
            chosen[name] = _another_than({*astuple(wanted), *chosen.values()})
        elif not is_free(port):
            purpose, option = OPTIONS[name]
            raise PortInUse(port, purpose=purpose, option=option)
    return replace(wanted, **chosen)


def _another_than(taken: set[int]) -> int:
    while (port := free_port()) in taken:
        pass
    return port


def _with_defaults_freed(wanted: StackPorts) -> StackPorts:
    defaults = StackPorts()
    freed = {name: 0 for name in OPTIONS if getattr(wanted, name) == getattr(defaults, name)}
    return replace(wanted, **freed)
