"""What of a forge's answers is used, and what it means in our words.

GitHub and Gitea show pull requests and comments alike as far as we need them; where they differ,
a field has a default. What is not named here is not read.
"""

from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trunkline.model.base import JsonObject
from trunkline.model.errors import ForgeUnavailable
from trunkline.model.forges import ForgeComment, ForgePermission, PullRequest, PullRequestState
from trunkline.model.ids import Revision

PERMISSIONS: dict[str, ForgePermission] = {
    "admin": "admin",
    "owner": "admin",
    "maintain": "write",
    "write": "write",
    "triage": "read",
    "read": "read",
}
"""By the names of both forges; whatever else there is counts as nothing."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


Answered = TypeVar("Answered", bound=_Read)


class User(_Read):
    """Somebody, or an app."""

    login: str
    type: str = ""


class Label(_Read):
    """A label by its name."""

    name: str


class Repository(_Read):
    """A side's repository."""

    id: int
    full_name: str


class Side(_Read):
    """Where a pull request comes from or goes to; a deleted fork is no repository any more."""

    ref: str
    sha: str = Field(pattern=r"^[0-9a-f]{40}$")
    repo: Repository | None = None


class PullAnswer(_Read):
    """A pull request."""

    number: int
    title: str
    body: str | None = None
    user: User | None = None
    state: Literal["open", "closed"]
    head: Side
    base: Side
    html_url: str = ""
    merged: bool | None = None
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None
    merged_by: User | None = None
    labels: tuple[Label, ...] | None = ()

    def pull_request(self) -> PullRequest:
        """In our words."""
        is_merged = bool(self.merged) or self.merged_at is not None
        state: PullRequestState = "merged" if is_merged else self.state
        own = self.base.repo is not None and self.head.repo is not None
        is_fork = not own or self.head.repo != self.base.repo
        return PullRequest(
            number=self.number,
            title=self.title,
            author=self.user.login if self.user else "",
            state=state,
            head=Revision(self.head.sha),
            head_branch=self.head.ref,
            head_ref=f"refs/pull/{self.number}/head",
            base_branch=self.base.ref,
            is_fork=is_fork,
            merged_as=Revision(self.merge_commit_sha)
            if is_merged and self.merge_commit_sha
            else None,
            merged_by=self.merged_by.login if self.merged_by else "",
            merged_at=self.merged_at,
            url=self.html_url,
            body=self.body or "",
            labels=tuple(label.name for label in self.labels or ()),
        )


class IssueAnswer(_Read):
    """A pull request as an issue, which says at GitHub who closed it."""

    closed_by: User | None = None


class TurnAnswer(_Read):
    """What somebody did to a pull request, as Gitea's timeline has it."""

    type: str = ""
    user: User | None = None


class CommentAnswer(_Read):
    """A comment."""

    id: int
    body: str | None = ""
    user: User | None = None
    created_at: datetime
    updated_at: datetime | None = None
    html_url: str = ""

    def comment(self, own_login: str) -> ForgeComment:
        """In our words."""
        author = self.user.login if self.user else ""
        return ForgeComment(
            id=self.id,
            author=author,
            body=self.body or "",
            created_at=self.created_at,
            url=self.html_url,
            is_own=bool(author) and author.casefold() == own_login.casefold(),
            was_edited=self.updated_at is not None and self.updated_at > self.created_at,
        )


class StatusAnswer(_Read):
    """A status; GitHub says ``state``, Gitea ``status``."""

    context: str = ""
    state: str = ""
    status: str = ""
    description: str | None = ""
    target_url: str | None = ""


class Combined(_Read):
    """The newest status of each context."""

    statuses: tuple[StatusAnswer, ...] | None = ()


class Rights(_Read):
    """What the account of a token may do in a repository."""

    admin: bool = False
    push: bool = False
    pull: bool = False


class RepositoryAnswer(_Read):
    """The repository as the token sees it."""

    full_name: str
    permissions: Rights = Rights()


class PermissionAnswer(_Read):
    """What somebody may do."""

    permission: str = ""


def understood(reader: type[Answered], tree: JsonObject, what: str) -> Answered:
    """Read an answer. Raises ForgeUnavailable naming the first place that is unusable."""
    try:
        return reader.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        words = f"the forge's answer about {what} has no usable {place}: {first['msg']}"
        raise ForgeUnavailable(words) from error
