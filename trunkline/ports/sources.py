"""What the product asks of Git: where a branch is, what it declares, who signed it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from trunkline.model.drift_edits import ManifestEdit, ManifestPatch
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import CommitSigning
from trunkline.model.manifests import Manifests, Releases
from trunkline.model.proposals import Merged, Proposal
from trunkline.model.records import (
    ProjectRecord,
)
from trunkline.model.signatures import CommitSignature


class SourceHead(Protocol):
    """Where the branch is now."""

    @property
    def revision(self) -> Revision:
        """The commit at the tip."""

    @property
    def author(self) -> str:
        """Who wrote it, by name."""

    @property
    def subject(self) -> str:
        """The first line of its message."""

    @property
    def rewritten(self) -> bool:
        """True if the revision known before is no ancestor: history was force-pushed."""


class ManifestSource(Protocol):
    """One manifests repository. Every method may block for seconds; adapters use threads."""

    async def check(self) -> Revision:
        """Ask where the branch is and fetch nothing. Raises a SourceError."""

    async def head(self, *, known: Revision | None) -> SourceHead:
        """Fetch the branch and say where it is. Raises a SourceError."""

    async def manifests(self, revision: Revision) -> Manifests:
        """Everything a commit declares, also one that only a release's tag keeps. Raises
        InvalidManifests or a SourceError.
        """

    async def releases(self, revision: Revision) -> Releases:
        """What a commit holds below ``releases/``, whatever the rest of it is like. Raises a
        SourceError.
        """

    async def signatures(
        self, revision: Revision, rule: CommitSigning, *, since: Revision | None
    ) -> tuple[CommitSignature, ...]:
        """What the signatures are worth that a rule asks for, the tip's first.

        With policy ``strict`` these are all commits that ``since`` does not build on. Raises a
        SourceError.
        """

    async def merged(self, proposal: Proposal) -> Merged:
        """What merging a proposal would leave: a commit that can be read like any other, by this
        process. Raises a SourceError.
        """

    async def text(self, revision: Revision, path: str) -> str:
        """A file of a commit as UTF-8. Raises NotFound or a SourceError."""

    async def texts(self, revision: Revision, paths: Sequence[str]) -> Mapping[str, str]:
        """Files of a commit as UTF-8, by path; one that is not there is left out. Raises
        InvalidInput for a link or what is no text, or a SourceError.
        """

    async def edited(self, revision: Revision, edits: Mapping[str, str | None]) -> Manifests:
        """Everything a commit would declare with files written or (None) deleted. Raises
        InvalidManifests with places as they would be, InvalidInput for a path that is a link or a
        folder or below a file, or a SourceError.
        """

    async def patch(self, revision: Revision, edits: Sequence[ManifestEdit]) -> ManifestPatch:
        """The diff against a commit that makes the edits, with everything else as it is written.

        Raises a SourceError.
        """


class Sources(Protocol):
    """Manifests repositories by project."""

    async def source(self, project: str, *, branch: str = "") -> ManifestSource:
        """The repository of a project, at its own branch or another one. Raises NotFound if it is
        not registered, InvalidSettings for a branch Git may not be given.
        """

    def require_allowed(self, project: ProjectRecord) -> None:
        """Raises InvalidSettings for an address or a branch that Git may not be given."""
