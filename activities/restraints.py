"""What a commit says about deletions that a person has to hear of before it counts.

Written before the commit is stored, so that nothing is ever decided by its looser rules or by a
history that was rewritten while nobody looked. A try that dies in between leaves too much care.
"""

from collections.abc import Iterable

from activities.policies import environments
from trunkline.model.base import JsonObject
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Revision
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.kinds.project import Environment
from trunkline.model.loosening import hold, loosened, rules_in_force
from trunkline.model.policies import policy_of
from trunkline.model.records import SourceState
from trunkline.ports import Clock, Interventions


class Restraints:
    """Pauses and former rules, as decisions of ours that a person lifts."""

    def __init__(self, interventions: Interventions, clock: Clock) -> None:
        self._interventions = interventions
        self._clock = clock

    async def pause(self, state: SourceState, manifests: Iterable[JsonObject | None]) -> None:
        """Whoever rewrites history may have lost something: a person looks at every environment
        before anything is deleted in it.
        """
        names = {each.name for manifest in manifests for each in _described(manifest)}
        for name in sorted(names):
            await self._interventions.put_intervention(
                Intervention(
                    project=state.project,
                    environment=name,
                    verb="prune-paused",
                    reason=f"history was rewritten: {(state.applied_revision or '')[:12]} is no"
                    " ancestor of the tip any more",
                    by="trunkline",
                    at=self._clock.now(),
                )
            )

    async def hold_rules(
        self, project: str, revision: Revision, former: JsonObject | None, new: JsonObject
    ) -> None:
        """Keep the former rules of deletion in force where the commit loosens them, and no longer
        where it is as strict again.
        """
        described = environments(new)
        for one in await self.coming(project, revision, former, described):
            await self._interventions.put_intervention(one)
        for each in described:
            decided = await self._interventions.interventions(project, each.name)
            rules = policy_of(each).prune
            known = in_force(decided, "prune-rules", each.name)
            if known is not None and rules_in_force(rules, decided, each.name) == rules:
                await self._interventions.lift_intervention(
                    project, each.name, "", "", "prune-rules"
                )

    async def coming(
        self,
        project: str,
        revision: Revision,
        former: JsonObject | None,
        new: Iterable[Environment],
    ) -> tuple[Intervention, ...]:
        """The former rules that have to hold once the commit is applied; nothing is written."""
        if former is None:
            return ()
        held: list[Intervention] = []
        for name, rules in loosened(_described(former), new):
            decided = await self._interventions.interventions(project, name)
            held.append(
                hold(
                    rules,
                    in_force(decided, "prune-rules", name),
                    project=project,
                    environment=name,
                    revision=revision,
                    now=self._clock.now(),
                )
            )
        return tuple(held)


def _described(manifest: JsonObject | None) -> tuple[Environment, ...]:
    """Nothing where another version stored what this one cannot read: then defaults hold."""
    if manifest is None:
        return ()
    try:
        return environments(manifest)
    except InvalidInput:
        return ()
