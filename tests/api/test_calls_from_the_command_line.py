"""``trunkline calls list|show|transcript|export``: what people and scripts read of calls."""

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.context import SlotEdit
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.records import CallCost, CallRecord, RouteTaken

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = ("call_1_a", "call_1_b")


@pytest.fixture
async def two_calls(store: PostgresStore, project: str) -> None:
    """One call that is over and one that goes on."""
    over = CallRecord(
        id=NAMES[0],
        project=project,
        environment="production",
        agent="front-desk",
        version=7,
        state="completed",
        number="main-line",
        from_number="+15005550009",
        to_number="+15005550006",
        route=RouteTaken(line=0, words="office hours: front-desk"),
        started_at=NOON,
        answered_at=NOON,
        ended_at=NOON + timedelta(seconds=150),
        ended_by="caller",
        cost=CallCost(carrier_usd=0.042, platform_usd=0.25, source="by these rates"),
        context={"mood": "calm", "offer": "ten percent", "queue": "3rd"},
    )
    live = {"id": NAMES[1], "state": "in-progress", "ended_at": None, "ended_by": None}
    await store.open_call(over)
    edits = [SlotEdit(slot="offer", value=None), SlotEdit(slot="queue", value="1st")]
    added = SlotEdit(slot="time", value="soon", expires_at=NOON)
    await store.edit_slots(project, over.id, [*edits, added], by="ada@example.com", now=NOON)
    await store.open_call(over.model_copy(update={**live, "started_at": NOON + timedelta(hours=1)}))
    await store.add_call_events(
        project,
        over.id,
        [
            NewEvent(name="agent_response", at=NOON, data={"text": "Hello \x1b[2J", "atMs": 0}),
            NewEvent(name="user_transcript", at=NOON, data={"text": "A table", "atMs": 61_000}),
        ],
    )


@pytest.mark.slow
@pytest.mark.usefixtures("two_calls")
async def test_calls_are_listed_and_shown(command: Command) -> None:
    code, out, err = await command("calls", "list", "-o", "wide")
    assert (code, err) == (0, "")
    header, live, over = out.splitlines()
    assert header.split()[:3] == ["ID", "AGENT", "ENV"]
    assert (live.split()[0], "in-progress" in live) == ("call_1_b", True)
    assert ("150 s" in over, "0.292 USD" in over) == (True, True)
    code, out, _ = await command("calls", "list", "--over", "--version", "7", "-o", "name")
    assert (code, out) == (0, "call_1_a\n")
    code, out, err = await command("calls", "list", "--agent", "nobody")
    assert (code, out, err[:14]) == (0, "", "No call is rem")
    code, out, _ = await command("calls", "list", "-o", "json")
    assert json.loads(out)["kind"] == "CallList"
    code, out, _ = await command("calls", "show", "call_1_a")
    assert code == 0
    assert "Route:           office hours: front-desk" in out
    _, _, context = out.partition("Context:")
    assert [line.strip() for line in context.splitlines()[:4]] == [
        "mood=calm",
        "offer=(removed), at first ten percent",
        "queue=1st, at first 3rd",
        "time=soon, until 2026-03-02 12:00 UTC, added later",
    ]
    assert "  [01:01] caller: A table" in out.splitlines()
    assert "\x1b[2J" not in out
    code, out, _ = await command("calls", "show", "call_1_b", "-o", "json")
    assert json.loads(out)["transcript"] == []
    assert json.loads(out)["slots"] == []
    code, _, err = await command("calls", "show", "call_1_z")
    assert (code, "has no call call_1_z" in err) == (1, True)


@pytest.mark.slow
@pytest.mark.usefixtures("two_calls")
async def test_transcripts_and_exports_go_to_scripts(command: Command, tmp_path: Path) -> None:
    code, out, _ = await command("calls", "transcript", "call_1_a", "-o", "json")
    assert (code, [turn["text"] for turn in json.loads(out)["turns"]][1]) == (0, "A table")
    code, _, err = await command("calls", "export")
    assert (code, "call.export needs the role admin" in err) == (1, True)
    code, out, err = await command("calls", "export", "--over", who="admin")
    assert (code, err) == (0, "1 calls exported\n")
    (line,) = out.splitlines()
    assert json.loads(line)["transcript"][0]["speaker"] == "agent"
    file = tmp_path / "calls.ndjson"
    code, out, _ = await command("calls", "export", str(file), "--no-transcripts", who="admin")
    assert (code, out) == (0, "")
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [*NAMES[::-1]]
