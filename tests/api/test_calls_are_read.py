"""Calls as people read them: pages, one call, its transcript, its recording, an export."""

import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.events import EventName, NewEvent
from trunkline.model.calls.records import CallCost, CallRecord

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAV_HEADER_BYTES = 58


def call(project: str, name: str, **more: object) -> CallRecord:
    """A call of two and a half minutes."""
    return CallRecord.model_validate(
        {
            "id": name,
            "project": project,
            "environment": "production",
            "agent": "front-desk",
            "version": 7,
            "state": "completed",
            "started_at": NOON,
            "answered_at": NOON + timedelta(seconds=2),
            "ended_at": NOON + timedelta(seconds=152),
            "ended_by": "caller",
            **more,
        }
    )


def event(name: EventName, second: float, **data: object) -> NewEvent:
    """Something that happened so many seconds after the start."""
    return NewEvent.model_validate(
        {"name": name, "at": NOON + timedelta(seconds=second), "data": data}
    )


@pytest.fixture
async def talked(store: PostgresStore, project: str) -> str:
    """A call with an agent that was interrupted."""
    record = call(project, "call_1_talked", cost=CallCost(carrier_usd=0.03, platform_usd=0.25))
    await store.open_call(record)
    await store.add_call_events(
        project,
        record.id,
        [
            event("conversation_started", 2, conversationId="conv_1"),
            event("agent_response", 3, text="Good morning, this is a long sentence"),
            event("interruption", 5, heardMs=1800),
            event("agent_response_correction", 5, original="x", corrected="Good morning, this"),
            event("user_transcript", 6, text="A table\nfor two"),
            event("tool_call", 8, tool="book_slot", phase="begun"),
            event("tool_call", 9, tool="book_slot", phase="done", isError=True),
        ],
    )
    return record.id


