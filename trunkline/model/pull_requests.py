"""What is known of one pull request and of its checks: the row between forge, workflow and people.

It is what a check came to, never what decided it: the forge says who proposed what, Git what it
holds, and a lost row is made again by looking.
"""

from datetime import datetime
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.forges import PullRequestState
from trunkline.model.ids import Revision

CheckState = Literal["waiting", "running", "passed", "failed", "inconclusive", "refused"]
"""``waiting``: for a maintainer (a fork) or its turn. ``refused``: the head is not valid."""


class AgentCheck(Frozen):
    """The tests of one agent on the head; ``run_id`` of the candidate, ``current_run_id`` of what
    runs now.
    """

    agent: str
    state: CheckState
    run_id: str = ""
    current_run_id: str = ""
    message: str = ""


class CommandReply(Frozen):
    """What came of a command somebody wrote in a comment."""

    login: str
    command: str
    words: str
    done: bool = True
    url: str = ""


class PullRequestRecord(Frozen):
    """One pull request of a project.

    ``head`` is the commit the checks are about; ``trusted_head`` the one a maintainer let use
    secrets and tests, of a fork. ``seen_comment`` is the newest comment whose commands were carried
    out. ``objects_gone`` is when nothing of its checks was left on a platform. ``plan_round`` and
    ``test_round`` count how often either was asked for, by a new head or by a command; ``said`` is
    the digest of what the comment and the statuses say, ``verdict`` head and outcome told last.
    """

    project: str
    number: int
    title: str
    author: str
    url: str = ""
    state: PullRequestState = "open"
    is_fork: bool = False
    head: Revision
    base: Revision | None = None
    trusted_head: Revision | None = None
    plan: CheckState = "waiting"
    agents: tuple[AgentCheck, ...] = ()
    message: str = ""
    comment_id: int | None = None
    seen_comment: int = 0
    objects_gone: bool = True
    head_ref: str = ""
    head_branch: str = ""
    head_seen_at: datetime | None = None
    plan_round: int = 0
    test_round: int = 0
    replies: tuple[CommandReply, ...] = ()
    said: str = ""
    verdict: str = ""
    updated_at: datetime | None = None
