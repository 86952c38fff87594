"""A call gets the agent its table names and a record that says why, or the fallback, never silence.

Asked by signed requests over the whole API; no platform answers here.
"""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from tests.calls.carrier_worlds import (
    ACCOUNTS,
    FALLBACK,
    NUMBER,
    PUBLIC_URL,
    CarrierWorld,
    agent,
    call_fields,
    form,
    fresh_call,
    number,
    status_fields,
    voice_target,
)
from tests.calls.rows import DIGEST, REVISION
from trunkline.model.calls.records import CallFilter, CallRecord, EndedBy
from trunkline.model.desired import DesiredLine
from trunkline.model.ids import AgentName, ExternalId, new_call_id
from trunkline.model.interventions import Intervention
from trunkline.model.ledger import LedgerEntry
from trunkline.services.numbers import AskedCall

AFTER = "/v1/webhooks/twilio/after/acme/testing/main-line"
APOLOGY = "We are sorry, nobody can take your call right now. Please call again later."
CALLS = CallFilter()


def lines(*said: dict[str, Any]) -> tuple[DesiredLine, ...]:
    return tuple(DesiredLine.model_validate(one) for one in said)


def verbs(answer: str) -> list[str]:
    return [element.tag for element in ET.fromstring(answer)]  # noqa: S314 - our own answer


async def taken(world: CarrierWorld, query: str = "", **said: str) -> CallRecord:
    """The record of a new call."""
    call_id = fresh_call()
    answer = await world.ring(call_id, voice_target(query=query), **said)
    assert answer.status_code == 200, answer.text
    record = await world.record(call_id)
    assert record is not None
    return record


async def test_a_call_is_connected_and_written_down(world: CarrierWorld) -> None:
    call_id = fresh_call()
    answer = await world.ring(call_id)
    record = await world.record(call_id)
    assert record is not None
    assert record.model_dump(include={"agent", "agent_id", "version", "revision", "digest"}) == {
        "agent": "front-desk",
        "agentId": "agent_front-desk",
        "version": 7,
        "revision": REVISION,
        "digest": DIGEST,
    }
    assert (record.routing, record.state, record.number) == ("bridge", "ringing", "main-line")
    assert (record.route.line, record.route.words) == (None, "its only agent")
    assert (record.from_number, record.to_number) == ("+447700900123", NUMBER)
    assert (record.carrier_account, record.carrier_call_id) == (ACCOUNTS["acme"], call_id)
    assert record.context == {"business_hours": "9-18"}
    (connect,) = ET.fromstring(answer.text)  # noqa: S314 - our own answer
    (stream,) = connect
    assert connect.attrib == {"action": PUBLIC_URL + AFTER, "method": "POST"}
    assert stream.attrib["url"] == "wss://calls.example.com/v1/media"
    assert stream.attrib["statusCallback"] == f"{PUBLIC_URL}/v1/webhooks/twilio/stream"
    told = {one.attrib["name"]: one.attrib["value"] for one in stream}
    assert told["call"] == record.id
    assert sha256(told["ticket"].encode()).hexdigest() == record.ticket_digest


async def test_a_menu_says_skill_and_language(world: CarrierWorld) -> None:
    await world.agents(agent("sales"), agent("german"))
    await world.wish(
        number(
            lines=lines(
                {"agent": "sales", "skill": "sales"},
                {"agent": "german", "language": "de"},
                {"agent": "front-desk"},
            )
        )
    )
    assert (await taken(world, "?skill=sales")).agent == "sales"
    assert (await taken(world, "?language=de")).agent == "german"
    assert (await taken(world, "?language=de&skill=sales")).agent == "sales"
    assert (await taken(world, FromCountry="DE")).agent == "german"
    swiss = await taken(world, FromCountry="CH")
    assert (swiss.agent, swiss.route.line) == ("german", 1)
    assert (await taken(world, "?language=fr", FromCountry="DE")).agent == "front-desk"


