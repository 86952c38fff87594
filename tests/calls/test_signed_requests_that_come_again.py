"""What was signed once may be asked again, and is neither carried out twice nor told otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from tests.calls.carrier_worlds import (
    BETA_NEWS_SECRET,
    FALLBACK,
    TOKENS,
    CarrierWorld,
    call_fields,
    form,
    news,
    status_fields,
    voice_target,
)
from trunkline.model.calls.records import CallFilter

CALLS = CallFilter()
STATUS = "/v1/webhooks/twilio/status"


async def test_the_same_question_gets_the_same_answer_while_the_call_goes_on(
    world: CarrierWorld,
) -> None:
    call_id = "CA" + "5" * 32
    first = await world.ring(call_id)
    again = await world.ring(call_id)
    later = await world.ring(call_id, CallStatus="in-progress")
    assert first.text == again.text == later.text
    assert len(await world.store.calls("acme", CALLS, limit=9)) == 1
    assert (await world.send(form(STATUS, status_fields(call_id, "completed", 3)))).is_success
    over = await world.ring(call_id)
    assert (over.status_code, over.json()["type"]) == (409, "urn:trunkline:problem:call-over")


async def test_a_signature_cannot_be_told_again_about_something_else(
    world: CarrierWorld,
) -> None:
    call_id = "CA" + "6" * 32
    fields = call_fields(call_id)
    shifted = [
        ("FromCountr", "yGB") if name == "FromCountry" else (name, value) for name, value in fields
    ]
    honest = form(voice_target(), fields)
    told_again = replace(form(voice_target(), shifted), headers=honest.headers)
    assert (await world.send(honest)).is_success
    refused = await world.send(told_again)
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert refused.json()["detail"] == "Another request came under this signature before"


async def test_a_report_of_another_time_is_refused_and_a_late_one_takes_nothing_back(
    world: CarrierWorld,
) -> None:
    call_id, now = "CA" + "7" * 32, datetime.now(UTC)
    assert (await world.ring(call_id)).status_code == HTTPStatus.OK
    for age in (timedelta(hours=2), -timedelta(minutes=10)):
        told = status_fields(call_id, "busy", 9, at=now - age)
        assert (await world.send(form(STATUS, told))).status_code == HTTPStatus.FORBIDDEN
    done = form(STATUS, status_fields(call_id, "completed", 3, at=now, CallDuration="12"))
    late = form(STATUS, status_fields(call_id, "ringing", 0, at=now - timedelta(seconds=20)))
    for sent in (done, late, done):
        assert (await world.send(sent)).status_code == HTTPStatus.NO_CONTENT
    record = await world.record(call_id)
    assert record is not None
    assert (record.state, record.carrier_sequence) == ("completed", 3)


async def test_a_signed_report_of_an_unknown_call_is_taken_and_dropped(
    world: CarrierWorld,
) -> None:
    told = status_fields("CA" + "8" * 32, "completed", 3)
    assert (await world.send(form(STATUS, told))).status_code == HTTPStatus.NO_CONTENT
    forged = await world.send(form(STATUS, told, key="guessed"))
    assert forged.status_code == HTTPStatus.FORBIDDEN
    assert await world.store.calls("acme", CALLS, limit=9) == ()


async def test_news_of_a_project_with_a_secret_of_its_own_is_believed_by_that_alone(
    world: CarrierWorld,
) -> None:
    said: dict[str, Any] = {"type": "post_call_audio", "data": {"conversation_id": "conv_beta"}}
    await world.send(
        form(
            voice_target("beta"),
            call_fields("CA" + "9" * 32, account="beta"),
            key=TOKENS["beta"],
        )
    )
    record = await world.record("CA" + "9" * 32, "beta")
    assert record is not None
    await world.store.change_call(
        "beta",
        record.id,
        lambda known: known.model_copy(update={"conversation_id": "conv_beta"}),
    )
    assert (await world.send(news(said))).status_code == HTTPStatus.FORBIDDEN
    assert (await world.send(news(said, secret=BETA_NEWS_SECRET))).is_success


async def test_a_call_that_begins_on_the_platform_is_told_what_its_agent_is_to_know(
    world: CarrierWorld,
) -> None:
    begins: dict[str, Any] = {
        "caller_id": "+44",
        "agent_id": "a",
        "called_number": "+15005550006",
        "call_sid": "CA",
    }
    answer = await world.send(news(begins))
    assert answer.json() == {
        "type": "conversation_initiation_client_data",
        "dynamic_variables": {"business_hours": "9-18"},
    }


async def test_who_asks_about_what_is_not_there_learns_nothing(
    world: CarrierWorld,
) -> None:
    call_id = "CA" + "4" * 32
    answers = [
        await world.send(form(target, call_fields(call_id), key="guessed"))
        for target in (voice_target(), voice_target(name="no-line"), voice_target("gamma"))
    ]
    assert {answer.status_code for answer in answers} == {HTTPStatus.FORBIDDEN}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert FALLBACK not in "".join(answer.text for answer in answers)
