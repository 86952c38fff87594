"""Conditions: what is true of a thing right now, in words that do not change by themselves.

A condition is a pure function of meaning, without a timestamp, so that an equal state is an equal
value and events are written on transitions only. Negative conditions are absent when false.
"""

from collections.abc import Iterable
from typing import Literal

from trunkline.model.base import Frozen

ConditionType = Literal["Ready", "Reconciling", "Stalled", "Drifted"]
ConditionStatus = Literal["True", "False", "Unknown"]
SyncWord = Literal["Synced", "OutOfSync", "Unknown"]
HealthWord = Literal["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]


class Condition(Frozen):
    """One condition; ``reason`` is PascalCase and stable, ``message`` is for people."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str = ""


Conditions = tuple[Condition, ...]


def find(conditions: Iterable[Condition], kind: ConditionType) -> Condition | None:
    """The condition of that type, if present."""
    return next((condition for condition in conditions if condition.type == kind), None)
