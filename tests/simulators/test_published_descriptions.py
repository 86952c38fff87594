"""Every request the simulators accept and every answer they give fits the published documents."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from simulators.elevenlabs import distil
from simulators.elevenlabs.shapes import shape_named
from simulators.elevenlabs.telephony import Credentials, TwilioAccount
from tests.simulators import published
from tests.simulators.conformance import Exchange
from tests.simulators.departures import ELEVENLABS, elevenlabs, problems, twilio
from tests.simulators.flows import (
    walk_pressure,
    walk_refusals,
    walk_twilio,
    walk_with_the_official_client,
)

if TYPE_CHECKING:
    from tests.simulators.conftest import Recorded

Json = dict[str, Any]


def routes(recorded: Recorded, url: str) -> list[str]:
    served: list[str] = recorded.world.http.get(f"{url}/_sim/routes").json()["routes"]
    return served


def walked(exchanges: list[Exchange], served: list[str]) -> set[str]:
    def fits(route: str, exchange: Exchange) -> bool:
        method, template = route.split(" ")
        parts, actual = template.split("/"), exchange.path.split("/")
        same = len(parts) == len(actual) and exchange.method == method
        pairs = zip(parts, actual, strict=False)
        return same and all(part == name or part[:1] == "{" for part, name in pairs)

    done = [exchange for exchange in exchanges if exchange.status < 300]
    return {route for route in served if any(fits(route, exchange) for exchange in done)}


@pytest.mark.slow
def test_every_route_of_elevenlabs_is_described_and_fits(recorded: Recorded) -> None:
    served = routes(recorded, recorded.world.running.elevenlabs_url)
    assert elevenlabs().undescribed(served) == set()
    walk_with_the_official_client(recorded.world)
    assert set(served) - walked(recorded.elevenlabs, served) == set()
    assert problems(elevenlabs(), recorded.elevenlabs) == []


@pytest.mark.slow
def test_every_refusal_of_elevenlabs_fits(recorded: Recorded) -> None:
    walk_refusals(recorded.world)
    statuses = {exchange.status for exchange in recorded.elevenlabs}
    assert statuses >= {200, 400, 401, 404, 405, 409, 422}
    assert problems(elevenlabs(), recorded.elevenlabs) == []


@pytest.mark.slow
def test_every_route_and_refusal_of_twilio_fits(recorded: Recorded) -> None:
    served = routes(recorded, recorded.world.running.twilio_url)
    assert twilio().undescribed(served) == set()
    walk_twilio(recorded.world)
    assert set(served) - walked(recorded.twilio, served) == set()
    assert {exchange.status for exchange in recorded.twilio} >= {200, 201, 204, 400, 401, 404, 405}
    assert problems(twilio(), recorded.twilio) == []


@pytest.mark.slow
def test_answers_under_pressure_fit(recorded: Recorded) -> None:
    walk_pressure(recorded.world)
    for described, exchanges in ((elevenlabs(), recorded.elevenlabs), (twilio(), recorded.twilio)):
        assert [exchange.status for exchange in exchanges] == [429, 500, 502, 503, 200, 429]
        assert problems(described, exchanges) == []


async def test_what_elevenlabs_itself_asks_of_twilio_fits(recorded: Recorded) -> None:
    running = recorded.world.running
    account = TwilioAccount(running.twilio_url)
    key = Credentials(running.twilio_account_sid, running.twilio_auth_token)
    account_sid, number_sid = await account.find(key, "+15005550001")
    await account.write(key, account_sid, number_sid, {"VoiceUrl": "", "VoiceMethod": "POST"})
    await account.read(key, account_sid, number_sid)
    await account.close()
    assert [exchange.status for exchange in recorded.twilio] == [200, 200, 200]
    assert problems(twilio(), recorded.twilio) == []


def test_the_shapes_that_are_checked_are_those_that_are_published() -> None:
    distilled = distil.distil(published.document(published.ELEVENLABS))
    assert {name: shape_named(name) for name in distilled} == distilled


def test_the_document_still_refers_to_what_it_does_not_describe() -> None:
    document = published.document(published.ELEVENLABS)
    described = set(document["components"]["schemas"])
    missing = {name for name in referred(document) if name not in described}
    assert missing == set(ELEVENLABS.aliases)


def referred(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("$ref"), str):
            yield tree["$ref"].rpartition("/")[2]
        for value in tree.values():
            yield from referred(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from referred(value)


def changed(exchange: Exchange, path: str, value: object) -> Exchange:
    """The same exchange with one place of its answer changed; an Ellipsis takes it out."""
    tree = json.loads(exchange.answer)
    *parents, last = path.split("/")
    place = tree
    for name in parents:
        place = place[int(name) if isinstance(place, list) else name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return replace(exchange, answer=json.dumps(tree).encode())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("agent_id", ...),
        ("agent_id", None),
        ("tags", "none"),
        ("surprise", 1),
        ("conversation_config/tts/stability", "very"),
        ("conversation_config/tts/stability", 7),
        ("conversation_config/agent/prompt/llm", "gpt-nope"),
        ("conversation_config/agent/prompt/surprise", 1),
        ("conversation_config/agent/dynamic_variables", {"dynamic_variable_placeholders": 1}),
        ("workflow/nodes", {}),
        ("workflow/nodes", {"one": {"type": "unheard-of"}}),
        ("access_info/role", "king"),
    ],
)
def test_a_corrupted_answer_of_elevenlabs_is_detected(
    recorded: Recorded, path: str, value: object
) -> None:
    recorded.world.read_agent(recorded.world.new_agent())
    good = recorded.elevenlabs[-1]
    assert elevenlabs().problems(good) == []
    assert len(elevenlabs().problems(changed(good, path, value))) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("incoming_phone_numbers/0/sid", "PN1"),
        ("incoming_phone_numbers/0/trunk_sid", ""),
        ("incoming_phone_numbers/0/date_created", "2026-11-21"),
        ("incoming_phone_numbers/0/voice_method", "PUT"),
        ("incoming_phone_numbers/0/capabilities/voice", "yes"),
        ("incoming_phone_numbers/0/surprise", 1),
        ("page", "first"),
        ("uri", None),
    ],
)
def test_a_corrupted_answer_of_twilio_is_detected(
    recorded: Recorded, path: str, value: object
) -> None:
    recorded.world.twilio_number()
    good = recorded.twilio[-1]
    assert twilio().problems(good) == []
    assert twilio().problems(changed(good, path, value)) != []


def test_other_departures_are_detected(recorded: Recorded) -> None:
    world = recorded.world
    world.call("DELETE", f"/v1/convai/agents/{world.new_agent()}")
    world.call("GET", "/v1/convai/agents/agent_unknown")
    created, deleted, missing = recorded.elevenlabs
    for wrong in (
        replace(created, query="surprise=1"),
        replace(created, request=b'{"conversation_config": {"surprise": 1}}'),
        replace(created, request=b"{}"),
        replace(created, request=b""),
        replace(created, request_type="text/plain"),
        replace(created, answer_type="text/plain"),
        replace(created, answer=b"no JSON"),
        replace(created, status=201),
        replace(created, path="/v1/convai/agents/make"),
        replace(deleted, answer=b"{}"),
        replace(missing, answer=b'{"detail": "gone"}'),
        replace(missing, status=418),
    ):
        assert elevenlabs().problems(wrong) != []
    world.twilio_number()
    listed = recorded.twilio[-1]
    for wrong in (
        replace(listed, query="PageSize=0"),
        replace(listed, query="PageSize=many"),
        replace(listed, path=listed.path.replace("AC5", "AB5")),
    ):
        assert twilio().problems(wrong) != []


def mutations(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The body with the value at each place, in turn, of a type it surely is not."""
    items = body.items() if isinstance(body, dict) else enumerate(body)
    for name, value in items:
        wrong: object = "text" if isinstance(value, dict | list) else [["wrong"]]
        changed_body = copy.copy(body)
        changed_body[name] = wrong
        yield "/".join(str(part) for part in (*path, name)), changed_body
        if isinstance(value, dict | list):
            for place, inner in mutations(value, (*path, name)):
                changed_body = copy.copy(body)
                changed_body[name] = inner
                yield place, changed_body


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_document_refuses_the_simulator_refuses(recorded: Recorded) -> None:
    world = recorded.world
    walk_with_the_official_client(world)
    taken = [
        exchange
        for exchange in recorded.elevenlabs
        if exchange.request_media == "application/json" and exchange.status < 300
    ]
    tried, accepted = 0, []
    for exchange in taken:
        for place, body in mutations(json.loads(exchange.request)):
            wrong = replace(exchange, request=json.dumps(body).encode())
            if not elevenlabs().request_problems(wrong):
                continue
            tried += 1
            answer = world.call(exchange.method, exchange.path, json=body)
            if answer.status_code != 422:
                accepted.append(f"{exchange.method} {exchange.path} {place} {answer.status_code}")
    assert tried > 100
    assert accepted == []
