"""What a Project manifest and the decisions of people say about an environment, read at every use.

A changed policy or a new decision counts with the next look and needs no restart, and a workflow
never remembers an old one. Two small queries are all it costs; what they answer is parsed once.
"""

import json
from collections import OrderedDict
from functools import lru_cache

from pydantic import ValidationError

from activities.shared_answers import SharedAnswers
from trunkline.model.approvals import Approval, approval
from trunkline.model.base import JsonObject
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.gates import Standing
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.limits import APPROVALS_REMEMBERED, MANIFESTS_REMEMBERED
from trunkline.model.loosening import rules_in_force
from trunkline.model.policies import Policy, policy_of
from trunkline.ports import Clock, Interventions, Operations, Wishes

__all__ = ["Policy", "Standings", "environments", "policy", "policy_of"]


def environments(manifest: JsonObject) -> tuple[Environment, ...]:
    """The environments a stored Project manifest describes.

    Raises InvalidInput for one that another version stored and this one cannot read.
    """
    try:
        return _project(json.dumps(manifest, sort_keys=True)).spec.environments
    except ValidationError as error:
        raise _unreadable() from error


def project_of(manifest: JsonObject) -> Project:
    """A stored Project manifest. Raises InvalidInput as ``environments`` does."""
    try:
        return _project(json.dumps(manifest, sort_keys=True))
    except ValidationError as error:
        raise _unreadable() from error


def changed_policies(former: JsonObject | None, manifest: JsonObject) -> tuple[str, ...]:
    """Environments that are to be reconciled in another way: everybody there has to hear of it."""
    if former is None:
        return ()
    try:
        before = {each.name: _way(each) for each in environments(former)}
    except InvalidInput:
        before = {}
    return tuple(
        each.name
        for each in environments(manifest)
        if before.get(each.name, _way(each)) != _way(each)
    )


def _way(environment: Environment) -> Policy:
    """The policy, without how often it is looked at."""
    return policy_of(environment).model_copy(update={"sweep_interval_s": 0.0})


async def policy(wishes: Wishes, project: str, environment: str, *, live: bool = False) -> Policy:
    """The policy in force. Raises NotFound if the manifest does not name the environment."""
    manifest = await wishes.project_manifest(project)
    for described in environments(manifest) if manifest is not None else ():
        if described.name == environment:
            return policy_of(described, live=live)
    raise NotFound(
        f"The Project manifest of {project!r} names no environment {environment!r}",
        hint="Sync the project, or add the environment to trunkline.yaml",
    )


class Standings:
    """Answers what holds an environment back right now; ``live`` says its accounts are real."""

    def __init__(
        self,
        wishes: Wishes,
        interventions: Interventions,
        operations: Operations,
        clock: Clock,
        *,
        live: bool,
    ) -> None:
        self._wishes = wishes
        self._interventions = interventions
        self._operations = operations
        self._clock = clock
        self._live = live
        self._approvals: OrderedDict[tuple[str, str, str], Approval] = OrderedDict()
        self._shared: OrderedDict[tuple[str, str], SharedAnswers[Standing]] = OrderedDict()

    async def standing(self, project: str, environment: str) -> Standing:
        """Policy and decisions in force. Raises NotFound if there is no such environment."""
        place = (project, environment)
        if place not in self._shared:
            self._shared[place] = SharedAnswers(lambda: self._standing(*place))
            while len(self._shared) > MANIFESTS_REMEMBERED:
                self._shared.popitem(last=False)
        return await self._shared[place].answer()

    async def _standing(self, project: str, environment: str) -> Standing:
        found = await policy(self._wishes, project, environment, live=self._live)
        now = self._clock.now()
        decided = tuple(
            one
            for one in await self._interventions.interventions(project, environment)
            if one.expires_at is None or one.expires_at > now
        )
        return Standing(
            environment=environment,
            policy=found.model_copy(
                update={"prune": rules_in_force(found.prune, decided, environment)}
            ),
            now=now,
            interventions=decided,
            approval=await self._approval(in_force(decided, "apply", environment)),
        )

    async def _approval(self, applied: Intervention | None) -> Approval | None:
        """The plan a person applied, if it is still the one they saw; read once, not per agent."""
        if applied is None:
            return None
        plan_id, digest = str(applied.details.get("planId")), str(applied.details.get("digest"))
        known = self._approvals.get((plan_id, digest, applied.by))
        if known is None:
            stored = await self._operations.plan(plan_id)
            if stored is None or stored.plan.digest != digest:
                return None
            role = str(applied.details.get("role", ""))
            known = approval(plan_id, stored.plan, by=applied.by, role=role)
            self._approvals[plan_id, digest, applied.by] = known
            while len(self._approvals) > APPROVALS_REMEMBERED:
                self._approvals.popitem(last=False)
        return known


def _unreadable() -> InvalidInput:
    return InvalidInput(
        "the stored Project manifest cannot be read by this version",
        hint="The next look at Git replaces it: trunkline sync --hard-refresh",
    )


@lru_cache(maxsize=MANIFESTS_REMEMBERED)
def _project(manifest: str) -> Project:
    return Project.model_validate_json(manifest)
