"""What its release means for the rounds of one agent: whether it counts, and whether it is new.

A release that does not count stops every write, the healing of drift included: nobody knows what
the agent is to be. One that is new writes everything it owns, whatever the policy says of drift.
"""

from dataclasses import dataclass
from typing import Final

from activities.releases import obstacle_plan
from activities.types import WakeReason
from trunkline.model.gates import Standing
from trunkline.model.plans import Plan
from trunkline.model.records import StatusRecord, WishRecord
from trunkline.model.releases import ReleaseStanding
from trunkline.ports import Statuses
from trunkline.ports.releasing import ReleaseRecords

RELEASED_REASON: Final[WakeReason] = "sync"
"""What is asked for when a release is new: that everything is set as it says."""


@dataclass(frozen=True, slots=True)
class AgentRelease:
    """What is known of an agent's release. ``stalled`` is the plan of one that does not count;
    ``is_new``: it was never in place yet.
    """

    stalled: Plan | None = None
    is_new: bool = False


class ReleasedAgents:
    """Asks for the releases of agents; without ``releases`` there are none."""

    def __init__(self, releases: ReleaseRecords | None, statuses: Statuses) -> None:
        self._releases = releases
        self._statuses = statuses

    async def of(self, record: WishRecord, standing: Standing) -> AgentRelease:
        """The release of an agent of an environment that follows releases."""
        if self._releases is None or standing.policy.prune.follows_head:
            return AgentRelease()
        place = (record.project, record.environment)
        release = await self._releases.standing_of(*place, record.name)
        stalled = obstacle_plan(*place, release)
        if release is None or stalled is not None:
            return AgentRelease(stalled=stalled)
        known = await self._statuses.status(*place, "agent", record.name)
        return AgentRelease(
            is_new=known is not None and 0 < known.version < release.applied_version
        )


def shown_release(
    record: WishRecord,
    status: StatusRecord,
    previous: StatusRecord | None,
    release: ReleaseStanding | None,
) -> StatusRecord:
    """The status with stage and version: the one that is in place, which a new release becomes
    once everything of it is written. A round that was planned before the release came says nothing
    about it, however well it ended.
    """
    if release is None or (release.applied is None and not record.removed):
        return status
    if release.applied is not None and release.applied.digest != record.body["digest"]:
        return status
    before = previous.version if previous is not None else 0
    planned = release.applied is not None and status.digest == release.applied.digest
    settled = status.sync == "Synced" and planned and not record.removed
    version = release.applied_version if settled else before
    stage = "production" if version else status.stage
    return status.model_copy(update={"version": version, "stage": stage})


def is_other_release(previous: StatusRecord | None, status: StatusRecord) -> bool:
    """True if another version is in place, or is no longer, so that numbers have to look."""
    before = (previous.version, previous.sync) if previous is not None else (0, "Unknown")
    return before != (status.version, status.sync)
