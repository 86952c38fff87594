"""When an agent that looks unchanged in a list need not be read, and when it is read all the same.

A platform's list says when an agent was last updated, and lists lag, so the word of a list is only
a hint: it is believed for an agent that was read whole and found as it was left, while nothing the
reading rests on has changed, and never for longer than ``FULL_LOOK_S``. Agents take turns with
their full looks, each at its own moment, so that a fleet is not read all at once. Pure.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from trunkline.model.base import Frozen
from trunkline.model.canonical import digest
from trunkline.model.ids import OWNER_PREFIX, ExternalId
from trunkline.model.limits import FULL_LOOK_S, HINT_SETTLED_S
from trunkline.model.observed import AgentSummary

MARK_UNKNOWN = "carries our mark, and neither Git nor the ledger knows it: left alone"


class Look(Frozen):
    """The last whole reading of an agent that found nothing: what it rested on, and when it was."""

    project: str
    environment: str
    name: str
    mark: str
    at: datetime


class Orphan(Frozen):
    """An agent with a mark of this environment that neither Git nor the ledger knows."""

    name: str
    external_id: ExternalId


def look_mark(summary: AgentSummary, *, rests_on: Sequence[str]) -> str | None:
    """A digest of everything a reading of the agent rested on; None if the list gives no hint.

    ``rests_on`` is what else may change the outcome: the wish, the policy, our own version.
    """
    if summary.updated_at_s is None or summary.archived:
        return None
    seen = [summary.external_id, summary.name, str(summary.updated_at_s), *sorted(summary.tags)]
    return digest([*seen, *rests_on]).removeprefix("sha256:")[:32]


def may_be_remembered(summary: AgentSummary, *, listed_at: datetime) -> bool:
    """True unless the agent was updated a moment ago: updates are told in whole seconds, so another
    one within the same second would not show.
    """
    updated_at_s = summary.updated_at_s
    return updated_at_s is not None and listed_at.timestamp() - updated_at_s >= HINT_SETTLED_S


def is_due(look: Look | None, mark: str | None, *, now: datetime) -> bool:
    """True if the agent has to be read: nothing is known, something changed, or it is its turn."""
    if look is None or mark is None or look.mark != mark:
        return True
    return (now - look.at).total_seconds() >= FULL_LOOK_S * (0.5 + _turn(look.name) / 2)


def orphans(
    summaries: Iterable[AgentSummary],
    *,
    project: str,
    environment: str,
    names: Collection[str],
    known_ids: Collection[str],
) -> tuple[Orphan, ...]:
    """Agents that carry a mark of the environment and belong to no wish and no ledger row."""
    prefix = f"{OWNER_PREFIX}{project}/{environment}/"
    found: list[Orphan] = []
    for summary in summaries:
        marks = [tag.removeprefix(prefix) for tag in summary.tags if tag.startswith(prefix)]
        unknown = marks and not any(name in names for name in marks)
        if unknown and summary.external_id not in known_ids and not summary.archived:
            found.append(Orphan(name=marks[0], external_id=summary.external_id))
    return tuple(sorted(found, key=lambda orphan: (orphan.name, orphan.external_id)))


def _turn(name: str) -> float:
    """A number from 0 to 1 that is the agent's own."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
