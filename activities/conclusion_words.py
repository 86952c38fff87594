"""What Temporal shows of a subject after a round: one word, and what lists are searched by."""

from activities.names import (
    AGENT_ATTRIBUTE,
    ENVIRONMENT_ATTRIBUTE,
    PHASE_ATTRIBUTE,
    PROJECT_ATTRIBUTE,
    REASON_ATTRIBUTE,
    REVISION_ATTRIBUTE,
)
from trunkline.model.conditions import find
from trunkline.model.records import StatusRecord, WishRecord


def phase_of(status: StatusRecord) -> str:
    """How a subject stands, in one word."""
    for kind in ("Stalled", "Reconciling", "Drifted"):
        if find(status.conditions, kind) is not None:
            return kind
    return "Ready" if status.sync == "Synced" else status.sync


def attributes_of(record: WishRecord, status: StatusRecord, *, reason: str) -> dict[str, str]:
    """What a list of workflows is searched by; ``reason`` is why the round was, if nothing says
    more.
    """
    ready = find(status.conditions, "Ready")
    agent = record.name if record.kind == "agent" else str(record.body.get("agent") or "")
    values = {
        PROJECT_ATTRIBUTE: record.project,
        ENVIRONMENT_ATTRIBUTE: record.environment,
        AGENT_ATTRIBUTE: agent,
        PHASE_ATTRIBUTE: phase_of(status),
        REVISION_ATTRIBUTE: record.revision,
        REASON_ATTRIBUTE: ready.reason if ready is not None else reason,
    }
    return {name: value for name, value in values.items() if value}
