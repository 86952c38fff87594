"""``trunkline calls`` steers, watches and hears a call that goes on."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live.happenings import new
from trunkline.adapters.postgres import PostgresStore
from trunkline.cli.call_sound import SideBySide
from trunkline.model.calls.recordings import SILENCE
from trunkline.model.calls.records import CallRecord

NewCall = Callable[..., Awaitable[CallRecord]]
HEADER_BYTES = 58


@pytest.fixture
async def obeyed(store: PostgresStore, call: CallRecord) -> AsyncIterator[None]:
    """The carrying process, as far as rows show it: it says that it is there, and does what it is
    told.
    """

    async def obey() -> None:
        while True:
            await store.hold_call("acme", call.id, "bridge-1")
            for command in await store.open_commands("acme", call.id):
                now = datetime.now(UTC)
                slots = await store.slots("acme", call.id)
                given = {slot.slot: slot.revision for slot in slots}
                await store.slots_given("acme", call.id, given, now)
                refused = "no answer" if command.kind == "transfer" else ""
                await store.conclude_command(command.id, now, refused)
            await asyncio.sleep(0.05)

    obeying = asyncio.create_task(obey())
    yield
    obeying.cancel()
    await asyncio.gather(obeying, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.usefixtures("obeyed")
async def test_context_is_changed_and_shown(server: Any, call: CallRecord) -> None:
    code, out, err = await server.command(
        *("calls", "context", call.id, "offer=ten percent", "queue=3rd", "--expires-in", "5m"),
        *("-o", "json"),
    )
    assert code == 0, err
    slots = {slot["slot"]: slot for slot in json.loads(out)["items"]}
    assert slots["offer"]["value"] == "ten percent"
    assert slots["queue"]["expiresAt"] is not None
    assert slots["queue"]["givenAt"] is not None
    code, out, _ = await server.command("calls", "context", call.id, "--remove", "offer")
    assert code == 0
    assert b"queue" in out


@pytest.mark.slow
async def test_an_agent_that_was_not_told_in_time_is_a_time_out(
    server: Any, call: CallRecord, store: PostgresStore
) -> None:
    code, _, err = await server.command("calls", "note", call.id, "hello", who="viewer")
    assert code == 1
    assert "operator" in err
    await store.release_call("acme", call.id, "bridge-1")
    code, _, err = await server.command("calls", "hangup", call.id)
    assert code == 4
    assert "No process carries" in err


@pytest.mark.slow
@pytest.mark.usefixtures("obeyed")
async def test_what_was_asked_for_ends_as_it_was_carried_out(server: Any, call: CallRecord) -> None:
    code, out, _ = await server.command("calls", "note", call.id, "A wholesale customer")
    assert (code, out) == (0, f"note {call.id}: done\n".encode())
    code, out, _ = await server.command(
        *("calls", "transfer", call.id, "--to", "+15005550009", "--summary", "In a hurry")
    )
    assert (code, out) == (1, f"transfer {call.id}: failed no answer\n".encode())


@pytest.mark.slow
async def test_a_call_is_watched_from_its_beginning_to_its_end(
    server: Any, call: CallRecord, store: PostgresStore
) -> None:
    await store.add_call_events(
        "acme", call.id, [new("conversation_started", version=3), new("audio", ms=10)]
    )
    watching = asyncio.create_task(server.command("calls", "watch", call.id, who="viewer"))
    rest = [
        new("user_transcript", text="Is it\x1b[31m open?"),
        new("agent_response", text="Until five."),
        new("interruption", heardMs=1200),
        new("agent_response_correction", original="Until five.", corrected="Until"),
        new("tool_call", tool="book_slot", phase="done", isError=True),
        new("connection_closed", by="caller"),
    ]
    for event in rest:
        await store.add_call_events("acme", call.id, [event])
    code, out, err = await watching
    assert code == 0, err
    assert [line[9:] for line in out.decode().splitlines()] == [
        "-- begun with front-desk v3",
        "caller: Is it[31m open?",
        "agent: Until five.",
        "-- the caller interrupts after 1.2 s",
        "agent, as heard: Until",
        "tool: book_slot failed",
        "-- ended by caller",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("obeyed")
@pytest.mark.parametrize("target", ["file", "-"])
async def test_a_call_is_written_as_sound_while_it_is_spoken(
    server: Any, call: CallRecord, store: PostgresStore, until: Any, tmp_path: Path, target: str
) -> None:
    wav = str(tmp_path / "call.wav") if target == "file" else "-"
    listening = asyncio.create_task(server.command("calls", "listen", call.id, "--wav", wav))

    async def heard() -> bool | None:
        return server.hub.is_heard(call.id) or None

    assert await until(heard)
    await server.hub.tell_sound(call.id, "agent", b"\x11" * 400)
    await server.hub.tell_sound(call.id, "caller", b"\x22" * 1_600)
    await store.add_call_events("acme", call.id, [new("connection_closed", by="caller")])
    code, out, err = await listening
    assert code == 0, err
    content = (tmp_path / "call.wav").read_bytes() if target == "file" else out
    assert content[:4] == b"RIFF"
    form, tracks, rate = struct.unpack("<HHI", content[20:28])
    assert (form, tracks, rate) == (7, 2, 8_000)
    sound = content[HEADER_BYTES:]
    assert sound[0::2] == b"\x22" * 1_600
    assert sound[1::2] == b"\x11" * 400 + SILENCE * 1_200
    said = struct.unpack("<I", content[HEADER_BYTES - 4 : HEADER_BYTES])[0]
    assert said == len(sound) if target == "file" else said > 2**31


def test_an_agent_that_talks_ahead_waits_for_its_turn() -> None:
    both = SideBySide()
    assert both.hear("agent", b"\x01" * 300) == b""
    assert both.hear("caller", b"\x02" * 160) == b"\x02\x01" * 160
    assert both.hear("caller", b"\x02" * 160) == b"\x02\x01" * 140 + (b"\x02" + SILENCE) * 20
    both.hear("agent", b"\x03" * 5)
    assert both.rest() == (SILENCE + b"\x03") * 5
    assert both.samples == 325
