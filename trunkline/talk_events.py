"""What happens in a conversation, on its way from whoever hears it to whoever follows it.

Bounded: who follows too slowly holds up the line it comes from and loses nothing. Every kind of
line hands its events on like this, whatever it hears them by.
"""

import asyncio
from collections.abc import AsyncIterator

from trunkline.model.errors import PlatformError
from trunkline.model.testing.limits import TALK_EVENTS_MAX
from trunkline.model.testing.talk import Ended, TalkEvent


class TalkEvents:
    """The events of one conversation, followed once."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[TalkEvent | PlatformError] = asyncio.Queue(TALK_EVENTS_MAX)

    async def put(self, event: TalkEvent | PlatformError) -> None:
        """Hand an event on, or the error that is the end; waits while too many wait."""
        await self._waiting.put(event)

    async def followed(self) -> AsyncIterator[TalkEvent]:
        """What happens, up to ``Ended``. Raises ConversationRefused, ConversationLost instead."""
        while True:
            event = await self._waiting.get()
            if isinstance(event, PlatformError):
                raise event
            yield event
            if isinstance(event, Ended):
                return
