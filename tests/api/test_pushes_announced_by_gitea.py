"""Gitea and Forgejo sign in hexadecimal, under names of their own, the JSON even of a form."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from trunkline.adapters.postgres import PostgresStore

PLACE = "/v1/webhooks/gitea"


def push(project: str, *, branch: str = "main") -> bytes:
    name = f"team/{project}"
    payload: dict[str, Any] = {
        "ref": f"refs/heads/{branch}",
        "after": "3f0c" * 10,
        "repository": {
            "full_name": name,
            "html_url": f"https://git.example.com/{name}",
            "ssh_url": f"gitea@git.example.com:{name}.git",
            "clone_url": f"https://git.example.com/{name}.git",
        },
    }
    return json.dumps(payload).encode()


def signed(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def is_awake(temporal: Client, project: str) -> bool:
    try:
        found = await temporal.get_workflow_handle(f"project/{project}").describe()
    except RPCError:
        return False
    return found.status == WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize("maker", ["Gitea", "Forgejo"])
async def test_a_push_wakes_the_project_and_is_on_record(
    http: httpx.AsyncClient,
    webhook_secret: str,
    temporal: Client,
    project: str,
    store: PostgresStore,
    maker: str,
) -> None:
    body = push(project)
    headers = {f"X-{maker}-Event": "push", f"X-{maker}-Signature": signed(webhook_secret, body)}
    answers = [await http.post(PLACE, content=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert [answer.json()["result"] for answer in answers] == ["refreshed", "ignored"]
    assert await is_awake(temporal, project)
    [row] = await store.audit(limit=5)
    assert (row.actor, row.action, row.project) == ("gitea", "webhook.push", project)


async def test_of_a_form_the_json_is_signed(
    http: httpx.AsyncClient, webhook_secret: str, temporal: Client, project: str
) -> None:
    body = push(project)
    form = urlencode({"payload": body.decode()}).encode()
    for content, status in ((form, 401), (body, 202)):
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Gitea-Event": "push",
            "X-Gitea-Signature": signed(webhook_secret, content),
        }
        answer = await http.post(PLACE, content=form, headers=headers)
        assert answer.status_code == status, answer.text
    assert await is_awake(temporal, project)


async def test_a_forged_signature_is_refused(
    http: httpx.AsyncClient, webhook_secret: str, temporal: Client, project: str
) -> None:
    body = push(project)
    good = signed(webhook_secret, body)
    forged: list[dict[str, str]] = [
        {},
        {"X-Gitea-Signature": ""},
        {"X-Gitea-Signature": signed("guessed", body)},
        {"X-Gitea-Signature": signed(webhook_secret, b"{}")},
        {"X-Gitea-Signature": f"sha256={good}"},
        {"X-Hub-Signature-256": f"sha256={good}"},
        {"X-Forgejo-Signature": "0" * 64, "X-Gitea-Signature": good},
    ]
    for headers in forged:
        answer = await http.post(PLACE, content=body, headers={"X-Gitea-Event": "push", **headers})
        assert answer.status_code == 401, headers
    assert not await is_awake(temporal, project)


async def test_an_empty_form_is_no_push(http: httpx.AsyncClient, webhook_secret: str) -> None:
    for form in (b"", b"payload", b"other=1", b"\xff", b"&".join([b"payload=1"] * 20)):
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Gitea-Event": "push",
            "X-Gitea-Signature": signed(webhook_secret, b""),
        }
        answer = await http.post(PLACE, content=form, headers=headers)
        assert answer.status_code == 400, form


async def test_other_branches_and_events_are_ignored(
    http: httpx.AsyncClient, webhook_secret: str, temporal: Client, project: str
) -> None:
    for body, event in ((push(project, branch="feature"), "push"), (push(project), "issues")):
        headers = {"X-Gitea-Event": event, "X-Gitea-Signature": signed(webhook_secret, body)}
        answer = await http.post(PLACE, content=body, headers=headers)
        assert (answer.status_code, answer.json()["result"]) == (202, "ignored")
    assert not await is_awake(temporal, project)
