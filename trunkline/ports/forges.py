"""What pull requests ask of a forge, and of the store that remembers their checks."""

from typing import Protocol

from trunkline.model.forges import (
    CommitStatus,
    ForgeAccess,
    ForgeComment,
    ForgeKind,
    ForgePermission,
    PullRequest,
    PullRequestState,
)
from trunkline.model.ids import Revision
from trunkline.model.pull_requests import PullRequestRecord


class Forge(Protocol):
    """One manifests repository on its forge. Every method raises ForgeErrors.

    A write whose answer is lost is looked up before it is made again: at most one pull request,
    comment or status comes of it.
    """

    @property
    def kind(self) -> ForgeKind:
        """Which dialect it speaks."""

    async def pull_request(self, number: int) -> PullRequest:
        """One pull request. Raises ForgeMissing."""

    async def pull_requests(
        self, *, state: PullRequestState | None = "open", head_branch: str = ""
    ) -> tuple[PullRequest, ...]:
        """Those of a state (None: all), newest first, up to a bound of pages."""

    async def open_pull_request(
        self, *, title: str, body: str, head_branch: str, base_branch: str
    ) -> PullRequest:
        """Propose a branch; the one that is open for it already, brought up to title and body."""

    async def close_pull_request(self, number: int) -> None:
        """Close it unmerged; nothing happens to one that is not open."""

    async def comments(self, number: int, *, after: int = 0) -> tuple[ForgeComment, ...]:
        """Comments with a greater id, oldest first, up to a bound of pages."""

    async def put_comment(self, number: int, body: str, *, marker: str) -> ForgeComment:
        """Edit our own comment that holds the marker, or write the first one with it."""

    async def put_status(self, revision: Revision, status: CommitStatus) -> None:
        """Set one commit status; saying the same again changes nothing."""

    async def permission(self, login: str) -> ForgePermission:
        """What somebody may do in the repository; ``none`` for strangers."""

    async def access(self) -> ForgeAccess:
        """Who we are there and what we may do."""


class Forges(Protocol):
    """The forges of the registered projects."""

    async def forge(self, project: str) -> Forge:
        """The forge of a project's repository.

        Raises NotFound, and NotConfigured for a repository on no forge, or without a token.
        """


class PullRequests(Protocol):
    """What is known of pull requests and their checks."""

    async def pull_request_record(self, project: str, number: int) -> PullRequestRecord | None:
        """One, or None."""

    async def pull_request_records(
        self, project: str, *, open_only: bool = False, before: int | None = None, limit: int
    ) -> tuple[PullRequestRecord, ...]:
        """Newest first, below the number ``before``."""

    async def put_pull_request(self, record: PullRequestRecord) -> bool:
        """Insert or replace; True if its meaning changed."""
