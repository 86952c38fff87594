"""People steer a call that goes on: what the agent is told, and what becomes of a command."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.realtime.callers import line
from tests.realtime.conftest import ACCOUNT, PROJECT, SID, SIGNATURE, TICKET
from tests.realtime.houses import until
from trunkline.model.calls.commands import CallCommand, CommandKind
from trunkline.model.calls.context import SlotEdit

if TYPE_CHECKING:
    from tests.conversing.platform_side import Platform, Side
    from tests.realtime.conftest import Server

PERSON = "ada@example.com"


class Listener:
    """An agent that writes down what it is told and says nothing."""

    def __init__(self, platform: Platform) -> None:
        self.told: list[dict[str, Any]] = []
        self.begun = asyncio.Event()
        platform.part = self.part

    async def part(self, side: Side) -> None:
        """Begin and listen."""
        await side.begin("ulaw_8000", "ulaw_8000")
        side.heard = self.told
        self.begun.set()
        await side.hear("nothing that is ever said")

    async def void(self) -> list[str]:
        """Slots that were said to hold no longer, in order."""
        return [
            str(slot)
            for slot, text in await self.updates(0)
            if "in your instructions too: it no longer holds" in text
            and text.endswith(f"{slot}: none")
        ]

    async def updates(self, count: int) -> list[tuple[str | None, str]]:
        """Contextual updates by slot, once there are so many."""

        async def found() -> list[tuple[str | None, str]]:
            return [
                (one.get("context_id"), one["text"])
                for one in self.told
                if one["type"] == "contextual_update"
            ]

        return await until(found, lambda updates: len(updates) >= count)


async def asked(server: Server, kind: CommandKind, **body: str) -> CallCommand:
    """A command once something became of it."""
    command = await server.store.put_command(
        CallCommand(
            project=PROJECT,
            call=server.records[-1].id,
            kind=kind,
            body=dict(body),
            asked_by=PERSON,
            asked_at=datetime.now(UTC),
        )
    )
    done = await until(
        lambda: server.store.command(PROJECT, command.id),
        lambda found: found is not None and found.done_at is not None,
    )
    assert done is not None
    return done


async def edit(server: Server, *edits: SlotEdit, by: str = PERSON) -> None:
    """Change slots, and say that there is something to look at."""
    call = server.records[-1].id
    await server.store.edit_slots(PROJECT, call, edits, by=by, now=datetime.now(UTC))
    await asked(server, "context")


def replaced(slot: str, value: str) -> tuple[str, str]:
    """An update that says that it takes the place of what was said of a slot, and where."""
    told = f"Forget whatever you were told of {slot} before, in your instructions too"
    return (slot, f"{told}, and go by this alone:\n\n{slot}: {value}")


async def test_slots_are_told_at_the_start_and_later_changes_take_their_place(
    server: Server, platform: Platform
) -> None:
    agent = Listener(platform)
    async with server.called(context={"business_hours": "9-18"}) as caller:
        assert await agent.updates(1) == [("business_hours", "business_hours: 9-18")]
        await edit(server, SlotEdit(slot="business_hours", value="10-12"))
        await edit(server, SlotEdit(slot="business_hours", value="9-18"))
        await edit(server, SlotEdit(slot="name", value="Ada"), SlotEdit(slot="vip", value="yes"))
        updates = await agent.updates(5)
        assert updates[1:3] == [
            replaced("business_hours", "10-12"),
            replaced("business_hours", "9-18"),
        ]
        assert sorted(updates[3:]) == [replaced("name", "Ada"), replaced("vip", "yes")]
        given = await until(
            lambda: server.store.slots(PROJECT, server.records[-1].id),
            lambda slots: all(slot.given_at is not None for slot in slots),
        )
        assert {slot.slot: slot.revision for slot in given} == {
            "business_hours": 3,
            "name": 1,
            "vip": 1,
        }
        await caller.stop()
        await server.until(lambda record: record.is_over)


async def test_a_slot_that_runs_out_or_is_taken_away_is_said_to_be_void(
    server: Server, platform: Platform
) -> None:
    agent = Listener(platform)
    async with server.called(context={"business_hours": "9-18"}) as caller:
        await asyncio.wait_for(agent.begun.wait(), 60)
        offer = SlotEdit(slot="offer", value="ten percent off")
        await edit(server, offer, SlotEdit(slot="name", value="Ada"))
        await agent.updates(3)
        soon = datetime.now(UTC) + timedelta(seconds=0.6)
        await edit(server, offer.model_copy(update={"expires_at": soon}))
        await until(agent.void, lambda void: void == ["offer"])
        await edit(
            server, SlotEdit(slot="name", value=None), SlotEdit(slot="business_hours", value=None)
        )
        await edit(server, SlotEdit(slot="offer", value=None))
        await until(
            lambda: server.store.slots(PROJECT, server.records[-1].id),
            lambda slots: all(slot.given_at is not None for slot in slots),
        )
        await caller.stop()
        await server.until(lambda record: record.is_over)
    void = await agent.void()
    assert sorted(void) == ["business_hours", "name", "offer"], "nothing is said to be void twice"


async def test_what_was_taken_away_while_it_rang_is_said_to_be_void(
    server: Server, platform: Platform
) -> None:
    agent = Listener(platform)
    record = await server.opened(context={"business_hours": "9-18"})
    edits = [SlotEdit(slot="business_hours"), SlotEdit(slot="offer")]
    await server.store.edit_slots(PROJECT, record.id, edits, by=PERSON, now=datetime.now(UTC))
    async with line(server.url, SIGNATURE) as caller:
        await caller.begin(record.id, ACCOUNT, SID, TICKET)
        [(slot, text)] = await agent.updates(1)
        await until(
            lambda: server.store.slots(PROJECT, record.id),
            lambda slots: all(slot.given_at is not None for slot in slots),
        )
        assert len(await agent.updates(1)) == 1, "nobody ever heard of the offer"
        await caller.stop()
        await server.until(lambda record: record.is_over)
    assert (slot, text.endswith("business_hours: none")) == ("business_hours", True)


async def test_a_note_is_told_once(server: Server, platform: Platform) -> None:
    agent = Listener(platform)
    async with server.called() as caller:
        await asyncio.wait_for(agent.begun.wait(), 60)
        done = await asked(server, "note", text="The caller is an old customer.")
        await asked(server, "context")
        assert await agent.updates(1) == [(None, "The caller is an old customer.")]
        await caller.stop()
        await server.until(lambda record: record.is_over)
    assert done.failure == ""


async def test_an_operator_hangs_up(server: Server, platform: Platform) -> None:
    agent = Listener(platform)
    async with server.called() as caller:
        await asyncio.wait_for(agent.begun.wait(), 60)
        done = await asked(server, "hangup")
        await asyncio.wait_for(caller.closed.wait(), 60)
    assert done.failure == ""
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.message) == ("operator", f"{PERSON} hung up")
    [closed] = [one for one in await server.events() if one.name == "connection_closed"]
    assert closed.data["by"] == "operator"


async def test_keys_the_caller_presses_reach_the_agent(server: Server, platform: Platform) -> None:
    agent = Listener(platform)
    async with server.called() as caller:
        await asyncio.wait_for(agent.begun.wait(), 60)
        await caller.say(
            event="dtmf", streamSid="MZ1", dtmf={"track": "inbound_track", "digit": "5"}
        )
        assert await agent.updates(1) == [(None, "The caller pressed the key 5.")]
        await caller.stop()
        await server.until(lambda record: record.is_over)
