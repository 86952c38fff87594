"""What ElevenLabs keeps of a conversation and does not say while it goes on: its variables."""

import asyncio
from urllib.parse import quote

from pydantic import Field

from trunkline.adapters.elevenlabs.answers import Answered
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.deleting import CONVERSATIONS, LIVE
from trunkline.model.base import Json
from trunkline.model.testing.limits import TALK_RECORD_LOOKS, TALK_RECORD_POLL_S

HIDDEN_PREFIXES = ("secret__", "system__")
"""Variables that are nobody's result: secrets, and the platform's own."""


class Update(Answered):
    """A tool's answer has set a variable."""

    variable_name: str
    new_value: Json = None


class ToolResult(Answered):
    """A tool has answered."""

    dynamic_variable_updates: tuple[Update, ...] = ()


class TranscriptLine(Answered):
    """One line of the platform's own transcript."""

    tool_results: tuple[ToolResult, ...] | None = None


class InitiationData(Answered):
    """What the conversation began with."""

    dynamic_variables: dict[str, Json] = Field(default_factory=dict)


class ConversationRecord(Answered):
    """A conversation as it is kept."""

    status: str
    transcript: tuple[TranscriptLine, ...] = ()
    conversation_initiation_client_data: InitiationData | None = None

    def variables(self) -> dict[str, Json]:
        """The variables at the end: those it began with, and what tools made of them."""
        begun = self.conversation_initiation_client_data
        values = dict(begun.dynamic_variables) if begun is not None else {}
        for line in self.transcript:
            for result in line.tool_results or ():
                for update in result.dynamic_variable_updates:
                    values[update.variable_name] = update.new_value
        return {
            name: value for name, value in values.items() if not name.startswith(HIDDEN_PREFIXES)
        }


async def variables_of(client: ElevenLabsClient, conversation_id: str) -> dict[str, Json] | None:
    """The variables a conversation ended with; None if it is not kept as ended in time."""
    path = f"{CONVERSATIONS}/{quote(conversation_id, safe='')}"
    for _ in range(TALK_RECORD_LOOKS):
        record = await client.read(ConversationRecord.model_validate, path)
        if record.status not in LIVE:
            return record.variables()
        await asyncio.sleep(TALK_RECORD_POLL_S)
    return None
