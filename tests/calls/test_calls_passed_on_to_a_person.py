"""Whoever takes a call over hears what it is about first; if nobody does, the caller is not left.

Asked by signed requests over the whole API; no platform answers here.
"""

import xml.etree.ElementTree as ET

import httpx
import pytest

from tests.calls.carrier_worlds import (
    ACCOUNTS,
    FALLBACK,
    PUBLIC_URL,
    TOKENS,
    CarrierWorld,
    agent,
    call_fields,
    form,
    fresh_call,
    number,
    status_fields,
)
from trunkline.model.calls.limits import SUMMARY_MAX_CHARACTERS
from trunkline.model.calls.records import CallRecord

AFTER = "/v1/webhooks/twilio/after/acme/testing/main-line"
STATUS = "/v1/webhooks/twilio/status"
PERSON = "+15005550009"
SUMMARY = "Wants <Tuesday> & not Monday."


async def passed_on(
    world: CarrierWorld, *, summary: str = SUMMARY, to_number: str = PERSON
) -> CallRecord:
    """A call that goes on with somebody else."""
    call_id = fresh_call()
    assert (await world.ring(call_id)).status_code == 200
    record = await world.record(call_id)
    assert record is not None
    update = {"state": "in-progress", "transferred_to": to_number, "summary": summary}
    return await world.store.change_call(
        "acme", record.id, lambda now: now.model_copy(update=update)
    )


def whisper_of(record: CallRecord, project: str = "acme") -> str:
    return f"/v1/webhooks/twilio/whisper/{project}/testing/{record.id}"


async def whispered(world: CarrierWorld, record: CallRecord, **said: str) -> httpx.Response:
    """What the person hears who picked up."""
    told = {"ParentCallSid": record.carrier_call_id, "Direction": "outbound-dial", **said}
    return await world.send(form(whisper_of(record), call_fields(fresh_call(), **told)))


async def dialled(world: CarrierWorld, record: CallRecord, **said: str) -> list[tuple[str, str]]:
    """What the caller is told once the dialled call is over."""
    fields = call_fields(record.carrier_call_id, CallStatus="in-progress", **said)
    answer = await world.send(form(AFTER, fields))
    assert answer.status_code == 200, answer.text
    return [(one.tag, one.text or "") for one in elements(answer)]


def elements(answer: httpx.Response) -> list[ET.Element]:
    return list(ET.fromstring(answer.text))  # noqa: S314 - our own answer


async def ended(world: CarrierWorld, record: CallRecord) -> CallRecord:
    """The record once the carrier said that the call is over."""
    told = status_fields(record.carrier_call_id, "completed", 9, CallDuration="20")
    assert (await world.send(form(STATUS, told))).is_success
    found = await world.store.call("acme", record.id)
    assert found is not None
    return found


async def test_who_takes_over_hears_the_summary_in_the_agents_language(
    world: CarrierWorld,
) -> None:
    await world.agents(agent(language="de"))
    answer = await whispered(world, await passed_on(world))
    (said,) = elements(answer)
    assert (said.tag, said.text, said.attrib) == ("Say", SUMMARY, {"language": "de-DE"})


async def test_no_summary_takes_no_longer_than_a_minute_to_hear(world: CarrierWorld) -> None:
    record = await passed_on(world, summary="a" * (SUMMARY_MAX_CHARACTERS + 1))
    (said,) = elements(await whispered(world, record))
    assert said.text == "a" * SUMMARY_MAX_CHARACTERS


async def test_a_call_that_is_passed_on_names_what_is_heard_first_and_who_is_asked_then(
    world: CarrierWorld,
) -> None:
    record = await passed_on(world)
    answer = await world.send(form(AFTER, call_fields(record.carrier_call_id)))
    (dial,) = elements(answer)
    (whom,) = dial
    assert dial.attrib["action"] == PUBLIC_URL + AFTER
    assert (whom.tag, whom.text) == ("Number", PERSON)
    assert whom.attrib == {"url": PUBLIC_URL + whisper_of(record), "method": "POST"}


async def test_without_a_summary_nothing_is_heard_first(world: CarrierWorld) -> None:
    record = await passed_on(world, summary="")
    answer = await world.send(form(AFTER, call_fields(record.carrier_call_id)))
    (dial,) = elements(answer)
    assert (dial.text, list(dial)) == (PERSON, [])
    assert dial.attrib["action"] == PUBLIC_URL + AFTER
    assert elements(await whispered(world, record)) == []


async def test_nobody_else_hears_a_summary(world: CarrierWorld) -> None:
    record, other = await passed_on(world), await passed_on(world, to_number="")
    mine, theirs = record.carrier_call_id, other.carrier_call_id
    assert (await whispered(world, record, ParentCallSid=theirs)).status_code == 403
    assert (await whispered(world, record, ParentCallSid="")).status_code == 403
    assert (await whispered(world, other)).status_code == 403
    fields = call_fields(fresh_call(), account="beta", ParentCallSid=mine)
    fields[0] = ("AccountSid", ACCOUNTS["beta"])
    for target in (whisper_of(record), whisper_of(record, "beta")):
        answer = await world.send(form(target, fields, key=TOKENS["beta"]))
        assert (answer.status_code, SUMMARY in answer.text) == (403, False)
    await ended(world, record)
    assert (await whispered(world, record)).status_code == 409


@pytest.mark.parametrize(
    ("status", "bridged", "failure"),
    [
        ("busy", "false", "busy"),
        ("no-answer", "false", "no-answer"),
        ("failed", "false", "failed"),
        ("canceled", "false", "canceled"),
        ("completed", "false", "declined"),
        ("something-new", "", "failed"),
    ],
)
async def test_if_nobody_takes_over_the_caller_hears_so_and_the_fallback_is_dialled(
    world: CarrierWorld, status: str, bridged: str, failure: str
) -> None:
    record = await passed_on(world)
    said = {"DialCallStatus": status, "DialBridged": bridged}
    told = await dialled(world, record, **said)
    assert [tag for tag, _ in told] == ["Say", "Dial"]
    assert told[1][1] == FALLBACK
    assert await dialled(world, record, **said) == told, "asked again, the answer is the same"
    after = await ended(world, record)
    assert (after.transfer_failure, after.transferred_to) == (failure, PERSON)
    assert (after.outcome, after.message) == (
        "transfer-failed",
        f"nobody took over at {PERSON}: {failure}",
    )


async def test_without_a_fallback_the_caller_hears_a_sentence(world: CarrierWorld) -> None:
    await world.wish(number(fallback_number=None))
    record = await passed_on(world)
    told = await dialled(world, record, DialCallStatus="busy")
    assert [tag for tag, _ in told] == ["Say", "Hangup"]


async def test_the_end_of_a_talk_with_a_person_is_the_end_of_the_call(
    world: CarrierWorld,
) -> None:
    record = await passed_on(world)
    said = {"DialCallStatus": "completed", "DialBridged": "true"}
    assert await dialled(world, record, **said) == [("Hangup", "")]
    after = await ended(world, record)
    assert (after.outcome, after.transfer_failure) == ("transferred", None)


async def test_an_end_that_is_reported_first_is_told_right_afterwards(world: CarrierWorld) -> None:
    record = await passed_on(world)
    assert (await ended(world, record)).outcome == "transferred"
    await dialled(world, record, DialCallStatus="no-answer")
    after = await world.store.call("acme", record.id)
    assert after is not None
    assert after.outcome == "transfer-failed"
