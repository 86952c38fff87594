"""How well changes are delivered: the four measures of DORA, counted from promotions.

The names and what they mean are those of DORA's "software delivery performance metrics" guide
(dora.dev/guides/dora-metrics-four-keys): deployment frequency, lead time for changes, change
failure rate and time to restore. What counts as which here:

- a deployment is a promotion whose release reached Git; going back to an older version is the
  repair of one and no deployment of its own;
- its lead time runs from the newest commit that touched what is released until the release;
- it failed if it was rolled back, by itself or by a person;
- it was restored when the release that went back was in place.

Medians, as a single change that waited for weeks says little about the others. What was never
measured is None and not 0.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.limits import DELIVERY_DAYS_MAX
from trunkline.model.promotions.records import PromotionKind, PromotionState


class Released(Frozen):
    """What the measures need of one promotion that wrote a release.

    ``version`` is what it released and ``replaced`` what was in place before; ``committed_at`` is
    None where no commit's time is known.
    """

    project: str
    environment: str
    agent: str
    kind: PromotionKind
    state: PromotionState
    version: int
    replaced: int
    released_at: datetime
    committed_at: datetime | None = None
    finished_at: datetime | None = None


class Delivery(Frozen):
    """The four measures of one environment over the last ``days``.

    ``lead_time_s`` and ``restore_time_s`` are medians in seconds; ``change_failure_rate`` is a
    share from 0 to 1. ``measured`` is how many deployments have a lead time.
    """

    project: str
    environment: str
    days: int = Field(ge=1, le=DELIVERY_DAYS_MAX)
    deployments: int = 0
    deployments_per_day: float = 0.0
    measured: int = 0
    lead_time_s: float | None = None
    failed: int = 0
    change_failure_rate: float | None = None
    restored: int = 0
    restore_time_s: float | None = None


def delivery(
    project: str, environment: str, released: Iterable[Released], *, days: int, now: datetime
) -> Delivery:
    """The measures of one environment over ``days`` until ``now``; other environments' and older
    releases are left out.
    """
    since = now - timedelta(days=days)
    here = [
        each
        for each in released
        if (each.project, each.environment) == (project, environment)
        and since <= each.released_at <= now
    ]
    deployments = [each for each in here if each.kind == "promote"]
    repairs = [each for each in here if each.kind == "rollback"]
    lead_times_s = [s for each in deployments if (s := _lead_time_s(each)) is not None]
    failed = [each for each in deployments if _failed(each, repairs)]
    restore_times_s = [s for each in failed if (s := _restore_time_s(each, repairs)) is not None]
    return Delivery(
        project=project,
        environment=environment,
        days=days,
        deployments=len(deployments),
        deployments_per_day=round(len(deployments) / days, 4),
        measured=len(lead_times_s),
        lead_time_s=median(lead_times_s) if lead_times_s else None,
        failed=len(failed),
        change_failure_rate=round(len(failed) / len(deployments), 4) if deployments else None,
        restored=len(restore_times_s),
        restore_time_s=median(restore_times_s) if restore_times_s else None,
    )


def _lead_time_s(deployment: Released) -> float | None:
    """None for a commit without a time, or with one from the future."""
    if deployment.committed_at is None or deployment.committed_at > deployment.released_at:
        return None
    return (deployment.released_at - deployment.committed_at).total_seconds()


def _failed(deployment: Released, repairs: Sequence[Released]) -> bool:
    return deployment.state == "RolledBack" or _repair(deployment, repairs) is not None


def _restore_time_s(deployment: Released, repairs: Sequence[Released]) -> float | None:
    """None while nothing has taken its place yet."""
    repair = _repair(deployment, repairs)
    until = repair.released_at if repair is not None else deployment.finished_at
    return (until - deployment.released_at).total_seconds() if until is not None else None


def _repair(deployment: Released, repairs: Sequence[Released]) -> Released | None:
    """The first rollback that replaced what was deployed."""
    found = (
        each
        for each in repairs
        if (each.agent, each.replaced) == (deployment.agent, deployment.version)
        and each.released_at >= deployment.released_at
    )
    return min(found, key=lambda each: each.released_at, default=None)
