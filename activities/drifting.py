"""Who changed an agent outside of Git, and the change to the manifests that would agree with it.

The platform is asked for the versions since the one we left, and for what they hold if there are
several, so that each field has its own author. Not knowing who it was is no failure: the drift is
told without a name.
"""

from collections.abc import Sequence

from activities.gathering import AgentCorners
from trunkline.model.base import JsonObject
from trunkline.model.drift import VersionTree, attributed, drift_of, with_policy
from trunkline.model.drift_edits import edits_of
from trunkline.model.errors import PlatformError, SourceError
from trunkline.model.ids import ExternalId, Revision
from trunkline.model.limits import DRIFT_VERSIONS_MAX, DRIFT_VERSIONS_READ_MAX
from trunkline.model.observed import AgentVersion
from trunkline.model.plans import Drifted, Plan
from trunkline.model.policies import Policy
from trunkline.model.writes import observed_tree
from trunkline.ports import Projects, Sources, VoicePlatform


async def story_of(corners: AgentCorners, plan: Plan) -> tuple[Drifted, ...]:
    """Every field somebody else changed, with who and when as far as can be known."""
    fields = drift_of(plan)
    observed, entry = corners.observed, corners.entry
    if not fields or observed is None:
        return fields
    base_id = entry.version_id if entry is not None else None
    try:
        versions = await _versions(
            corners.voice, observed.external_id, observed.version_id, base_id
        )
        if len(versions) == 1 and not any(field.kept for field in fields):
            tips = [VersionTree(version, None) for version in versions]
            return attributed(fields, tips, None)
        trees = await _trees(corners, versions)
        base = await _tree(corners.voice, observed.external_id, base_id) if base_id else None
    except PlatformError:
        return fields
    return attributed(fields, trees, base)


class Patches:
    """Prepares changes to the manifests of projects."""

    def __init__(self, sources: Sources, projects: Projects) -> None:
        self._sources = sources
        self._projects = projects

    async def prepare(
        self,
        corners: AgentCorners,
        fields: Sequence[Drifted],
        *,
        revision: Revision | None = None,
    ) -> tuple[str, tuple[str, ...]]:
        """The diff that makes drifted fields the wish, and what it cannot say.

        Made against ``revision``, or the one that is applied; empty if Git does not answer.
        """
        desired = corners.desired
        edits, refused = edits_of(desired, corners.rendering, fields)
        if not edits:
            return "", refused
        try:
            state = await self._projects.source(desired.project)
            against = revision or (state.applied_revision if state is not None else None)
            if against is None:
                return "", refused
            source = await self._sources.source(desired.project)
            made = await source.patch(against, edits)
        except SourceError as error:
            return "", (*refused, f"the manifests could not be read: {error.message}")
        return made.text, (*refused, *made.refused)

    async def with_patch(self, corners: AgentCorners, plan: Plan, revision: Revision) -> Plan:
        """A plan that tells of drift, with the change that would agree with it."""
        wished = [field for field in plan.drift if field.policy != "ignore"]
        if not wished:
            return plan
        patch, refused = await self.prepare(corners, wished, revision=revision)
        label = f"agent {corners.desired.name}: not in the prepared change"
        notes = tuple(f"{label}: {words}" for words in refused)
        return plan.model_copy(update={"patch": patch, "notes": (*plan.notes, *notes)})


async def drift_told(
    corners: AgentCorners, in_force: Policy, environment: str, *, suspended: bool
) -> Plan:
    """The plan of one agent for people: with everything somebody else changed, what is ignored
    included, who it was and what happens next.
    """
    ignored = in_force.ignored_paths(corners.desired.name)
    plan = corners.plan(ignored, keep_drift=in_force.drift_policy == "adopt")
    fields = await story_of(corners, plan)
    if ignored:
        known = {field.path for field in fields}
        silent = corners.plan((), keep_drift=True).drift
        unheard = [field for field in silent if field.path not in known]
        named = [field.model_copy(update={"policy": "ignore"}) for field in unheard]
        fields = (*fields, *named)
    told = with_policy(fields, in_force, environment, suspended=suspended)
    return plan.model_copy(update={"drift": told})


async def _versions(
    voice: VoicePlatform, external_id: ExternalId, tip: str, base: str | None
) -> list[AgentVersion]:
    """Versions since ours, newest first; the newest one alone if ours is not found."""
    found: list[AgentVersion] = []
    version_id: str | None = tip
    while version_id not in (None, base) and len(found) < DRIFT_VERSIONS_MAX:
        version = await voice.version(external_id, str(version_id))
        found.append(version)
        version_id = version.parent_id
    return found if base is not None and version_id == base else found[:1]


async def _trees(corners: AgentCorners, versions: Sequence[AgentVersion]) -> list[VersionTree]:
    observed = corners.observed
    if observed is None:
        return []
    found: list[VersionTree] = []
    for index, version in enumerate(versions):
        tree: JsonObject | None = None
        if version.version_id == observed.version_id:
            tree = observed_tree(observed)
        elif index < DRIFT_VERSIONS_READ_MAX:
            tree = await _tree(corners.voice, observed.external_id, version.version_id)
        found.append(VersionTree(version, tree))
    return found


async def _tree(voice: VoicePlatform, external_id: ExternalId, version_id: str) -> JsonObject:
    return observed_tree(await voice.agent(external_id, version_id=version_id))
