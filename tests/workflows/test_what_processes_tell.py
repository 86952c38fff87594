"""Real processes of an installation: what they count, what they log, and what they keep to
themselves. One request is followed from the command line to the vendor by its id.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.workflows.own_processes import log_lines, metrics_address, ready
from trunkline.local.ports import free_port
from trunkline.services.access import AccessService

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack, StartProcess

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WEBHOOK_SECRET = "a-webhook-secret-nobody-may-read"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Every sample by name and labels; fails if a name is described twice."""
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of all samples of a name that carry these labels."""
    wanted = set(labels.items())
    return sum(value for (found, has), value in samples.items() if found == name and wanted <= has)


async def _scraped(http: httpx.AsyncClient, address: str) -> Samples:
    answer = await http.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return parsed(answer.text)


async def _command(stack: Stack, url: str, token: str, *arguments: str) -> tuple[int, str]:
    variables = {"TRUNKLINE_URL": url, "TRUNKLINE_TOKEN": token, "TRUNKLINE_PROJECT": "acme"}
    done = await stack.programs().start(*arguments, env=variables).ended(timeout_s=150)
    return done.code, done.out + done.err


async def test_a_sync_is_counted_logged_and_kept_free_of_secrets(
    make_stack: MakeStack, texts: Texts, postgres_url: str, start_process: StartProcess
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    token = (await AccessService(stack.store).issue("author@example.com", "admin")).secret
    port = str(free_port())
    worker, worker_log = start_process(
        *(stack, postgres_url, "worker", "--metrics-port", "0"), TRUNKLINE_LOG_LEVEL="DEBUG"
    )
    api, api_log = start_process(
        *(stack, postgres_url, "serve", "--port", port),
        TRUNKLINE_LOG_LEVEL="DEBUG",
        TRUNKLINE_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )
    url = f"http://127.0.0.1:{port}"
    secrets = {
        *(stack.secrets[name] for name in ("ELEVENLABS_API_KEY", "TWILIO_AUTH_TOKEN")),
        stack.secrets["TRUNKLINE_SECRET_ACME_BOOKING"],
        WEBHOOK_SECRET,
        token,
    }
    async with httpx.AsyncClient(timeout=60) as http:
        addresses = (await metrics_address(worker_log), f"{url}/metrics")
        await ready(http, url)
        for greeting in ("Good morning", "Good day"):
            names = ("front-desk", "night-desk")
            edits = {
                f"agents/{name}.yaml": texts.agent(name, greeting=greeting, whole=True)
                for name in names
            }
            stack.push(edits, greeting)
            code, out = await _command(stack, url, token, "sync")
            assert code == 0, out
        await http.post(f"{url}/v1/webhooks/github", content=b"{}")
        await stack.sweep()
        of_worker, of_api = [await _scraped(http, address) for address in addresses]
        texts_told = [(await http.get(address)).text for address in addresses]
    _check_counts(of_worker, of_api)
    await _check_request(stack, worker_log, api_log)
    for process in (worker, api):
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
    told = [*texts_told, worker_log.read_text(), api_log.read_text(), await _stored(postgres_url)]
    told += [await _history(stack, workflow_id) async for workflow_id in _workflows(stack)]
    assert [secret[:6] for secret in secrets if any(secret in text for text in told)] == []


def _check_counts(of_worker: Samples, of_api: Samples) -> None:
    create = "POST /v1/convai/agents/create"
    calls = "trunkline_platform_requests_total"
    assert total(of_worker, calls, vendor="ElevenLabs", operation=create, status="2xx") == 2
    assert total(of_worker, calls, vendor="Twilio", status="2xx") > 0
    routes = {dict(labels).get("operation", "") for name, labels in of_worker if name == calls}
    assert "GET /v1/convai/agents/{id}" in routes
    assert len(routes) < 30
    assert total(of_worker, "trunkline_platform_request_duration_seconds_count") > 10
    assert total(of_worker, "trunkline_reconcile_total", kind="agent", result="Ready") >= 2
    assert total(of_worker, "trunkline_reconcile_duration_seconds_count", kind="number") >= 1
    assert total(of_worker, "trunkline_plans_total", kind="agent", result="changes") >= 2
    assert total(of_worker, "trunkline_git_requests_total", request="fetch", result="ok") >= 1
    waits = "trunkline_rate_limit_wait_seconds_count"
    assert total(of_worker, waits, urgency="interactive") > 0
    assert total(of_worker, waits, urgency="sweep") > 0
    assert total(of_worker, "trunkline_sweep_duration_seconds_count", project="acme") == 1
    assert total(of_worker, "trunkline_drift_found_total", project="acme") == 0
    assert total(of_worker, "trunkline_breaker_changes_total") == 0
    assert any(name.startswith("temporal_") for name, _ in of_worker)
    ready = {"project": "acme", "environment": "testing", "sync": "Synced", "health": "Healthy"}
    assert total(of_api, "trunkline_agents", **ready) == 2
    assert total(of_api, "trunkline_numbers", **ready) == 1
    assert total(of_api, "trunkline_conditions") == 0
    assert total(of_api, "trunkline_store_up") == 1
    assert total(of_api, "trunkline_webhook_requests_total", sender="github", status="4xx") == 1
    assert total(of_api, "trunkline_http_requests_total", method="POST", status="2xx") == 2


async def _check_request(stack: Stack, worker_log: Path, api_log: Path) -> None:
    """The id the command line made is in the audit, in the API's line and in the writes' lines.

    The first sync comes beside the first look at Git, which nobody asked for; the second is alone.
    """
    syncs = [each for each in await stack.store.audit(limit=50) if each.action == "sync.create"]
    newest = syncs[0].request_id
    assert len({each.request_id for each in syncs}) == 2
    told = await asyncio.to_thread(log_lines, api_log)
    asked = [line["request_id"] for line in told if line["event"].endswith("/sync: 202")]
    assert asked == [each.request_id for each in reversed(syncs)]
    calls = [line for line in await asyncio.to_thread(log_lines, worker_log) if line.get("vendor")]
    patches = [line for line in calls if line["method"] == "PATCH" and "/agents/" in line["path"]]
    assert [line["request_id"] for line in patches[-2:]] == [newest, newest]
    assert any(line["method"] == "GET" and line.get("request_id") == newest for line in calls)


async def _stored(url: str) -> str:
    """Every row of every table, as text."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        told = []
        for (table,) in await found.fetchall():
            rows = await connection.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            told += [row for (row,) in await rows.fetchall()]
        return "\n".join(told)


async def _workflows(stack: Stack) -> Any:
    async for found in stack.client.list_workflows():
        yield found.id


async def _history(stack: Stack, workflow_id: str) -> str:
    handle = stack.client.get_workflow_handle(workflow_id)
    return (await handle.fetch_history()).to_json()


async def test_a_worker_says_which_port_its_metrics_cannot_have(
    make_stack: MakeStack, texts: Texts, postgres_url: str, start_process: StartProcess
) -> None:
    stack = await make_stack(texts.fleet(0))
    taken = stack.simulators.elevenlabs_url.rpartition(":")[2]
    process, log = start_process(stack, postgres_url, "worker", "--metrics-port", taken)
    assert await asyncio.to_thread(process.wait, 60) == 1
    assert f"port {taken} for the worker's metrics is already in use" in log.read_text()
