"""``status``, ``events`` and ``diff`` print what the server knows, for people and for programs."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine

import pytest
import yaml

from tests.api.begun_commands import Begin
from tests.notifications.worlds import eventually
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.conditions import Condition
from trunkline.model.ids import Digest, Revision
from trunkline.model.plans import Plan
from trunkline.model.problems import Position, Problem
from trunkline.model.records import EventRecord, PlanRecord, SourceState

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]


@pytest.mark.usefixtures("fleet")
async def test_status_is_one_table_with_the_columns_of_the_manual(command: Command) -> None:
    code, out, err = await command("status")
    assert code == 0
    header, row = out.splitlines()
    assert " ".join(header.split()) == (
        "NAME ENV STAGE SYNC HEALTH GATE VERSION REVISION NUMBER EXTERNAL-ID AGE MESSAGE"
    )
    cells = row.split()
    assert cells[:10] == [
        *("front-desk", "testing", "testing", "Synced", "Healthy", "-", "0", "3f0c3f0"),
        *("+15005550006", "-"),
    ]
    assert "\x1b" not in out
    assert "production: waiting for its first release" in err
    assert "number testing/main-line +15005550006: OutOfSync, Healthy: taken" in err


@pytest.mark.usefixtures("fleet")
async def test_status_for_programs(command: Command, project: str) -> None:
    _, as_json, _ = await command("status", "-o", "json")
    _, as_yaml, _ = await command("status", "front-desk", "-o", "yaml")
    code, names, _ = await command("status", "-o", "name", "-l", "team=reception")
    document = json.loads(as_json)
    assert document["project"] == project
    assert [agent["name"] for agent in document["agents"]] == ["front-desk"]
    assert [number["number"] for number in document["numbers"]] == ["+15005550006"]
    assert yaml.safe_load(as_yaml)["agents"][0]["sync"] == "Synced"
    assert (code, names) == (0, "testing/front-desk\n")
    _, wide, _ = await command("status", "-o", "wide", "--no-headers")
    assert "team=reception" in wide
    assert "Ready=True(Synced)" in wide
    assert "NAME" not in wide


async def test_an_empty_fleet_is_said_in_words(command: Command) -> None:
    code, out, err = await command("status")
    assert (code, out) == (0, "")
    assert "Git: not looked at yet" in err


async def test_what_is_wrong_in_git_is_said_with_its_place(
    command: Command, store: PostgresStore, project: str
) -> None:
    stalled = Condition(
        type="Stalled", status="True", reason="InvalidManifests", message="1 problem"
    )
    problem = Problem(position=Position(file="a.yaml", line=3, column=5), message="unknown key")
    state = SourceState(
        project=project,
        seen_revision=Revision("a" * 40),
        conditions=(stalled,),
        problems=(problem,),
    )
    await store.put_source(state)
    _, _, err = await command("status")
    assert "Git: InvalidManifests: 1 problem" in err
    assert "a.yaml:3:5: unknown key" in err


@pytest.mark.slow
@pytest.mark.usefixtures("fleet")
async def test_a_watch_prints_again_what_changed_and_ends_at_its_timeout(
    begin: Begin, command: Command, store: PostgresStore, project: str
) -> None:
    row = await store.status(project, "testing", "agent", "front-desk")
    assert row is not None
    async with begin("status", "--watch") as watching:
        await watching.until(lambda out, _err: "front-desk" in out)
        changed = row.model_copy(update={"health": "Degraded", "message": "the vendor refuses"})
        await store.put_status(changed, [])
        await watching.until(lambda out, _err: "the vendor refuses" in out)
    code, out, _ = await command("status", "--watch", "--timeout", "1s")
    assert code == 0
    assert "the vendor refuses" in out


@pytest.mark.usefixtures("fleet")
async def test_events_come_oldest_first(
    command: Command, store: PostgresStore, project: str
) -> None:
    event = EventRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        type="Warning",
        reason="ForeignEdit",
        message="somebody changed\nthe voice",
    )
    await store.add_events([event])
    code, out, _ = await command("events")
    header, first, second = out.splitlines()
    assert code == 0
    assert header.split() == ["LAST-SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert first.split()[1:4] == ["Normal", "Created", "testing/agent/front-desk"]
    assert " ".join(second.split()[1:]) == (
        "Warning ForeignEdit testing/agent/front-desk somebody changed the voice"
    )
    _, one, _ = await command("events", "front-desk", "--limit", "1", "--no-headers")
    assert one.split()[2] == "ForeignEdit"
    _, as_json, _ = await command("events", "-o", "json")
    assert [e["reason"] for e in json.loads(as_json)["items"]] == ["Created", "ForeignEdit"]


@pytest.mark.slow
@pytest.mark.usefixtures("fleet")
async def test_following_events_prints_those_that_come_later(
    begin: Begin, command: Command, store: PostgresStore, project: str
) -> None:
    def event(reason: str) -> EventRecord:
        return EventRecord(
            project=project, environment="testing", name="b", reason=reason, message=""
        )

    arguments = ("events", "--watch", "--no-headers", "--limit", "1")
    async with begin(*arguments) as following:
        await following.until(lambda out, _err: "Created" in out)
        await store.add_events([event("Late")])
        await following.until(lambda out, _err: "Late" in out)
        await store.add_events([event("Later")])
        await following.until(lambda out, _err: "Later" in out)
        told = [line.split()[2] for line in following.out.read_text("utf-8").splitlines()]
    assert told == ["Created", "Late", "Later"]
    code, out, _ = await command(*arguments, "--timeout", "1s")
    assert (code, out.split()[2]) == (0, "Later")


def planned(project: str, plan_id: str) -> PlanRecord:
    plan = Plan(project=project, environment="testing", digest=Digest("sha256:" + "0" * 64))
    return PlanRecord(id=plan_id, project=project, environment="testing", revision=None, plan=plan)


@pytest.fixture
def worker(store: PostgresStore, project: str) -> Callable[[str], Awaitable[None]]:
    """Ends the next operation as a worker would, with the plan of that id."""

    async def work(plan_id: str) -> None:
        rows = await eventually(lambda: store.audit(limit=1), what="an operation is asked for")
        if plan_id == "new":
            await store.put_plan(planned(project, plan_id))
        await store.finish_operation(
            str(rows[0].details["operation"]), "Succeeded", "", plan_id=plan_id
        )

    return work


@pytest.mark.usefixtures("fleet")
async def test_a_plan_with_changes_ends_with_two_only_if_asked(
    command: Command, worker: Callable[[str], Awaitable[None]]
) -> None:
    (code, out, _), _ = await asyncio.gather(
        command("plan", "--exit-code", "-e", "testing"), worker("plan-0001")
    )
    assert code == 2
    assert "Plan: 1 to add" in out


@pytest.mark.usefixtures("fleet")
async def test_a_diff_without_changes_ends_with_zero(
    command: Command, worker: Callable[[str], Awaitable[None]]
) -> None:
    (code, out, _), _ = await asyncio.gather(
        command("diff", "front-desk", "--exit-code", "-o", "json"), worker("new")
    )
    assert code == 0
    document = json.loads(out)
    assert (document["empty"], document["id"]) == (True, "new")
