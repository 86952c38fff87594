"""A forge beside a bare repository: pull requests in memory, merges made by Git itself.

It knows what a forge knows and nothing of ours: branches, people who merge in one of three ways,
and people who close.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from trunkline.model.errors import ForgeMissing, ForgeUnavailable
from trunkline.model.forges import ForgeAccess, ForgeComment, PullRequest
from trunkline.model.ids import Revision

if TYPE_CHECKING:
    from pathlib import Path

    from trunkline.model.forges import (
        CommitStatus,
        ForgeKind,
        ForgePermission,
        PullRequestState,
    )
    from trunkline.ports.forges import Forge

Way = Literal["merge", "squash", "rebase"]


@dataclass
class MergingForge:
    """The forge of one repository. Implements Forge and Forges."""

    repository: Path
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)
    is_down: bool = False
    opened: int = 0

    @property
    def kind(self) -> ForgeKind:
        """As the dialect most know."""
        return "github"

    async def forge(self, project: str) -> Forge:
        """The same for every project."""
        assert project
        return self

    async def pull_request(self, number: int) -> PullRequest:
        """One, with where its branch is."""
        self._require_up()
        if number not in self.pulls:
            raise ForgeMissing(f"no pull request {number}")
        return self._fresh(number)

    async def pull_requests(
        self, *, state: PullRequestState | None = "open", head_branch: str = ""
    ) -> tuple[PullRequest, ...]:
        """Newest first."""
        self._require_up()
        fresh = [self._fresh(number) for number in sorted(self.pulls, reverse=True)]
        return tuple(
            pull
            for pull in fresh
            if state in {None, pull.state} and head_branch in {"", pull.head_branch}
        )

    async def open_pull_request(
        self, *, title: str, body: str, head_branch: str, base_branch: str
    ) -> PullRequest:
        """A new one, or the open one with another text."""
        self._require_up()
        said = {"title": title, "body": body}
        for pull in await self.pull_requests(state="open", head_branch=head_branch):
            self.pulls[pull.number] = pull.model_copy(update=said)
            return self.pulls[pull.number]
        number = len(self.pulls) + 1
        self.opened += 1
        self.pulls[number] = PullRequest(
            number=number,
            author="trunkline",
            state="open",
            head=self.head(head_branch),
            head_branch=head_branch,
            head_ref=f"refs/pull/{number}/head",
            base_branch=base_branch,
            url=f"http://forge.example/pulls/{number}",
            **said,
        )
        return self.pulls[number]

    async def close_pull_request(self, number: int) -> None:
        """Unmerged."""
        self._require_up()
        self.close(number, by="trunkline")

    async def comments(self, number: int, *, after: int = 0) -> tuple[ForgeComment, ...]:
        """Nobody says anything."""
        assert number > after >= 0
        return ()

    async def put_comment(self, number: int, body: str, *, marker: str) -> ForgeComment:
        """Kept to be looked at."""
        assert marker in body
        self.notes.append((number, body))
        now = datetime.now(UTC)
        return ForgeComment(id=len(self.notes), author="trunkline", body=body, created_at=now)

    async def put_status(self, revision: Revision, status: CommitStatus) -> None:
        """Nobody looks."""
        assert revision
        assert status.context

    async def permission(self, login: str) -> ForgePermission:
        """Everybody may write."""
        assert login
        return "write"

    async def access(self) -> ForgeAccess:
        """As somebody who may write."""
        return ForgeAccess(repository="acme/manifests", login="trunkline", permission="write")

    def open_now(self) -> list[PullRequest]:
        """Those that wait for somebody."""
        return [self._fresh(number) for number, pull in self.pulls.items() if pull.state == "open"]

    def close(self, number: int, *, by: str) -> None:
        """Somebody closes one."""
        pull = self._fresh(number)
        if pull.state == "open":
            said = {"state": "closed", "closed_by": by}
            self.pulls[number] = pull.model_copy(update=said)

    def merge(self, number: int, way: Way = "merge", *, by: str = "ben") -> Revision:
        """Somebody merges one, in one of the ways a forge offers."""
        pull = self._fresh(number)
        assert pull.state == "open"
        base = self.git("rev-parse", pull.base_branch)
        tree = self.git("merge-tree", "--write-tree", base, pull.head)
        if way == "merge":
            message = f"Merge pull request #{number}"
            made = self.git("commit-tree", tree, "-p", base, "-p", pull.head, "-m", message)
        elif way == "squash":
            made = self.git("commit-tree", tree, "-p", base, "-m", f"{pull.title} (#{number})")
        else:
            message = self.git("show", "-s", "--format=%B", pull.head)
            made = self.git("commit-tree", tree, "-p", base, "-m", message)
        self.git("update-ref", f"refs/heads/{pull.base_branch}", made, base)
        said = {"state": "merged", "merged_as": made, "merged_by": by}
        self.pulls[number] = pull.model_copy(update={**said, "merged_at": datetime.now(UTC)})
        return Revision(made)

    def head(self, branch: str) -> Revision:
        """Where a branch is; empty if it is gone."""
        found = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return Revision(found)

    def git(self, *arguments: str) -> str:
        """Plain Git in the repository, as Ben."""
        people = [
            part
            for name, value in (("name", "Ben"), ("email", "ben@example.com"))
            for part in ("-c", f"user.{name}={value}")
        ]
        done = subprocess.run(
            ["git", "-C", str(self.repository), "-c", "safe.directory=*", *people, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def _fresh(self, number: int) -> PullRequest:
        """With its head as the branch is now, as long as it is open."""
        pull = self.pulls[number]
        head = self.head(pull.head_branch)
        if pull.state == "open" and head:
            self.pulls[number] = pull = pull.model_copy(update={"head": head})
        return pull

    def _require_up(self) -> None:
        if self.is_down:
            raise ForgeUnavailable("the forge does not answer")