async def test_a_number_says_what_its_calls_are_about(world: CarrierWorld) -> None:
    await world.agents(agent("sales"))
    table = lines({"agent": "sales", "skill": "sales"}, {"agent": "front-desk"})
    await world.wish(number(lines=table, skill="sales"))
    assert (await taken(world)).agent == "sales"
    assert (await taken(world, "?skill=repair")).agent == "front-desk"


async def test_a_disabled_agent_gets_no_call_and_the_next_line_does(world: CarrierWorld) -> None:
    await world.agents(agent("night"))
    await world.wish(
        number(lines=lines({"agent": "front-desk", "callers": ["+44"]}, {"agent": "night"}))
    )
    await world.store.put_intervention(
        Intervention(
            project="acme",
            environment="testing",
            kind="agent",
            name="front-desk",
            verb="disable",
            reason="it swears",
            by="ada",
            at=datetime.now(UTC),
        )
    )
    record = await taken(world)
    assert record.agent == "night"
    assert record.route.words == (
        "line 2: every call; line 1 is passed over: agent front-desk was disabled by ada: it swears"
    )


@pytest.mark.parametrize("fallback", [FALLBACK, None])
async def test_nobody_at_all_means_the_fallback_or_a_sentence(
    world: CarrierWorld, fallback: str | None
) -> None:
    await world.wish(number(lines=lines({"agent": "nobody-yet"}), fallback_number=fallback))
    call_id = fresh_call()
    answer = await world.ring(call_id)
    assert verbs(answer.text) == (["Dial"] if fallback else ["Say", "Hangup"])
    assert (fallback or APOLOGY) in answer.text
    assert (await world.ring(call_id)).text == answer.text
    record = await world.record(call_id)
    assert record is not None
    assert (record.agent, record.ticket_digest) == ("", "")
    assert "agent nobody-yet is not in Git for this environment" in record.message


async def test_an_agent_at_its_limit_is_passed_over_until_a_call_ends(world: CarrierWorld) -> None:
    await world.agents(agent(concurrency=2))
    first, second = await taken(world), await taken(world)
    third = await taken(world)
    assert [one.agent for one in (first, second, third)] == ["front-desk", "front-desk", ""]
    assert "is at its limit of 2 calls" in third.message
    ended = status_fields(first.carrier_call_id, "completed", 3)
    assert (await world.send(form("/v1/webhooks/twilio/status", ended))).status_code == 204
    assert (await taken(world)).agent == "front-desk"


async def test_an_inactive_agent_takes_no_calls(world: CarrierWorld) -> None:
    await world.agents(agent(lifecycle="inactive"))
    assert "agent front-desk is inactive" in (await taken(world)).message


async def test_the_table_in_force_counts_and_not_one_that_still_waits(world: CarrierWorld) -> None:
    await world.agents(agent("new-desk"))
    entry = LedgerEntry(
        project="acme",
        environment="testing",
        kind="number",
        name="main-line",
        account=ACCOUNTS["acme"],
        nonce="n1",
    )
    await world.store.reserve_nonce(entry)
    table = {"lines": [{"agent": "front-desk"}], "skill": ""}
    await world.store.put(entry.model_copy(update={"applied": {"route": table}}))
    await world.wish(number(lines=lines({"agent": "new-desk"})))
    assert (await taken(world)).agent == "front-desk"


async def test_a_number_that_is_the_platforms_is_answered_while_calls_still_come(
    world: CarrierWorld,
) -> None:
    await world.wish(number(routing="native", lines=(), agent=AgentName("front-desk")))
    assert (await taken(world)).agent == "front-desk"


