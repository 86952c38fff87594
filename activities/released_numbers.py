"""What releases mean for phone numbers: whom a number may be given to, when, and by whose word.

A number of an environment that follows releases is wished for by the branch's tip, where anybody
may write who may push. So it is given only to an agent whose verified release is in place, within
the windows of promotion, and by that release's word or a person's.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from activities.policies import environments
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import InvalidInput
from trunkline.model.evidence import parse_evidence
from trunkline.model.gates import Assignment
from trunkline.model.kinds.project import Environment, Promotion
from trunkline.model.plans import Obstacle
from trunkline.model.records import WishRecord
from trunkline.model.released import AWAITING_RELEASE
from trunkline.model.releases import ReleaseStanding
from trunkline.ports import Statuses, Wishes
from trunkline.ports.releasing import ReleaseRecords


@dataclass(frozen=True, slots=True)
class NumberRelease:
    """What releases say of one number. ``inactive``: the release of its agent takes no calls;
    ``obstacle``: why it may not be given to the agent yet; ``assignment``: what giving it asks.
    ``taken``: it leads to the agent of another environment, so that bringing it to its own is no
    mending, whatever is remembered of a time before.
    """

    inactive: str = ""
    obstacle: Obstacle | None = None
    assignment: Assignment | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class NumberReleases:
    """Asks for what releases say of numbers."""

    releases: ReleaseRecords
    wishes: Wishes
    statuses: Statuses

    async def of(self, desired: DesiredNumber) -> NumberRelease | None:
        """What they say of a number; None where its environment follows the branch."""
        environment = await self._environment(desired)
        if environment is None or environment.source == "head":
            return None
        if desired.agent is None:
            return NumberRelease(assignment=_assignment(environment.promotion, covered=False))
        place = (desired.project, desired.environment)
        wish = await self.wishes.wish(*place, "agent", desired.agent)
        standing = await self.releases.standing_of(*place, desired.agent)
        if wish is None or wish.removed or standing is None or standing.applied is None:
            return NumberRelease(obstacle=_awaiting(desired))
        covered = desired.name in _numbers(standing)
        version = standing.applied_version
        if wish.body.get("lifecycle") == "inactive":
            return NumberRelease(inactive=f"agent {desired.agent} is inactive in version {version}")
        return NumberRelease(
            obstacle=await self._not_in_place(desired, wish, version),
            assignment=_assignment(environment.promotion, covered=covered),
        )

    async def taken_from(self, desired: DesiredNumber, keeper: str) -> NumberRelease | None:
        """What they say of a number that reaches the agent of another environment of the project,
        ``project/environment/agent``: it is given away by that one's rules.
        """
        project, environment, _ = keeper.split("/", 2)
        if project != desired.project or environment == desired.environment:
            return None
        found = await self._named(project, environment)
        if found is None or found.source == "head":
            return None
        return NumberRelease(assignment=_assignment(found.promotion, covered=False), taken=True)

    async def _environment(self, desired: DesiredNumber) -> Environment | None:
        return await self._named(desired.project, desired.environment)

    async def _named(self, project: str, environment: str) -> Environment | None:
        manifest = await self.wishes.project_manifest(project)
        named = environments(manifest) if manifest is not None else ()
        return next((each for each in named if each.name == environment), None)

    async def _not_in_place(
        self, desired: DesiredNumber, wish: WishRecord, version: int
    ) -> Obstacle | None:
        """The agent's last round says that the newest verified release is what runs."""
        status = await self.statuses.status(wish.project, wish.environment, "agent", wish.name)
        if status is not None and status.sync == "Synced" and status.version >= version:
            return None
        return Obstacle(
            reason="DependencyNotReady",
            message=f"number {desired.name} ({desired.number}) waits for agent {desired.agent},"
            f" whose version {version} is not in place yet",
            waiting=True,
        )


def _awaiting(desired: DesiredNumber) -> Obstacle:
    return Obstacle(
        reason=AWAITING_RELEASE,
        message=f"number {desired.name} ({desired.number}) waits for agent {desired.agent}, which"
        f" has no verified release in {desired.environment}:"
        f" trunkline promote {desired.agent} -e {desired.environment}",
        waiting=True,
    )


def _assignment(promotion: Promotion | None, *, covered: bool) -> Assignment | None:
    if promotion is None:
        return None
    asked = promotion.approvals
    return Assignment(
        windows=promotion.windows, roles=asked.roles if asked.count else (), covered=covered
    )


def _numbers(standing: ReleaseStanding) -> tuple[str, ...]:
    """Numbers the verified release was made for."""
    if standing.applied is None:
        return ()
    try:
        return parse_evidence(standing.applied.evidence).numbers
    except (InvalidInput, ValidationError):
        return ()
