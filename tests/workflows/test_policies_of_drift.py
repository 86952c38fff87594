"""What happens to somebody's edit: told with its authors, kept as a prepared change, or ignored."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.plans import Plan

pytestmark = [pytest.mark.stack, pytest.mark.slow]

AGENT = "agents/front-desk.yaml"


def _files(texts: Texts, *, drift: str, ignore: str = "") -> dict[str, str]:
    project = texts.project(drift=drift)
    if ignore:
        rule = f'ignore: [ {{ agent: "*", path: {ignore} }} ], interval'
        project = project.replace("interval", rule)
    return {
        "trunkline.yaml": project,
        AGENT: texts.agent("front-desk").replace("voice:", "# how it sounds\n  voice:"),
    }


async def _edit(stack: Stack, changes: dict[str, Any], **more: Any) -> str:
    row = await stack.status("front-desk")
    assert row is not None
    body = {"agent_id": row.external_id, "body": changes, **more}
    await stack.elevenlabs.control("edit", body)
    return str(row.external_id)


async def _planned(stack: Stack, *names: str) -> Plan:
    operation = await stack.plan(*names)
    assert operation.state == "Succeeded"
    stored = await stack.store.plan(str(operation.plan_id))
    assert stored is not None
    return stored.plan


def _tts(**values: float) -> dict[str, Any]:
    return {"conversation_config": {"tts": values}}


async def test_an_edit_that_is_to_be_adopted_is_kept_and_its_change_is_prepared(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(_files(texts, drift="adopt"), unhurried=True)
    async with stack.working():
        await stack.sync()
        prompt = {"prompt": {"prompt": "You answer the telephone of a large shop."}}
        external_id = await _edit(stack, _tts(speed=1.15))
        await _edit(stack, {"conversation_config": {"agent": prompt}})
        await stack.sweep()
        row = await stack.settled("front-desk", lambda r: find(r.conditions, "Drifted") is not None)
        assert (row.sync, row.health) == ("OutOfSync", "Healthy")
        (event,) = await stack.events("Drifted", "front-desk")
        assert "-o patch" in event.message
        patch = str(event.details["patch"])
        assert "speed: 1.15" in patch

        stack.push(
            {AGENT: (await _file(stack, AGENT)).replace('"Hello"', '"Welcome"')}, message="Greeting"
        )
        assert (await stack.sync()).state == "Succeeded"
        body = await stack.elevenlabs.agent(external_id)
        assert body["conversation_config"]["agent"]["first_message"] == "Welcome"
        assert body["conversation_config"]["tts"]["speed"] == 1.15

        plan = await _planned(stack, "front-desk")
        assert plan.empty
        assert {field.path.rpartition(".")[2] for field in plan.drift} == {"speed", "prompt"}
        assert all(field.policy == "adopt" for field in plan.drift)
        changed = await _applied(stack, plan.patch)
        assert "# how it sounds" in changed
        stack.push({AGENT: changed}, message="Adopt")
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.settled("front-desk", lambda r: find(r.conditions, "Drifted") is None)
        assert row.sync == "Synced"
        assert (await _planned(stack)).drift == ()
        now = await stack.elevenlabs.agent(external_id)
        assert now["version_id"] == body["version_id"]


async def test_an_edit_after_an_adopted_one_is_drift_again_and_nobody_is_blamed_for_the_other(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(_files(texts, drift="adopt"), unhurried=True)
    async with stack.working():
        await stack.sync()
        await _edit(stack, _tts(speed=1.15, stability=0.9), name="Ada")
        await stack.sweep()
        await stack.settled("front-desk", lambda r: find(r.conditions, "Drifted") is not None)
        changed = (await _file(stack, AGENT)).replace("speed: 1.0", "speed: 1.15")
        assert "speed: 1.15" in changed
        stack.push({AGENT: changed}, message="Adopt the speed alone")
        assert (await stack.sync()).state == "Succeeded"

        external_id = await _edit(stack, _tts(speed=0.8), name="Eve")
        await stack.sweep()
        assert (await stack.sync()).state == "Succeeded"
        body = await stack.elevenlabs.agent(external_id)
        assert body["conversation_config"]["tts"]["speed"] == 0.8
        fields = {field.path.rpartition(".")[2]: field for field in (await _planned(stack)).drift}
        assert set(fields) == {"speed", "stability"}
        assert fields["speed"].by.startswith("Eve")
        assert fields["stability"].by.startswith("Ada")


async def _file(stack: Stack, path: str) -> str:
    shown = subprocess.run(  # noqa: ASYNC221 - milliseconds
        ["git", "-C", str(stack.repository), "show", f"HEAD:{path}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return shown.stdout


async def _applied(stack: Stack, patch: str) -> str:
    """The manifest after ``git apply`` in a working copy."""
    folder = stack.repository.parent / "copy"
    clone = ["git", "clone", "-q", str(stack.repository), str(folder)]
    subprocess.run(clone, check=True)  # noqa: ASYNC221 - milliseconds
    subprocess.run(  # noqa: ASYNC221
        ["git", "apply", "-"], input=patch.encode(), cwd=folder, check=True
    )
    return (folder / AGENT).read_text()


async def test_a_path_that_is_ignored_is_nobodys_drift(make_stack: MakeStack, texts: Texts) -> None:
    path = "conversation_config.tts.speed"
    stack = await make_stack(_files(texts, drift="heal", ignore=path), unhurried=True)
    async with stack.working():
        await stack.sync()
        external_id = await _edit(stack, _tts(speed=1.15, stability=0.3))
        assert (await stack.sweep()).drifted == 1

        async def healed() -> bool:
            body = await stack.elevenlabs.agent(external_id)
            return bool(body["conversation_config"]["tts"]["stability"] == 0.6)

        await stack.until(healed)
        row = await stack.settled("front-desk", lambda r: r.sync == "Synced")
        assert find(row.conditions, "Drifted") is None
        plan = await _planned(stack)
        assert [(f.path, f.wished, f.live, f.policy) for f in plan.drift] == [
            (path, 1.0, 1.15, "ignore")
        ]
        body = await stack.elevenlabs.agent(external_id)
        assert body["conversation_config"]["tts"]["speed"] == 1.15
        assert (await stack.sweep()).drifted == 0


async def test_edits_of_several_people_are_told_one_by_one(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(_files(texts, drift="report"), unhurried=True)
    async with stack.working():
        await stack.sync()
        await _edit(stack, _tts(speed=1.15), name="Ada")
        await _edit(stack, _tts(stability=0.3), name="Bo")
        plan = await _planned(stack)
        told = {field.path.rpartition(".")[2]: field for field in plan.drift}
        assert told["speed"].version_id != told["stability"].version_id
        assert "Ada" in told["speed"].by
        assert "Bo" in told["stability"].by
        assert told["speed"].at <= told["stability"].at
        assert {field.policy for field in plan.drift} == {"report"}
        assert "trunkline sync front-desk -e testing" in told["speed"].next
        await stack.sweep()
        await stack.settled("front-desk", lambda r: find(r.conditions, "Drifted") is not None)
        (event,) = await stack.events("Drifted", "front-desk")
        assert event.message.count(" changed ") == len({f.version_id for f in plan.drift})
        kept = event.details["fields"]
        assert isinstance(kept, list)
        values = [(field["wished"], field["live"]) for field in kept if isinstance(field, dict)]
        assert sorted(map(str, values)) == ["(0.6, 0.3)", "(1.0, 1.15)"]
        assert all(field["by"] and field["at"] for field in kept if isinstance(field, dict))


async def test_a_mark_nobody_knows_is_reported_once_and_left(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(_files(texts, drift="heal"), unhurried=True)
    async with stack.working():
        await stack.sync()
        made = await stack.elevenlabs.http.post(
            "/v1/convai/agents/create",
            json={
                "name": "Left over",
                "conversation_config": {},
                "tags": ["trunkline:acme/testing/left-over"],
            },
        )
        stray = made.json()["agent_id"]
        for _ in range(2):
            report = await stack.sweep()
            assert (report.orphans, report.drifted) == (1, 0)
        (event,) = await stack.events("OrphanFound")
        assert f"left-over ({stray})" in event.message
        plan = await _planned(stack)
        assert [(kept.name, kept.external_id) for kept in plan.kept] == [("left-over", stray)]
        assert plan.empty
        assert (await stack.elevenlabs.agent(stray))["name"] == "Left over"


async def test_an_agent_archived_by_hand_is_no_orphan_and_not_created_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(_files(texts, drift="heal"), unhurried=True)
    async with stack.working():
        await stack.sync()
        external_id = await _edit(stack, {"platform_settings": {"archived": True}})
        report = await stack.sweep()
        assert report.orphans == 0
        row = await stack.status("front-desk")
        assert row is not None
        assert row.external_id == external_id
        creates = await stack.elevenlabs.count("POST /v1/convai/agents/create")
        assert creates == 1
