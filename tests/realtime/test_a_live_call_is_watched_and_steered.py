"""Through everything a call passes on its way: people watch it, hear it, and change what the agent
says next.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.realtime.houses import GREETING, PROJECT, SUPPORT_EMAIL, Houses
from trunkline.services.access import AccessService

QUESTION, SECOND_QUESTION = "What is your support email?", "How long is the waiting time?"
ADA, BOB = "ada@example.com", "bob@example.com"


class Watcher:
    """Somebody at a WebSocket; ``told`` is what came, heart-beats left out."""

    def __init__(self, socket: ClientConnection) -> None:
        self.told: list[dict[str, Any]] = []
        self.sound = bytearray()
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(socket))

    async def until(self, name: str, words: str = "") -> dict[str, Any]:
        """The first message of that name with these words in it."""
        async with asyncio.timeout(60):
            while True:
                for message in self.told:
                    if message["type"] == name and words in str(message.get("data", "")):
                        return message
                self._news.clear()
                await self._news.wait()

    async def end(self) -> None:
        """Everything has come."""
        await asyncio.wait_for(self._reading, 60)

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in socket:
                if isinstance(message, bytes):
                    self.sound += message[1:]
                elif (document := json.loads(message))["type"] != "heartbeat":
                    self.told.append(document)
                self._news.set()


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_context_changed_in_a_call_is_used_in_the_next_answer(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        access = AccessService(house.store)
        secrets = {name: (await access.issue(name, "operator")).secret for name in (ADA, BOB)}
        sid = await house.call(
            *(
                {"wait_for": "signal", "timeout_ms": 600_000, "say": words}
                for words in (QUESTION, SECOND_QUESTION, QUESTION)
            )
        )
        record = await house.record(sid, lambda record: bool(record.conversation_id))
        place = f"127.0.0.1:{house.server.port}/v1/projects/{PROJECT}"
        headers = {name: {"Authorization": f"Bearer {secrets[name]}"} for name in secrets}

        async def asks() -> None:
            await house.twilio(f"calls/{sid}", {"do": "signal"})

        async def change(who: str, slot: str, value: str | None) -> dict[str, Any]:
            body = {"set": {slot: {"value": value}}} if value else {"remove": [slot]}
            async with httpx.AsyncClient(headers=headers[who], timeout=60) as client:
                answer = await client.patch(
                    f"http://{place}/calls/{record.id}/context?wait=10", json=body
                )
                return {slot["slot"]: slot for slot in answer.raise_for_status().json()["slots"]}

        async with (
            connect(
                f"ws://{place}/events?call={record.id}", additional_headers=headers[ADA]
            ) as events,
            connect(
                f"ws://{place}/calls/{record.id}/listen", additional_headers=headers[BOB]
            ) as sound,
        ):
            watching, listening = Watcher(events), Watcher(sound)
            await watching.until("agent_response", GREETING)
            told = await change(ADA, "support_email", "first@example.com")
            assert told["support_email"]["givenAt"] is not None
            assert told["support_email"]["revision"] > 1, "the manifest named it first"
            both = await asyncio.gather(
                change(ADA, "support_email", "help@example.com"),
                change(BOB, "waiting_time", "about ten minutes"),
            )
            assert all(slot["givenAt"] for slots in both for slot in slots.values())
            await asks()
            answer = await watching.until("agent_response", "help@example.com")
            assert "first@example.com" not in answer["data"]["text"], "the former is superseded"
            assert SUPPORT_EMAIL not in answer["data"]["text"], "and so is what the prompt says"
            await asks()
            await watching.until("agent_response", "about ten minutes")
            told = await change(ADA, "support_email", None)
            assert told["support_email"]["givenAt"] is not None
            await asks()
            await watching.until("agent_response", "I do not know that")
            async with httpx.AsyncClient(headers=headers[BOB], timeout=60) as client:
                hangup = f"http://{place}/calls/{record.id}/hangup?wait=10"
                assert (await client.post(hangup)).json()["state"] == "done"
            await listening.end()
            await watching.until("connection_closed")
        record = await house.record(sid, lambda record: record.is_over)

    assert record.ended_by == "operator"
    names = [message["type"] for message in watching.told]
    assert names[:2] == ["stream_begun", "conversation_started"]
    assert names[-1] == "connection_closed"
    seqs = [message["seq"] for message in watching.told[1:]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert listening.told[-1]["type"] == "call_ended"
    assert len(listening.sound) > 8_000, "more than a second of both sides"
