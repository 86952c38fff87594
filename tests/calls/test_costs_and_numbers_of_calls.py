"""What calls cost, whose version they count for, and how a recording is laid out."""

import struct
from datetime import UTC, datetime, timedelta

import pytest

from trunkline.model.calls.carrier import CarrierCall
from trunkline.model.calls.costs import CARRIER_PRICE, cost_of
from trunkline.model.calls.native import (
    AgentAsKnown,
    NativeCall,
    attributed,
    completed,
    new_record,
)
from trunkline.model.calls.recordings import side_by_side, wav_header, wav_length
from trunkline.model.calls.records import CallRecord, EndedBy
from trunkline.model.calls.tallies import count_calls
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.kinds.calls import Prices
from trunkline.model.ledger import LedgerEntry
from trunkline.model.records import StatusRecord
from trunkline.model.releases import ReleaseRecord, RolloutState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PRICES = Prices(carrierMinuteUsd=0.5, platformMinuteUsd=1.2)


def call(seconds: float | None, **more: object) -> CallRecord:
    """A call that was answered at noon and lasted so long, or that nobody answered."""
    return CallRecord.model_validate(
        {
            "id": "call_1_a",
            "project": "acme",
            "environment": "production",
            "agent": "front-desk",
            "state": "completed",
            "started_at": NOON,
            "answered_at": None if seconds is None else NOON,
            "ended_at": NOON + timedelta(seconds=seconds or 0),
            **more,
        }
    )


@pytest.mark.parametrize(
    ("seconds", "carrier", "platform"),
    [(None, 0.0, 0.0), (0, 0.0, 0.0), (1, 0.5, 0.02), (60, 0.5, 1.2), (61, 1.0, 1.22)],
)
def test_carriers_bill_minutes_and_platforms_seconds(
    seconds: float | None, carrier: float, platform: float
) -> None:
    cost = cost_of(call(seconds), PRICES)
    assert (cost.carrier_usd, cost.platform_usd) == (carrier, platform)
    assert cost.total_usd == pytest.approx(carrier + platform)


def test_the_carriers_own_price_counts_once_it_is_known() -> None:
    cost = cost_of(call(61), PRICES, carrier_price_usd=0.028)
    assert (cost.carrier_usd, cost.platform_usd) == (0.028, 1.22)
    assert cost.source.startswith(CARRIER_PRICE)


def leg(**more: object) -> CarrierCall:
    """Somebody the call was transferred to after half a minute."""
    return CarrierCall.model_validate(
        {
            "sid": "CA2",
            "state": "completed",
            "direction": "outbound",
            "from_number": "+15005550006",
            "to_number": "+15005550009",
            "started_at": NOON + timedelta(seconds=30),
            "duration_s": 61,
            **more,
        }
    )


def test_a_transferred_call_costs_its_leg_and_no_more_of_the_platform() -> None:
    passed_on = call(120, transferred_to="+15005550009")
    cost = cost_of(passed_on, PRICES, legs=(leg(),))
    assert (cost.carrier_usd, cost.platform_usd) == (1.0 + 1.0, 0.6)
    assert cost.source.endswith("and 0.5 USD a begun minute for the leg to +15005550009")
    priced = cost_of(passed_on, PRICES, carrier_price_usd=0.028, legs=(leg(price_usd=0.04),))
    assert priced.carrier_usd == pytest.approx(0.068)
    assert priced.source.endswith(f"and {CARRIER_PRICE} for the leg to +15005550009")
    unknown = cost_of(passed_on, PRICES)
    assert (unknown.carrier_usd, unknown.platform_usd) == (1.0, 2.4)
    assert unknown.source.endswith("; the leg to +15005550009 is not estimated")
    assert cost_of(passed_on, PRICES, legs=(leg(started_at=None),)).platform_usd == 2.4


def test_numbers_of_nothing_are_nothing() -> None:
    counted = count_calls([])
    assert (counted.calls, counted.duration_median_s, counted.ended_by) == (0, None, {})


def test_shares_are_of_the_calls_whose_end_is_known() -> None:
    ends: tuple[EndedBy | None, ...] = ("caller", "caller", "agent", "platform", None)
    counted = count_calls([call(10 * n, ended_by=end) for n, end in enumerate(ends, 1)])
    assert counted.ended_by == {"caller": 0.5, "agent": 0.25, "error": 0.25}
    assert (counted.calls, counted.duration_median_s, counted.minutes) == (5, 30, 2.5)
    assert counted.outcomes == {"talked": 4, "dropped": 1}


