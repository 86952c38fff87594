"""One branch of one repository: asked where its server is, read from the copy that is kept here.

Reading and releasing share what is hard about that: who may fetch while others read, what happens
to a damaged copy, where the credential goes, and what a server's silence means. Knows no manifests.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from trunkline.adapters.git.addresses import checked_branch, checked_repository, is_web
from trunkline.adapters.git.cache import RepositoryCache
from trunkline.adapters.git.commands import GitBounds, GitFailed
from trunkline.adapters.git.failures import branch_missing, source_error
from trunkline.adapters.git.tree import CommitTree
from trunkline.metrics import git_request
from trunkline.model.errors import CommitUnreadable, SourceError, SourceUnreachable, TreeEmpty
from trunkline.model.ids import Revision

T = TypeVar("T")

_NOTHING_MATCHED = 2
"""How ``git ls-remote --exit-code`` ends when no ref is there."""


def no_token() -> str:
    """For repositories anybody may read."""
    return ""


class Repository:
    """The repository at ``address``; its methods block. Raises InvalidSettings for an address or
    a branch Git may not have, SourceErrors for everything that goes wrong later.
    """

    def __init__(
        self,
        address: str,
        branch: str,
        *,
        cache: Path,
        token: Callable[[], str] = no_token,
        allow_local: bool = False,
        bounds: GitBounds | None = None,
    ) -> None:
        self.address = checked_repository(address, allow_local=allow_local)
        self.branch = checked_branch(branch)
        self.bounds = bounds or GitBounds()
        self.cache = RepositoryCache(
            cache, address, branch, allow_local=allow_local, bounds=self.bounds
        )
        self._token = token

    def tip(self) -> Revision:
        """Where the branch is, as its server says."""
        try:
            found = self._list("--exit-code", f"refs/heads/{self.branch}")
        except GitFailed as error:
            if error.status != _NOTHING_MATCHED:
                raise source_error(error, self.branch) from error
            raise self._why_nothing_matched() from error
        return Revision(found.split()[0])

    def head(self, branch: str) -> Revision | None:
        """Where any branch is, as the server says, or None if there is none of the name."""
        try:
            found = self._list("--heads", f"refs/heads/{branch}")
        except GitFailed as error:
            raise source_error(error, branch) from error
        return Revision(found.split()[0]) if found.strip() else None

    def ensure(self, revision: Revision) -> Revision:
        """The commit is here afterwards; answers it, or the newer tip if the branch moved on."""
        with self.cache.locked(alone=False):
            if self.cache.has(revision):
                return revision
        with self.cache.locked(alone=True):
            return self._fetch(revision)

    def fetch_with_tags(self) -> Revision:
        """Fetch the branch and the tags of releases whatever is here already; the branch's tip."""
        with git_request("fetch"), self.cache.locked(alone=True):
            return self.cache.fetch(self.credential(), None)

    def on_fetched(self, use: Callable[[Revision], T]) -> T:
        """Call ``use`` with the branch's tip as of the last fetch with tags, all of it here.

        A copy that lacks them, or is damaged, is fetched first: what is not here is not absent.
        """
        with self.cache.locked(alone=False):
            tip = self.cache.fetched_tip()
            if tip is not None:
                with suppress(CommitUnreadable):
                    return use(tip)
        with git_request("fetch"), self.cache.locked(alone=True):
            if tip is not None:
                self.cache.discard()
            self.cache.fetch(self.credential(), None)
        with self.cache.locked(alone=False):
            tip = self.cache.fetched_tip()
            if tip is None:
                raise SourceUnreachable("another process discarded the copy; it is tried again")
            return use(tip)

    def on_copy(self, revision: Revision, use: Callable[[Revision], T]) -> T:
        """Call ``use`` with the commit, or the newer tip, here; again if the copy is damaged."""
        tip = self.ensure(revision)
        try:
            with self.cache.locked(alone=False):
                return use(tip)
        except CommitUnreadable:
            with self.cache.locked(alone=True):
                self.cache.discard()
                tip = self._fetch(revision)
        with self.cache.locked(alone=False):
            return use(tip)

    def read(self, revision: Revision, use: Callable[[CommitTree], T], *, below: str = "") -> T:
        """What ``use`` makes of the commit's tree, or of what lies ``below`` a folder of it.

        If the copy turns out to be damaged, it is made anew and ``use`` is called once more.
        """

        def read(_: Revision) -> T:
            commands = self.cache.commands()
            with CommitTree(commands, revision, self.bounds, below=below) as tree:
                return use(tree)

        return self.on_copy(revision, read)

    def credential(self) -> str:
        """What the server is shown; nothing where it could not be shown safely."""
        return self._token().strip() if is_web(self.address) else ""

    def _fetch(self, revision: Revision) -> Revision:
        with git_request("fetch"):
            return self.cache.fetch(self.credential(), revision)

    def _why_nothing_matched(self) -> SourceError:
        try:
            branches = self._list("--heads")
        except GitFailed as error:
            return source_error(error, self.branch)
        if branches.strip():
            return branch_missing(self.branch)
        return TreeEmpty(
            "the repository has no commit yet",
            hint="Push manifests to it; `trunkline init` writes a first set.",
        )

    def _list(self, option: str, *patterns: str) -> str:
        output = self.cache.commands(self.credential()).run(
            ("ls-remote", "--quiet", option, "--end-of-options", self.address, *patterns),
            timeout_s=self.bounds.list_timeout_s,
        )
        return output.decode("utf-8", "replace")
