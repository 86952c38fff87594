"""What a Project manifest says about an environment, as far as reconciling needs it.

It is read at every use, so that a changed policy needs no restart. Whether the accounts are real
comes from the server's settings and never from Git.
"""

from trunkline.model.base import Frozen
from trunkline.model.kinds.project import Environment, Window
from trunkline.model.pruning import PruneRules


class Policy(Frozen):
    """How an environment is reconciled. ``ignored`` are platform paths others may change.

    ``live``: its accounts are real ones. ``mode`` is never empty.
    """

    enforces: bool
    heals: bool
    mode: str
    drift_policy: str
    sweep_interval_s: float
    ignored: tuple[tuple[str, str], ...] = ()
    windows: tuple[Window, ...] = ()
    live: bool = False
    prune: PruneRules = PruneRules()

    def ignored_paths(self, agent: str) -> tuple[str, ...]:
        """Paths of that agent's tree that are nobody's drift."""
        return tuple(path for name, path in self.ignored if name in ("*", agent))


def default_mode(*, live: bool) -> str:
    """The mode of an environment whose manifest names none: real accounts begin in observe."""
    return "observe" if live else "enforce"


def policy_of(environment: Environment, *, live: bool = False) -> Policy:
    """The policy of one environment on real (``live``) or simulated accounts."""
    mode = environment.mode or default_mode(live=live)
    return Policy(
        enforces=mode == "enforce",
        heals=environment.drift.policy == "heal",
        mode=mode,
        drift_policy=environment.drift.policy,
        sweep_interval_s=environment.drift.interval.total_seconds(),
        ignored=tuple((entry.agent, entry.path) for entry in environment.drift.ignore),
        windows=environment.windows,
        live=live,
        prune=PruneRules(
            enabled=environment.prune.enabled,
            max_count=environment.prune.max_count,
            max_percent=environment.prune.max_percent,
            delay_s=environment.prune.delay.total_seconds(),
            follows_head=environment.source == "head",
        ),
    )