ENTRY = LedgerEntry(
    project="acme",
    environment="production",
    kind="agent",
    name="front-desk",
    account="workspace",
    external_id=ExternalId("agent_1"),
    digest=Digest("sha256:" + "77" * 32),
    version_id="agtvrsn_7",
)


def release(version: int, minutes: float) -> ReleaseRecord:
    """A release so many minutes after noon."""
    return ReleaseRecord(
        project="acme",
        environment="production",
        agent="front-desk",
        version=version,
        revision=Revision(f"{version}" * 40),
        digest=Digest("sha256:" + f"{version}{version}" * 32),
        changes="x",
        promoted_by="ada",
        released_at=NOON + timedelta(minutes=minutes),
    )


KNOWN = AgentAsKnown(
    entry=ENTRY,
    status=StatusRecord(
        project="acme",
        environment="production",
        kind="agent",
        name="front-desk",
        version=7,
        revision=Revision("7" * 40),
    ),
    rollout=RolloutState(
        project="acme",
        environment="production",
        agent="front-desk",
        version=8,
        branch_id="agtbrch_8",
    ),
    releases=(release(8, 30), release(7, 0), release(6, -60)),
)


@pytest.mark.parametrize(
    ("branch", "version_id", "minutes", "version"),
    [
        ("agtbrch_8", "agtvrsn_x", 31, 8),
        ("agtbrch_main", "agtvrsn_7", 31, 7),
        ("agtbrch_main", "agtvrsn_old", -1, 6),
        ("", "", 10, 7),
        ("", "", -90, 0),
    ],
)
def test_a_native_call_counts_for_the_version_it_was_with(
    branch: str, version_id: str, minutes: float, version: int
) -> None:
    native = NativeCall(
        conversation_id="conv_1",
        agent_id=ExternalId("agent_1"),
        branch_id=branch,
        version_id=version_id,
        state="done",
        started_at=NOON + timedelta(minutes=minutes),
    )
    found = attributed(native, KNOWN)
    assert found.version == version
    assert (found.digest is None) == (version == 0)
    assert found.words


@pytest.mark.parametrize(
    ("said", "failure", "ended_by", "outcome"),
    [
        ("Client disconnected: 1000", "", "caller", "talked"),
        ("Call ended by remote party", "", "caller", "talked"),
        ("end_call tool was called.", "", "agent", "talked"),
        ("Max duration reached", "", "limit", "cut-short"),
        ("", "LLM cascade timed out", "platform", "dropped"),
        ("something new", "", None, "talked"),
    ],
)
def test_the_platforms_words_say_who_ended_a_call(
    said: str, failure: str, ended_by: str | None, outcome: str
) -> None:
    native = NativeCall(
        conversation_id="conv_1",
        agent_id=ExternalId("agent_1"),
        state="done",
        started_at=NOON,
        duration_s=30,
        direction="outbound",
        agent_number="+15005550006",
        external_number="+15005550009",
        ended_because=said,
        failure=failure,
    )
    record = new_record(native, KNOWN, number="main-line", carrier_account="AC1")
    assert (record.ended_by, record.outcome, record.message) == (ended_by, outcome, failure)
    assert (record.from_number, record.to_number) == ("+15005550006", "+15005550009")
    assert (record.carrier_account, record.talked) == ("", timedelta(seconds=30))
    assert completed(record, native) == record
    assert new_record(native, KNOWN, number="", carrier_account="").id == record.id


def test_a_call_the_platform_could_not_begin_has_failed() -> None:
    native = NativeCall(
        conversation_id="conv_1",
        agent_id=ExternalId("agent_1"),
        state="failed",
        started_at=NOON,
        failure="busy",
    )
    record = new_record(native, KNOWN, number="", carrier_account="")
    assert (record.state, record.outcome, record.message) == ("failed", "failed", "busy")
    assert (record.answered_at, record.ended_at) == (None, NOON)


def test_a_recording_is_a_file_players_know() -> None:
    audio = side_by_side(b"\1\2\3", b"\4")
    assert audio == b"\1\4\2\xff\3\xff"
    header = wav_header(3)
    assert len(header) + len(audio) == wav_length(3)
    riff, size, wave, fmt, fmt_size, tag, tracks, rate, byte_rate, block, bits = struct.unpack(
        "<4sI4s4sIHHIIHH", header[:36]
    )
    assert (riff, wave, fmt, fmt_size) == (b"RIFF", b"WAVE", b"fmt ", 18)
    assert (tag, tracks, rate, byte_rate, block, bits) == (7, 2, 8_000, 16_000, 2, 8)
    assert size == wav_length(3) - 8
    assert header[-8:] == b"data" + struct.pack("<I", 6)
