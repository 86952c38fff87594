"""What is counted, by which names: every instrument of the product in one place.

Names and labels are an interface: dashboards and alerts stand on them. Labels are bounded (kinds,
words, vendors, routes, the projects and environments of an installation), never names of agents,
people or requests, and never a value anybody could put a secret into. Whoever counts calls a
function here; nobody below composition knows how it is published.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from trunkline.asking import request_id
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import CallRecord
from trunkline.tracing import trace_ids

EXEMPLAR_REQUEST_ID_MAX = 70
"""The format allows 128 characters for names and values of an exemplar's labels together."""
OPERATIONS_MAX = 200
"""Routes of vendors told apart; a vendor has a few dozen, and more would be a leak of ids."""

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_FAST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_TALK_S = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)

_CALLS = Counter(
    "trunkline_platform_requests_total",
    "Calls to vendors that were let through, by outcome: 2xx to 5xx, 429, lost or unsent",
    ("vendor", "operation", "status"),
    registry=REGISTRY,
)
_CALL_SECONDS = Histogram(
    "trunkline_platform_request_duration_seconds",
    "Duration of calls to vendors, without the wait for a turn",
    ("vendor", "operation"),
    buckets=_FAST_S,
    registry=REGISTRY,
)
_WAIT_SECONDS = Histogram(
    "trunkline_rate_limit_wait_seconds",
    "How long calls waited for their turn in the account's budget",
    ("vendor", "urgency"),
    buckets=_FAST_S,
    registry=REGISTRY,
)
_REFUSALS = Counter(
    "trunkline_rate_limit_refusals_total",
    "Calls that were not sent because their turn would have come too late",
    ("vendor", "urgency"),
    registry=REGISTRY,
)
_BREAKER_CHANGES = Counter(
    "trunkline_breaker_changes_total",
    "How often this process found an account down (opened) or serving again (closed)",
    ("vendor", "state"),
    registry=REGISTRY,
)
_BREAKERS = Gauge(
    "trunkline_breaker_open",
    "1 while an account is not asked because it does not serve, as this process knows it",
    ("vendor", "account"),
    registry=REGISTRY,
)
_SHARES = Gauge(
    "trunkline_account_processes",
    "Processes that share an account's budget, as this process knows it",
    ("vendor", "account"),
    registry=REGISTRY,
)
_GIT = Counter(
    "trunkline_git_requests_total",
    "Questions to, fetches from and pushes to manifests repositories",
    ("request", "result"),
    registry=REGISTRY,
)
_GIT_SECONDS = Histogram(
    "trunkline_git_request_duration_seconds",
    "Duration of questions to, fetches from and pushes to manifests repositories",
    ("request",),
    buckets=_SLOW_S,
    registry=REGISTRY,
)
_ACTIVITY_SECONDS = Histogram(
    "trunkline_activity_duration_seconds",
    "Duration of one try of an activity",
    ("activity", "result"),
    buckets=_SLOW_S,
    registry=REGISTRY,
)
_RECONCILES = Counter(
    "trunkline_reconcile_total",
    "Rounds of agents and numbers, by the phase they ended in",
    ("kind", "result"),
    registry=REGISTRY,
)
_RECONCILE_SECONDS = Histogram(
    "trunkline_reconcile_duration_seconds",
    "Duration of a round from its wake-up to its conclusion",
    ("kind", "result"),
    buckets=_SLOW_S,
    registry=REGISTRY,
)
_PLANS = Counter(
    "trunkline_plans_total",
    "Plans made: empty, changes, held (by mode or policy), waiting or stalled",
    ("kind", "result"),
    registry=REGISTRY,
)
_SWEEP_SECONDS = Histogram(
    "trunkline_sweep_duration_seconds",
    "Duration of a look over an environment",
    ("project", "environment"),
    buckets=_SLOW_S,
    registry=REGISTRY,
)
_DRIFT = Counter(
    "trunkline_drift_found_total",
    "Agents and numbers a sweep found different from what was left",
    ("project", "environment"),
    registry=REGISTRY,
)
_TEST_RUNS = Counter(
    "trunkline_test_runs_total",
    "Runs of conversation tests that ended: passed, failed, inconclusive, or how else",
    ("outcome",),
    registry=REGISTRY,
)
_WEBHOOKS = Counter(
    "trunkline_webhook_requests_total",
    "Requests to the webhook routes, by the class of the answer",
    ("sender", "status"),
    registry=REGISTRY,
)
_REQUEST_SECONDS = Histogram(
    "trunkline_http_request_duration_seconds",
    "Duration of requests to the API, by method and the template of the path",
    ("method", "route"),
    buckets=_FAST_S,
    registry=REGISTRY,
)
_SPANS = Counter(
    "trunkline_spans_total",
    "Spans that were sent to the collector: taken, or dropped because it did not take them",
    ("result",),
    registry=REGISTRY,
)
_REQUESTS = Counter(
    "trunkline_http_requests_total",
    "Requests to the API, by method and the class of the answer",
    ("method", "status"),
    registry=REGISTRY,
)
_ENDED_CALLS = Counter(
    "trunkline_calls_ended_total",
    "Calls that ended, by the way they took and how they ended",
    ("project", "environment", "direction", "routing", "outcome"),
    registry=REGISTRY,
)
_TALK_SECONDS = Histogram(
    "trunkline_call_duration_seconds",
    "Duration of calls that were answered, from the answer to the end",
    ("direction", "routing"),
    buckets=_TALK_S,
    registry=REGISTRY,
)
_LOST_FRAMES = Counter(
    "trunkline_call_lost_frames_total",
    "Frames of 20 ms of bridged calls that have ended which were dropped on the way",
    ("project", "environment"),
    registry=REGISTRY,
)