@pytest.mark.usefixtures("talked")
async def test_calls_are_found_page_by_page(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    for minute in range(1, 4):
        later = {"started_at": NOON + timedelta(minutes=minute), "state": "in-progress"}
        await store.open_call(call(project, f"call_1_{minute}", **later, ended_at=None))
    page = (await viewer.get("calls", params={"limit": 3})).json()
    assert [each["id"] for each in page["items"]] == ["call_1_3", "call_1_2", "call_1_1"]
    rest = (await viewer.get("calls", params={"cursor": page["nextCursor"]})).json()
    assert [each["id"] for each in rest["items"]] == ["call_1_talked"]
    assert rest["nextCursor"] is None
    questions: tuple[tuple[dict[str, str | int], int], ...] = (
        ({"active": "true"}, 3),
        ({"active": "false", "version": 7}, 1),
        ({"agent": "sales"}, 0),
        ({"since": (NOON + timedelta(minutes=2)).isoformat()}, 2),
        ({"until": (NOON + timedelta(minutes=2)).isoformat(), "state": "in-progress"}, 1),
    )
    for asked, count in questions:
        found = (await viewer.get("calls", params=asked)).json()["items"]
        assert len(found) == count, asked
    foreign = await viewer.get("calls", params={"cursor": "bm9uZQ"})
    assert foreign.status_code == 400
    assert (await viewer.get("calls", params={"since": "2026-03-02T09:00:00"})).status_code == 422


async def test_one_call_says_how_it_went(viewer: httpx.AsyncClient, talked: str) -> None:
    answer = await viewer.get(f"calls/{talked}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["durationS"], found["outcome"], found["cost"]["totalUsd"]) == (
        150,
        "talked",
        0.28,
    )
    assert not {"ticketDigest", "placing", "carrierSequence", "project"} & found.keys()
    again = await viewer.get(f"calls/{talked}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert (await viewer.get("calls/call_1_unknown")).status_code == 404


async def test_a_transcript_says_what_was_heard(viewer: httpx.AsyncClient, talked: str) -> None:
    found = (await viewer.get(f"calls/{talked}/transcript")).json()
    agent, caller, tool = found["turns"]
    assert (agent["text"], agent["interrupted"]) == ("Good morning, this", True)
    assert (agent["meant"], agent["heardMs"]) == ("Good morning, this is a long sentence", 1800)
    assert (caller["speaker"], caller["atMs"]) == ("caller", 4000)
    assert (tool["text"], tool["isError"]) == ("book_slot", True)
    plain = await viewer.get(f"calls/{talked}/transcript", headers={"Accept": "text/plain"})
    assert plain.headers["Content-Type"].startswith("text/plain")
    assert plain.text.splitlines() == [
        "[00:01] agent: Good morning, this [interrupted]",
        "[00:04] caller: A table for two",
        "[00:07] tool: book_slot failed",
    ]


async def test_what_was_forgotten_is_not_there(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, talked: str
) -> None:
    now = datetime.now(UTC)
    await store.forget_calls(project, transcripts_before=now, recordings_before=now, limit=10)
    answer = await viewer.get(f"calls/{talked}/transcript")
    assert answer.status_code == 404
    assert "kept no longer" in answer.json()["detail"]
    assert (await viewer.get(f"calls/{talked}")).status_code == 200


async def test_a_recording_has_both_tracks_side_by_side(
    operator: httpx.AsyncClient,
    viewer: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    talked: str,
) -> None:
    for part in range(3):
        await store.add_recording(project, talked, part, bytes([part]) * 400, b"\x80" * 400)
    assert (await viewer.get(f"calls/{talked}/recording")).status_code == 403
    answer = await operator.get(f"calls/{talked}/recording")
    assert answer.status_code == 200, answer.text
    content = answer.content
    assert len(content) == int(answer.headers["Content-Length"]) == WAV_HEADER_BYTES + 2400
    header = io.BytesIO(content)
    assert (header.read(4), header.read(8)[4:]) == (b"RIFF", b"WAVE")
    audio = content[WAV_HEADER_BYTES:]
    assert audio[0::2] == b"\0" * 400 + b"\1" * 400 + b"\2" * 400
    assert set(audio[1::2]) == {0x80}
    audit = await store.audit(project=project, action="call.listen", limit=10)
    assert [each.subject for each in audit] == [talked]


async def test_a_player_hears_the_part_of_a_recording_it_asks_for(
    operator: httpx.AsyncClient, store: PostgresStore, project: str, talked: str
) -> None:
    for number in range(3):
        sound = bytes([number]) * 400
        await store.add_recording(project, talked, number, sound, b"\x80" * 400)
    path = f"calls/{talked}/recording"
    head = await operator.head(path)
    assert (head.status_code, head.content, head.headers["Accept-Ranges"]) == (200, b"", "bytes")
    assert await store.audit(project=project, action="call.listen", limit=10) == ()
    whole = await operator.get(path)
    size, tag = len(whole.content), whole.headers["ETag"]
    assert (int(head.headers["Content-Length"]), head.headers["ETag"]) == (size, tag)
    for asked, first, stop in (
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, size),
        ("bytes=10-99", 10, 100),
        ("bytes=57-58", 57, 59),
        ("bytes=859-1699", 859, 1700),
        (f"bytes=2000-{size + 500}", 2000, size),
        ("bytes=-1", size - 1, size),
        (f"bytes=-{size + 1}", 0, size),
    ):
        answer = await operator.get(path, headers={"Range": asked, "If-Range": tag})
        assert (answer.status_code, answer.content) == (206, whole.content[first:stop]), asked
        assert answer.headers["Content-Range"] == f"bytes {first}-{stop - 1}/{size}"
        assert int(answer.headers["Content-Length"]) == stop - first
    for ignored in ("bytes=0-1,5-6", "bytes=9-1", "lines=0-1", "bytes=x-", "bytes=-"):
        answer = await operator.get(path, headers={"Range": ignored})
        assert (answer.status_code, answer.content) == (200, whole.content), ignored
    for absent in (f"bytes={size}-", "bytes=-0"):
        answer = await operator.get(path, headers={"Range": absent})
        assert answer.status_code == 416, absent
        assert answer.json()["type"].endswith("range-not-satisfiable")
        assert answer.headers["Content-Range"] == f"bytes */{size}"
    same = await operator.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    await store.add_recording(project, talked, 3, b"\3" * 400, b"\x80" * 400)
    grown = await operator.get(path, headers={"Range": "bytes=0-9", "If-Range": tag})
    assert (grown.status_code, len(grown.content)) == (200, size + 800)
    heard = await store.audit(project=project, action="call.listen", limit=50)
    assert {str(one.details.get("bytes", "")) for one in heard} >= {"", "0-0", "859-1699"}


async def test_a_recording_that_is_not_there_says_why(
    operator: httpx.AsyncClient, store: PostgresStore, project: str, talked: str
) -> None:
    none = await operator.get(f"calls/{talked}/recording")
    assert (none.status_code, "none was made" in none.json()["detail"]) == (404, True)
    native = call(project, "call_1_native", routing="native", conversation_id="conv_9")
    await store.open_call(native)
    elsewhere = await operator.get("calls/call_1_native/recording")
    assert elsewhere.status_code == 409
    assert elsewhere.json()["type"].endswith("not-available-in-native")
    assert "conv_9" in elsewhere.json()["hint"]


async def test_an_export_is_a_line_for_each_call_and_is_written_down(
    admin: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    talked: str,
) -> None:
    for number in range(120):
        await store.open_call(call(project, f"call_2_{number:03}", agent="sales"))
    assert (await operator.get("calls/export")).status_code == 403
    answer = await admin.get("calls/export")
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    *lines, end = [json.loads(line) for line in answer.text.splitlines()]
    assert end == {"end": True, "calls": 121}
    assert len({line["id"] for line in lines}) == 121
    mine = next(line for line in lines if line["id"] == talked)
    assert [turn["speaker"] for turn in mine["transcript"]] == ["agent", "caller", "tool"]
    bare = await admin.get("calls/export", params={"transcripts": "false", "agent": "front-desk"})
    first, last = [json.loads(line) for line in bare.text.splitlines()]
    assert (first["transcript"], last["calls"]) == ([], 1)
    audit = await store.audit(project=project, action="call.export", limit=10)
    assert audit[0].details == {"transcripts": False, "where": {"agent": "front-desk"}}
    assert len(audit) == 2


@pytest.mark.usefixtures("promotable", "talked")
async def test_calls_count_in_the_numbers_of_an_agent(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    place = {"environment": "testing", "version": 0}
    await store.open_call(call(project, "call_3_a", **place, interruptions=2, cost=CallCost()))
    await store.open_call(
        call(project, "call_3_b", **place, ended_by="platform", answered_at=None, state="failed")
    )
    await store.open_call(call(project, "call_3_c", **place, state="ringing", ended_at=None))
    found = (await viewer.get("agents/front-desk/stats")).json()["calls"]
    assert (found["calls"], found["answered"], found["active"]) == (2, 1, 1)
    assert (found["minutes"], found["durationMedianS"]) == (2.5, 150)
    assert found["outcomes"] == {"talked": 1, "failed": 1}
    assert found["endedBy"] == {"caller": 0.5, "error": 0.5}
    assert found["interruptions"] == 2
