"""Prometheus reads the server's metrics without a token, also while PostgreSQL is away."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from trunkline.adapters.postgres import PostgresStore, StoreBounds
from trunkline.services.metrics import MetricsService

Samples = dict[tuple[str, frozenset[str]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.usefixtures("fleet")
async def test_the_fleet_is_counted_by_state_and_never_by_name(
    http: httpx.AsyncClient, project: str
) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        answer = await http.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        counted = samples(answer.text)
        if any(name == "trunkline_agents" and project in labels for name, labels in counted):
            break
        assert time.monotonic() < deadline_s, answer.text
        await asyncio.sleep(0.2)
    assert "front-desk" not in answer.text
    assert counted["trunkline_store_up", frozenset()] == 1


async def test_without_the_store_the_process_still_tells_what_it_counted() -> None:
    bounds = StoreBounds(wait_timeout_s=0.2)
    async with PostgresStore("postgresql://nobody@127.0.0.1:1/none", bounds) as away:
        content, _ = await MetricsService(away).exposition()
    told = samples(content.decode())
    assert told["trunkline_store_up", frozenset()] == 0
    assert [name for name, _ in told if name == "trunkline_agents"] == []
    assert told["process_open_fds", frozenset()] > 0
