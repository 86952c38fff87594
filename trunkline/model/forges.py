"""What a forge says of a manifests repository beyond its Git: pull requests, comments, statuses.

The same for every kind of forge; who speaks to one translates. Nothing here is taken from a
webhook: a delivery only says that something changed, and the forge is asked what.
"""

from datetime import datetime
from typing import Final, Literal

from trunkline.model.base import Frozen
from trunkline.model.ids import Revision

ForgeKind = Literal["github", "gitea"]
PullRequestState = Literal["open", "closed", "merged"]
CommitState = Literal["pending", "success", "failure", "error"]
"""As GitHub and Gitea both call them; ``error``: it could not be found out."""
ForgePermission = Literal["none", "read", "write", "admin"]

PLAN_CONTEXT: Final = "trunkline/plan"
TESTS_CONTEXT: Final = "trunkline/tests/"
"""The name of a commit status begins with it, an agent's name follows."""


class PullRequest(Frozen):
    """One pull request. ``head`` is the commit proposed, which Git serves as ``head_ref`` of the
    repository itself even when it comes from a fork. ``merged_as`` is the commit it became.
    ``merged_at`` and ``closed_by`` are None and "" where the forge does not say.
    """

    number: int
    title: str
    author: str
    state: PullRequestState
    head: Revision
    head_branch: str
    head_ref: str
    base_branch: str
    is_fork: bool = False
    merged_as: Revision | None = None
    merged_by: str = ""
    merged_at: datetime | None = None
    closed_by: str = ""
    url: str = ""
    body: str = ""
    labels: tuple[str, ...] = ()


class ForgeComment(Frozen):
    """A comment of a pull request; ids only grow. ``is_own``: the server's account wrote it.
    ``was_edited``: it may be somebody else who changed its words, for whoever may push may edit.
    """

    id: int
    author: str
    body: str
    created_at: datetime
    url: str = ""
    is_own: bool = False
    was_edited: bool = False


class CommitStatus(Frozen):
    """What a commit's status says; ``description`` is cut by the forge beyond 140 characters."""

    context: str
    state: CommitState
    description: str
    target_url: str = ""


class ForgeAccess(Frozen):
    """Who a token belongs to and what it may do in the repository; ``login`` is empty where the
    forge does not say, as for an app.
    """

    repository: str
    login: str = ""
    permission: ForgePermission


class PullRequestAddress(Frozen):
    """Where a proposal of ours stands."""

    number: int
    url: str
    branch: str
