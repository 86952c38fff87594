"""Dashboard and alert rules ask for metrics that exist, by labels they have, in valid PromQL, and
each alert leads to a runbook.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import promql_parser as promql
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from trunkline import metrics
from trunkline.fleet_metrics import Fleet
from trunkline.model.census import Census, Measure, Tally
from trunkline.model.delivery import Delivery
from trunkline.model.records import StatusCount

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
PAGE = ROOT / "docs" / "observability.md"
VARIABLES = {"$__rate_interval": "5m", "$project": ".*", "$environment": ".*"}
"""What Grafana puts in before it asks."""
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


@cache
def exposed() -> dict[str, set[str]]:
    """Every sample a process can expose, with its labels, whether it was counted yet or not."""
    found: dict[str, set[str]] = {}
    for instrument in vars(metrics).values():
        if not isinstance(instrument, MetricWrapperBase):
            continue
        labels = set(instrument._labelnames)
        for family in instrument.describe():
            for suffix in SUFFIXES[family.type]:
                extra = {"le"} if suffix == "_bucket" else set()
                found[f"{family.name}{suffix}"] = labels | extra
    for family in Fleet(_everything()).collect():
        for sample in family.samples:
            found[sample.name] = set(sample.labels)
    return found


def _everything() -> Census:
    """A census with one of each."""
    place: dict[str, Any] = {"project": "acme", "environment": "production"}
    states = {"sync": "Synced", "health": "Healthy", "condition": "", "reason": "", "count": 1}
    stalled = {**states, "condition": "Stalled", "reason": "Rejected"}
    return Census(
        statuses=tuple(
            StatusCount(**place, kind=kind, **words)
            for kind in ("agent", "number")
            for words in (states, stalled)
        ),
        tallies=tuple(
            Tally(measure=measure, **place, word="any", value=1) for measure in get_args(Measure)
        ),
        deliveries=(
            Delivery(
                **place,
                days=30,
                deployments=1,
                lead_time_s=1.0,
                change_failure_rate=0.0,
                restore_time_s=1.0,
            ),
        ),
    )


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    asked = [
        (f"{panel['title']}: {target['legendFormat']}", target["expr"])
        for panel in panels()
        for target in panel["targets"]
    ]
    return asked + [(rule["alert"], rule["expr"]) for rule in rules()]


def parsed(expression: str) -> Any:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return promql.parse(expression)


def parts(expression: Any) -> list[Any]:
    """An expression and everything it is made of."""
    found: list[Any] = []
    promql.walk(expression, found.append)
    return found


def selectors(expression: Any) -> list[Any]:
    return [part for part in parts(expression) if isinstance(part, promql.VectorSelector)]


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_what_is_asked_for_exists_by_name_and_labels(where: str, expression: str) -> None:
    found = selectors(parsed(expression))
    assert found, where
    for selector in found:
        assert selector.name in exposed(), f"{where}: no metric {selector.name}"
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= exposed()[selector.name], f"{where}: {selector.name} has no such label"


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_what_is_grouped_by_is_a_label_of_everything_below(where: str, expression: str) -> None:
    for part in parts(parsed(expression)):
        if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
            by = set(part.modifier.labels)
            for selector in selectors(part.expr):
                assert by <= exposed()[selector.name], f"{where}: {by} of {selector.name}"


def test_a_metric_that_does_not_exist_is_noticed() -> None:
    (selector,) = selectors(parsed("sum by (project) (rate(trunkline_wishful_total[5m])) / 2"))
    assert selector.name not in exposed()
    with pytest.raises(ValueError, match="parenthesis"):
        promql.parse("sum by (project (up)")


def test_everything_counted_in_the_store_is_read_as_its_maximum() -> None:
    """Each API process tells the same fleet: a sum over processes would count it again."""
    stored = {family.name for family in Fleet(_everything()).collect()} - {"trunkline_store_up"}
    for where, expression in expressions():
        tree = parsed(expression)
        covered = {
            id(selector)
            for part in parts(tree)
            if isinstance(part, promql.AggregateExpr) and str(part.op) == "max"
            for selector in selectors(part.expr)
        }
        names = {
            selector.name.removesuffix("_total")
            for selector in selectors(tree)
            if str(tree).count("max") == 0 and id(selector) not in covered
        }
        assert not names & stored, where


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(panel["description"] for panel in panels())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        box = panel["gridPos"]
        cells = {(box["x"] + x, box["y"] + y) for x in range(box["w"]) for y in range(box["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_dashboard_asks_the_data_source_that_is_chosen() -> None:
    for panel in panels():
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_every_alert_says_what_it_means_and_leads_to_its_runbook() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.read_text().splitlines()
        if line.startswith("#")
    }
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        file, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / file) == PAGE
        assert anchor in headings, f"{rule['alert']} has no runbook"


def test_every_metric_of_ours_is_described_on_the_page() -> None:
    page = PAGE.read_text()
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed()}
    undescribed = {name for name in names if f"`{name}`" not in page}
    assert undescribed == set()


def test_scrapers_and_collectors_are_told_where_trunkline_is() -> None:
    scraped = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    assert scraped["rule_files"] == ["alerts.yaml"]
    protocols = {next(iter(job["scrape_protocols"])) for job in scraped["scrape_configs"]}
    assert protocols == {"OpenMetricsText1.0.0"}
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    jobs = {job["job_name"].removeprefix("trunkline-") for job in scraped["scrape_configs"]}
    assert jobs <= set(compose["services"])
    collector = yaml.safe_load((FOLDER / "otel-collector.yaml").read_text())
    pipeline = collector["service"]["pipelines"]["traces"]
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline[kind]) <= set(collector[kind])
