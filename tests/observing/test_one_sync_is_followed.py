"""One sync in a whole installation of real processes: its spans, its log lines and the calls that
vendors received are one story, joined by the id of the request and by its trace.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.observing.stories import metric_lines, tree
from tests.workflows.own_processes import log_lines, metrics_address, ready
from trunkline.local.ports import free_port
from trunkline.services.access import AccessService

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.observing.collector import Collector, Seen
    from tests.workflows.conftest import MakeStack, Stack, StartProcess

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

REQUEST_ID = "greeting-2041"
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS_SPAN = "00f067aa0ba902b7"
POLL = "trunkline:poll:"
NAMED = {
    "signal ProjectWorkflow",
    "read_source",
    "git fetch",
    "declare",
    "signal AgentWorkflow",
    "round of an agent",
    "plan_agent",
    "execute_step",
    "conclude_agent",
    "PATCH /v1/convai/agents/{id}",
}
HISTOGRAMS = {
    "trunkline_http_request_duration_seconds",
    "trunkline_activity_duration_seconds",
    "trunkline_platform_request_duration_seconds",
    "trunkline_reconcile_duration_seconds",
}
RECORDING = "TRUNKLINE_RECORD_SYNC"
"""A file that the story of this run is written to, for the page that shows it."""
PAGE = Path(__file__).parents[2] / "docs" / "observability.md"


async def test_one_sync_is_one_trace_from_the_call_to_the_vendor(
    make_stack: MakeStack,
    texts: Texts,
    postgres_url: str,
    start_process: StartProcess,
    collector: Collector,
) -> None:
    stack = await make_stack(texts.whole())
    token = (await AccessService(stack.store).issue("author@example.com", "admin")).secret
    port = str(free_port())
    traced = {
        "TRUNKLINE_OTLP_ENDPOINT": collector.url,
        "TRUNKLINE_LOG_LEVEL": "DEBUG",
        "TRUNKLINE_POLL_INTERVAL": "12h",
    }
    worker, worker_log = start_process(
        stack, postgres_url, "worker", "--metrics-port", "0", **traced
    )
    api, api_log = start_process(stack, postgres_url, "serve", "--port", port, **traced)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
    ) as http:
        await ready(http)
        await stack.until(lambda: _is_polled(collector))
        first = await _sync(stack, http, {})
        edits = {
            f"agents/{name}.yaml": texts.agent(name, greeting="Good day", whole=True)
            for name in ("front-desk", "night-desk")
        }
        stack.push(edits, "Good day")
        said = {
            "X-Request-ID": REQUEST_ID,
            "traceparent": f"00-{CALLER}-{CALLERS_SPAN}-01",
        }
        second = await _sync(stack, http, said)
        addresses = ("/metrics", await metrics_address(worker_log))
        counted: list[str] = await stack.until(lambda: _counted(http, addresses))
    assert all(f'trace_id="{CALLER}"' in line for line in counted)
    assert (first.headers["x-request-id"] == REQUEST_ID, second.headers["x-request-id"]) == (
        False,
        REQUEST_ID,
    )
    await stack.until(lambda: _has_arrived(collector, api_log, worker_log))
    for process in (worker, api):
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
    spans = [span for span in collector.spans() if span.trace_id == CALLER]
    _check_spans(spans)
    _check_the_rest_has_traces_of_its_own(collector.spans())
    told = [*log_lines(api_log), *log_lines(worker_log)]
    _check_lines(told, spans)
    await _check_vendors(stack)
    assert not [secret for secret in stack.secrets.values() if secret in repr(collector.spans())]
    await asyncio.to_thread(_tell, spans, told, counted)


def _check_spans(spans: list[Seen]) -> None:
    """Every span but the first hangs below another of the same trace."""
    ids = {span.span_id: span for span in spans}
    assert len(ids) == len(spans)
    roots = [span for span in spans if span.parent_id not in ids]
    assert [(root.name, root.parent_id) for root in roots] == [
        ("POST /v1/projects/{project}/sync", CALLERS_SPAN)
    ]
    named = {span.name for span in spans}
    assert named >= NAMED
    (patch, _) = (span for span in spans if span.name == "PATCH /v1/convai/agents/{id}")
    assert _names_above(patch, ids) == [
        "execute_step",
        "round of an agent",
        "declare",
        "POST /v1/projects/{project}/sync",
    ]
    assert {span.service for span in spans} == {"trunkline-api", "trunkline-worker"}
    server = next(span for span in spans if span.name.startswith("POST /v1/projects"))
    assert server.attributes["http.response.status_code"] == 202
    assert server.attributes["http.route"] == "/v1/projects/{project}/sync"
    assert patch.attributes["http.response.status_code"] == 200
    assert patch.attributes["trunkline.request_id"] == REQUEST_ID
    assert not [span.name for span in spans if span.failed]


def _names_above(span: Seen, ids: dict[str, Seen]) -> list[str]:
    above: list[str] = []
    while span.parent_id in ids:
        span = ids[span.parent_id]
        above.append(span.name)
    return above


def _check_the_rest_has_traces_of_its_own(spans: list[Seen]) -> None:
    """The first look at Git, which nobody asked for, has an id and a trace of its own."""
    polls = [span for span in spans if _request_of(span).startswith(POLL)]
    assert polls
    for span in polls:
        same = {
            other.attributes["trunkline.request_id"]
            for other in spans
            if other.trace_id == span.trace_id and "trunkline.request_id" in other.attributes
        }
        assert same == {span.attributes["trunkline.request_id"]}


def _check_lines(told: list[dict[str, Any]], spans: list[Seen]) -> None:
    """Lines of both processes carry the id, and those within spans the ids of these spans."""
    ours = [line for line in told if line.get("request_id") == REQUEST_ID]
    assert {line.get("trace_id") for line in ours} == {CALLER}
    ids = {span.span_id: span for span in spans}
    assert {line["span_id"] for line in ours} <= ids.keys()
    (asked,) = (line for line in ours if line["event"].endswith("/sync: 202"))
    assert ids[asked["span_id"]].name == "POST /v1/projects/{project}/sync"
    patches = [line for line in ours if line.get("method") == "PATCH"]
    assert [ids[line["span_id"]].name for line in patches] == ["PATCH /v1/convai/agents/{id}"] * 2
    assert not [line for line in told if line.get("trace_id") == CALLER and line not in ours]


async def _check_vendors(stack: Stack) -> None:
    """The simulator was told for which request each of its calls was."""
    entries = (await stack.elevenlabs.http.get("/_sim/requests")).json()["requests"]
    patches = [entry for entry in entries if entry["method"] == "PATCH"]
    assert [entry["request_id"] for entry in patches[-2:]] == [REQUEST_ID] * 2
    own = [entry["request_id"] for entry in entries if entry["request_id"] != REQUEST_ID]
    assert own


def _open_metrics(answer: httpx.Response) -> str:
    """The text of an answer that is OpenMetrics as its own parser reads it."""
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert list(text_string_to_metric_families(answer.text))  # type: ignore[no-untyped-call]
    return answer.text


async def _counted(http: httpx.AsyncClient, addresses: tuple[str, ...]) -> list[str] | None:
    """What histograms of both processes name the request as an example of, once each does: an
    operation has ended a moment before its last activity is counted.
    """
    open_metrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answers = [await http.get(each, headers=open_metrics) for each in addresses]
    lines = metric_lines(REQUEST_ID, *(_open_metrics(answer) for answer in answers))
    return lines if {line.partition("_bucket")[0] for line in lines} == HISTOGRAMS else None


async def _is_polled(collector: Collector) -> bool:
    """Nobody asked for anything yet, and Git was looked at."""
    return any(_request_of(span).startswith(POLL) for span in collector.spans())


async def _has_arrived(collector: Collector, *logs: Path) -> bool:
    """The trace is at the collector as far as it is known: what processes still hold when they are
    told to end they send for a short time only.
    """
    spans = [span for span in collector.spans() if span.trace_id == CALLER]
    ids = {span.span_id for span in spans}
    whole = (text[: text.rfind("\n") + 1] for text in map(Path.read_text, logs))
    lines = [json.loads(line) for text in whole for line in text.splitlines()]
    said = {line.get("span_id") for line in lines if line.get("request_id") == REQUEST_ID}
    lost = {span.parent_id for span in spans} - ids
    return lost == {CALLERS_SPAN} and said <= ids and {span.name for span in spans} >= NAMED


def _request_of(span: Seen) -> str:
    return str(span.attributes.get("trunkline.request_id", ""))


def _tell(spans: list[Seen], told: list[dict[str, Any]], counted: list[str]) -> None:
    """The page shows such a run: it names every span of this one."""
    story = tree(spans)
    target = os.environ.get(RECORDING)
    if target:
        ours = [line for line in told if line.get("request_id") == REQUEST_ID]
        shown = [json.dumps(line) for line in ours if line["level"] == "info"]
        Path(target).write_text("\n".join([*story, "", *shown, "", *counted]) + "\n")
    page = PAGE.read_text()
    assert REQUEST_ID in page
    assert [span.name for span in spans if span.name not in page] == []


async def _sync(stack: Stack, http: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    """Ask for a sync and wait for its end."""
    answer = await http.post(f"/v1/projects/{stack.project}/sync", json={}, headers=headers)
    assert answer.status_code == 202, answer.text
    ended = await stack.ended(answer.json()["id"])
    assert ended.state == "Succeeded", ended
    return answer
