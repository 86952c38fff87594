"""Ejected, everything goes on as it was and nothing is ours; resumed, it is taken over again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema
import psycopg
import pytest
import uvicorn
from psycopg import sql

from activities.names import EJECT_WORKFLOW
from api.app import create_app
from tests.workflows.conftest import TIMING
from tests.workflows.own_processes import process
from trunkline.cli.schemas import schemas
from trunkline.model.ejection import ejection_of
from trunkline.model.errors import Forbidden, InvalidInput
from trunkline.model.ids import sweep_id
from trunkline.model.records import OperationRecord
from trunkline.observing import EmbeddedServer
from trunkline.services.access import AccessService, Principal
from trunkline.services.catalogue import Services, build_services
from trunkline.services.control import Caller, Place

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ADMIN = Principal("admin@example.com", "admin")
PLACE = ("acme", "testing")
MANY = 24
"""More than one batch of marks."""
UNDER_WAY_MAX = 4
"""Writes whose answer dies with the process, and which are asked for again."""
PATIENT_S = 5.0
"""Longer than a process pauses that is alive."""
LEFT = ("ledger", "claims", "number_owners", "object_owners", "looks")


@dataclass
class Account:
    """Everything both vendors show of an installation."""

    agents: dict[str, Any]
    tools: list[Any]
    documents: list[Any]
    numbers: list[Any]
    carrier: Any

    @classmethod
    async def read(cls, stack: Stack) -> Account:
        http = stack.elevenlabs.http
        listed = await stack.elevenlabs.agents()
        sid = stack.secrets["TWILIO_ACCOUNT_SID"]
        twilio = await stack.twilio.http.get(
            f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json"
        )
        return cls(
            agents={a["agent_id"]: await stack.elevenlabs.agent(a["agent_id"]) for a in listed},
            tools=(await http.get("/v1/convai/tools")).json()["tools"],
            documents=(await http.get("/v1/convai/knowledge-base")).json()["documents"],
            numbers=(await http.get("/v1/convai/phone-numbers")).json(),
            carrier=twilio.json()["incoming_phone_numbers"],
        )


def services_of(stack: Stack, *, heartbeat_s: float = 0.0) -> Services:
    """What people ask, over this installation. With ``heartbeat_s``, an activity is only begun
    again, and an ejection only takes its first mark away, after so long.
    """
    timing = TIMING.model_copy(
        update={"heartbeat_timeout_s": heartbeat_s or TIMING.heartbeat_timeout_s}
    )
    return build_services(stack.store, stack.client, timing=timing)


async def eject(stack: Stack, *, heartbeat_s: float = 0.0) -> OperationRecord:
    """Say it, and wait for the end."""
    operation = await services_of(stack, heartbeat_s=heartbeat_s).ejecting.eject(
        ADMIN, *PLACE, confirmation="testing", reason="we part", request_id="r"
    )
    return await stack.ended(operation.id)


async def resume(stack: Stack) -> None:
    """A person takes it up again."""
    await services_of(stack).control.resume(Caller(ADMIN, "r"), Place(*PLACE), reason="back")


async def requests(stack: Stack) -> dict[str, int]:
    """What was written to ElevenLabs since the counters were emptied."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    return {route: n for route, n in counters.items() if not route.startswith("GET")}


async def rows(database_url: str) -> dict[str, int]:
    """How many rows are left in the tables that say what is ours."""
    async with await psycopg.AsyncConnection.connect(database_url) as database:
        found: dict[str, int] = {}
        for table in LEFT:
            counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            cursor = await database.execute(counted)
            row = await cursor.fetchone()
            found[table] = row[0] if row else 0
        return found


def plain(value: Any) -> Any:
    """A vendor's tree without marks, versions, times, and tools shown beside their ids."""
    if isinstance(value, dict):
        hidden = ("tags", "version_id", "metadata", "trunkline_owner", "tools")
        return {key: plain(item) for key, item in value.items() if key not in hidden}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.partition(" #trunkline:")[0] if isinstance(value, str) else value


def changed(before: Account, after: Account) -> dict[str, tuple[Any, Any]]:
    """Every leaf that differs at either vendor, but for our marks and what every write moves."""
    found: list[dict[str, Any]] = []
    for account in (before, after):
        tools = {tool["id"]: tool["tool_config"] for tool in account.tools}
        documents = {document["id"]: document["name"] for document in account.documents}
        seen = (account.agents, tools, documents, account.numbers, account.carrier)
        found.append(dict(flat("", plain(seen))))
    left, right = found
    return {
        path: (left.get(path), right.get(path))
        for path in left.keys() | right.keys()
        if left.get(path) != right.get(path)
    }


def flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf below a path."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(item, dict | list | tuple):
            yield from flat(f"{path}.{key}", item)
        else:
            yield f"{path}.{key}", item


async def test_everything_goes_on_and_no_mark_and_no_row_is_left(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        front = (await stack.status("front-desk")) or pytest.fail("no status")
        await stack.elevenlabs.http.patch(
            f"/v1/convai/agents/{front.external_id}",
            json={
                "tags": [
                    *(await stack.elevenlabs.agent(str(front.external_id)))["tags"],
                    "customer",
                    "trunkline-protected",
                ]
            },
        )
        before = await Account.read(stack)
        await stack.elevenlabs.http.delete("/_sim/counters")
        ended = await eject(stack, heartbeat_s=PATIENT_S)
        assert (ended.state, ended.done, ended.total) == ("Succeeded", 2, 2), ended
        handle = stack.client.get_workflow_handle(f"eject/{ended.id}")
        await stack.record(handle, "eject", "whole-environment")
        after = await Account.read(stack)
        tags = {tag for agent in after.agents.values() for tag in agent["tags"]}
        assert tags == {"customer"}
        assert "trunkline" not in str((after.tools, after.documents))
        assert changed(before, after) == {}
        assert await requests(stack) == {
            "PATCH /v1/convai/agents/{agent_id}": 2,
            "PATCH /v1/convai/tools/{tool_id}": 1,
            "PATCH /v1/convai/knowledge-base/{documentation_id}": 1,
        }
        assert await rows(postgres_url) == dict.fromkeys(LEFT, 0)
        decided = await stack.store.interventions(*PLACE)
        said = ejection_of(decided, "testing")
        assert said is not None
        assert (said.by, said.reason) == ("admin@example.com", "ejected: we part")
        schedule = await stack.client.get_schedule_handle(sweep_id(*PLACE)).describe()
        assert schedule.schedule.state.paused
        assert [row.reason for row in await stack.events("Ejected")] == ["Ejected"]


async def test_while_it_is_ejected_a_push_writes_nothing_and_resumed_it_is_taken_over(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        before = await Account.read(stack)
        assert (await eject(stack)).state == "Succeeded"
        await stack.elevenlabs.http.delete("/_sim/counters")
        stack.push({"agents/extra.yaml": texts.agent("extra")})
        assert (await stack.sync(hard=True)).state == "Failed"
        assert await requests(stack) == {}
        held = await stack.status("front-desk")
        assert held is not None
        assert "ejected: we part" in held.message
        stack.push({"agents/extra.yaml": None})
        await stack.sync()
        planned = await stack.plan()
        stored = await stack.store.plan(planned.plan_id or "")
        assert stored is not None
        assert {step.action for step in stored.plan.steps} == {"adopt"}
        await resume(stack)
        for name in ("front-desk", "night-desk"):
            await stack.settled(name, lambda row: row.sync == "Synced")
        await stack.settled("main-line", lambda row: row.sync == "Synced", kind="number")
        made = await requests(stack)
        assert not [route for route in made if route.startswith(("POST", "DELETE"))], made
        planned = await stack.plan()
        stored = await stack.store.plan(planned.plan_id or "")
        assert stored is not None
        assert (stored.plan.steps, stored.plan.obstacles) == ((), ())
        after = await Account.read(stack)
        assert changed(before, after) == {}
        assert {a["agent_id"]: set(a["tags"]) for a in after.agents.values()}.keys() == (
            before.agents.keys()
        )
        assert after.tools[0]["id"] == before.tools[0]["id"]
        assert after.documents[0]["id"] == before.documents[0]["id"]
        schedule = await stack.client.get_schedule_handle(sweep_id(*PLACE)).describe()
        assert not schedule.schedule.state.paused
        adopting = [d for d in await stack.store.interventions(*PLACE) if d.verb == "adopt"]
        assert adopting == []


async def test_an_agent_changed_by_hand_meanwhile_waits_for_a_word(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        [agent] = await stack.elevenlabs.agents()
        assert (await eject(stack)).state == "Succeeded"
        await stack.elevenlabs.http.patch(
            f"/v1/convai/agents/{agent['agent_id']}",
            json={"conversation_config": {"agent": {"first_message": "By hand"}}},
        )
        await resume(stack)
        await stack.settled("agent-0000", lambda row: "first_message" in row.message)
        body = await stack.elevenlabs.agent(agent["agent_id"])
        assert body["conversation_config"]["agent"]["first_message"] == "By hand"
        assert body["tags"] == []


async def test_killed_in_the_middle_it_goes_on_and_writes_nothing_twice(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(texts.fleet(MANY))
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
    await stack.elevenlabs.http.delete("/_sim/counters")
    await stack.elevenlabs.control("latency", {"ms": 300})
    patch = "PATCH /v1/convai/agents/{agent_id}"
    with process(stack, postgres_url, "worker") as worker:
        operation = await services_of(stack, heartbeat_s=PATIENT_S).ejecting.eject(
            ADMIN, *PLACE, confirmation="testing", request_id="r"
        )

        async def some() -> bool:
            return await stack.elevenlabs.count(patch) >= 4

        await stack.until(some, timeout_s=60)
        worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(worker.wait)
    assert await stack.elevenlabs.count(patch) < MANY
    await stack.elevenlabs.control("latency", {"ms": 0})
    async with stack.working():
        ended = await stack.ended(operation.id)
    assert (ended.state, ended.done) == ("Succeeded", MANY)
    listed = await stack.elevenlabs.agents()
    assert {tag for agent in listed for tag in agent["tags"]} == set()
    assert 0 <= await stack.elevenlabs.count(patch) - MANY <= UNDER_WAY_MAX
    assert len(listed) == MANY
    adopting = [d for d in await stack.store.interventions(*PLACE) if d.verb == "adopt"]
    assert len(adopting) == MANY


async def test_an_agent_that_refuses_keeps_its_row_and_it_is_said(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(3), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        await stack.elevenlabs.faults(
            {
                "kind": "status-before",
                "status": 422,
                "method": "PATCH",
                "route": "/v1/convai/agents/{agent_id}",
                "times": 1,
            }
        )
        ended = await eject(stack)
        assert ended.state == "Error"
        kept = await stack.store.entries(*PLACE, "agent")
        assert len(kept) == 1
        assert str(kept[0].external_id) in ended.message
        handle = stack.client.get_workflow_handle(f"eject/{ended.id}")
        await stack.record(handle, "eject", "one-refuses")
        await stack.elevenlabs.healthy()
        assert (await eject(stack)).state == "Succeeded"
        assert await stack.store.entries(*PLACE, "agent") == ()


async def test_resumed_in_the_middle_it_stops(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        operation = await services_of(stack, heartbeat_s=2 * PATIENT_S).ejecting.eject(
            ADMIN, *PLACE, confirmation="testing", request_id="r"
        )
        await resume(stack)
        ended = await stack.ended(operation.id)
        assert ended.state == "Failed"
        assert "was resumed" in ended.message
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert len(await stack.elevenlabs.agents()) == 2
        handle = stack.client.get_workflow_handle(f"eject/{operation.id}")
        await stack.record(handle, "eject", "resumed-meanwhile")


async def test_only_an_admin_who_names_it_may(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        ejecting = services_of(stack).ejecting
        operator = Principal("operator@example.com", "operator")
        with pytest.raises(Forbidden):
            await ejecting.eject(operator, *PLACE, confirmation="testing", request_id="r")
        with pytest.raises(InvalidInput, match="confirmed by its name"):
            await ejecting.eject(ADMIN, *PLACE, confirmation="yes", request_id="r")
        assert await stack.store.interventions(*PLACE) == ()
        query = f"WorkflowType = '{EJECT_WORKFLOW}'"
        assert [run.id async for run in stack.client.list_workflows(query)] == []


async def test_the_command_follows_it_and_prints_a_report(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    token = (await AccessService(stack.store).issue("admin@example.com", "admin")).secret
    with socket.create_server(("127.0.0.1", 0)) as listener:
        variables = {
            **os.environ,
            "TRUNKLINE_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "TRUNKLINE_TOKEN": token,
            "TRUNKLINE_PROJECT": "acme",
        }
        config = uvicorn.Config(
            create_app(services_of(stack), version="0"), log_config=None, lifespan="off"
        )
        server = EmbeddedServer(config)
        async with stack.working(), asyncio.TaskGroup() as group:
            assert (await stack.sync()).state == "Succeeded"
            group.create_task(server.serve(sockets=[listener]))
            done = (
                await stack.programs()
                .start(*("eject", "--all", "--yes", "-o", "json"), env=variables)
                .ended(timeout_s=150)
            )
            server.should_exit = True
    assert done.code == 0, done.err
    report = json.loads(done.out)
    jsonschema.Draft202012Validator(schemas()["Ejection"]).validate(report)
    [one] = report["items"]
    assert (report["kind"], one["environment"]) == ("Ejection", "testing")
    names = {(item["kind"], item["name"]) for item in one["items"]}
    assert names >= {("agent", "front-desk"), ("tool", "book-slot"), ("number", "main-line")}
    assert one["operation"]["state"] == "Succeeded"
