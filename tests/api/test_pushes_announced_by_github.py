"""A signed push of the right branch wakes its project; everything else leaves it asleep."""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from trunkline.adapters.postgres import PostgresStore
from trunkline.model import limits

Deliver = Callable[..., Awaitable[httpx.Response]]
Awake = Callable[[], Awaitable[bool]]


def push(project: str, *, branch: str = "main", repository: str = "") -> dict[str, Any]:
    name = repository or f"team/{project}"
    return {
        "ref": f"refs/heads/{branch}",
        "after": "3f0c" * 10,
        "repository": {
            "clone_url": f"https://git.example.com/{name}.git",
            "ssh_url": f"git@git.example.com:{name}.git",
        },
    }


@pytest.fixture
def deliver(http: httpx.AsyncClient, webhook_secret: str) -> Deliver:
    async def send(
        body: bytes, *, event: str = "push", key: str = webhook_secret, **headers: str
    ) -> httpx.Response:
        signature = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        known = {
            "X-GitHub-Event": event,
            "X-Hub-Signature-256": signature,
            "Content-Type": "application/json",
        }
        return await http.post("/v1/webhooks/github", content=body, headers={**known, **headers})

    return send


@pytest.fixture
def awake(temporal: Client, project: str) -> Awake:
    async def look() -> bool:
        try:
            found = await temporal.get_workflow_handle(f"project/{project}").describe()
        except RPCError:
            return False
        return found.status == WorkflowExecutionStatus.RUNNING

    return look


async def test_a_push_wakes_the_project_and_is_on_record(
    deliver: Deliver, awake: Awake, project: str, store: PostgresStore
) -> None:
    answer = await deliver(json.dumps(push(project)).encode())
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"result": "refreshed", "reason": "", "projects": [project]}
    assert await awake()
    [row] = await store.audit(limit=5)
    assert (row.actor, row.action, row.project) == ("github", "webhook.push", project)
    assert row.details["after"] == "3f0c" * 10


async def test_a_push_as_a_form_is_understood(deliver: Deliver, awake: Awake, project: str) -> None:
    body = urlencode({"payload": json.dumps(push(project))}).encode()
    answer = await deliver(body, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.json()["result"] == "refreshed"
    assert await awake()


async def test_a_forged_signature_is_refused(
    http: httpx.AsyncClient, awake: Awake, project: str
) -> None:
    body = json.dumps(push(project)).encode()
    for signature in ("", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "ä"):
        headers = [
            (b"X-GitHub-Event", b"push"),
            (b"X-Hub-Signature-256", signature.encode("latin-1")),
        ]
        answer = await http.post("/v1/webhooks/github", content=body, headers=headers)
        assert answer.status_code == 401, signature
        assert answer.json()["type"] == "urn:trunkline:problem:unauthenticated"
    assert not await awake()


async def test_a_signature_of_another_secret_or_body_is_refused(
    deliver: Deliver, awake: Awake, project: str, webhook_secret: str
) -> None:
    body = json.dumps(push(project)).encode()
    assert (await deliver(body, key="guessed")).status_code == 401
    digest = hmac.new(webhook_secret.encode(), b"{}", hashlib.sha256).hexdigest()
    other = await deliver(body, **{"X-Hub-Signature-256": f"sha256={digest}"})
    assert other.status_code == 401
    assert not await awake()


async def test_an_oversized_delivery_is_refused_before_it_is_read(
    deliver: Deliver, awake: Awake
) -> None:
    answer = await deliver(b"x" * (limits.WEBHOOK_MAX_BYTES + 1))
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:trunkline:problem:content-too-large"
    assert not await awake()


async def test_a_push_that_is_not_ours_is_ignored(
    deliver: Deliver, awake: Awake, project: str
) -> None:
    for other in (push(project, branch="feature"), push(project, repository="team/elsewhere")):
        answer = await deliver(json.dumps(other).encode())
        assert (answer.status_code, answer.json()["result"]) == (202, "ignored")
    assert not await awake()


async def test_a_replayed_delivery_wakes_nobody(
    deliver: Deliver, project: str, store: PostgresStore
) -> None:
    body = json.dumps(push(project)).encode()
    results = [(await deliver(body)).json()["result"] for _ in range(3)]
    assert results == ["refreshed", "ignored", "ignored"]
    assert len(await store.audit(limit=5)) == 1


async def test_a_ping_is_answered_and_other_events_are_ignored(
    deliver: Deliver, awake: Awake
) -> None:
    assert (await deliver(b"{}", event="ping")).json()["result"] == "pong"
    assert (await deliver(b"{}", event="issues")).json()["result"] == "ignored"
    assert not await awake()


async def test_a_signed_body_that_is_no_push_does_no_harm(deliver: Deliver, awake: Awake) -> None:
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 50_000, b'{"ref": 1}'):
        answer = await deliver(body)
        assert answer.status_code == (202 if body.startswith(b'{"') else 400), answer.text
    assert not await awake()
