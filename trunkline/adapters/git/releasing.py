"""A manifests repository behind the ReleaseRepository port: the part of it that promotions write.

Git is the truth for what runs: a release is a commit and a tag that arrive together or not at all.
Whoever writes one knows which commit it was decided on, and a branch that moved since is a reason
to decide again, never to write over it. Nothing is checked out, and no hook of a copy ever runs.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from trunkline.adapters.git.addresses import checked_branch
from trunkline.adapters.git.authors import authors_of, subject_of
from trunkline.adapters.git.drafting import Draft
from trunkline.adapters.git.history import (
    ReleaseHistory,
    TooManyCommits,
    commits_with_trailer,
    touching,
)
from trunkline.adapters.git.objects import GitObjects
from trunkline.adapters.git.own_branches import OwnBranches, OwnCommit, checked_own_branch
from trunkline.adapters.git.own_signatures import CommitSigner
from trunkline.adapters.git.pushing import Push
from trunkline.adapters.git.repository import Repository
from trunkline.adapters.git.tags import checked_tag, release_tags
from trunkline.manifests.loading import RELEASES_FOLDER, load_releases
from trunkline.metrics import git_request
from trunkline.model.errors import CommitUnreadable, InvalidInput, PushRejected
from trunkline.model.ids import Revision
from trunkline.model.limits import RELEASE_HISTORY_PAGE_MAX
from trunkline.model.manifests import Releases
from trunkline.model.promotions.records import CommitAuthor
from trunkline.model.releases import ReleaseRecord, ReleaseTag
from trunkline.ports.releasing import EvidenceKeys

T = TypeVar("T")


class GitReleases:
    """Releases of a project on its branch. Implements ReleaseRepository; without a ``signer``
    nothing is signed, and no rule for commits is asked.
    """

    def __init__(
        self, project: str, repository: Repository, signer: CommitSigner | None = None
    ) -> None:
        self._project = project
        self._repository = repository
        self._signer = signer

    async def fetch_tip(self) -> Revision:
        """Fetch the branch and all release tags; the branch's tip."""
        return await asyncio.to_thread(self._repository.fetch_with_tags)

    async def releases(self, revision: Revision) -> Releases:
        """Everything below ``releases/`` at a commit, whatever the rest of its tree is like."""
        return await asyncio.to_thread(
            self._repository.read, revision, load_releases, below=RELEASES_FOLDER
        )

    async def release_tags(self, environment: str = "", agent: str = "") -> tuple[ReleaseTag, ...]:
        """Release tags as of the last fetch, by environment, agent and version."""

        def read(_: Revision) -> tuple[ReleaseTag, ...]:
            return release_tags(self._objects(), environment, agent)

        return await asyncio.to_thread(self._repository.on_fetched, read)

    async def is_ancestor(self, older: Revision, newer: Revision) -> bool:
        """True if ``newer`` builds on ``older``. Raises CommitUnreadable if one is gone."""
        return await asyncio.to_thread(self._is_ancestor, older, newer)

    async def commits_with_trailer(
        self, promotion: str, *, since: Revision | None
    ) -> tuple[Revision, ...]:
        """Commits of the fetched branch that carry the trailer of a promotion, newest first, given
        by its id or by the trailer's whole value; not looked for in what ``since`` builds on.
        """
        value = promotion if "/" in promotion else f"{self._project}/{promotion}"

        def find(tip: Revision) -> tuple[Revision, ...]:
            bound = since if since and self._repository.cache.has(since) else None
            return commits_with_trailer(self._objects(), value, tip, bound)

        return await asyncio.to_thread(self._repository.on_fetched, find)

    async def authors(
        self, since: Revision | None, until: Revision, paths: Sequence[str]
    ) -> tuple[CommitAuthor, ...]:
        """Everybody who had a hand in a commit that touched the paths; newest first."""
        return authors_of(await asyncio.to_thread(self._touching, since, until, paths))

    async def subjects(
        self, since: Revision | None, until: Revision, paths: Sequence[str]
    ) -> tuple[str, ...]:
        """First lines of those commits' messages, newest first."""
        commits = await asyncio.to_thread(self._touching, since, until, paths)
        return tuple(subject_of(content) for _, content in commits)

    async def push_release(
        self,
        base: Revision,
        *,
        edits: Mapping[str, str | None],
        message: str,
        author: tuple[str, str],
        tag: str = "",
        tag_revision: Revision | None = None,
        tag_message: str = "",
        urgent: bool = False,
    ) -> Revision:
        """One commit on ``base`` and one annotated tag, pushed in one transaction; the commit.

        Raises InvalidInput for edits that change nothing or paths that are none, else what the
        port names.
        """
        if bool(tag) != (tag_revision is not None):
            raise InvalidInput("a release's tag needs a name and the revision it stands on")
        ref = checked_tag(tag) if tag else ""

        def make(commands: Draft) -> tuple[Revision, list[tuple[str, str]]]:
            commit = commands.commit(edits, message=message, author=author)
            updates = [(str(commit), f"refs/heads/{self._repository.branch}")]
            if tag_revision is not None:
                updates.append((commands.tag(tag, tag_revision, tag_message or message), ref))
            return commit, updates

        keys = await self._keys_on(base, urgent=urgent)
        return await asyncio.to_thread(self._push, base, tag_revision, make, keys)

    async def push_tag(self, tag: str, revision: Revision, message: str) -> None:
        """The annotated tag of a release that came by a merge. Raises what the port names."""
        signer = self._signer
        keys = signer.keys if signer is not None and signer.keys.public_key else None
        await asyncio.to_thread(OwnBranches(self._repository).tag, tag, revision, message, keys)

    async def branch_head(self, branch: str) -> Revision | None:
        """Where a branch of the server is right now, or None."""
        return await asyncio.to_thread(self._repository.head, checked_branch(branch))

    async def push_branch(
        self,
        branch: str,
        base: Revision,
        *,
        edits: Mapping[str, str | None],
        message: str,
        author: tuple[str, str],
        lease: Revision | None = None,
    ) -> Revision:
        """One commit on ``base`` that becomes a branch of ours. Raises what the port names."""
        checked_own_branch(branch, self._repository.branch)
        wanted = OwnCommit(branch, base, edits, message, author)
        keys = await self._keys_on(base, urgent=False)
        return await asyncio.to_thread(OwnBranches(self._repository).push, wanted, lease, keys)

    async def delete_branch(self, branch: str, *, lease: Revision | None = None) -> None:
        """Delete a branch of ours. Raises what the port names."""
        checked_own_branch(branch, self._repository.branch)
        await asyncio.to_thread(OwnBranches(self._repository).delete, branch, lease)

    async def release_history(
        self, *, environment: str = "", agent: str = "", limit: int, before: Revision | None = None
    ) -> tuple[ReleaseRecord, ...]:
        """Releases as the fetched branch tells them, newest first.

        ``limit`` counts commits, so that what one of them wrote is never cut apart. Raises
        InvalidInput if ``before`` is no commit of such a history.
        """
        bound = max(1, min(limit, RELEASE_HISTORY_PAGE_MAX))

        def read(tip: Revision) -> tuple[ReleaseRecord, ...] | None:
            history = ReleaseHistory(self._objects(), self._project, tip)
            return history.page(environment, agent, limit=bound, before=before)

        page = await asyncio.to_thread(self._repository.on_fetched, read)
        if page is None:
            raise InvalidInput(
                f"commit {before} wrote no release of this history",
                hint="Begin again without it; the branch may have been rewritten.",
            )
        return page

    async def _keys_on(self, base: Revision, *, urgent: bool) -> Callable[[], EvidenceKeys | None]:
        """Who signs a commit on ``base``, found out when called, which blocks."""
        signer = self._signer
        if signer is None:
            return lambda: None
        in_force = await signer.in_force(self._project)
        return lambda: signer.keys_for(self._repository, base, in_force, urgent=urgent)

    def _objects(self) -> GitObjects:
        """Reads that may walk a whole history, which takes as long as fetching one."""
        bounds = self._repository.bounds
        return GitObjects(self._repository.cache.commands(), timeout_s=bounds.fetch_timeout_s)

    def _is_ancestor(self, older: Revision, newer: Revision) -> bool:
        self._repository.ensure(older)
        return self._repository.on_copy(
            newer, lambda _: self._repository.cache.is_ancestor(older, newer)
        )

    def _touching(
        self, since: Revision | None, until: Revision, paths: Sequence[str]
    ) -> list[tuple[Revision, bytes]]:
        """Commits with their bytes, newest first."""
        if not paths:
            return []
        if since is not None:
            self._repository.ensure(since)

        def read(_: Revision) -> list[tuple[Revision, bytes]]:
            objects = self._objects()
            commits = touching(objects, since, until, paths)
            return list(zip(commits, objects.contents(commits, "commit"), strict=True))

        try:
            return self._repository.on_copy(until, read)
        except TooManyCommits as error:
            raise CommitUnreadable(
                f"who wrote what stands at {until[:12]} cannot be told: {error} came after "
                f"{since[:12] if since else 'the beginning'}",
                hint="Release more often, or keep manifests in a repository of their own.",
            ) from error

    def _push(
        self,
        base: Revision,
        tag_revision: Revision | None,
        make: Callable[[Draft], tuple[Revision, list[tuple[str, str]]]],
        keys: Callable[[], EvidenceKeys | None],
    ) -> Revision:
        """Asking where the branch is first costs a question, and tells a branch that was taken
        back to an older commit, on which ours would be a step forward as well.
        """
        repository = self._repository
        with git_request("look"):
            tip = repository.tip()
        if tip != base:
            raise PushRejected(
                f"branch {repository.branch} is at {tip[:12]} and no longer at {base[:12]}",
                hint="It is fetched again, and decided again.",
            )
        if tag_revision is not None:
            repository.ensure(tag_revision)
        signing = keys()

        def push(_: Revision) -> Revision:
            bounds = repository.bounds
            local = repository.cache.commands()
            commit, updates = make(
                Draft(local, base, timeout_s=bounds.read_timeout_s, keys=signing)
            )
            remote = repository.cache.commands(repository.credential())
            with git_request("push"):
                Push(repository.address, repository.branch, updates).run(
                    remote, timeout_s=bounds.push_timeout_s
                )
            return commit

        return repository.on_copy(base, push)
