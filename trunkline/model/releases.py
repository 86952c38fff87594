"""Releases as rows and as what Git says of them: who runs what, since when, and whether it counts.

Git is the truth; these rows are an index that one look at the repository builds again.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.release import ReleaseSpec


class ReleaseTag(Frozen):
    """An annotated tag that allocated a version: the source revision it stands on, who made it."""

    environment: str
    agent: str
    version: int
    revision: Revision
    tagger: str = ""
    at: datetime | None = None
    message: str = ""


class ReleaseRecord(Frozen):
    """One release that Git holds or held. ``commit`` wrote it, ``promotion`` is its trailer's."""

    project: str
    environment: str
    agent: str
    version: int
    revision: Revision
    digest: Digest
    changes: str
    promoted_by: str
    promotion: str = ""
    commit: Revision | None = None
    restores: int | None = None
    released_at: datetime | None = None
    spec: JsonObject = Field(default_factory=dict)


class ReleaseStanding(Frozen):
    """What the last look at Git made of an agent's release in an environment.

    ``seen`` is what the branch says now; ``applied_version`` the newest that was verified and is
    what the environment is brought to. ``reason`` is empty for a release that counts; otherwise a
    PascalCase reason (EvidenceInvalid, RevisionMissing, ClosureInvalid, VersionNotAllocated) why
    what was verified before stays in force. ``removed``: the file is gone from the branch.
    ``rests_on`` is a digest of everything but the release that the wish was made from.
    """

    project: str
    environment: str
    agent: str
    seen: ReleaseSpec | None = None
    seen_commit: Revision | None = None
    applied_version: int = 0
    applied: ReleaseSpec | None = None
    reason: str = ""
    message: str = ""
    removed: bool = False
    rests_on: str = ""

    @property
    def held(self) -> bool:
        """True if the release says that nothing is promoted over it automatically."""
        return self.seen is not None and self.seen.hold is not None


RolloutPhase = Literal["Preparing", "Shifting", "Finishing", "Done", "Aborting", "Aborted"]


class RolloutState(Frozen):
    """How far a release is rolled out on the platform. Written by the agent's own rounds only.

    ``step`` is the index of the traffic step that is held, -1 before the first; ``percent`` the
    share of the release's branch as the platform said last. ``checked_step`` and ``abort_reason``
    are what a promotion says; ``needs_checks``: a step is left only once it was checked.
    ``step_began_at`` is None until the platform was seen to have the share of the step.
    ``experiment`` and ``experiment_percent`` are the version and share of a second branch as they
    were seen last.
    """

    project: str
    environment: str
    agent: str
    version: int
    rendered_digest: str = ""
    branch_id: str = ""
    branch_name: str = ""
    phase: RolloutPhase = "Preparing"
    step: int = -1
    step_began_at: datetime | None = None
    percent: float = 0.0
    needs_checks: bool = False
    checked_step: int = -1
    abort_reason: str = ""
    message: str = ""
    experiment: int = 0
    experiment_percent: float = 0.0