@pytest.mark.parametrize(
    ("ended_by", "wanted"),
    [
        ("caller", ["Hangup"]),
        ("agent", ["Hangup"]),
        ("operator", ["Hangup"]),
        ("limit", ["Hangup"]),
        ("platform", ["Say", "Dial"]),
        ("trunkline", ["Say", "Dial"]),
        (None, ["Say", "Dial"]),
    ],
)
async def test_whoever_is_left_on_the_line_hears_a_sentence(
    world: CarrierWorld, ended_by: EndedBy | None, wanted: list[str]
) -> None:
    record = await taken(world)
    await world.store.change_call(
        "acme", record.id, lambda known: known.model_copy(update={"ended_by": ended_by})
    )
    answer = await world.send(form(AFTER, call_fields(record.carrier_call_id)))
    assert verbs(answer.text) == wanted


async def test_whoever_is_left_on_a_line_that_is_no_longer_wanted_hears_it_too(
    world: CarrierWorld,
) -> None:
    record = await taken(world)
    await world.unwish("number", record.number)
    answer = await world.send(form(AFTER, call_fields(record.carrier_call_id)))
    assert verbs(answer.text) == ["Say", "Dial"]
    assert (await world.ring(fresh_call())).status_code == 403
    other = AFTER.replace("main-line", "second-line")
    assert (await world.send(form(other, call_fields(record.carrier_call_id)))).status_code == 403


async def test_a_call_we_placed_is_connected_with_the_agent_it_was_for(
    world: CarrierWorld,
) -> None:
    call_id = fresh_call()
    placed = await world.store.open_call(
        CallRecord(
            id=new_call_id("+447700900123"),
            project="acme",
            environment="testing",
            agent="front-desk",
            agent_id=ExternalId("agent_front-desk"),
            direction="outbound",
            number="main-line",
            order="order-1",
            started_at=datetime.now(UTC),
        )
    )
    said = call_fields(call_id, Direction="outbound-api", CallStatus="in-progress")
    wrong = form(voice_target(query=f"?order=order-2&try={placed.id}"), said)
    assert (await world.send(wrong)).status_code == 403
    target = voice_target(query=f"?order=order-1&try={placed.id}")
    answer = await world.send(form(target, said))
    assert verbs(answer.text) == ["Connect"]
    record = await world.record(call_id)
    assert record is not None
    assert (record.id, record.state) == (placed.id, "in-progress")
    other = call_fields(fresh_call(), Direction="outbound-api", CallStatus="in-progress")
    assert (await world.send(form(target, other))).status_code == 403


async def test_a_report_tells_which_call_of_the_carrier_an_order_became(
    world: CarrierWorld,
) -> None:
    placed = await world.store.open_call(
        CallRecord(
            id=new_call_id("+447700900123"),
            project="acme",
            environment="testing",
            agent="front-desk",
            direction="outbound",
            order="order-1",
            started_at=datetime.now(UTC),
        )
    )
    call_id = fresh_call()
    target = f"/v1/webhooks/twilio/status?order=order-1&try={placed.id}"
    told = form(target, status_fields(call_id, "ringing", 1))
    await world.send(told)
    record = await world.record(call_id)
    assert record is not None
    assert (record.id, record.state) == (placed.id, "ringing")


async def test_a_call_is_asked_about_before_anybody_calls(world: CarrierWorld) -> None:
    await world.agents(agent("night"))
    await world.wish(
        number(
            lines=lines(
                {
                    "agent": "front-desk",
                    "hours": "Mon-Fri 09:00-17:00",
                    "timezone": "Europe/London",
                },
                {"agent": "night", "language": "fr"},
                {"agent": "front-desk"},
            )
        )
    )
    ask = world.services.numbers.call_route
    found = await ask("acme", "main-line", AskedCall(datetime(2026, 3, 30, 8, 0, tzinfo=UTC)))
    assert found is not None
    assert (found[1].agent, found[1].line) == ("front-desk", 0)
    late = await ask(
        "acme", NUMBER, AskedCall(datetime(2026, 3, 30, 7, 59, tzinfo=UTC), caller="+33612345678")
    )
    assert late is not None
    assert (late[1].agent, late[1].line) == ("night", 1)
    assert late[1].lines[0].words == "closed: it is Mon 08:59 in Europe/London"
    assert await world.store.calls("acme", CALLS, limit=9) == ()
