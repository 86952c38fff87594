"""What people tell a call that is going on; the process that carries the call carries it out.

A command is a row before anybody is told of it, so a process that was away finds it, and whoever
asked can see what became of it.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject

ENDED_FIRST: Final = "the call ended first"
"""What became of a command that came too late."""
CommandKind = Literal["hangup", "transfer", "context", "note"]
"""``context``: look at the slots; ``note``: tell the agent this once."""


class CallCommand(Frozen):
    """One command. ``body``: of ``transfer`` {to, summary, sentence, and note: what whoever asked
    should know}, of ``note`` {text}. ``done_at`` and ``failure`` (in words, "" if it went well) say
    what became of it.
    """

    id: int = 0
    project: str
    call: str
    kind: CommandKind
    body: JsonObject = Field(default_factory=dict)
    asked_by: str
    asked_at: datetime
    done_at: datetime | None = None
    failure: str = ""
