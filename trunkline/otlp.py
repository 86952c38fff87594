"""Spans recorded with OpenTelemetry's SDK and sent to a collector by OTLP over HTTP.

Imported only where a collector is named, because it takes memory and a tenth of a second. Spans
wait in a bounded queue in memory: a collector that is slow, away or wrong costs spans and one line
of the log, never a request. Attributes pass the same redaction as log lines.
"""

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from trunkline import __version__, metrics
from trunkline.telemetry import redacted
from trunkline.tracing import Attributes, Span, SpanKind

logger = logging.getLogger(__name__)

TRACES_PATH = "/v1/traces"
EXPORT_TIMEOUT_S = 5.0
"""One export with its repetitions; the next batch waits meanwhile, and nobody else."""
QUEUE_MAX_SPANS = 4_096
"""About four megabytes; what comes while it is full is dropped."""
BATCH_MAX_SPANS = 512
EXPORT_INTERVAL_S = 1.0
ATTRIBUTES_MAX = 32
ATTRIBUTE_MAX_CHARACTERS = 512
LIBRARY = "opentelemetry"
"""The library's own log lines repeat at every batch; what they say is said once here."""

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
)
_chosen: ContextVar[tuple[int, int]] = ContextVar("ids of the next span", default=(0, 0))
"""Trace and span id; 0 for one that is drawn."""


class OtlpTracer:
    """Records spans of this process and sends them on."""

    def __init__(self, *, endpoint: str, ratio: float, service: str) -> None:
        """``endpoint`` is the collector's base address, or "" for what OTEL_EXPORTER_OTLP_* say;
        ``ratio`` is the share of traces that begin here and are recorded.
        """
        logging.getLogger(LIBRARY).setLevel(logging.CRITICAL)
        self._ratio = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            sampler=ParentBased(self._ratio),
            resource=Resource.create(
                {
                    "service.name": service,
                    "service.namespace": "trunkline",
                    "service.version": __version__,
                }
            ),
            shutdown_on_exit=False,
            id_generator=_ChosenIds(),
            span_limits=SpanLimits(
                max_span_attributes=ATTRIBUTES_MAX,
                max_attribute_length=ATTRIBUTE_MAX_CHARACTERS,
            ),
        )
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}{TRACES_PATH}" if endpoint else None,
            timeout=EXPORT_TIMEOUT_S,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                _Watched(exporter),
                max_queue_size=QUEUE_MAX_SPANS,
                schedule_delay_millis=EXPORT_INTERVAL_S * 1000,
                max_export_batch_size=BATCH_MAX_SPANS,
            )
        )
        self._tracer = self._provider.get_tracer("trunkline", __version__)

    @contextmanager
    def span(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: str, *, own: bool
    ) -> Iterator[Span]:
        """A span that lasts as long as the block, the parent of whatever begins within it."""
        context, trace_id = self._below(parent, own=own)
        with _next_ids(trace_id, 0):
            begun = self._tracer.start_span(
                name, context, trace.SpanKind[kind.upper()], attributes=_clean(attributes)
            )
        with trace.use_span(
            begun, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            running = _Running(begun)
            try:
                yield running
            except BaseException as error:
                running.fail(type(error).__name__)
                raise

    def past(
        self,
        name: str,
        place: str,
        attributes: Attributes,
        began_at_s: float,
        parent: str,
        links: Sequence[str],
        *,
        own: bool,
    ) -> None:
        """Record a span that ends now; its id is that of the traceparent ``place``."""
        found = _TRACEPARENT.fullmatch(place)
        if found is None:
            return
        context, _ = self._below(parent, own=own)
        linked = (self._read(each, own=False) for each in links)
        with _next_ids(int(found["trace"], 16), int(found["span"], 16)):
            span = self._tracer.start_span(
                name,
                context,
                attributes=_clean(attributes),
                links=[Link(each) for each in linked if each is not None and each.is_valid],
                start_time=int(began_at_s * 1e9),
            )
        span.end()

    def here(self) -> tuple[str, str, str]:
        """Trace id, span id and flags of the running span in hexadecimal; "" without one."""
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return "", "", ""
        return f"{found.trace_id:032x}", f"{found.span_id:016x}", f"{found.trace_flags:02x}"

    def close(self, timeout_s: float) -> None:
        """Send what is left, for so long."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(timeout_s)

    def _below(self, parent: str, *, own: bool) -> tuple[Context | None, int]:
        """The context of a new span, and the trace it begins if it has no parent."""
        found = self._read(parent, own=own)
        if found is None:
            return None, 0
        if not found.is_valid:
            return Context(), found.trace_id
        return trace.set_span_in_context(NonRecordingSpan(found), Context()), 0

    def _read(self, parent: str, *, own: bool) -> SpanContext | None:
        found = _TRACEPARENT.fullmatch(parent)
        if found is None:
            return None
        trace_id = int(found["trace"], 16)
        flags = TraceFlags(int(found["flags"], 16))
        if own:
            decision = self._ratio.should_sample(None, trace_id, "").decision
            sampled = decision is Decision.RECORD_AND_SAMPLE
            flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanContext(trace_id, int(found["span"], 16), is_remote=True, trace_flags=flags)


class _Running:
    """A span that is recorded, unless its trace is not."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def say(self, attributes: Attributes) -> None:
        self._span.set_attributes(_clean(attributes))

    def fail(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR))


class _ChosenIds(RandomIdGenerator):
    """Random ids, unless whoever begins a span knows better."""

    def generate_trace_id(self) -> int:
        return _chosen.get()[0] or super().generate_trace_id()

    def generate_span_id(self) -> int:
        return _chosen.get()[1] or super().generate_span_id()


class _Watched(SpanExporter):
    """Counts what was sent and says once that a collector does not take it, once that it does."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._taken = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        taken = result is SpanExportResult.SUCCESS
        metrics.exported(len(spans), taken=taken)
        if taken != self._taken:
            self._taken = taken
            if taken:
                logger.info("the collector takes spans again")
            else:
                logger.warning("the collector does not take spans: they are dropped until it does")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


@contextmanager
def _next_ids(trace_id: int, span_id: int) -> Iterator[None]:
    token = _chosen.set((trace_id, span_id))
    try:
        yield
    finally:
        _chosen.reset(token)


def _clean(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {
        name: redacted(value) if isinstance(value, str) else value
        for name, value in attributes.items()
    }
