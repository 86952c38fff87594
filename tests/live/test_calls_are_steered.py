"""Notes, hanging up and handing over become commands; what stands in the way is said plainly."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.calls.rows import REVISION, wished
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls.orders import DoNotCall
from trunkline.model.calls.records import CallRecord
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredNumber
from trunkline.model.ids import EnvironmentName, ProjectName
from trunkline.model.records import SourceState

NewCall = Callable[..., Awaitable[CallRecord]]
STEERING: list[tuple[str, dict[str, str]]] = [
    ("note", {"text": "The caller is a wholesale customer"}),
    ("hangup", {}),
    ("transfer", {"to": "+15005550009", "summary": "In a hurry", "sentence": "One moment."}),
]


@pytest.mark.parametrize(("verb", "body"), STEERING)
async def test_what_is_asked_for_is_a_command_with_an_address(
    server: Any, call: CallRecord, store: PostgresStore, verb: str, body: dict[str, str]
) -> None:
    async with server.person("operator") as client, server.person("admin") as admin:
        answer = await client.post(f"calls/{call.id}/{verb}", json=body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["state"] == "asked"
        (command,) = await store.open_commands("acme", call.id)
        assert (command.kind, command.body) == (verb, body)
        await store.conclude_command(command.id, datetime.now(UTC), "")
        shown = await client.get(server.url + answer.headers["Location"], params={"wait": 5})
        assert shown.json()["state"] == "done"
        audit = await admin.get(f"{server.url}/v1/audit", params={"subject": call.id})
    action = "call.context" if verb == "note" else f"call.{verb}"
    assert [row["action"] for row in audit.json()["items"]] == [action]


async def test_what_could_not_be_done_says_why(
    server: Any, call: CallRecord, store: PostgresStore
) -> None:
    async with server.person("operator") as client:
        asked = (await client.post(f"calls/{call.id}/hangup")).json()
        await store.conclude_command(asked["id"], datetime.now(UTC), "the carrier said no")
        shown = (await client.get(f"calls/{call.id}/commands/{asked['id']}")).json()
    assert (shown["state"], shown["failure"]) == ("failed", "the carrier said no")


async def test_a_command_of_another_call_is_not_there(
    server: Any, call: CallRecord, new_call: NewCall
) -> None:
    other = await new_call()
    async with server.person("operator") as client:
        asked = (await client.post(f"calls/{call.id}/hangup")).json()
        answer = await client.get(f"calls/{other.id}/commands/{asked['id']}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("said", "held", "problem"),
    [
        ({"state": "completed"}, True, "call-over"),
        ({"routing": "native"}, True, "not-available-in-native"),
        ({"routing": "register-call"}, True, "not-available-in-native"),
        ({}, False, "call-not-held"),
    ],
)
async def test_what_stands_in_the_way_is_named(
    server: Any,
    new_call: NewCall,
    store: PostgresStore,
    said: dict[str, Any],
    held: bool,
    problem: str,
) -> None:
    call = await new_call(**said)
    if held:
        await store.hold_call("acme", call.id, "bridge-1")
    async with server.person("operator") as client:
        answers = [
            await client.post(f"calls/{call.id}/{verb}", json=body) for verb, body in STEERING
        ]
        change = {"set": {"a": {"value": "b"}}}
        answers.append(await client.patch(f"calls/{call.id}/context", json=change))
    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["type"] for answer in answers} == {f"urn:trunkline:problem:{problem}"}
    assert await store.open_commands("acme", call.id) == ()


async def test_a_call_is_not_handed_to_one_of_its_own_numbers(
    server: Any, store: PostgresStore, new_call: NewCall
) -> None:
    numbers = {"from_number": "+14155550100", "to_number": "+15005550006"}
    call = await new_call(**numbers)
    await store.hold_call("acme", call.id, "bridge-1")
    async with server.person("operator") as client:
        for number in numbers.values():
            body = {"to": number, "summary": "In a hurry"}
            answer = await client.post(f"calls/{call.id}/transfer", json=body)
            assert answer.status_code == 400, answer.text
    assert await store.open_commands("acme", call.id) == ()


async def test_a_call_is_handed_to_nobody_who_must_not_be_called(
    server: Any, store: PostgresStore, new_call: NewCall
) -> None:
    wishes = [wished(line("main-line", "+15005550006", fallback_number="+15005550001"))]
    wishes.append(wished(line("other-line", "+15005550007")))
    source = SourceState(project="acme", seen_revision=REVISION, applied_revision=REVISION)
    await store.store_tree(source, wishes, {}, {})
    call = await new_call(number="main-line")
    await store.hold_call("acme", call.id, "bridge-1")
    strangers = "+15005550009"
    for number in (strangers, "+15005550001", "+15005550007"):
        entry = DoNotCall(
            project="acme",
            number=number,
            reason="asked us not to",
            added_by="ada@example.com",
            added_at=datetime.now(UTC),
        )
        await store.put_do_not_call(entry)
    async with server.person("operator") as client:
        body = {"to": strangers, "summary": "In a hurry"}
        refused = await client.post(f"calls/{call.id}/transfer", json=body)
        assert refused.status_code == 409, refused.text
        assert refused.json()["type"] == "urn:trunkline:problem:number-not-to-be-called"
        assert f"{strangers} is on the do-not-call list" in refused.json()["detail"]
        assert await store.open_commands("acme", call.id) == ()
        for number, why in (
            ("+15005550001", "as the fallback of main-line"),
            ("+15005550007", "as a number of this project"),
        ):
            answer = await client.post(f"calls/{call.id}/transfer", json={**body, "to": number})
            assert answer.status_code == 202, answer.text
            assert why in answer.json()["note"]
    assert [one.body["to"] for one in await store.open_commands("acme", call.id)] == [
        "+15005550001",
        "+15005550007",
    ]


def line(name: str, number: str, **fields: Any) -> DesiredNumber:
    return DesiredNumber(
        project=ProjectName("acme"),
        environment=EnvironmentName("testing"),
        name=name,
        digest=digest({}),
        number=number,
        routing="bridge",
        **fields,
    )


async def test_context_of_a_call_that_rings_is_kept_for_its_begin(
    server: Any, new_call: NewCall
) -> None:
    call = await new_call(state="ringing", direction="outbound")
    async with server.person("operator") as client:
        change = {"set": {"a": {"value": "b"}}}
        answer = await client.patch(f"calls/{call.id}/context", json=change)
        assert answer.status_code == 200
        assert (await client.post(f"calls/{call.id}/hangup")).status_code == 409


async def test_viewers_steer_nothing_and_others_see_nothing(server: Any, call: CallRecord) -> None:
    async with server.person("viewer") as viewer, server.person("foreign") as foreign:
        for verb, body in STEERING:
            assert (await viewer.post(f"calls/{call.id}/{verb}", json=body)).status_code == 403
            assert (await foreign.post(f"calls/{call.id}/{verb}", json=body)).status_code == 404
        assert (await viewer.get(f"calls/{call.id}/context")).status_code == 200
        assert (await foreign.get(f"calls/{call.id}/context")).status_code == 404
