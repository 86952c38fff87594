"""A bare copy of one repository on this machine's disk: made on demand, thrown away on doubt.

Workers share no disk, and a disk is lost without notice: whatever is here can be fetched again.
Threads and processes of one machine may use the same copy; whoever fetches or discards it is
alone, readers are together. Knows refs and objects, nothing of their meaning.
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trunkline.adapters.git.commands import GitBounds, GitCommands, GitFailed, write_configuration
from trunkline.adapters.git.failures import is_remote, source_error
from trunkline.model.errors import CommitUnreadable, SourceUnreachable
from trunkline.model.ids import RELEASE_TAGS, Revision

_LOCK_POLL_INTERVAL_S = 0.02
_TAGS = f"+refs/tags/{RELEASE_TAGS}*:refs/tags/{RELEASE_TAGS}*"
"""Tags of releases as the server has them: followed if they move, forgotten if they go."""
_TAGS_ARE_HERE = "trunkline-tags"
"""A file beside the refs: a copy without it may lack tags that the server has."""


class RepositoryCache:
    """The copy of ``repository``; its commands raise SourceError."""

    def __init__(
        self, root: Path, repository: str, branch: str, *, allow_local: bool, bounds: GitBounds
    ) -> None:
        key = hashlib.sha256(repository.encode()).hexdigest()[:20]
        self.bounds = bounds
        self._repository = repository
        self._branch = branch
        self._allow_local = allow_local
        self._home = root / key
        self._folder = self._home / "copy.git"

    def commands(self, token: str = "") -> GitCommands:
        """Git on the copy."""
        write_configuration(self._home)
        return GitCommands(
            self._folder, home=self._home, token=token, allow_local=self._allow_local
        )

    @contextmanager
    def locked(self, *, alone: bool) -> Iterator[None]:
        """Hold the copy, alone or with other readers. Raises SourceUnreachable after a while."""
        self._home.mkdir(parents=True, exist_ok=True)
        mode = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        deadline = time.monotonic() + self.bounds.lock_timeout_s
        descriptor = os.open(self._home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise SourceUnreachable(
                            "another process has been fetching the repository for too long"
                        ) from None
                    time.sleep(_LOCK_POLL_INTERVAL_S)
            yield
        finally:
            os.close(descriptor)

    def has(self, revision: Revision) -> bool:
        """True if the commit is here."""
        if not (self._folder / "HEAD").is_file():
            return False
        try:
            self._run("cat-file", "-e", f"{revision}^{{commit}}")
        except GitFailed:
            return False
        return True

    def fetch(self, token: str, revision: Revision | None) -> Revision:
        """Bring the branch here, and ``revision`` or, with None, the tags of releases; answers the
        branch's tip.

        A copy Git cannot work with is discarded and made anew, once; a server that fails costs
        no copy. Hold the copy alone.
        """
        try:
            return self._fetch(token, revision)
        except GitFailed as error:
            if is_remote(error):
                raise source_error(error, self._branch) from error
            self.discard()
        try:
            return self._fetch(token, revision)
        except GitFailed as error:
            raise source_error(error, self._branch) from error

    def fetched_tip(self) -> Revision | None:
        """The branch's tip as fetched last; None unless the tags of releases are here as well."""
        if not (self._folder / _TAGS_ARE_HERE).is_file():
            return None
        try:
            found = self._run("rev-parse", "--verify", "--quiet", f"refs/heads/{self._branch}")
        except GitFailed:
            return None
        return Revision(found.decode().strip())

    def discard(self) -> None:
        """Forget everything. Hold the copy alone."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def is_ancestor(self, older: Revision, newer: Revision) -> bool:
        """True if ``newer`` builds on ``older``; False as well if ``older`` is not here."""
        if not self.has(older):
            return False
        try:
            self._run("merge-base", "--is-ancestor", older, newer)
        except GitFailed as error:
            if error.status == 1:
                return False
            raise CommitUnreadable(f"the history of {newer} cannot be read: {error}") from error
        return True

    def commits_since(self, older: Revision, newer: Revision, *, limit: int) -> list[Revision]:
        """Commits of ``newer`` that ``older`` does not build on, newest first, ``limit`` at most.

        Raises CommitUnreadable if one of them is not here.
        """
        try:
            output = self._run("rev-list", f"--max-count={limit}", newer, f"^{older}")
        except GitFailed as error:
            raise CommitUnreadable(
                f"the commits between {older} and {newer} cannot be listed: {error}"
            ) from error
        return [Revision(line) for line in output.decode("ascii").split()]

    def describe(self, revision: Revision) -> tuple[str, str]:
        """Author's name and subject of a commit."""
        try:
            output = self._run(
                "show", "--no-patch", "--format=%an%x00%s", "--end-of-options", revision
            )
        except GitFailed as error:
            raise CommitUnreadable(f"commit {revision} cannot be read: {error}") from error
        author, _, subject = output.decode("utf-8", "replace").strip("\n").partition("\0")
        return author, subject

    def bring(self, token: str, ref: str) -> None:
        """Bring what a ref holds here, under no name of its own. Hold the copy alone.

        Raises a SourceError.
        """
        try:
            self._bring(token, ref)
        except GitFailed as error:
            raise source_error(error, ref) from error

    def _fetch(self, token: str, revision: Revision | None) -> Revision:
        if not (self._folder / "HEAD").is_file():
            self.discard()
            self._run("init", "--quiet", "--bare", "--template=", str(self._folder))
        reference = f"refs/heads/{self._branch}"
        tags = () if revision else (_TAGS,)
        self._bring(token, f"+{reference}:{reference}", *tags)
        if tags:
            (self._folder / _TAGS_ARE_HERE).touch()
        tip = Revision(self._run("rev-parse", "--verify", reference).decode().strip())
        if revision and not self.has(revision):
            self._bring_commit(token, revision)
        self._run("rev-list", "--objects", "--quiet", "--no-walk", revision or tip)
        return tip

    def _bring_commit(self, token: str, revision: Revision) -> None:
        """A commit that left the branch; not every server still hands it out, unless it is one
        that a release's tag keeps.
        """
        with suppress(GitFailed):
            self._bring(token, revision)
        if self.has(revision):
            return
        with suppress(GitFailed):
            self._bring(token, _TAGS)
        if not self.has(revision):
            raise CommitUnreadable(
                f"commit {revision} is no longer on branch {self._branch}",
                hint="The next look at the branch goes on from its new tip.",
            )

    def _bring(self, token: str, *what: str) -> None:
        self.commands(token).run(
            (
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-recurse-submodules",
                "--no-write-fetch-head",
                "--force",
                "--prune",
                "--end-of-options",
                self._repository,
                *what,
            ),
            timeout_s=self.bounds.fetch_timeout_s,
        )

    def _run(self, *arguments: str) -> bytes:
        return self.commands().run(arguments, timeout_s=self.bounds.read_timeout_s)
