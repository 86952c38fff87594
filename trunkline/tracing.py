"""Spans: what a request caused, where its time went, in whichever process that was.

Everybody who does something worth a span says so here; whether it is recorded, and where it goes,
was decided when the process began. Without a collector nothing of OpenTelemetry is imported and a
span is two assignments. Names and attributes say what was done, never to whom: no secrets, no
people, no phone numbers, no ids in names.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol, TypeAlias

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes: TypeAlias = Mapping[str, str | int | float | bool]


class Span(Protocol):
    """Something that is being done."""

    def rename(self, name: str) -> None:
        """Give it the name that is only known by now."""

    def say(self, attributes: Attributes) -> None:
        """Add attributes."""

    def fail(self, error_type: str) -> None:
        """It went wrong; the type of the error, never its words."""


class Tracer(Protocol):
    """Records spans and sends them on."""

    def span(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: str, *, own: bool
    ) -> AbstractContextManager[Span]:
        """A span that lasts as long as the block, the parent of whatever begins within it."""

    def past(
        self, name: str, place: str, attributes: Attributes, began_at_s: float, parent: str,
        links: Sequence[str], *, own: bool
    ) -> None:  # fmt: skip
        """Record a span that ends now; its id is that of the traceparent ``place``."""

    def here(self) -> tuple[str, str, str]:
        """Trace id, span id and flags of the running span in hexadecimal; "" without one."""

    def close(self, timeout_s: float) -> None:
        """Send what is left, for so long."""


class _Unrecorded:
    """A span nobody records."""

    def rename(self, name: str) -> None:
        """Nobody asks."""

    def say(self, attributes: Attributes) -> None:
        """Nobody asks."""

    def fail(self, error_type: str) -> None:
        """Nobody asks."""


UNRECORDED = _Unrecorded()
"""What may stand for a span where there is none."""
_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Record spans from now on, or no longer."""
    global _tracer  # noqa: PLW0603 - one per process, like the logging it belongs to
    _tracer = tracer


def close(timeout_s: float) -> None:
    """Send what is left, for at most so long, and record nothing more."""
    tracer = _tracer
    install(None)
    if tracer is not None:
        tracer.close(timeout_s)


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = "internal",
    attributes: Attributes | None = None,
    parent: str = "",
    own: bool = False,
) -> Iterator[Span]:
    """A span that lasts as long as the block; an error that leaves the block marks it failed.

    ``parent`` is a traceparent from elsewhere, else it is whatever runs here. ``own`` says that
    the parent's trace began with work nobody asked for, so that whether it is recorded is ours to
    decide.
    """
    if _tracer is None:
        yield UNRECORDED
        return
    with _tracer.span(name, kind, attributes or {}, parent, own=own) as begun:
        yield begun


def past(
    name: str,
    place: str,
    *,
    began_at_s: float,
    parent: str,
    links: Sequence[str] = (),
    attributes: Attributes | None = None,
    own: bool = False,
) -> None:
    """Record a span that began at ``began_at_s`` (seconds since 1970) and ends now.

    ``place`` is the traceparent that those who worked within it were given as parent.
    """
    if _tracer is not None:
        _tracer.past(name, place, attributes or {}, began_at_s, parent, links, own=own)


def traceparent() -> str:
    """Where the running trace goes on, as W3C's header has it; "" if nothing is traced."""
    trace, running, flags = _tracer.here() if _tracer is not None else ("", "", "")
    return f"00-{trace}-{running}-{flags}" if trace else ""


def trace_ids() -> tuple[str, str]:
    """Ids of the running trace and span for log lines; empty if nothing is traced."""
    trace, running, _ = _tracer.here() if _tracer is not None else ("", "", "")
    return trace, running
