"""A status row as people see it while a decision of theirs holds it back.

Suspending ten thousand agents must not mean looking at each of them, so their rows are not written
again: what was decided is laid over them where they are read.
"""

from collections.abc import Sequence

from trunkline.model.behaviour import behaviour_status
from trunkline.model.conditions import Condition, find
from trunkline.model.gates import SUSPENDED, disabled_words, suspension_words
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.records import StatusRow

DISABLED = "Disabled"


def decided_status(row: StatusRow, decisions: Sequence[Intervention]) -> StatusRow:
    """The row, with health Suspended and the reason where a person suspended or disabled it, and
    Degraded where retests say that it does worse than it did.
    """
    place = (row.environment, row.kind, row.name)
    suspended = in_force(decisions, "suspend", *place)
    disabled = in_force(decisions, "disable", *place) if row.kind == "agent" else None
    if suspended is not None:
        reason, words = SUSPENDED, suspension_words(suspended)
    elif disabled is not None:
        reason, words = DISABLED, disabled_words(disabled)
    else:
        return behaviour_status(row, decisions)
    ready = find(row.conditions, "Ready")
    if ready is not None and ready.reason == reason:
        return row
    status = ready.status if ready is not None else "Unknown"
    said = Condition(type="Ready", status=status, reason=reason, message=words)
    others = tuple(condition for condition in row.conditions if condition.type != "Ready")
    return row.model_copy(
        update={
            "health": row.health if row.health == "Missing" else "Suspended",
            "conditions": (said, *others),
            "message": next((c.message for c in others if c.message), words),
        }
    )
