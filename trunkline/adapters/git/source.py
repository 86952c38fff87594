"""A manifests repository behind the ManifestSource port.

Looking is cheap: one question to the server, and a fetch only if the answer is a commit that is
not here. What was seen before is never forgotten because a look failed: every failure is an error
that says what to do, and changes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trunkline.adapters.git.commands import GitBounds
from trunkline.adapters.git.proposals import merge_proposal
from trunkline.adapters.git.repository import Repository, no_token
from trunkline.adapters.git.signatures import verify
from trunkline.adapters.git.tree import CommitTree
from trunkline.manifests import load
from trunkline.manifests.edited_trees import EditedTree, texts_of
from trunkline.manifests.edits import patch_of
from trunkline.manifests.loading import RELEASES_FOLDER, load_releases
from trunkline.metrics import git_request
from trunkline.model.drift_edits import ManifestEdit, ManifestPatch
from trunkline.model.errors import CommitUnreadable, HeadSignatureInvalid
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import CommitSigning
from trunkline.model.limits import COMMITS_VERIFIED_MAX
from trunkline.model.manifests import Manifests, Releases
from trunkline.model.proposals import Merged, Proposal
from trunkline.model.signatures import CommitSignature

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GitHead:
    """Where the branch is now."""

    revision: Revision
    author: str
    subject: str
    rewritten: bool


class GitSource:
    """One branch of one repository. Implements ManifestSource.

    ``cache`` is a folder of this machine that may be shared by threads and processes and may be
    lost; ``token`` is asked at each use, so that it can be rotated. Raises InvalidSettings for an
    address or branch Git may not have.
    """

    def __init__(
        self,
        repository: str,
        branch: str,
        *,
        cache: Path,
        token: Callable[[], str] = no_token,
        allow_local: bool = False,
        bounds: GitBounds | None = None,
    ) -> None:
        self._repository = Repository(
            repository, branch, cache=cache, token=token, allow_local=allow_local, bounds=bounds
        )
        self._cache = self._repository.cache

    async def check(self) -> Revision:
        """Ask where the branch is and fetch nothing. Raises a SourceError."""
        return await asyncio.to_thread(self._repository.tip)

    async def head(self, *, known: Revision | None) -> GitHead:
        """Fetch the branch if it moved and say where it is. Raises a SourceError."""
        return await asyncio.to_thread(self._head, known)

    async def manifests(self, revision: Revision) -> Manifests:
        """Everything a commit declares, also one that only a release's tag keeps. Raises
        InvalidManifests or a SourceError.
        """
        return await asyncio.to_thread(self.read, revision, load)

    async def releases(self, revision: Revision) -> Releases:
        """What a commit holds below ``releases/``, whatever the rest of it is like. Raises a
        SourceError.
        """
        return await asyncio.to_thread(
            self._repository.read, revision, load_releases, below=RELEASES_FOLDER
        )

    async def signatures(
        self, revision: Revision, rule: CommitSigning, *, since: Revision | None
    ) -> tuple[CommitSignature, ...]:
        """What the signatures are worth that the rule asks for, the tip's first.

        Those are the tip's, and with policy ``strict`` those of every commit ``since`` does not
        build on. Raises HeadSignatureInvalid if these cannot be told, or a SourceError.
        """
        return await asyncio.to_thread(self._signatures, revision, rule, since)

    async def patch(self, revision: Revision, edits: Sequence[ManifestEdit]) -> ManifestPatch:
        """The diff against a commit that makes the edits. Raises a SourceError."""

        def make(tree: CommitTree) -> ManifestPatch:
            return patch_of(lambda path: tree.read(path).decode("utf-8", "replace"), edits)

        return await asyncio.to_thread(self.read, revision, make)

    async def merged(self, proposal: Proposal) -> Merged:
        """What merging a proposal would leave, made here and nowhere else. Raises a SourceError."""
        return await asyncio.to_thread(merge_proposal, self._repository, proposal)

    async def text(self, revision: Revision, path: str) -> str:
        """A file of a commit as UTF-8. Raises NotFound or a SourceError."""

        def read(tree: CommitTree) -> str:
            return tree.read(path).decode("utf-8", "replace")

        return await asyncio.to_thread(self.read, revision, read)

    async def texts(self, revision: Revision, paths: Sequence[str]) -> Mapping[str, str]:
        """Files of a commit as UTF-8, by path. Raises InvalidInput or a SourceError."""
        return await asyncio.to_thread(self.read, revision, lambda tree: texts_of(tree, paths))

    async def edited(self, revision: Revision, edits: Mapping[str, str | None]) -> Manifests:
        """Everything a commit would declare with edits. Raises InvalidManifests, InvalidInput or
        a SourceError.
        """
        return await asyncio.to_thread(
            self.read, revision, lambda tree: load(EditedTree(tree, edits))
        )

    def read(self, revision: Revision, use: Callable[[CommitTree], T]) -> T:
        """What ``use`` makes of the commit's tree; blocks. Raises a SourceError.

        If the copy turns out to be damaged, it is made anew and ``use`` is called once more.
        """
        return self._repository.read(revision, use)

    def _head(self, known: Revision | None) -> GitHead:
        def describe(tip: Revision) -> GitHead:
            rewritten = known is not None and not self._cache.is_ancestor(known, tip)
            author, subject = self._cache.describe(tip)
            return GitHead(revision=tip, author=author, subject=subject, rewritten=rewritten)

        with git_request("look"):
            tip = self._repository.tip()
        return self._repository.on_copy(tip, describe)

    def _signatures(
        self, revision: Revision, rule: CommitSigning, since: Revision | None
    ) -> tuple[CommitSignature, ...]:
        wanted = since if rule.policy == "strict" else None
        if wanted is not None:
            self._bring_older(wanted)

        def check(tip: Revision) -> tuple[CommitSignature, ...]:
            revisions = [tip] if wanted is None else self._between(wanted, tip)
            return verify(
                self._cache.commands(),
                revisions,
                rule.signers,
                timeout_s=self._repository.bounds.read_timeout_s,
            )

        return self._repository.on_copy(revision, check)

    def _bring_older(self, revision: Revision) -> None:
        try:
            self._repository.ensure(revision)
        except CommitUnreadable as error:
            raise HeadSignatureInvalid(
                f"commit {revision[:12]}, applied last, is no longer in the repository, so it "
                "cannot be told which commits came after it",
                hint="Push a branch that contains it again, or merge it into this one.",
            ) from error

    def _between(self, older: Revision, tip: Revision) -> list[Revision]:
        newer = self._cache.commits_since(older, tip, limit=COMMITS_VERIFIED_MAX + 1)
        if len(newer) > COMMITS_VERIFIED_MAX:
            raise HeadSignatureInvalid(
                f"more than {COMMITS_VERIFIED_MAX} commits came after {older[:12]}; policy strict "
                "checks no more at once",
                hint="Move the branch in smaller steps.",
            )
        return [tip, *(each for each in newer if each != tip)]
