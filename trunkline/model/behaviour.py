"""The mark of a released agent that behaves worse than it did: what it says, and for how long.

Nothing is promoted over a marked agent by itself; a person may, for that is how it is mended. It is
kept beside people's decisions and laid over a status where it is read, because nothing about
the agent's configuration has changed. It counts for the closure it was found in and no other: what
is released next has to find its own past.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from trunkline.model.conditions import Condition, find
from trunkline.model.ids import Digest
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.records import EventRecord, StatusRow
from trunkline.model.testing.baselines import Baseline, Retest

BEHAVIOUR_DRIFTED: Final = "BehaviourDrifted"
BEHAVIOUR_RECOVERED: Final = "BehaviourRecovered"
MARKED_BY: Final = "trunkline"


def behaviour_mark(
    baseline: Baseline, retest: Retest, *, closure: Digest, version: int, at: datetime
) -> Intervention:
    """The mark that a retest leaves which found the agent worse."""
    return Intervention(
        project=baseline.project,
        environment=baseline.environment,
        kind="agent",
        name=baseline.agent,
        verb="behaviour-drifted",
        reason=retest.message,
        by=MARKED_BY,
        at=at,
        details={
            "digest": closure,
            "version": version,
            "runs": [*retest.run_ids],
            "lines": [*retest.lines],
        },
    )


def behaviour_drift(
    decided: Iterable[Intervention], environment: str, agent: str, *, closure: str | None
) -> Intervention | None:
    """The mark in force for what an agent runs, by the digest of its closure; None if there is
    none, or if it is about something that was released before.
    """
    found = in_force(decided, "behaviour-drifted", environment, "agent", agent)
    if found is None or found.details.get("digest", closure) != closure:
        return None
    return found


def behaviour_status(row: StatusRow, decided: Iterable[Intervention]) -> StatusRow:
    """The row of an agent, Degraded if what it runs is marked and nothing worse is said of it."""
    if row.kind != "agent" or row.health in ("Missing", "Suspended"):
        return row
    mark = behaviour_drift(decided, row.environment, row.name, closure=row.digest)
    if mark is None:
        return row
    words = f"behaves worse than when it was released: {mark.reason}"
    ready = find(row.conditions, "Ready")
    if ready is not None and ready.status != "True":
        return row.model_copy(update={"health": "Degraded"})
    said = Condition(type="Ready", status="False", reason=BEHAVIOUR_DRIFTED, message=words)
    others = tuple(condition for condition in row.conditions if condition.type != "Ready")
    return row.model_copy(
        update={"health": "Degraded", "conditions": (said, *others), "message": words}
    )


def drift_event(mark: Intervention) -> EventRecord:
    """What is told once when an agent is marked."""
    return EventRecord(
        project=mark.project,
        environment=mark.environment,
        kind="agent",
        name=mark.name,
        type="Warning",
        reason=BEHAVIOUR_DRIFTED,
        message=mark.reason,
        details=mark.details,
    )


def recovery_event(mark: Intervention, words: str) -> EventRecord:
    """What is told once when the mark is taken away again."""
    return EventRecord(
        project=mark.project,
        environment=mark.environment,
        kind="agent",
        name=mark.name,
        reason=BEHAVIOUR_RECOVERED,
        message=words,
        details={"version": mark.details.get("version"), "since": mark.at.isoformat()},
    )