_OPERATIONS: set[str] = set()
_STATIC = re.compile(r"[a-z]+(-[a-z]+)*|([A-Z][a-z]+)+(\.json)?|v\d+|\d{4}-\d\d-\d\d")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def called(vendor: str, method: str, path: str, status: str, duration_s: float) -> None:
    """A call to a vendor ended; ``status`` is ``2xx`` and so on, ``429``, ``lost``, ``unsent``."""
    named = operation(method, path)
    _CALLS.labels(vendor, named, status).inc()
    _CALL_SECONDS.labels(vendor, named).observe(duration_s, _exemplar())


def status_class(status: int) -> str:
    """The class of an HTTP status, and 429 as itself."""
    return "429" if status == 429 else f"{status // 100}xx"  # noqa: PLR2004 - it is its name


def waited(vendor: str, urgency: str, duration_s: float) -> None:
    """A call got its turn."""
    _WAIT_SECONDS.labels(vendor, urgency.lower()).observe(duration_s)


def refused(vendor: str, urgency: str) -> None:
    """A call would have got its turn too late."""
    _REFUSALS.labels(vendor, urgency.lower()).inc()


def breaker(vendor: str, account: str, *, is_open: bool, found_here: bool) -> None:
    """An account's breaker is open or closed; ``found_here`` if this process found it out."""
    _BREAKERS.labels(vendor, account).set(is_open)
    if found_here:
        _BREAKER_CHANGES.labels(vendor, "opened" if is_open else "closed").inc()


def shared(vendor: str, account: str, processes: int) -> None:
    """So many processes share the account."""
    _SHARES.labels(vendor, account).set(processes)


@contextmanager
def git_request(request: str) -> Iterator[None]:
    """Times one question (``look``), ``fetch`` or ``push``."""
    started_s = time.monotonic()
    result = "failed"
    try:
        yield
        result = "ok"
    finally:
        _GIT.labels(request, result).inc()
        _GIT_SECONDS.labels(request).observe(time.monotonic() - started_s)


def activity_ended(activity: str, result: str, duration_s: float) -> None:
    """One try of an activity ended."""
    _ACTIVITY_SECONDS.labels(activity, result).observe(duration_s, _exemplar())


def reconciled(kind: str, result: str, duration_s: float | None) -> None:
    """A round ended; None if nobody knows when it began."""
    _RECONCILES.labels(kind, result).inc()
    if duration_s is not None:
        _RECONCILE_SECONDS.labels(kind, result).observe(max(0.0, duration_s), _exemplar())


def planned(kind: str, result: str) -> None:
    """A plan was made."""
    _PLANS.labels(kind, result).inc()


def swept(project: str, environment: str, *, drifted: int, duration_s: float) -> None:
    """A sweep ended."""
    _SWEEP_SECONDS.labels(project, environment).observe(duration_s)
    _DRIFT.labels(project, environment).inc(drifted)


def tested(outcome: str) -> None:
    """A run of tests ended."""
    _TEST_RUNS.labels(outcome).inc()


def call_ended(record: CallRecord) -> None:
    """A call was written down as over, by this process."""
    place = (record.project, record.environment)
    _ENDED_CALLS.labels(*place, record.direction, record.routing, outcome_of(record)).inc()
    if record.answered_at is not None:
        seconds = record.talked.total_seconds()
        _TALK_SECONDS.labels(record.direction, record.routing).observe(seconds)
    _LOST_FRAMES.labels(*place).inc(record.lost_frames)


def webhook(sender: str, status: int) -> None:
    """A webhook request was answered; ``sender`` is one of a few known names."""
    _WEBHOOKS.labels(sender, status_class(status)).inc()


def requested(method: str, status: int, route: str, duration_s: float) -> None:
    """A request to the API was answered; ``route`` is the template of its path."""
    named = http_method(method)
    _REQUESTS.labels(named, status_class(status)).inc()
    _REQUEST_SECONDS.labels(named, route).observe(duration_s, _exemplar())


def http_method(method: str) -> str:
    """A method by its name, or ``other``: anybody can make one up."""
    return method if method in _METHODS else "other"


def exported(spans: int, *, taken: bool) -> None:
    """So many spans were sent to the collector, or dropped."""
    _SPANS.labels("taken" if taken else "dropped").inc(spans)


def exposition(accepted: str = "", *others: Collector) -> tuple[bytes, str]:
    """Everything counted in this process, and what the others add; with its content type.

    Prometheus' text format, or OpenMetrics for whoever accepts it: only that has exemplars.
    """
    encode, content_type = choose_encoder(accepted)
    return encode(_Together((REGISTRY, *others))), content_type


class _Together(Collector):
    """Several collectors as one."""

    def __init__(self, parts: Sequence[Collector]) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        for part in self._parts:
            yield from part.collect()


def _exemplar() -> dict[str, str] | None:
    """By what a sample is found again: the trace it belongs to, and the id of the request."""
    trace_id, _ = trace_ids()
    if not trace_id:
        return None
    identifier = request_id()
    named = 0 < len(identifier) <= EXEMPLAR_REQUEST_ID_MAX
    return {"trace_id": trace_id, **({"request_id": identifier} if named else {})}


def operation(method: str, path: str) -> str:
    """The route of a path: what is no fixed word of a vendor's addresses is an id."""
    parts = path.partition("?")[0].split("/")
    route = "/".join(p if not p or _STATIC.fullmatch(p) else "{id}" for p in parts)
    named = f"{method} {route}"
    if named in _OPERATIONS:
        return named
    if len(_OPERATIONS) >= OPERATIONS_MAX:
        return f"{method} other"
    _OPERATIONS.add(named)
    return named
