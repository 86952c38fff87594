"""GitLab shows the secret itself; its pushes wake the project, and nothing else of it does."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from temporalio.service import RPCError


def push(project: str, branch: str = "main") -> dict[str, Any]:
    """A push as GitLab describes it."""
    address = f"git.example.com/team/{project}"
    return {
        "object_kind": "push",
        "ref": f"refs/heads/{branch}",
        "after": "3f0c" * 10,
        "project": {
            "git_http_url": f"https://{address}.git",
            "git_ssh_url": f"git@git.example.com:team/{project}.git",
            "web_url": f"https://{address}",
        },
    }


async def deliver(
    http: httpx.AsyncClient, payload: dict[str, Any], token: str, event: str = "Push Hook"
) -> httpx.Response:
    """Send it as GitLab does."""
    return await http.post(
        "/v1/webhooks/gitlab",
        content=json.dumps(payload).encode(),
        headers={
            "X-Gitlab-Token": token,
            "X-Gitlab-Event": event,
            "Content-Type": "application/json",
        },
    )


async def test_a_push_wakes_the_project(
    http: httpx.AsyncClient, webhook_secret: str, temporal: Client, project: str
) -> None:
    answer = await deliver(http, push(project), webhook_secret)
    assert answer.json() == {"result": "refreshed", "reason": "", "projects": [project]}
    await temporal.get_workflow_handle(f"project/{project}").describe()
    again = await deliver(http, push(project), webhook_secret)
    assert again.json()["reason"] == "this delivery was taken before"


@pytest.mark.parametrize("token", ["", "another", "ä"])
async def test_another_token_is_refused(
    http: httpx.AsyncClient, temporal: Client, project: str, token: str
) -> None:
    headers = [(b"X-Gitlab-Event", b"Push Hook"), (b"X-Gitlab-Token", token.encode("latin-1"))]
    answer = await http.post(
        "/v1/webhooks/gitlab", content=json.dumps(push(project)).encode(), headers=headers
    )
    assert answer.status_code == 401
    with pytest.raises(RPCError):
        await temporal.get_workflow_handle(f"project/{project}").describe()


async def test_other_branches_and_merge_requests_are_ignored(
    http: httpx.AsyncClient, webhook_secret: str, project: str
) -> None:
    other = await deliver(http, push(project, "feature"), webhook_secret)
    merge = await deliver(http, push(project), webhook_secret, event="Merge Request Hook")
    assert {other.json()["result"], merge.json()["result"]} == {"ignored"}
