"""What a Project manifest says about an environment, as far as reconciling needs it.

Read from the last applied manifest at every use, so that a changed policy needs no restart and a
workflow never remembers an old one.
"""

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.errors import NotFound
from trunkline.model.kinds.project import Environment, Project
from trunkline.ports import Wishes


class Policy(Frozen):
    """How an environment is reconciled. ``ignored`` are platform paths others may change."""

    enforces: bool
    heals: bool
    mode: str
    drift_policy: str
    sweep_interval_s: float
    ignored: tuple[tuple[str, str], ...] = ()

    def ignored_paths(self, agent: str) -> tuple[str, ...]:
        """Paths of that agent's tree that are nobody's drift."""
        return tuple(path for name, path in self.ignored if name in ("*", agent))


def environments(manifest: JsonObject) -> tuple[Environment, ...]:
    """The environments a stored Project manifest describes."""
    return Project.model_validate(manifest).spec.environments


def policy_of(environment: Environment) -> Policy:
    """The policy of one environment; without a mode it enforces, as simulated accounts do."""
    mode = environment.mode or "enforce"
    return Policy(
        enforces=mode == "enforce",
        heals=environment.drift.policy == "heal",
        mode=mode,
        drift_policy=environment.drift.policy,
        sweep_interval_s=environment.drift.interval.total_seconds(),
        ignored=tuple((entry.agent, entry.path) for entry in environment.drift.ignore),
    )


async def policy(wishes: Wishes, project: str, environment: str) -> Policy:
    """The policy in force. Raises NotFound if the manifest does not name the environment."""
    manifest = await wishes.project_manifest(project)
    for described in environments(manifest) if manifest is not None else ():
        if described.name == environment:
            return policy_of(described)
    raise NotFound(
        f"The Project manifest of {project!r} names no environment {environment!r}",
        hint="Sync the project, or add the environment to trunkline.yaml",
    )
