"""What happens in a call, as whoever carries it tells of it."""

from datetime import UTC, datetime
from typing import Any

from trunkline.model.calls.events import NewEvent


def new(name: Any, **data: Any) -> NewEvent:
    """Something that happened now."""
    return NewEvent(name=name, at=datetime.now(UTC), data=data)


def said(text: str) -> NewEvent:
    """The agent said something."""
    return new("agent_response", text=text)
