"""Which rules of promotion are in force: no commit weakens them and uses that at once.

Asked before a commit is applied, so that nothing is ever decided by its weaker rules. An
environment that releases decide about goes on following them, even where the commit says that it
follows the branch or names it no more, until an admin agrees to exactly that.
"""

from collections.abc import Iterable
from dataclasses import replace

from activities.past_rules import PastRules
from trunkline.model.canonical import digest
from trunkline.model.errors import InvalidManifests
from trunkline.model.ids import Revision
from trunkline.model.interventions import in_force as decision_in_force
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.limits import ENVIRONMENTS_MAX
from trunkline.model.manifests import Manifests, Placed
from trunkline.model.problems import Problem
from trunkline.model.promotions.policies import PromotionRules, in_force, rules_of
from trunkline.model.records import EventRecord
from trunkline.ports import Interventions, ManifestSource, Statuses
from trunkline.ports.releasing import ReleaseRecords

RULES_WEAKENED = "RulesWeakened"


class RulesKept:
    """Keeps the rules of promotion of projects."""

    def __init__(
        self,
        records: ReleaseRecords,
        interventions: Interventions,
        statuses: Statuses,
        past: PastRules,
    ) -> None:
        self._records = records
        self._interventions = interventions
        self._statuses = statuses
        self._past = past

    async def settled(
        self,
        manifests: Manifests,
        revision: Revision,
        former: Project | None,
        source: ManifestSource,
    ) -> Manifests:
        """Store which rules count once the commit is applied; the manifests as they leave them.

        ``former`` is the project applied before, whose rules count where none were stored yet;
        without one it is what the newest verified release of each environment pins. Raises a
        SourceError if that cannot be read, so that nothing is applied.
        """
        project = manifests.project.manifest
        if former is not None:
            formers = {each.name: former for each in former.spec.environments}
        else:
            formers = await self._past.projects(source, project, revision)
        before = [found for name, one in formers.items() if (found := one.environment(name))]
        ruled: list[Environment] = []
        for each in (*project.spec.environments, *_left(manifests, before)):
            rules = await self._settled(project, each.name, revision, formers.get(each.name))
            ruled += _under(project, each, rules)
        return with_environments(manifests, tuple(ruled))

    async def _settled(
        self, project: Project, environment: str, revision: Revision, former: Project | None
    ) -> PromotionRules | None:
        place = (project.name, environment)
        stored = await self._records.rules_in_force(*place)
        known = stored
        if known is None and former is not None:
            known = rules_of(former, environment, "")
        new = rules_of(project, environment, revision)
        rules = in_force(known, new, revision=revision)
        if rules is not None and rules.pending:
            mark = _mark(new)
            if await self._agreed(*place, mark):
                rules = new
            else:
                rules = rules.model_copy(update={"pending_digest": mark})
        if rules is None:
            if stored is not None:
                await self._records.drop_rules(*place)
        elif rules != stored:
            await self._records.put_rules(*place, rules)
        if rules is None or not rules.pending:
            await self._lift(*place)
        elif stored is None or stored.pending_digest != rules.pending_digest:
            await self._tell(*place, rules, revision)
        return rules

    async def _agreed(self, project: str, environment: str, mark: str) -> bool:
        """True if an admin agreed to exactly these rules."""
        decided = await self._interventions.interventions(project, environment)
        found = decision_in_force(decided, "promotion-rules", environment)
        return found is not None and found.details.get("digest") == mark

    async def _lift(self, project: str, environment: str) -> None:
        """What was agreed to is in force or no longer asked for."""
        await self._interventions.lift_intervention(project, environment, "", "", "promotion-rules")

    async def _tell(
        self, project: str, environment: str, rules: PromotionRules, revision: Revision
    ) -> None:
        event = EventRecord(
            project=project,
            environment=environment,
            kind="environment",
            name=environment,
            type="Warning",
            reason=RULES_WEAKENED,
            message=pending_words(environment, rules),
            revision=revision,
        )
        await self._statuses.add_events([event])


async def as_ruled(
    records: ReleaseRecords, manifests: Manifests, former: Project | None
) -> Manifests:
    """Manifests of a commit as they would be applied after the ``former`` project: weaker rules
    left out, nothing stored.
    """
    project = manifests.project.manifest
    ruled: list[Environment] = []
    before = former.spec.environments if former is not None else ()
    for each in (*project.spec.environments, *_left(manifests, before)):
        known = await records.rules_in_force(project.name, each.name)
        ruled += _under(project, each, in_force(known, rules_of(project, each.name, "")))
    return with_environments(manifests, tuple(ruled))


def _left(manifests: Manifests, former: Iterable[Environment]) -> tuple[Environment, ...]:
    """Those of ``former`` with rules of promotion that a commit no longer names: to rename one
    away, or to take it out, weakens its rules like any other change. Raises InvalidManifests if
    there is no room for them.
    """
    placed = manifests.project
    project = placed.manifest
    gone = tuple(
        each
        for each in former
        if each.promotion is not None and project.environment(each.name) is None
    )
    if gone and len(project.spec.environments) + len(gone) > ENVIRONMENTS_MAX:
        names = ", ".join(each.name for each in gone)
        words = (
            f"more than {ENVIRONMENTS_MAX} environments, with {names} that stays until an admin"
            " agrees to its removal; leave out others first"
        )
        raise InvalidManifests([Problem(position=placed.positions.value(""), message=words)])
    return gone


def _under(
    project: Project, environment: Environment, rules: PromotionRules | None
) -> tuple[Environment, ...]:
    """The environment as rules leave it: as the commit says, or under former ones."""
    if rules is not None and rules.pending:
        return (_held_to(environment, rules),)
    return (environment,) if project.environment(environment.name) is not None else ()


def with_environments(manifests: Manifests, environments: tuple[Environment, ...]) -> Manifests:
    """The manifests with these environments in the place of their own."""
    own = manifests.project.manifest
    if environments == own.spec.environments:
        return manifests
    spec = own.spec.model_copy(update={"environments": environments})
    ruled = own.model_copy(update={"spec": spec})
    return replace(manifests, project=Placed(ruled, manifests.project.positions))


def _held_to(environment: Environment, rules: PromotionRules) -> Environment:
    """The environment under former rules: releases decide, whatever the commit says."""
    return environment.model_copy(update={"source": "releases", "promotion": rules.promotion})


def pending_words(environment: str, rules: PromotionRules | None) -> str:
    """Which weaker rules wait for an admin, and what to type; "" if none do."""
    if rules is None or not rules.pending:
        return ""
    return (
        f"{rules.pending}; the rules of before hold until an admin agrees:"
        f" trunkline resume -e {environment} --rules"
    )


def _mark(rules: PromotionRules | None) -> str:
    """Equal for equal rules, whichever commit says them."""
    if rules is None:
        return digest(None)
    return digest(rules.model_dump(mode="json", exclude={"revision", "pending", "pending_digest"}))
