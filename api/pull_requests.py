"""What the API answers of pull requests and of their checks."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from api.answers import Answer
from trunkline.model.forges import PullRequestState
from trunkline.model.ids import Revision
from trunkline.model.pull_requests import AgentCheck, CheckState, CommandReply, PullRequestRecord
from trunkline.model.pulls.checks import verdict

_EXAMPLE: dict[str, Any] = {
    "number": 12,
    "title": "A shorter greeting",
    "author": "ada",
    "url": "https://git.example.com/acme/manifests/pulls/12",
    "state": "open",
    "fork": False,
    "head": "3f0c9a1be7d24c55a0f1c2d3e4f5061728394a5b",
    "base": "9b1de0a7c6f54e33b2a1908f7e6d5c4b3a291807",
    "verdict": "failed",
    "plan": "passed",
    "agents": [
        {
            "agent": "front-desk",
            "state": "failed",
            "runId": "pull-12-1-front-desk-0d1e2f3a4b-candidate",
            "currentRunId": "pull-12-1-front-desk-0d1e2f3a4b-current",
            "message": "1 of 3 required tests failed",
        }
    ],
    "answers": [],
    "message": "",
    "objectsGone": True,
    "updatedAt": "2026-03-02T09:15:00Z",
}


class PullRequestAnswer(Answer):
    """One pull request of the manifests repository and what its checks came to.

    ``verdict`` is the worst that is known; ``plan`` is of its plans, ``agents`` are those whose
    tests count. ``answers`` say what came of commands in comments. ``objects_gone``: nothing of its
    checks is left on a platform.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    number: int
    title: str
    author: str
    url: str
    state: PullRequestState
    fork: bool
    head: Revision
    base: Revision | None
    verdict: CheckState
    plan: CheckState
    agents: tuple[AgentCheck, ...]
    answers: tuple[CommandReply, ...]
    message: str
    objects_gone: bool
    updated_at: datetime | None


def pull_request_answer(record: PullRequestRecord) -> PullRequestAnswer:
    """A pull request as the API says it."""
    return PullRequestAnswer(
        number=record.number,
        title=record.title,
        author=record.author,
        url=record.url,
        state=record.state,
        fork=record.is_fork,
        head=record.head,
        base=record.base,
        verdict=verdict(record),
        plan=record.plan,
        agents=record.agents,
        answers=record.replies,
        message=record.message,
        objects_gone=record.objects_gone,
        updated_at=record.updated_at,
    )
