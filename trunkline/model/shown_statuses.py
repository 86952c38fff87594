"""Statuses as people see them: what was written of each, and what is laid over it when it is read.

The three are read together, because a list without what people decided, or with promotions of a
moment later, would tell of a state that never was.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from trunkline.model.decided_status import decided_status
from trunkline.model.interventions import Intervention
from trunkline.model.promotions.gates import PromotionGate, gated_status
from trunkline.model.records import StatusRow


@dataclass(frozen=True, slots=True)
class StoredStatuses:
    """Some rows in the order they are asked for, every decision in force where they are, and the
    newest promotion of these agents into each environment.
    """

    rows: tuple[StatusRow, ...]
    decided: tuple[Intervention, ...] = ()
    gates: tuple[PromotionGate, ...] = ()


def shown_statuses(stored: StoredStatuses, now: datetime) -> tuple[StatusRow, ...]:
    """The rows with decisions of people and the GATE column."""
    rows = stored.rows
    if stored.decided:
        rows = tuple(decided_status(row, stored.decided) for row in rows)
    if not stored.gates:
        return rows
    gates = defaultdict[str, list[PromotionGate]](list)
    for gate in stored.gates:
        gates[gate.agent].append(gate)
    return tuple(gated_status(row, gates[row.name], now) for row in rows)
