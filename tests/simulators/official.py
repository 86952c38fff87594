"""The vendor's own client of conversations.

Its module names a class of an older protocol library, which warns when it is imported; nothing else
of it does. Most of it has no types, so what is called here has none either.
"""

from __future__ import annotations

import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from elevenlabs.conversational_ai import conversation
    from elevenlabs.conversational_ai.conversation import (
        AudioEventAlignment,
        AudioInterface,
        ClientTools,
        ConversationInitiationData,
        DisconnectionDetails,
    )

AsyncConversation: Any = conversation.AsyncConversation
Conversation: Any = conversation.Conversation

__all__ = [
    "AsyncConversation",
    "AudioEventAlignment",
    "AudioInterface",
    "ClientTools",
    "Conversation",
    "ConversationInitiationData",
    "DisconnectionDetails",
]
