"""People change named slots of a call that goes on, and lose nothing of each other's changes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls import limits
from trunkline.model.calls.records import CallRecord

NewCall = Callable[..., Awaitable[CallRecord]]


def by_name(answer: Any) -> dict[str, Any]:
    return {slot["slot"]: slot for slot in answer.json()["slots"]}


async def test_two_people_change_two_slots_at_once_and_both_stay(
    server: Any, call: CallRecord
) -> None:
    path = f"calls/{call.id}/context"
    async with server.person("operator") as one, server.person("admin") as other:

        async def change(client: Any, slot: str) -> None:
            for number in range(20):
                body = {"set": {slot: {"value": f"{slot} {number}"}}}
                assert (await client.patch(path, json=body)).status_code == 200

        await asyncio.gather(change(one, "weather"), change(other, "waiting_time"))
        slots = by_name(await one.get(path))
    assert slots["weather"]["value"] == "weather 19"
    assert slots["weather"]["revision"] == 20
    assert slots["weather"]["setBy"] == "operator@example.com"
    assert slots["waiting_time"]["value"] == "waiting_time 19"
    assert slots["waiting_time"]["revision"] == 20
    assert slots["waiting_time"]["setBy"] == "admin@example.com"


async def test_of_two_who_expect_the_same_revision_one_wins(server: Any, call: CallRecord) -> None:
    path = f"calls/{call.id}/context"
    async with server.person("operator") as client:
        answers = await asyncio.gather(
            *(
                client.patch(
                    path, json={"set": {"offer": {"value": value}}, "ifRevision": {"offer": 0}}
                )
                for value in ("ten percent", "twenty percent")
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert lost.json()["type"] == "urn:trunkline:problem:slot-changed"
        assert by_name(await client.get(path))["offer"]["revision"] == 1


async def test_a_change_is_whole_or_not_at_all(server: Any, call: CallRecord) -> None:
    path = f"calls/{call.id}/context"
    async with server.person("operator") as client:
        await client.patch(path, json={"set": {"one": {"value": "1"}, "two": {"value": "2"}}})
        body = {"set": {"one": {"value": "3"}}, "remove": ["two"], "ifRevision": {"two": 7}}
        assert (await client.patch(path, json=body)).status_code == 409
        slots = by_name(await client.get(path))
    assert (slots["one"]["value"], slots["two"]["value"]) == ("1", "2")


async def test_a_slot_is_taken_away_and_runs_out(server: Any, call: CallRecord) -> None:
    path = f"calls/{call.id}/context"
    async with server.person("operator") as client:
        before = datetime.now(UTC)
        body = {"set": {"queue": {"value": "3rd", "expiresIn": "5m"}, "old": {"value": "x"}}}
        await client.patch(path, json=body)
        slots = by_name(await client.patch(path, json={"remove": ["old"]}))
    assert slots["old"]["value"] is None
    assert slots["old"]["revision"] == 2
    expires = datetime.fromisoformat(slots["queue"]["expiresAt"])
    assert timedelta(minutes=5) <= expires - before <= timedelta(minutes=6)


async def test_the_answer_waits_for_the_agent_to_be_told(
    server: Any, call: CallRecord, store: PostgresStore, until: Any
) -> None:
    async with server.person("operator") as client:
        path = f"calls/{call.id}/context?wait=10"
        changing = asyncio.create_task(client.patch(path, json={"set": {"a": {"value": "b"}}}))

        async def asked() -> Any:
            return await store.open_commands("acme", call.id) or None

        (command,) = await until(asked)
        assert command.kind == "context"
        await store.slots_given("acme", call.id, {"a": 1}, datetime.now(UTC))
        assert by_name(await changing)["a"]["givenAt"] is not None


async def test_who_changed_what_is_written_down(server: Any, call: CallRecord) -> None:
    path = f"calls/{call.id}/context"
    async with server.person("operator") as client, server.person("admin") as admin:
        await client.patch(path, json={"set": {"offer": {"value": "ten percent"}}})
        await client.patch(path, json={"set": {"offer": {"value": "twenty percent"}}})
        found = await admin.get(f"{server.url}/v1/audit", params={"action": "call.context"})
    newest = found.json()["items"][0]
    assert newest["actor"] == "operator@example.com"
    assert newest["subject"] == call.id
    assert newest["before"]["offer"]["value"] == "ten percent"
    assert newest["after"]["offer"]["value"] == "twenty percent"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"set": {"a": {"value": "b"}}, "remove": ["a"]}, 400),
        ({"set": {"a": {"value": "b"}}, "ifRevision": {"c": 1}}, 400),
        ({"set": {"9a": {"value": "b"}}}, 422),
        ({"set": {"a": {"value": "b", "expiresIn": "25h"}}}, 422),
        ({"set": {"a": {"value": "b", "expiresIn": "0s"}}}, 422),
        ({"set": {"a": {"value": "b" * 2_001}}}, 422),
    ],
)
async def test_a_change_that_cannot_be_meant_is_refused(
    server: Any, call: CallRecord, body: Any, status: int
) -> None:
    async with server.person("operator") as client:
        answer = await client.patch(f"calls/{call.id}/context", json=body)
        assert answer.status_code == status, answer.text
        assert (await client.get(f"calls/{call.id}/context")).json()["slots"] == []


async def test_a_call_has_a_bounded_number_of_slots(server: Any, call: CallRecord) -> None:
    path = f"calls/{call.id}/context"
    async with server.person("operator") as client:
        many = {f"slot{number}": {"value": "x"} for number in range(limits.CALL_SLOTS_MAX)}
        assert (await client.patch(path, json={"set": many})).status_code == 200
        assert (await client.patch(path, json={"set": {"more": {"value": "x"}}})).status_code == 400
        answer = await client.patch(path, json={"remove": ["more"]}, params={"wait": 5})
        assert answer.status_code == 200, "what was never there is not taken away"
        assert {slot["slot"] for slot in answer.json()["slots"]} == set(many)
