"""Conversations as the list shows them; they are put there by the control plane.

Nothing is said in them here: whoever asks only learns which agent had a call, when, and whether it
has ended.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulators.elevenlabs.calls import PAGE_SIZE, TEXT, Call, Endpoint
from simulators.elevenlabs.workspace import Workspace
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/conversations"
SECONDS: Json = {"kind": "integer", "nullable": True}


class ConversationRequest(BaseModel):
    """Body of ``POST /_sim/conversations``: a call of an agent that began so many seconds ago.

    With ``conversation_id`` it stands in for a call that is there.
    """

    model_config = ConfigDict(extra="forbid")

    conversation_id: str | None = None
    agent_id: str
    status: Literal["initiated", "in-progress", "processing", "done", "failed"] = "done"
    seconds_ago: int = 0


class Conversations:
    """The conversations of one account, newest first."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def endpoints(self) -> list[Endpoint]:
        """Routes of conversations."""
        listing = {
            "agent_id": TEXT,
            "call_start_after_unix": SECONDS,
            "call_start_before_unix": SECONDS,
            "page_size": PAGE_SIZE,
            "cursor": TEXT,
        }
        return [Endpoint("GET", PREFIX, self.listed, query=listing)]

    def add(self, request: ConversationRequest) -> str:
        """A conversation; answers its id."""
        known_id = request.conversation_id
        conversation_id = known_id or self._space.identifiers.elevenlabs("conv")
        self._space.conversations.put(
            conversation_id,
            {
                "conversation_id": conversation_id,
                "agent_id": request.agent_id,
                "status": request.status,
                "start_time_unix_secs": self._space.now() - request.seconds_ago,
            },
        )
        return conversation_id

    def listed(self, call: Call) -> Answer:
        """One page of conversations; the cursor is the last one shown."""
        after = call.query["call_start_after_unix"]
        before = call.query["call_start_before_unix"]
        found = sorted(
            (
                one
                for one in self._space.conversations
                if call.query["agent_id"] in (None, one["agent_id"])
                and (after is None or one["start_time_unix_secs"] >= after)
                and (before is None or one["start_time_unix_secs"] <= before)
            ),
            key=lambda one: (-one["start_time_unix_secs"], one["conversation_id"]),
        )
        shown = [one["conversation_id"] for one in found]
        cursor = call.query["cursor"]
        start = shown.index(cursor) + 1 if cursor in shown else 0
        page = found[start : start + call.query["page_size"]]
        more = start + len(page) < len(found)
        return json_answer(
            {
                "conversations": [_body(one) for one in page],
                "next_cursor": page[-1]["conversation_id"] if more else None,
                "has_more": more,
            }
        )


def _body(conversation: Json) -> Json:
    return {
        **conversation,
        "call_duration_secs": 0,
        "message_count": 0,
        "call_successful": "unknown",
        "direction": None,
    }
