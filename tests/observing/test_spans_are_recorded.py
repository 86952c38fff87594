"""Spans of a process: sampled, bounded, free of secrets, and never in anybody's way."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO

import pytest

from tests.observing.collector import Collector
from trunkline import metrics, tracing
from trunkline.model.ids import own_origin
from trunkline.otlp import OtlpTracer
from trunkline.settings import Settings
from trunkline.telemetry import configure_logging, hide

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
UNSAMPLED = f"00-{CALLER}-00f067aa0ba902b7-00"
SAMPLED = f"00-{CALLER}-00f067aa0ba902b7-01"
CLOSED_WITHIN_S = 90
Record = Callable[..., None]


@pytest.fixture
def record(collector: Collector) -> Iterator[Record]:
    """Starts recording into the collector."""

    def start(*, ratio: float = 1.0) -> None:
        tracing.install(OtlpTracer(endpoint=collector.url, ratio=ratio, service="trunkline-test"))

    yield start
    tracing.close(CLOSED_WITHIN_S)


@pytest.mark.slow
def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    code = (
        "import sys, trunkline.working, trunkline.serving\n"
        "from trunkline import tracing\n"
        "with tracing.span('nothing'): assert tracing.traceparent() == ''\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_span_hangs_below_the_one_it_began_in(record: Record, collector: Collector) -> None:
    record()
    with tracing.span("outer", kind="server", parent=SAMPLED), tracing.span("inner"):
        assert tracing.traceparent().startswith(f"00-{CALLER}-")
    tracing.close(CLOSED_WITHIN_S)
    outer, inner = collector.spans()
    assert (outer.name, outer.trace_id, outer.parent_id) == ("outer", CALLER, "00f067aa0ba902b7")
    assert (inner.trace_id, inner.parent_id) == (CALLER, outer.span_id)
    assert tracing.traceparent() == ""


def test_a_caller_decides_about_its_trace_and_the_ratio_about_all_others(
    record: Record, collector: Collector
) -> None:
    record(ratio=0)
    for parent in (UNSAMPLED, SAMPLED, "", "no traceparent"):
        with tracing.span(f"asked with {parent}", parent=parent):
            pass
    tracing.close(CLOSED_WITHIN_S)
    assert [span.name for span in collector.spans()] == [f"asked with {SAMPLED}"]


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_work_of_our_own_is_sampled_by_its_trace_in_every_process_alike(
    record: Record, collector: Collector, ratio: float
) -> None:
    record(ratio=ratio)
    poll = own_origin("poll", "project/acme/1")
    for _ in range(2):
        with tracing.span("read_source", parent=poll.traceparent, own=True):
            pass
    tracing.close(CLOSED_WITHIN_S)
    found = [(span.trace_id, span.parent_id) for span in collector.spans()]
    assert found == [(poll.traceparent.split("-")[1], "")] * (2 if ratio else 0)


def test_a_round_is_recorded_under_the_id_its_work_was_told(
    record: Record, collector: Collector
) -> None:
    record()
    place = f"00-{CALLER}-{'ab' * 8}-01"
    with tracing.span("plan_agent", parent=place):
        pass
    other = "00-" + "cd" * 16 + "-" + "ef" * 8 + "-01"
    tracing.past("round", place, began_at_s=1.5, parent=SAMPLED, links=(other, "nonsense"))
    tracing.close(CLOSED_WITHIN_S)
    ended, plan = collector.spans()
    assert (ended.name, ended.span_id, ended.parent_id) == ("round", "ab" * 8, "00f067aa0ba902b7")
    assert (ended.began_ns, ended.links) == (1_500_000_000, ("cd" * 16,))
    assert plan.parent_id == ended.span_id


def test_what_went_wrong_is_told_by_its_type_and_secrets_not_at_all(
    record: Record, collector: Collector
) -> None:
    record()
    hide("the-key-of-a-vendor")
    with (
        pytest.raises(ValueError, match="the-key-of"),
        tracing.span("risky", attributes={"said": "key the-key-of-a-vendor"}),
    ):
        raise ValueError("refused the-key-of-a-vendor")
    tracing.close(CLOSED_WITHIN_S)
    (span,) = collector.spans()
    assert span.failed
    assert span.attributes == {"said": "key [redacted]", "error.type": "ValueError"}


def test_a_collector_that_refuses_costs_spans_and_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = _dropped()
    with Collector(status=400) as refusing, caplog.at_level(logging.WARNING):
        tracing.install(OtlpTracer(endpoint=refusing.url, ratio=1, service="trunkline-test"))
        for number in range(600):
            with tracing.span(f"work {number}"):
                pass
        tracing.close(CLOSED_WITHIN_S)
        assert sorted(refusing.refused) == sorted(f"work {number}" for number in range(600))
        assert refusing.requests < 600
    assert _dropped() - before == 600
    said = [record.message for record in caplog.records if "collector" in record.message]
    assert said == ["the collector does not take spans: they are dropped until it does"]


def _dropped() -> float:
    return metrics.REGISTRY.get_sample_value("trunkline_spans_total", {"result": "dropped"}) or 0


def test_lines_within_a_span_carry_its_ids_and_others_none(record: Record) -> None:
    record()
    stream = StringIO()
    configure_logging(stream=stream)
    log = logging.getLogger("tests")
    with tracing.span("work", parent=SAMPLED):
        here = tracing.traceparent().split("-")
        log.info("within")
    log.info("outside")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    within, outside = (line for line in lines if line["logger"] == "tests")
    assert [within["trace_id"], within["span_id"]] == here[1:3]
    assert not {"trace_id", "span_id"} & outside.keys()


def test_a_collector_is_named_by_our_setting_or_by_opentelemetrys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TRUNKLINE_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert not Settings().traced
        monkeypatch.setenv(name, "http://127.0.0.1:4318")
        assert Settings().traced
        monkeypatch.delenv(name)


def test_headers_for_the_collector_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0,tenant=acme-1")
    assert {"Basic%20c2VjcmV0", "acme-1"} <= set(Settings().secret_values())
