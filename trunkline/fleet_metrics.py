"""What is counted in the store, by the names it is published under.

Every API process counts the same rows, so these are to be read as their maximum and never as their
sum. Knows names and labels, not how or how often anything is counted.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from trunkline.model.census import Census, Measure
from trunkline.model.delivery import Delivery

_PLACE = ("project", "environment")
_GAUGES: Mapping[Measure, tuple[str, str, tuple[str, ...]]] = {
    "promotions_open": (
        "trunkline_promotions_open",
        "Promotions that are under way, by their phase",
        (*_PLACE, "phase"),
    ),
    "promotion_age_seconds": (
        "trunkline_promotion_age_seconds",
        "Age of the oldest promotion that is under way",
        _PLACE,
    ),
    "evidence_age_seconds": (
        "trunkline_gate_evidence_age_seconds",
        "Age of the oldest evidence that a promotion under way rests on",
        _PLACE,
    ),
    "drift_age_seconds": (
        "trunkline_drift_age_seconds",
        "How long the oldest difference that nobody healed yet has been known",
        _PLACE,
    ),
    "pull_requests": (
        "trunkline_pull_requests_open",
        "Open pull requests, by what their plan came to",
        ("project", "plan"),
    ),
    "calls_active": (
        "trunkline_calls_active",
        "Calls that are not over, by their state",
        (*_PLACE, "state"),
    ),
}
_COUNTERS: Mapping[Measure, tuple[str, str, tuple[str, ...]]] = {
    "promotions_ended": (
        "trunkline_promotions_ended",
        "Promotions that have ended, by how",
        (*_PLACE, "state"),
    ),
    "promotion_seconds": (
        "trunkline_promotion_seconds",
        "Time that promotions which have ended took, from their request, by how they ended",
        (*_PLACE, "state"),
    ),
    "notifications": (
        "trunkline_notifications",
        "Notifications by what became of them",
        ("project", "state"),
    ),
}


class Fleet(Collector):
    """One census as metrics; None if the store could not be asked."""

    def __init__(self, census: Census | None) -> None:
        self._census = census

    def collect(self) -> Iterator[Metric]:
        """Every family, also those without a sample."""
        up = "1 if PostgreSQL answered when it was counted last"
        yield GaugeMetricFamily("trunkline_store_up", up, value=self._census is not None)
        census = self._census or Census()
        yield from _statuses(census)
        for measure, (name, words, labels) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, words, labels=labels)
            _fill(gauge, census, measure, labels)
            yield gauge
        for measure, (name, words, labels) in _COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=labels)
            _fill(counter, census, measure, labels)
            yield counter
        yield from _delivered(census.deliveries)


def _fill(
    family: GaugeMetricFamily | CounterMetricFamily,
    census: Census,
    measure: Measure,
    labels: tuple[str, ...],
) -> None:
    for tally in census.tallies:
        if tally.measure == measure:
            values = {"project": tally.project, "environment": tally.environment}
            family.add_metric([values.get(label, tally.word) for label in labels], tally.value)


def _statuses(census: Census) -> Iterator[Metric]:
    states = (*_PLACE, "sync", "health")
    agents = GaugeMetricFamily("trunkline_agents", "Agents by sync and health", labels=states)
    numbers = GaugeMetricFamily("trunkline_numbers", "Numbers by sync and health", labels=states)
    conditions = GaugeMetricFamily(
        "trunkline_conditions",
        "Agents, numbers, environments and accounts with a condition, by its reason",
        labels=(*_PLACE, "kind", "type", "reason"),
    )
    for each in census.statuses:
        here = (each.project, each.environment)
        if each.condition:
            conditions.add_metric([*here, each.kind, each.condition, each.reason], each.count)
        elif each.kind in ("agent", "number"):
            family = agents if each.kind == "agent" else numbers
            family.add_metric([*here, each.sync, each.health], each.count)
    yield from (agents, numbers, conditions)


def _delivered(deliveries: tuple[Delivery, ...]) -> Iterator[Metric]:
    """DORA's four; a measure that nothing was measured of has no sample."""
    labels = (*_PLACE, "days")
    deployments = GaugeMetricFamily(
        "trunkline_dora_deployments", "Deployments in the last days", labels=labels
    )
    lead_time = GaugeMetricFamily(
        "trunkline_dora_lead_time_seconds",
        "Median time from commit to release of deployments in the last days",
        labels=labels,
    )
    failures = GaugeMetricFamily(
        "trunkline_dora_change_failure_ratio",
        "Share of deployments in the last days that were rolled back",
        labels=labels,
    )
    restores = GaugeMetricFamily(
        "trunkline_dora_restore_seconds",
        "Median time from a failed deployment to the release that took its place",
        labels=labels,
    )
    for each in deliveries:
        here = [each.project, each.environment, str(each.days)]
        deployments.add_metric(here, each.deployments)
        for family, value in (
            (lead_time, each.lead_time_s),
            (failures, each.change_failure_rate),
            (restores, each.restore_time_s),
        ):
            if value is not None:
                family.add_metric(here, value)
    yield from (deployments, lead_time, failures, restores)
