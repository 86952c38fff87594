"""Rules of deletion that no commit may loosen and use: the former ones hold until a person agrees.

A push that raises the budget and removes the fleet is the accident a budget is there for. So where
a commit loosens an environment's rules, the former ones stay in force beside them; a stricter rule
counts at once. Nothing here reads a clock or a table.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from trunkline.model.base import Json
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import PRUNE_DEFAULT_COUNT, PRUNE_DEFAULT_PERCENT
from trunkline.model.policies import policy_of
from trunkline.model.pruning import PruneRules

SHORT_REVISION: Final = 10
_COUNT, _PERCENT, _DELAY = "maxCount", "maxPercent", "delayS"


def strictest(one: PruneRules, other: PruneRules) -> PruneRules:
    """``one`` with the bounds of whichever is the stricter, bound by bound."""
    mine, theirs = _bounds(one), _bounds(other)
    return one.model_copy(
        update={
            "max_count": _least(mine[0], theirs[0]),
            "max_percent": _least(mine[1], theirs[1]),
            "delay_s": max(one.delay_s, other.delay_s),
        }
    )


def loosened(
    former: Iterable[Environment], new: Iterable[Environment]
) -> tuple[tuple[str, PruneRules], ...]:
    """Environments whose rules are looser than they were, with the former ones.

    Where nothing was deleted before, the former rules are the defaults, or stricter ones if the
    manifest had them already.
    """
    before = {each.name: policy_of(each).prune for each in former}
    found: list[tuple[str, PruneRules]] = []
    for each in new:
        now = policy_of(each).prune
        was = before.get(each.name, PruneRules())
        if not was.enabled:
            was = strictest(was, PruneRules())
        if _is_stricter(was, now):
            found.append((each.name, was))
    return tuple(found)


def hold(
    rules: PruneRules,
    known: Intervention | None,
    *,
    project: str,
    environment: str,
    revision: str,
    now: datetime,
) -> Intervention:
    """The decision that keeps former rules in force; ``known`` is the one that is already."""
    held = rules if known is None else strictest(rules, _rules(known.details))
    count, percent = _bounds(held)
    details: dict[str, Json] = {_COUNT: count, _PERCENT: percent, _DELAY: held.delay_s}
    return Intervention(
        project=project,
        environment=environment,
        verb="prune-rules",
        reason=f"{revision[:SHORT_REVISION]} loosens what may be deleted",
        by="trunkline",
        at=now,
        details=details,
    )


def rules_in_force(
    rules: PruneRules, decided: Iterable[Intervention], environment: str
) -> PruneRules:
    """The rules of the manifest, or former ones that are stricter and still hold, saying so."""
    held = in_force(decided, "prune-rules", environment)
    if held is None:
        return rules
    strict = strictest(rules, _rules(held.details))
    if strict == strictest(rules, rules):
        return rules
    note = (
        f"{held.reason}; the rules of before hold until a person agrees:"
        f" trunkline resume -e {environment} --prune"
    )
    return strict.model_copy(update={"note": note})


def _is_stricter(was: PruneRules, now: PruneRules) -> bool:
    return strictest(now, was) != strictest(now, now)


def _bounds(rules: PruneRules) -> tuple[int | None, int | None]:
    """Count and percent; the defaults where the rules name neither."""
    if rules.max_count is None and rules.max_percent is None:
        return PRUNE_DEFAULT_COUNT, PRUNE_DEFAULT_PERCENT
    return rules.max_count, rules.max_percent


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _rules(details: Mapping[str, Json]) -> PruneRules:
    return PruneRules.model_validate(
        {
            "enabled": True,
            "max_count": details.get(_COUNT),
            "max_percent": details.get(_PERCENT),
            "delay_s": details.get(_DELAY, 0.0),
        }
    )
