"""Second versions that answer a lasting share of the calls: what they were, from Git.

A release names the version by its commit and digest. What it was is resolved under the project of
today, whose accounts it runs in, like every release; what Git cannot give is no version at all.
"""

from collections import OrderedDict
from dataclasses import dataclass

from activities.policies import environments
from activities.promotions.calls import PromotionCalls
from trunkline.model.closures import Shared
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import InvalidManifests, NotFound, SourceError
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.project import Project
from trunkline.model.kinds.release import Experiment
from trunkline.model.limits import EXPERIMENTS_REMEMBERED
from trunkline.model.resolution import released_agent
from trunkline.ports import Clock, Projects, Sources, Statuses, Wishes
from trunkline.ports.releasing import ReleaseRecords


@dataclass(frozen=True, slots=True)
class RolloutPorts:
    """What rollouts need of the outside."""

    releases: ReleaseRecords
    sources: Sources
    projects: Projects
    wishes: Wishes
    statuses: Statuses
    clock: Clock
    calls: PromotionCalls | None = None


@dataclass(frozen=True, slots=True)
class SecondWish:
    """An experiment's version, and what its documents hold: ``activities.shared.Contents``."""

    desired: DesiredAgent
    experiments: "ExperimentWishes"
    experiment: Experiment

    async def content(self, digest: str) -> bytes:
        """Bytes by their digest. Raises NotFound."""
        return await self.experiments.content(self.desired, self.experiment, digest)


class ExperimentWishes:
    """What a version of the past was, as a wish of today's environment; remembered, as it never
    changes but with the project.
    """

    def __init__(self, ports: RolloutPorts) -> None:
        self._ports = ports
        self._kept: OrderedDict[tuple[str, ...], DesiredAgent] = OrderedDict()

    async def wish(self, desired: DesiredAgent, experiment: Experiment) -> DesiredAgent | None:
        """The version's closure, None if Git has no such thing (any more)."""
        described = await self._ports.wishes.project_manifest(desired.project)
        if described is None:
            return None
        project = Project.model_validate(described)
        place = next((e for e in environments(described) if e.name == desired.environment), None)
        if place is None:
            return None
        resting = project.accounts(place).model_dump_json()
        key = (
            desired.project,
            place.name,
            desired.name,
            experiment.revision,
            experiment.digest,
            resting,
        )
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        try:
            source = await self._ports.sources.source(desired.project)
            manifests = await source.manifests(Revision(experiment.revision))
        except (SourceError, InvalidManifests) as error:
            if error.retryable:
                raise
            return None
        found = released_agent(Shared(manifests), project, place, desired.name)
        if found is None or found.digest != experiment.digest:
            return None
        self._kept[key] = found
        while len(self._kept) > EXPERIMENTS_REMEMBERED:
            self._kept.popitem(last=False)
        return found

    async def content(self, desired: DesiredAgent, experiment: Experiment, digest: str) -> bytes:
        """What a document of the version holds. Raises NotFound, or a SourceError."""
        try:
            return await self._ports.wishes.content(digest)
        except NotFound:
            source = await self._ports.sources.source(desired.project)
            manifests = await source.manifests(Revision(experiment.revision))
            held = Shared(manifests).contents().get(Digest(digest))
            if held is None:
                raise
            return held
