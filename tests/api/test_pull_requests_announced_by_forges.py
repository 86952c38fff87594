"""A signed word about a pull request wakes its workflow; it carries a number and nothing more."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from trunkline.adapters.postgres import PostgresStore

Send = Callable[..., Awaitable[httpx.Response]]
Looked = Callable[[int], Awaitable[bool]]


def about(project: str, action: str = "opened", *, number: Any = 7, repository: str = "") -> Any:
    """What either forge says of a pull request."""
    name = repository or f"team/{project}"
    return {
        "action": action,
        "number": number,
        "pull_request": {"number": number, "title": "'; DROP TABLE", "head": {"ref": "x"}},
        "repository": {"clone_url": f"https://git.example.com/{name}.git"},
    }


def comment(project: str, action: str = "created", **issue: Any) -> Any:
    """What either forge says of a comment."""
    return {
        "action": action,
        "issue": {"number": 7, "pull_request": {"url": "x"}, **issue},
        "comment": {"id": 1, "body": "/trunkline plan"},
        "repository": {"clone_url": f"https://git.example.com/team/{project}.git"},
    }


@pytest.fixture(params=["github", "gitea"])
def send(request: pytest.FixtureRequest, http: httpx.AsyncClient, webhook_secret: str) -> Send:
    """Deliver something, signed as the forge of this test signs."""

    async def sent(
        payload: Any, *, event: str = "pull_request", key: str = webhook_secret
    ) -> httpx.Response:
        body = json.dumps(payload).encode()
        digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "github": {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={digest}"},
            "gitea": {"X-Gitea-Event": event, "X-Gitea-Signature": digest},
        }[request.param]
        headers["Content-Type"] = "application/json"
        path = f"/v1/webhooks/{request.param}"
        return await http.post(path, content=body, headers=headers)

    return sent


@pytest.fixture
def looked(temporal: Client, project: str) -> Looked:
    """Is a pull request being looked at?"""

    async def look(number: int) -> bool:
        handle = temporal.get_workflow_handle(f"pull-request/{project}/{number}")
        try:
            found = await handle.describe()
        except RPCError:
            return False
        return found.status == WorkflowExecutionStatus.RUNNING

    return look


async def test_what_happens_to_a_pull_request_wakes_it(
    send: Send, looked: Looked, project: str
) -> None:
    for action in ("opened", "synchronize", "synchronized", "reopened", "closed", "edited"):
        answer = await send(about(project, action))
        assert answer.status_code == 202
        assert answer.json() == {"result": "refreshed", "reason": "", "projects": [project]}
    assert await looked(7)


async def test_it_is_on_record_and_carries_no_word_of_the_payload(
    send: Send, project: str, store: PostgresStore, temporal: Client
) -> None:
    await send(about(project))
    [row] = await store.audit(limit=5)
    assert (row.action, row.subject, row.project) == ("webhook.pull-request", "7", project)
    handle = temporal.get_workflow_handle(f"pull-request/{project}/7")
    history = await handle.fetch_history()
    signals = [
        str(event.workflow_execution_signaled_event_attributes.input)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert len(signals) == 1
    assert "DROP TABLE" not in str(history.events)


@pytest.mark.parametrize("extra", [{}, {"pull_request": {"merged": False}}])
async def test_a_new_comment_on_a_pull_request_wakes_it(
    send: Send, looked: Looked, project: str, extra: dict[str, Any]
) -> None:
    answer = await send(comment(project, **extra), event="issue_comment")
    assert answer.json()["result"] == "refreshed"
    assert await looked(7)


async def test_gitea_says_of_a_comment_that_it_is_on_a_pull_request(
    send: Send, looked: Looked, project: str
) -> None:
    payload = {**comment(project, pull_request=None), "is_pull": True}
    answer = await send(payload, event="issue_comment")
    assert answer.json()["result"] == "refreshed"
    assert await looked(7)


async def test_what_changes_nothing_is_ignored(send: Send, looked: Looked, project: str) -> None:
    ignored = [
        (comment(project, "edited"), "issue_comment"),
        (comment(project, "deleted"), "issue_comment"),
        (comment(project, pull_request=None), "issue_comment"),
        (about(project, "assigned"), "pull_request"),
        (about(project, "review_requested"), "pull_request"),
        ({}, "pull_request"),
        (about(project), "pull_request_review_thread"),
        (about(project, repository="team/another"), "pull_request"),
    ]
    for payload, event in ignored:
        answer = await send(payload, event=event)
        assert (answer.status_code, answer.json()["result"]) == (202, "ignored"), payload
    assert not await looked(7)


async def test_a_number_that_is_none_is_ignored(
    send: Send, project: str, store: PostgresStore
) -> None:
    for number in (0, -1, 2**31, "7", 7.5, True, None, [7]):
        answer = await send(about(project, number=number))
        assert answer.json()["result"] == "ignored", number
    assert await store.audit(limit=5) == ()


async def test_a_forged_one_is_refused_and_wakes_nobody(
    send: Send, looked: Looked, project: str
) -> None:
    answer = await send(about(project), key="another secret")
    assert answer.status_code == 401
    assert not await looked(7)


async def test_a_repeated_one_is_ignored(send: Send, project: str) -> None:
    first, again = [await send(about(project)) for _ in range(2)]
    assert (first.json()["result"], again.json()["result"]) == ("refreshed", "ignored")
