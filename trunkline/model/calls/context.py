"""Context of a call in named slots: what the agent is told beside what is said.

A slot is set, replaced or taken away, and can run out by itself. Two people who change two slots at
once both win; of one slot the later change does, unless it named what it expected to replace.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from trunkline.model.base import Frozen
from trunkline.model.limits import CONTEXT_VALUE_MAX_CHARACTERS

SLOT_PATTERN = r"^[a-zA-Z][a-zA-Z0-9_-]{0,62}$"
SlotName = Annotated[str, StringConstraints(pattern=SLOT_PATTERN)]


class ContextSlot(Frozen):
    """What one slot of one call holds. ``revision`` goes up by one with each change of the slot;
    ``value`` None: it was taken away. ``given_at`` is when the agent was told, None before.
    """

    slot: SlotName
    value: str | None
    revision: int = Field(ge=1)
    set_by: str
    set_at: datetime
    expires_at: datetime | None = None
    given_at: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        """True if the agent is meant to know it now."""
        return self.value is not None and (self.expires_at is None or now < self.expires_at)


class SlotEdit(Frozen):
    """A wish for one slot: a value, or None to take it away. ``replaces`` is the revision that is
    expected (0: none yet); None asks for no check.
    """

    slot: SlotName
    value: Annotated[str, Field(max_length=CONTEXT_VALUE_MAX_CHARACTERS)] | None = None
    expires_at: datetime | None = None
    replaces: int | None = None
