"""Whatever happens to the repository: a condition says what to do, and nothing is deleted."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from trunkline.model.conditions import find
from trunkline.model.records import ProjectRecord, SourceState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

TYPO = (
    "apiVersion: trunkline/v1alpha1\nkind: Agent\nmetadata: { name: broken }\nspec: { promt: 1 }\n"
)


def _git(repository: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


async def _source(stack: Stack) -> SourceState:
    state = await stack.store.source("acme")
    assert state is not None
    return state


async def _refused(stack: Stack, reason: str, condition: str = "Stalled") -> SourceState:
    """A sync that ends badly, the condition that says why, and nothing gone or changed."""
    before = await _source(stack)
    status = await stack.status("front-desk")
    operation = await stack.sync()
    assert operation.state in ("Failed", "Error")
    assert reason in operation.message
    state = await _source(stack)
    found = find(state.conditions, condition)  # type: ignore[arg-type]
    assert found is not None, state
    assert found.reason == reason
    assert state.applied_revision == before.applied_revision
    assert await stack.status("front-desk") == status
    assert len(await stack.elevenlabs.agents()) == 1
    return state


async def test_an_invalid_tree_changes_nothing_and_says_where(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        texts.fleet(0) | {"agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        good = (await _source(stack)).applied_revision
        bad = stack.push(
            {"agents/a.yaml": texts.agent("front-desk", greeting="New"), "agents/b.yaml": TYPO}
        )
        state = await _refused(stack, "InvalidManifests")
        assert (state.seen_revision, state.applied_revision) == (bad, good)
        assert any("agents/b.yaml:4:" in str(problem) for problem in state.problems)
        assert len(await stack.events("InvalidManifests")) == 1
        await stack.record(stack.project_handle(), "project", "invalid-tree")
        stack.push({"agents/b.yaml": None}, "Take it back")
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.status("front-desk")
        assert row is not None
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["conversation_config"]["agent"]["first_message"] == "New"


async def test_a_branch_that_is_gone_stalls(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        tip = _git(stack.repository, "rev-parse", "main")
        _git(stack.repository, "update-ref", "-d", "refs/heads/main")
        _git(stack.repository, "update-ref", "refs/heads/other", tip)
        await _refused(stack, "BranchMissing")
        _git(stack.repository, "update-ref", "refs/heads/main", tip)
        assert (await stack.sync()).state == "Succeeded"
        state = await _source(stack)
        assert [c.type for c in state.conditions] == ["Ready"]


async def test_a_forced_push_is_applied_and_said(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        root = _git(stack.repository, "rev-parse", "main")
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="One")})
        await stack.sync()
        _git(stack.repository, "update-ref", "refs/heads/main", root)
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="Two")})
        assert (await stack.sync()).state == "Succeeded"
        ready = find((await _source(stack)).conditions, "Ready")
        assert ready is not None
        assert (ready.status, ready.reason) == ("True", "HistoryRewritten")
        assert len(await stack.events("HistoryRewritten")) == 1
        row = await stack.status("front-desk")
        assert row is not None
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["conversation_config"]["agent"]["first_message"] == "Two"


async def test_an_empty_tree_deletes_nothing(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        stack.push({"trunkline.yaml": None, "agents/a.yaml": None}, "Nothing left")
        await _refused(stack, "TreeEmpty")


async def test_an_unreachable_repository_is_tried_again(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        away = stack.repository.with_name("moved.git")
        stack.repository.rename(away)
        await _refused(stack, "SourceUnreachable", "Reconciling")
        away.rename(stack.repository)
        assert (await stack.sync()).state == "Succeeded"
        ready = find((await _source(stack)).conditions, "Ready")
        assert ready is not None
        assert ready.status == "True"


async def test_a_refused_git_credential_stalls(make_stack: MakeStack, texts: Texts) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, stack.working():
        await stack.sync()
        port = server.sockets[0].getsockname()[1]
        address = f"http://127.0.0.1:{port}/manifests.git"
        await stack.store.register(ProjectRecord(name="acme", repository=address))
        await _refused(stack, "SourceCredentialsRejected")


async def test_what_leaves_git_is_kept_and_said(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        {
            **texts.fleet(0),
            "agents/a.yaml": texts.agent("front-desk"),
            "agents/b.yaml": texts.agent("night-desk"),
        },
        unhurried=True,
    )
    async with stack.working():
        await stack.sync()
        stack.push({"agents/b.yaml": None}, "Close at night")
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.settled("night-desk", lambda r: r.conditions[0].reason == "Kept")
        assert row.external_id is not None
        assert len(await stack.elevenlabs.agents()) == 2
        await stack.record(stack.agent_handle("night-desk"), "agent", "gone-from-git")
        stack.push({"agents/b.yaml": texts.agent("night-desk", greeting="Back")}, "Open again")
        assert (await stack.sync()).state == "Succeeded"
        assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 2


async def test_a_lost_git_cache_is_made_again(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        shutil.rmtree(stack.cache)
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="Again")})
        assert (await stack.sync()).state == "Succeeded"
