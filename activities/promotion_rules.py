"""Which rules of promotion are in force: no commit weakens them and uses that at once.

Asked before a commit is applied, so that nothing is ever decided by its weaker rules. An
environment that releases decide about goes on following them, even where the commit says that it
follows the branch, until an admin agrees to exactly that.
"""

from dataclasses import replace

from trunkline.model.canonical import digest
from trunkline.model.ids import Revision
from trunkline.model.interventions import in_force as decision_in_force
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.manifests import Manifests, Placed
from trunkline.model.promotions.policies import PromotionRules, in_force, rules_of
from trunkline.model.records import EventRecord
from trunkline.ports import Interventions, Statuses
from trunkline.ports.releasing import ReleaseRecords

RULES_WEAKENED = "RulesWeakened"


class RulesKept:
    """Keeps the rules of promotion of projects."""

    def __init__(
        self, records: ReleaseRecords, interventions: Interventions, statuses: Statuses
    ) -> None:
        self._records = records
        self._interventions = interventions
        self._statuses = statuses

    async def settled(
        self, manifests: Manifests, revision: Revision, former: Project | None
    ) -> Manifests:
        """Store which rules count once the commit is applied; the manifests as they leave them.

        ``former`` is the project applied before, whose rules count where none were stored yet.
        """
        project = manifests.project.manifest
        environments = [
            await self._settled(project, each, revision, former)
            for each in project.spec.environments
        ]
        return with_environments(manifests, tuple(environments))

    async def _settled(
        self, project: Project, environment: Environment, revision: Revision, former: Project | None
    ) -> Environment:
        place = (project.name, environment.name)
        stored = await self._records.rules_in_force(*place)
        known = stored
        if known is None and former is not None:
            known = rules_of(former, environment.name, "")
        new = rules_of(project, environment.name, revision)
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
            return environment
        if stored is None or stored.pending_digest != rules.pending_digest:
            await self._tell(*place, rules, revision)
        return _held_to(environment, rules)

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


async def as_ruled(records: ReleaseRecords, manifests: Manifests) -> Manifests:
    """Manifests of a commit as they would be applied: weaker rules left out, nothing stored."""
    project = manifests.project.manifest
    ruled: list[Environment] = []
    for each in project.spec.environments:
        known = await records.rules_in_force(project.name, each.name)
        new = rules_of(project, each.name, "")
        rules = in_force(known, new)
        pending = rules is not None and rules.pending
        ruled.append(_held_to(each, rules) if rules is not None and pending else each)
    return with_environments(manifests, tuple(ruled))


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
