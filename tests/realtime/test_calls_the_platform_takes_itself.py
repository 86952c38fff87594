"""A call is registered with the platform, which takes it; and what a caller hears when we are gone.

A server process, both simulators and PostgreSQL, as in production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.realtime.houses import CALLER, COLLEAGUE, ENVIRONMENT, LINE, NUMBER, PROJECT
from trunkline.adapters.twilio.answers import hosted_fallback
from trunkline.local.ports import free_port
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredNumber
from trunkline.model.records import SourceState

if TYPE_CHECKING:
    from tests.realtime.houses import House, Houses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def want(house: House, **said: Any) -> None:
    """Git wants the number otherwise."""
    known = await house.store.wishes(PROJECT, ENVIRONMENT, after="", limit=10)
    wishes = []
    for record in known:
        body = record.body
        if record.kind == "number":
            changed = DesiredNumber.model_validate(body).model_copy(update=said)
            body = changed.model_dump(mode="json")
        wishes.append(record.model_copy(update={"body": body, "wish_digest": digest(body)}))
    manifest = await house.store.project_manifest(PROJECT)
    assert manifest is not None
    source = SourceState(project=PROJECT, seen_revision=known[0].revision)
    await house.store.store_tree(source, wishes, {}, manifest)


async def test_a_registered_call_is_the_platforms_and_its_record_ours(
    shared_houses: Houses,
) -> None:
    async with shared_houses() as house:
        await want(house, routing="register-call")
        await house.configure(StatusCallback=f"{house.server.url}/v1/webhooks/twilio/status")
        sid = await house.call({"wait_for": "speech_start", "after_ms": 300, "hangup": True})
        shown = await house.over(sid)
        record = await house.record(sid, lambda record: record.is_over)
    assert record.routing == "register-call"
    assert (record.agent, record.version, record.state) == ("front-desk", 7, "completed")
    assert (record.from_number, record.to_number, record.number) == (CALLER, NUMBER, LINE)
    assert shown["heard"]["played_base64"]
    assert not [note for note in shown["events"] if note["event"] == "warning"]


async def test_a_platform_that_takes_no_call_leaves_nobody_in_silence(
    shared_houses: Houses,
) -> None:
    async with shared_houses() as house:
        await want(house, routing="register-call", fallback_number=COLLEAGUE)
        fault = {"kind": "status-before", "status": 503, "method": "POST"}
        route = {"route": "/v1/convai/twilio/register-call", "nth": 1}
        await house.elevenlabs("faults", {"faults": [{**fault, **route}]})
        await house.twilio("people", {"number": COLLEAGUE, "answers": "busy"})
        sid = await house.call()
        record = await house.record(sid, lambda record: bool(record.message))
        shown = await house.over(sid)
    assert record.message.startswith("not taken by the voice platform: ")
    assert "We are sorry, the line was lost." in str(shown["events"])
    assert COLLEAGUE in str(shown["events"])


async def test_the_fallback_is_dialled_while_nothing_of_ours_runs(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        nobody = f"http://127.0.0.1:{free_port()}/v1/webhooks/twilio/voice"
        fallback = hosted_fallback(COLLEAGUE, "unsaid")
        await house.configure(VoiceUrl=nobody, VoiceFallbackUrl=fallback)
        await house.twilio("people", {"number": COLLEAGUE, "answers": "busy"})
        shown = await house.over(await house.call())
        await house.configure(VoiceFallbackUrl=hosted_fallback("", "Please call later."))
        told = await house.over(await house.call())
    assert COLLEAGUE in str(shown["events"])
    assert "Please call later." in str(told["events"])
